//! Lists with a line for each row.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::Context;
use serde_json::Value;

use super::super::csv::{line, text};
use super::super::layout;
use super::{Source, content};

/// Where a cell comes from.
pub(super) enum Cell {
    /// The row, by JSON pointer.
    Row(&'static str),
    /// The content that the row's `detail` names.
    Detail(&'static str),
    /// Both.
    Said(fn(&Value, &Value) -> String),
}
use Cell::{Detail, Row, Said};

pub(super) struct Table {
    pub name: &'static str,
    rows: &'static str,
    /// Rows of the last run alone.
    last: bool,
    columns: &'static [(&'static str, Cell)],
}

pub(super) const TABLES: &[Table] = &[
    Table {
        name: "runs.csv",
        rows: layout::RUNS,
        last: false,
        columns: &[
            ("run", Row("/seq")),
            ("taken at", Row("/takenAt")),
            ("kept at", Row("/keptAt")),
            ("permissions of the token", Row("/grantedRoles")),
            ("version", Row("/appVersion")),
            ("id", Row("/id")),
            ("sha256", Row("/sha256")),
        ],
    },
    Table {
        name: "runs-expected.csv",
        rows: layout::SLOTS,
        last: false,
        columns: &[
            ("due at", Row("/at")),
            ("what became of it", Row("/state")),
            ("run", Row("/run")),
            ("because", Row("/because")),
        ],
    },
    Table {
        name: "completeness.csv",
        rows: layout::PULLS,
        last: false,
        columns: &[
            ("run", Row("/seq")),
            ("resource", Row("/resource")),
            ("request", Row("/request")),
            ("permission", Row("/permission")),
            ("started at", Row("/startedAt")),
            ("finished at", Row("/finishedAt")),
            ("pages", Row("/pages")),
            ("last page reached", Row("/lastPageReached")),
            ("objects", Row("/items")),
            ("second number", Row("/witnessCount")),
            ("second number from", Row("/witnessSource")),
            ("outcome", Row("/outcome")),
            ("code", Row("/refusalCode")),
            ("why", Row("/refusalMessage")),
            ("statement", Said(|pull, _| statement(pull))),
            ("Microsoft's request ids", Row("/requestIds")),
            ("state sha256", Row("/state")),
            ("sha256", Row("/sha256")),
        ],
    },
    Table {
        name: "results.csv",
        rows: layout::RESULTS,
        last: false,
        columns: RESULT,
    },
    Table {
        name: "results-last.csv",
        rows: layout::RESULTS,
        last: true,
        columns: RESULT,
    },
    Table {
        name: "finding-events.csv",
        rows: layout::FINDINGS,
        last: false,
        columns: &[
            ("run", Row("/seq")),
            ("at", Row("/at")),
            ("check", Row("/check")),
            ("resource", Row("/resource")),
            ("object", Row("/object")),
            ("name", Detail("/name")),
            ("state", Row("/state")),
            ("kind", Row("/kind")),
            ("opened at", Row("/openedAt")),
            ("because", Detail("/because")),
            ("how it came so", Detail("/lineage")),
            ("content sha256", Row("/detail")),
            ("sha256", Row("/sha256")),
        ],
    },
    Table {
        name: "retention.csv",
        rows: layout::TOMBSTONES,
        last: false,
        columns: &[
            ("removed at", Row("/at")),
            ("class", Row("/class")),
            ("up to run", Row("/throughSeq")),
            ("over before", Row("/throughAt")),
            ("rows", Row("/rows")),
            ("contents", Row("/blobs")),
            ("id", Row("/id")),
        ],
    },
];

const RESULT: &[(&str, Cell)] = &[
    ("run", Row("/seq")),
    ("at", Row("/at")),
    ("check", Row("/check")),
    ("version", Row("/version")),
    ("logic sha256", Row("/logic")),
    ("status", Row("/status")),
    ("population", Row("/counts/0")),
    ("passed", Row("/counts/1")),
    ("failed", Row("/counts/2")),
    ("excepted", Row("/counts/3")),
    ("review", Row("/counts/4")),
    ("not evaluated", Row("/counts/5")),
    ("reason", Detail("/reason")),
    ("could not look at", Detail("/indeterminate/detail")),
    ("parameters", Detail("/parameters")),
    ("inputs", Detail("/inputs")),
    ("completeness", Said(|_, detail| completeness(detail))),
    ("populations sha256", Row("/populations")),
    ("facts", Detail("/facts")),
    ("content sha256", Row("/detail")),
    ("sha256", Row("/sha256")),
];

/// The sentence on whether a reading is whole, for a working paper.
pub(super) fn statement(pull: &Value) -> String {
    let of = |name: &str| text(&pull[name]);
    let whole = if pull["outcome"] == "COMPLETE" && pull["lastPageReached"] == true {
        "to the last page"
    } else {
        "NOT to the last page"
    };
    let second = if pull["witnessCount"].is_null() {
        "No other endpoint counts them.".to_owned()
    } else {
        format!("{} gave {} in the same run.", of("witnessSource"), of("witnessCount"))
    };
    let (request, items, pages) = (of("request"), of("items"), of("pages"));
    format!("GET {request} gave {items} objects on {pages} pages, read {whole}. {second}")
}

fn completeness(detail: &Value) -> String {
    let sets = detail["populations"].as_array().into_iter().flatten();
    let said: Vec<String> = sets
        .map(|set| {
            format!(
                "{}: {} {}",
                text(&set["name"]),
                text(&set["size"]),
                text(&set["completeness"])
            )
        })
        .collect();
    said.join(" | ")
}

/// Writes the table of that name; nothing where there is none.
pub(super) fn write(source: &mut Source, name: &str, out: &mut dyn Write) -> anyhow::Result<()> {
    let table = TABLES.iter().find(|table| table.name == name);
    let table = table.with_context(|| format!("there is no list {name}"))?;
    out.write_all(line(table.columns.iter().map(|(title, _)| title)).as_bytes())?;
    let has_detail = !table.columns.iter().all(|(_, cell)| matches!(cell, Row(_)));
    for row in source.lists.lines(table.rows)? {
        let row = row?;
        if table.last && row["seq"].as_i64() != Some(source.manifest.through_run) {
            continue;
        }
        let detail = if has_detail {
            content(&mut source.contents, &row["detail"])?
        } else {
            Value::Null
        };
        let cells = table.columns.iter().map(|(_, cell)| cell.text(&row, &detail));
        out.write_all(line(cells).as_bytes())?;
    }
    Ok(())
}

impl Cell {
    fn text(&self, row: &Value, detail: &Value) -> String {
        let at = |value: &Value, pointer| value.pointer(pointer).map(text).unwrap_or_default();
        match self {
            Row(pointer) => at(row, pointer),
            Detail(pointer) => at(detail, pointer),
            Said(say) => say(row, detail),
        }
    }
}

const DECLARED: &[&str] = &[
    "kind",
    "check",
    "object",
    "owner",
    "reason",
    "reference",
    "changedAt",
    "declaredBy",
    "declaredAt",
    "expiresAt",
];

/// Declarations, each with its end.
pub(super) fn write_declarations(source: &mut Source, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut ends = BTreeMap::new();
    for row in source.lists.lines(layout::WITHDRAWALS)? {
        let row = row?;
        ends.insert(text(&row["declaration"]), row);
    }
    let titles = [
        "kind",
        "check",
        "object",
        "owner",
        "reason",
        "ticket",
        "changed at",
        "declared by",
        "declared at",
        "expires at",
        "withdrawn by",
        "withdrawn at",
        "id",
        "sha256",
    ];
    out.write_all(line(titles).as_bytes())?;
    for row in source.lists.lines(layout::DECLARATIONS)? {
        let row = row?;
        let end = ends.remove(&text(&row["id"])).unwrap_or_default();
        let declared = DECLARED.iter().map(|name| text(&row[name]));
        let ended = [&end["by"], &end["at"], &row["id"], &row["sha256"]].map(text);
        out.write_all(line(declared.chain(ended)).as_bytes())?;
    }
    Ok(())
}
