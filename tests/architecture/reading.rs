//! What a file of Rust says, without its comments and its literals: enough of a reader to see which paths
//! the code names, and no more. Danger: a literal that is read as code would be judged as code.

/// Rust with the inside of comments, strings and characters blanked out.
pub fn code_of(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let hidden = hidden_at(rest, code.chars().next_back());
        if hidden == 0 {
            code.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            code.push(' ');
            rest = &rest[hidden..];
        }
    }
    code
}

/// How many bytes at the start of `rest` are a comment or a literal.
fn hidden_at(rest: &str, before: Option<char>) -> usize {
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return block_comment(rest);
    }
    let in_a_word = before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
    let hashes = rest
        .strip_prefix('r')
        .map(|tail| tail.len() - tail.trim_start_matches('#').len());
    match hashes {
        Some(hashes) if !in_a_word && rest[1 + hashes..].starts_with('"') => raw_string(rest, hashes),
        _ if rest.starts_with('"') => quoted(rest, '"'),
        _ if rest.starts_with('\'') => character(rest),
        _ => 0,
    }
}

fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest[at..].starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

fn raw_string(rest: &str, hashes: usize) -> usize {
    let start = 2 + hashes;
    let end = format!("\"{}", "#".repeat(hashes));
    rest[start..].find(&end).map_or(rest.len(), |at| start + at + end.len())
}

fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, letter) in rest.char_indices().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if letter == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// A character, but not the mark of a lifetime.
fn character(rest: &str) -> usize {
    let mut letters = rest.chars().skip(1);
    match (letters.next(), letters.next()) {
        (Some('\\'), _) | (Some(_), Some('\'')) => quoted(rest, '\''),
        _ => 0,
    }
}

/// Every path that the code names, those in the braces of a `use` written out in full.
pub fn paths(code: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(first) = rest.chars().next() {
        if is_word(first) {
            rest = path_from(rest, &mut Vec::new(), &mut found);
        } else {
            rest = &rest[first.len_utf8()..];
        }
    }
    found
}

/// Reads one path that goes on from `prefix`, with all its branches, and gives what follows it.
fn path_from<'code>(code: &'code str, prefix: &mut Vec<String>, found: &mut Vec<Vec<String>>) -> &'code str {
    let length = code.find(|letter| !is_word(letter)).unwrap_or(code.len());
    let (word, rest) = code.split_at(length);
    prefix.push(word.to_owned());
    let depth = prefix.len();
    let Some(next) = rest.trim_start().strip_prefix("::").map(str::trim_start) else {
        found.push(prefix.clone());
        return rest;
    };
    if next.starts_with(is_word) {
        return path_from(next, prefix, found);
    }
    let Some(mut inside) = next.strip_prefix('{') else {
        found.push(prefix.clone());
        return next;
    };
    while let Some(first) = inside.chars().next() {
        if first == '}' {
            return &inside[1..];
        }
        if is_word(first) {
            inside = path_from(inside, prefix, found);
            prefix.truncate(depth);
        } else {
            inside = &inside[first.len_utf8()..];
        }
    }
    inside
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

#[test]
fn comments_and_literals_hide_what_they_hold() {
    let text = r####"a /* b /* c */ d */ e // f
        g "h \" i" j r#"k " l"# m 'n' o '\'' p &'q str b"r" s_r"####;
    let words = paths(&code_of(text)).concat();
    assert_eq!(words, ["a", "e", "g", "j", "m", "o", "p", "q", "str", "b", "s_r"]);
}
