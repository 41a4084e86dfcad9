//! The overview: a page without script.
//!
//! The danger: names come from tenants that we do not control. Text reaches the page through [`escape`] alone, and the
//! page may load nothing.

use std::fmt::Write as _;
use std::io::Write;

use serde_json::Value;

use super::super::csv::text;
use super::super::layout;
use super::Source;
use super::tables::statement;
use crate::evidence::catalogue::Catalogue;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:75rem;margin:2rem auto;padding:0 1rem}\
                     table{border-collapse:collapse;width:100%}th,td{border-bottom:1px solid #8886;padding:.3rem .6rem;\
                     text-align:left;vertical-align:top}td.n{text-align:right}code{font-size:.85em;word-break:break-all}";

/// Text as it stands in HTML, in an element or in a quoted attribute.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

fn cell(value: &Value) -> String {
    escape(&text(value))
}

pub(super) fn write(source: &mut Source, out: &mut dyn Write) -> anyhow::Result<()> {
    let body = [
        head(source),
        runs(source)?,
        results(source)?,
        completeness(source)?,
        FILES.to_owned(),
    ];
    let title = format!("Evidence of {}", escape(&source.manifest.company));
    write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n\
         <body>\n<h1>{title}</h1>\n{}</body>\n</html>\n",
        body.concat()
    )?;
    Ok(())
}

fn head(source: &Source) -> String {
    let manifest = &source.manifest;
    let (from, to) = (escape(&manifest.from), escape(&manifest.to));
    let (links, hash) = (manifest.ledger_seq, escape(&manifest.ledger_sha256));
    format!(
        "<p>From {from} to before {to}, in UTC. The chain ends with link {links}: <code>{hash}</code></p>\n\
         <p>A check supports a control; no check satisfies one. <a href=\"README.txt\">How to read and verify this.</a></p>\n"
    )
}

fn runs(source: &mut Source) -> anyhow::Result<String> {
    let mut counts = [("COMPLETE", 0), ("INCOMPLETE", 0), ("MISSING", 0)];
    for slot in source.lists.lines(layout::SLOTS)? {
        let slot = slot?;
        for (state, count) in &mut counts {
            *count += u32::from(slot["state"] == *state);
        }
    }
    let [(_, complete), (_, incomplete), (_, missing)] = counts;
    let (expected, kept) = (
        complete + incomplete + missing,
        source.manifest.through_run.saturating_sub(source.manifest.after_run),
    );
    Ok(format!(
        "<h2>Runs</h2>\n<p>{expected} were due: {complete} complete, {incomplete} incomplete, {missing} missing \
         (<a href=\"runs-expected.csv\">each of them</a>). {kept} were kept (<a href=\"runs.csv\">runs.csv</a>), those that \
         people asked for among them.</p>\n"
    ))
}

fn results(source: &mut Source) -> anyhow::Result<String> {
    let mut html = "<h2>What the checks said last</h2>\n".to_owned();
    let results = source.last_results()?;
    let Some((first, _)) = results.first() else {
        return Ok(html + "<p>No run was kept in the period.</p>\n");
    };
    writeln!(
        html,
        "<p>Run {}, taken at {}.</p>",
        cell(&first["seq"]),
        cell(&first["at"])
    )?;
    html.push_str("<table>\n<tr><th>Check<th>Status<th>All<th>Passed<th>Failed<th>Excepted<th>Review<th>Not evaluated<th>Reason</tr>\n");
    for (row, detail) in &results {
        let id = text(&row["check"]);
        let title = Catalogue::get().check(&id).map_or("", |check| &check.title);
        write!(
            html,
            "<tr><td>{}<br><code>{}</code><td>{}",
            escape(title),
            escape(&id),
            cell(&row["status"])
        )?;
        for count in 0..6 {
            write!(html, "<td class=\"n\">{}", cell(&row["counts"][count]))?;
        }
        writeln!(html, "<td>{}</tr>", cell(&detail["reason"]))?;
    }
    html.push_str("</table>\n<p>Who exactly: <a href=\"findings.csv\">findings.csv</a>, and everybody in <code>populations/</code>.</p>\n");
    Ok(html)
}

fn completeness(source: &mut Source) -> anyhow::Result<String> {
    let mut html = "<h2>Whether the lists are complete</h2>\n<ul>\n".to_owned();
    for pull in source.last_pulls()? {
        let (resource, outcome) = (cell(&pull["resource"]), cell(&pull["outcome"]));
        writeln!(html, "<li>{resource}: {outcome}. {}</li>", escape(&statement(&pull)))?;
    }
    html.push_str("</ul>\n");
    Ok(html)
}

const FILES: &str = "<h2>Lists</h2>\n<ul>\n\
    <li><a href=\"results.csv\">results.csv</a>: every check in every run</li>\n\
    <li><a href=\"findings.csv\">findings.csv</a>: opened and closed; <a href=\"finding-events.csv\">each step</a></li>\n\
    <li><a href=\"changes.csv\">changes.csv</a>: what came, changed and went</li>\n\
    <li><a href=\"declarations.csv\">declarations.csv</a>: what people stated</li>\n\
    <li><a href=\"completeness.csv\">completeness.csv</a>: every reading</li>\n\
    <li><a href=\"retention.csv\">retention.csv</a>: what was removed after its time</li>\n\
    <li><a href=\"HASHES.txt\">HASHES.txt</a>: SHA-256 of every file</li>\n</ul>\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_text_on_the_page() {
        assert_eq!(escape("<b onclick='x'>\"&"), "&lt;b onclick=&#39;x&#39;&gt;&quot;&amp;");
    }
}
