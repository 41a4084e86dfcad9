//! The part of `$filter` that readers of a directory use: comparisons with `eq`, `ne`, `ge`, `le`,
//! `startsWith`, `endsWith` and `in`, joined by `and` or `or`, with `not`.

use serde_json::Value;

use super::answer::Failure;

#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    Compare {
        name: String,
        operator: Operator,
        values: Vec<Value>,
    },
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
    Not(Box<Filter>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Equal,
    Unequal,
    AtLeast,
    AtMost,
    StartsWith,
    EndsWith,
    In,
}

impl Filter {
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let tokens = tokens(text).ok_or_else(|| invalid(text))?;
        let mut parser = Parser { tokens: &tokens, text };
        let filter = parser.alternatives()?;
        if parser.tokens.is_empty() {
            Ok(filter)
        } else {
            Err(invalid(text))
        }
    }

    /// Whether Graph asks for `ConsistencyLevel: eventual` and `$count=true` with it.
    pub fn advanced(&self) -> bool {
        match self {
            Filter::Compare { operator, .. } => {
                matches!(operator, Operator::Unequal | Operator::EndsWith)
            }
            Filter::Not(_) => true,
            Filter::And(left, right) | Filter::Or(left, right) => left.advanced() || right.advanced(),
        }
    }

    pub fn admits(&self, value_of: &dyn Fn(&str) -> Value) -> bool {
        match self {
            Filter::And(left, right) => left.admits(value_of) && right.admits(value_of),
            Filter::Or(left, right) => left.admits(value_of) || right.admits(value_of),
            Filter::Not(inner) => !inner.admits(value_of),
            Filter::Compare { name, operator, values } => compare(&value_of(name), *operator, values),
        }
    }

    /// The values of `name eq '…' or name eq '…'` (or `name in (…)`), where the filter is just that.
    pub fn only_equals(&self, wanted: &str) -> Option<Vec<String>> {
        match self {
            Filter::Compare {
                name,
                operator: Operator::Equal | Operator::In,
                values,
            } if name == wanted => values.iter().map(|value| value.as_str().map(str::to_owned)).collect(),
            Filter::Or(left, right) => {
                let mut all = left.only_equals(wanted)?;
                all.extend(right.only_equals(wanted)?);
                Some(all)
            }
            _ => None,
        }
    }
}

fn compare(value: &Value, operator: Operator, operands: &[Value]) -> bool {
    let same = |operand: &Value| match (value, operand) {
        // Entra compares text without case.
        (Value::String(value), Value::String(operand)) => value.to_lowercase() == operand.to_lowercase(),
        _ => value == operand,
    };
    let texts = || {
        value
            .as_str()
            .zip(operands.first().and_then(Value::as_str))
            .map(|(value, operand)| (value.to_lowercase(), operand.to_lowercase()))
    };
    match operator {
        Operator::Equal | Operator::In => operands.iter().any(same),
        Operator::Unequal => !operands.iter().any(same),
        Operator::AtLeast => texts().is_some_and(|(value, operand)| value >= operand),
        Operator::AtMost => texts().is_some_and(|(value, operand)| value <= operand),
        Operator::StartsWith => texts().is_some_and(|(value, operand)| value.starts_with(&operand)),
        Operator::EndsWith => texts().is_some_and(|(value, operand)| value.ends_with(&operand)),
    }
}

fn invalid(text: &str) -> Failure {
    Failure::new(400, "BadRequest", &format!("Invalid filter clause: '{text}'."))
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Open,
    Close,
    Comma,
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            ',' => (Token::Comma, 1),
            '\'' => {
                let (text, length) = quoted(rest)?;
                (Token::Text(text), length)
            }
            _ => {
                let length = rest
                    .find(|c: char| c.is_whitespace() || "(),'".contains(c))
                    .unwrap_or(rest.len());
                (Token::Word(rest[..length].to_owned()), length)
            }
        };
        tokens.push(token);
        rest = rest[length..].trim_start();
    }
    Some(tokens)
}

/// A literal in single quotes, in which two of them stand for one. Its value and its length.
fn quoted(text: &str) -> Option<(String, usize)> {
    let mut value = String::new();
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        if character != '\'' {
            value.push(character);
        } else if characters.next_if(|(_, next)| *next == '\'').is_some() {
            value.push('\'');
        } else {
            return Some((value, at + 1));
        }
    }
    None
}

struct Parser<'a> {
    tokens: &'a [Token],
    text: &'a str,
}

impl Parser<'_> {
    fn next(&mut self) -> Result<Token, Failure> {
        let (first, rest) = self.tokens.split_first().ok_or_else(|| invalid(self.text))?;
        self.tokens = rest;
        Ok(first.clone())
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = matches!(self.tokens.first(), Some(Token::Word(found)) if found.eq_ignore_ascii_case(word));
        if found {
            self.tokens = &self.tokens[1..];
        }
        found
    }

    fn expect(&mut self, token: &Token) -> Result<(), Failure> {
        if self.next()? == *token {
            Ok(())
        } else {
            Err(invalid(self.text))
        }
    }

    fn alternatives(&mut self) -> Result<Filter, Failure> {
        let mut filter = self.conjunction()?;
        while self.take_word("or") {
            filter = Filter::Or(Box::new(filter), Box::new(self.conjunction()?));
        }
        Ok(filter)
    }

    fn conjunction(&mut self) -> Result<Filter, Failure> {
        let mut filter = self.term()?;
        while self.take_word("and") {
            filter = Filter::And(Box::new(filter), Box::new(self.term()?));
        }
        Ok(filter)
    }

    fn term(&mut self) -> Result<Filter, Failure> {
        if self.take_word("not") {
            return Ok(Filter::Not(Box::new(self.term()?)));
        }
        match self.next()? {
            Token::Open => {
                let filter = self.alternatives()?;
                self.expect(&Token::Close)?;
                Ok(filter)
            }
            Token::Word(word) if self.tokens.first() == Some(&Token::Open) => self.call(&word),
            Token::Word(name) => self.comparison(name),
            _ => Err(invalid(self.text)),
        }
    }

    fn call(&mut self, function: &str) -> Result<Filter, Failure> {
        let operator = match function.to_lowercase().as_str() {
            "startswith" => Operator::StartsWith,
            "endswith" => Operator::EndsWith,
            _ => return Err(invalid(self.text)),
        };
        self.expect(&Token::Open)?;
        let Token::Word(name) = self.next()? else {
            return Err(invalid(self.text));
        };
        self.expect(&Token::Comma)?;
        let value = self.literal()?;
        self.expect(&Token::Close)?;
        Ok(Filter::Compare {
            name,
            operator,
            values: vec![value],
        })
    }

    fn comparison(&mut self, name: String) -> Result<Filter, Failure> {
        let Token::Word(operator) = self.next()? else {
            return Err(invalid(self.text));
        };
        let operator = match operator.to_lowercase().as_str() {
            "eq" => Operator::Equal,
            "ne" => Operator::Unequal,
            "ge" => Operator::AtLeast,
            "le" => Operator::AtMost,
            "in" => {
                self.expect(&Token::Open)?;
                let mut values = vec![self.literal()?];
                while self.tokens.first() == Some(&Token::Comma) {
                    self.tokens = &self.tokens[1..];
                    values.push(self.literal()?);
                }
                self.expect(&Token::Close)?;
                return Ok(Filter::Compare {
                    name,
                    operator: Operator::In,
                    values,
                });
            }
            _ => return Err(invalid(self.text)),
        };
        Ok(Filter::Compare {
            name,
            operator,
            values: vec![self.literal()?],
        })
    }

    fn literal(&mut self) -> Result<Value, Failure> {
        match self.next()? {
            Token::Text(text) => Ok(Value::String(text)),
            Token::Word(word) => Ok(match word.to_lowercase().as_str() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                "null" => Value::Null,
                // GUIDs, dates and numbers stand without quotes.
                _ => word.parse::<i64>().map_or(Value::String(word), Value::from),
            }),
            _ => Err(invalid(self.text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(filter: &str) -> bool {
        let value_of = |name: &str| match name {
            "name" => Value::from("O'Neil"),
            "enabled" => Value::Bool(true),
            _ => Value::Null,
        };
        Filter::parse(filter).unwrap().admits(&value_of)
    }

    #[test]
    fn a_filter_means_what_it_says() {
        assert!(admits("name eq 'o''neil'"));
        assert!(admits("startswith(name, 'O') and enabled eq true"));
        assert!(admits("name in ('a','O''Neil')"));
        assert!(admits("not (name eq 'x') and absent eq null"));
        assert!(!admits("name eq 'x' or enabled eq false"));
    }

    #[test]
    fn a_malformed_filter_is_refused() {
        for filter in [
            "name eq",
            "name eq 'x",
            "(name eq 'x'",
            "name like 'x'",
            "eq",
            "name eq 'x' 'y'",
        ] {
            assert!(Filter::parse(filter).is_err(), "{filter}");
        }
    }
}
