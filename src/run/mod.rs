//! A run under way, whatever its kind: how it is taken up, watched, and brought to its end.
//!
//! What a run does is for its kind to say. What every run needs is here: an [`Engine`] that stays with it until it has
//! ended or was handed back; the [`Run`], with its tenant and its way to Microsoft, which tells those who watch how it
//! stands; the [`Place`] that it has at its worker; the [`LONGEST`] that it is worked on; and the reasons to [`Stop`] before
//! the work is done, with what becomes of each.
//!
//! The danger is an end that is not true: a run that waits and is taken for failed, or one that was taken away and still
//! writes. Each end is written down once, here, under the fence of the claim.

mod ending;
mod engine;
mod limit;
mod place;
mod telling;
mod under_way;

pub use ending::Stop;
pub use engine::Engine;
pub use limit::{LONGEST, within};
pub use place::{Place, Room};
pub use under_way::{Run, now, throttled_for};
