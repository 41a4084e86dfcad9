//! Reading one resource to its end, whatever that is, and writing down how it went.
//!
//! The danger: an end that is not the last page. What ends a reading early is an outcome of the reading and stays one;
//! only trouble that concerns the whole tenant is handed upward.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::source::{Shape, Source};
use super::{Progress, noise};
use crate::evidence::snapshot::{Object, Outcome, Pull, Refusal, Resource, Witness};
use crate::evidence::{Clock, storm::Storm};
use crate::microsoft::{Collection, Graph, Heard, Trouble};
use crate::model::clock;
