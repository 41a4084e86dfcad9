//! How far the reading of one kind of record is, as a page shows it.

use crate::model::Noun;

/// How far the reading of one kind of record is.
pub struct Reading {
    noun: Noun,
    /// So many are stored already.
    known: i64,
    read: i64,
}

impl Reading {
    /// It begins with so many stored, of which `read` were read before a wait.
    pub fn new(noun: Noun, known: i64, read: i64) -> Self {
        Self { noun, known, read }
    }

    /// What it is called, and between which percents of a run it lies.
    fn stage(&self) -> (&'static str, i32, i32) {
        match self.noun {
            Noun::ContactGroup => ("Reading groups", 5, 30),
            Noun::Contact => ("Reading contacts", 30, 70),
            Noun::Asset => ("Reading assets", 70, 95),
        }
    }

    /// What it is called, and the percent of a run at which it begins.
    pub fn begins(&self) -> (&'static str, i32) {
        let (name, from, _) = self.stage();
        (name, from)
    }

    /// How many records were read so far.
    pub fn records(&self) -> i64 {
        self.read
    }

    /// So many records more were read: what is said of it, and the percent of the whole run, where the number of records
    /// that are stored already tells it.
    pub fn read(&mut self, records: usize) -> (String, Option<i32>) {
        self.read += i64::try_from(records).unwrap_or(i64::MAX);
        let (name, from, to) = self.stage();
        let part = self.read.min(self.known) * i64::from(to - from) / self.known.max(1);
        let percent = (self.known > 0).then(|| from + i32::try_from(part).unwrap_or(0));
        (format!("{name}: {}", grouped(self.read)), percent)
    }
}

/// A count as people read it: `1,200`.
fn grouped(count: i64) -> String {
    let digits = count.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn counts_are_grouped_by_thousands() {
        assert_eq!(
            [0, 999, 1_000, 1_234_567].map(grouped),
            ["0", "999", "1,000", "1,234,567"]
        );
    }
}
