//! Text that people send, before it goes anywhere.

use crate::error::UserError;

/// The most characters of a name or another single line.
const LONGEST_LINE: usize = 256;

/// One line of text without the blanks around it.
///
/// # Errors
/// `BAD_INPUT` for nothing, too much, or control characters: Postgres and logs take them badly, and those that turn text around
/// make a name look like another in the trail.
pub fn line<'a>(text: &'a str, field: &'static str) -> Result<&'a str, UserError> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > LONGEST_LINE || text.chars().any(is_control) {
        let message = format!("This has to be one line of 1 to {LONGEST_LINE} characters.");
        return Err(UserError::at("BAD_INPUT", &[field], message));
    }
    Ok(text)
}

/// Besides Unicode's own control characters: what turns the direction of text, ends a line or cannot be seen. The joiners
/// within words of some scripts stay.
fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn a_line_is_trimmed_and_has_no_control_characters() {
        assert_eq!(line("  Contoso  ", "name"), Ok("Contoso"));
        for bad in [
            "",
            "   ",
            "a\0b",
            "a\nb",
            "a\u{202e}b",
            "a\u{2066}b",
            "a\u{2028}b",
            &"x".repeat(257),
        ] {
            assert!(line(bad, "name").is_err(), "{bad:?}");
        }
    }
}
