//! Lists for people and their spreadsheets: RFC 4180, every cell quoted.
//!
//! The danger: a spreadsheet runs what begins like a formula, and the names in here are chosen by whoever has a device or
//! an account. So such a cell begins with an apostrophe, which spreadsheets take for "this is text".
//!
//! Source: <https://owasp.org/www-community/attacks/CSV_Injection>

use serde_json::Value;

/// A line with its end.
pub(super) fn line<T: AsRef<str>>(cells: impl IntoIterator<Item = T>) -> String {
    let cells: Vec<String> = cells.into_iter().map(|text| cell(text.as_ref())).collect();
    cells.join(",") + "\r\n"
}

fn cell(text: &str) -> String {
    let apostrophe = if begins_a_formula(text) { "'" } else { "" };
    format!("\"{apostrophe}{}\"", text.replace('"', "\"\""))
}

/// In any of the widths in which spreadsheets read the signs, and after what they skip.
fn begins_a_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
        || text.trim_start().starts_with(['=', '+', '-', '@'])
}

/// A value as it stands in a cell: lists of words with a space between, other structures as JSON.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            let words: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            words.join(" ")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_cell_is_text_whatever_it_holds() {
        assert_eq!(line(["a", "b\"c", "d,e\nf"]), "\"a\",\"b\"\"c\",\"d,e\nf\"\r\n");
        assert_eq!(text(&json!(["a", "b"])), "a b");
        assert_eq!(text(&json!({"a": 1})), r#"{"a":1}"#);
        assert_eq!(text(&json!(null)), "");
    }

    #[test]
    fn what_begins_a_formula_is_text() {
        for formula in [
            "=cmd|' /C calc'!A0",
            "+1",
            "-1",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "\n=1",
            " =1",
            "＝1",
        ] {
            assert_eq!(line([formula]), format!("\"'{formula}\"\r\n"));
        }
        assert_eq!(line(["a=1", "5"]), "\"a=1\",\"5\"\r\n");
    }
}
