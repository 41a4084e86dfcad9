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

/// A domain name in lower case.
///
/// # Errors
/// `BAD_INPUT` for what is not a domain name.
pub fn domain(text: &str, field: &'static str) -> Result<String, UserError> {
    let domain = text.trim().trim_end_matches('.').to_lowercase();
    let label = |label: &str| {
        !label.is_empty() && label.len() <= 63 && label.chars().all(|letter| letter.is_alphanumeric() || letter == '-')
    };
    if domain.len() > 253 || !domain.contains('.') || !domain.split('.').all(label) {
        let message = "This is not a domain name. Send one such as contoso.com.";
        return Err(UserError::at("BAD_INPUT", &[field], message));
    }
    Ok(domain)
}

#[cfg(test)]
mod tests {
    use super::{domain, line};

    #[test]
    fn a_line_is_trimmed_and_has_no_control_characters() {
        assert_eq!(line("  Contoso  ", "name"), Ok("Contoso"));
        for bad in ["", "   ", "a\0b", "a\nb", &"x".repeat(257)] {
            assert!(line(bad, "name").is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_domain_is_a_domain() {
        assert_eq!(domain(" Contoso.COM. ", "expectedDomain").as_deref(), Ok("contoso.com"));
        assert_eq!(domain("bücher.example", "expectedDomain").as_deref(), Ok("bücher.example"));
        for bad in ["contoso", "https://contoso.com", "a@contoso.com", "contoso..com", "con toso.com"] {
            assert!(domain(bad, "expectedDomain").is_err(), "{bad:?}");
        }
    }
}
