//! Text that people send, before it goes anywhere.

use crate::error::UserError;

/// The most characters of a name or another single line.
const LONGEST_LINE: usize = 256;

/// One line of text without the blanks around it.
///
/// # Errors
/// `BAD_INPUT` for nothing, too much, or control characters, which Postgres and logs take badly.
pub fn line<'a>(text: &'a str, field: &'static str) -> Result<&'a str, UserError> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > LONGEST_LINE || text.chars().any(char::is_control) {
        let message = format!("This has to be one line of 1 to {LONGEST_LINE} characters.");
        return Err(UserError::at("BAD_INPUT", &[field], message));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn a_line_is_trimmed_and_has_no_control_characters() {
        assert_eq!(line("  Contoso  ", "name"), Ok("Contoso"));
        for bad in ["", "   ", "a\0b", "a\nb", &"x".repeat(257)] {
            assert!(line(bad, "name").is_err(), "{bad:?}");
        }
    }
}
