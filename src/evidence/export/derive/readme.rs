//! What the bundle is, how to verify it, and how to ask Microsoft the same again.

use std::collections::BTreeSet;
use std::io::Write;

use super::super::csv::text;
use super::super::layout;
use super::Source;

pub(super) fn write(source: &mut Source, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut requests = BTreeSet::new();
    for row in source.lists.lines(layout::PULLS)? {
        let row = row?;
        requests.insert(["resource", "request", "permission"].map(|name| plain(&text(&row[name]))));
    }
    let manifest = &source.manifest;
    let (company, from, to) = (plain(&manifest.company), &manifest.from, &manifest.to);
    let (links, head) = (manifest.ledger_seq, &manifest.ledger_sha256);
    let tenant = manifest
        .tenant_id
        .map_or_else(|| "not known".to_owned(), |id| id.to_string());
    write!(
        out,
        "Evidence of {company}\nMicrosoft Entra tenant: {tenant}\nPeriod: from {from} to before {to}\n\
         Last link of the chain: {links}, {head}\n\n{TEXT}"
    )?;
    if requests.is_empty() {
        writeln!(out, "No run was kept in the period: nothing was asked.")?;
    }
    for [resource, request, permission] in requests {
        writeln!(out, "{resource}\n  GET {request}\n  permission: {permission}")?;
    }
    Ok(())
}

/// A name on a line of its own stays on it.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

const TEXT: &str = "\
WHAT IS HERE

index.html             an overview to begin with
runs.csv               the runs that were kept; runs-expected.csv: those that were due, and what became of them (this
                       list is from Tenantry's clock, and the only one that no row in the chain seals)
completeness.csv       every reading: request, permission, pages, whether the last was reached, counts, outcome
results.csv            what every check said in every run; results-last.csv: in the last one
findings.csv           who did not meet a check, since when, and when that ended; finding-events.csv: each step
changes.csv            objects that came, changed or went
declarations.csv       what people stated: exceptions, emergency accounts and the like, with owner, reason and end
retention.csv          what was removed after its time
populations/           everybody who was judged in the last run, those who passed among them
objects/               everything that was there when the period ended
checks/                the checks in their words, with version, hash of the logic, and the controls they support
oscal/                 the same for machines: OSCAL assessment results
raw/                   contents, each under the SHA-256 of its canonical form
rows/, ledger.ndjson   the sealed rows and the chain: what all of the above is made from
manifest.json          what this bundle is of
HASHES.txt             SHA-256 of every file; HASHES.txt.sha256: of that list

All times are in UTC. A cell that would begin a formula begins with an apostrophe.

A check supports a control; no check, and no number of checks, satisfies one. INDETERMINATE means that we could not look:
it is neither a pass nor a failure. A finding that is NOT_EVALUATED is neither confirmed nor closed. What was found of a
change (policy_changed, role_membership_changed) stays open until a statement of kind CHANGE explains it.

HOW TO VERIFY

With Tenantry, without a network or a database:    tenantry evidence verify-bundle FILE
Without it:                                        sha256sum -c HASHES.txt.sha256 HASHES.txt

A row is a line of JSON with sorted keys. Its sha256 is over the name of its table, a space, and the line without
\"sha256\". A run holds, for each table, the SHA-256 over the hashes of its rows in byte order, one behind the other; and as
\"standing\" the same over the last row of every object and finding, unless it is gone or closed (directory_audits apart). A
link of the ledger holds the hash of what it stands for and of the link before. The tables are evidence_run,
evidence_pull, evidence_object, evidence_result, evidence_finding, evidence_declaration, evidence_withdrawal,
evidence_tombstone and evidence_ledger.

The canonical form of an object is JSON with sorted keys, sorted lists and no white space, without what changes at every
reading, which is kept apart: rows/pulls.ndjson names it by its hash as \"volatile\", for all objects of a reading together
(when a device last spoke, when a person last signed in). What a result or a finding says keeps the order of its lists.

Names of companies are not sealed: the ids are, and the tenant's is the id of the object under objects/organization.
Whoever can write the whole bundle can write the whole chain anew. So compare the last link above with what Tenantry
answers today, or with a bundle of the same company that you were given earlier: its links are the first of these.

HOW TO ASK THE SAME AGAIN

Sign in to the tenant with the permission named and send the request to Microsoft Graph (https://graph.microsoft.com, or
that of the tenant's national cloud); follow @odata.nextLink to the last page. What changed since is in the tenant's audit
log. completeness.csv has Microsoft's request ids of each reading.

";
