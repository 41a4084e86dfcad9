//! What a test does where this machine lacks what it needs.
//!
//! A test that passes without having tried anything tells everybody that all is well. So it fails and names what is
//! missing; whoever cannot bring that says `TENANTRY_MAY_SKIP=1`, and is told each time what was not tried.

use super::aloud;

/// Fails for want of `missing`, or says what was `not_tried` where skipping was allowed.
pub fn for_want_of(missing: &str, not_tried: &str) {
    #[expect(clippy::disallowed_methods, reason = "how a person allows tests to be skipped")]
    let allowed = std::env::var("TENANTRY_MAY_SKIP").is_ok_and(|allowed| allowed == "1");
    assert!(
        allowed,
        "this machine lacks {missing}: {not_tried} cannot be tried (TENANTRY_MAY_SKIP=1 skips this test)"
    );
    say(&format!("{missing} is missing; {not_tried} was not tried"));
}

/// Says what was not tried.
pub fn say(what: &str) {
    aloud::say(format!("SKIPPED: {what}"));
}
