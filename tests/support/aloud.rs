//! What a test says although it passes: the words of those that pass are hidden otherwise.

use std::fmt::Display;
use std::io::Write as _;

/// Says it past the capture of what tests print.
pub fn say(what: impl Display) {
    writeln!(std::io::stderr(), "{what}").expect("it can be said");
}
