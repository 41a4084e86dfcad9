//! Lists of kept evidence, a page at a time: each is a stretch of the list of the company that owns it.
//!
//! Only whoever sees the company as a whole sees any of it.

use uuid::Uuid;

use super::super::row::{FindingState, LedgerKind, ObjectChange, RetentionClass};
use crate::evidence::judge::{FindingKind, Status};
use crate::evidence::snapshot::Resource;
use crate::model::Scope;
use crate::model::page::{Bind, Compared, Direction, Listing, Order};

fn text(word: impl std::fmt::Display) -> Bind {
    Bind::Text(word.to_string())
}

/// The kept runs, newest first.
pub fn list_runs(scope: &Scope) -> Listing {
    let newest_first = Order {
        name: "evidence.run",
        key: "evidence_run.taken_at",
        id: "evidence_run.id",
        compared: Compared::Time,
        direction: Direction::Desc,
    };
    Listing::new(
        "from evidence_run where evidence_run.company_id = p.company_id",
        newest_first,
    )
    .only("?", scope.whole_bind())
}

/// Which findings to list.
#[derive(Clone, Debug, Default)]
pub struct FindingFilter {
    pub check_id: Option<String>,
    pub resource: Option<Resource>,
    pub object_id: Option<String>,
    pub state: Option<FindingState>,
    pub kind: Option<FindingKind>,
}

const BY_FINDING: Order = Order {
    name: "evidence.finding",
    key: "(evidence_finding.check_id || ' ' || evidence_finding.resource || ' ' || evidence_finding.object_id)",
    // The key is one of a kind within a company.
    id: "evidence_finding.company_id",
    compared: Compared::Text,
    direction: Direction::Asc,
};

/// The findings that stood after this run, by check and object; closed ones are not among them.
pub fn list_findings(scope: &Scope, seq: i64, filter: &FindingFilter) -> Listing {
    let listing = Listing::new(
        "from evidence_finding where evidence_finding.company_id = p.company_id and evidence_finding.state <> 'CLOSED'",
        BY_FINDING,
    )
    .only("evidence_finding.seq <= ?", Some(Bind::Number(seq)))
    .only(
        "not exists (select from evidence_finding later
                     where later.company_id = evidence_finding.company_id and later.check_id = evidence_finding.check_id
                       and later.resource = evidence_finding.resource and later.object_id = evidence_finding.object_id
                       and later.seq > evidence_finding.seq and later.seq <= ?)",
        Some(Bind::Number(seq)),
    );
    narrow_findings(listing, scope, filter)
}

/// What became of findings behind the run `after` up to the run `through`: opened, changed, not looked at, closed; newest
/// first. One opened in a run whose `opened_at` is its `at`.
pub fn list_finding_events(scope: &Scope, after: i64, through: i64, filter: &FindingFilter) -> Listing {
    let newest_first = Order {
        name: "evidence.finding.event",
        key: "(lpad(evidence_finding.seq::text, 12, '0') || ' ' || evidence_finding.check_id || ' '
               || evidence_finding.resource || ' ' || evidence_finding.object_id)",
        id: "evidence_finding.company_id",
        compared: Compared::Text,
        direction: Direction::Desc,
    };
    let listing = Listing::new(
        "from evidence_finding where evidence_finding.company_id = p.company_id",
        newest_first,
    )
    .only("evidence_finding.seq > ?", Some(Bind::Number(after)))
    .only("evidence_finding.seq <= ?", Some(Bind::Number(through)));
    narrow_findings(listing, scope, filter)
}

fn narrow_findings(listing: Listing, scope: &Scope, filter: &FindingFilter) -> Listing {
    listing
        .only("?", scope.whole_bind())
        .only("evidence_finding.check_id = ?", filter.check_id.as_ref().map(text))
        .only("evidence_finding.resource = ?", filter.resource.map(text))
        .only("evidence_finding.object_id = ?", filter.object_id.as_ref().map(text))
        .only("evidence_finding.state = ?", filter.state.map(text))
        .only("evidence_finding.kind = ?", filter.kind.map(text))
}

/// Which objects to list.
#[derive(Clone, Debug, Default)]
pub struct ObjectFilter {
    pub resource: Option<Resource>,
    pub object_id: Option<String>,
    /// The word that a policy or a device is in, as Microsoft writes it.
    pub state: Option<String>,
    /// A word that it is not in.
    pub not_state: Option<String>,
    pub change: Option<ObjectChange>,
}

/// The objects that were there after this run, by resource and id.
pub fn list_objects(scope: &Scope, seq: i64, filter: &ObjectFilter) -> Listing {
    let by_object = Order {
        name: "evidence.object",
        key: "(evidence_object.resource || ' ' || evidence_object.object_id)",
        id: "evidence_object.company_id",
        compared: Compared::Text,
        direction: Direction::Asc,
    };
    let listing = Listing::new(
        "from evidence_object where evidence_object.company_id = p.company_id and evidence_object.change <> 'REMOVED'",
        by_object,
    )
    .only("evidence_object.seq <= ?", Some(Bind::Number(seq)))
    .only(
        "not exists (select from evidence_object later
                     where later.company_id = evidence_object.company_id and later.resource = evidence_object.resource
                       and later.object_id = evidence_object.object_id
                       and later.seq > evidence_object.seq and later.seq <= ?)",
        Some(Bind::Number(seq)),
    );
    narrow_objects(listing, scope, filter)
}

/// What objects came, changed or went behind the run `after` up to the run `through`, newest first.
pub fn list_object_events(scope: &Scope, after: i64, through: i64, filter: &ObjectFilter) -> Listing {
    let newest_first = Order {
        name: "evidence.object.event",
        key: "(lpad(evidence_object.seq::text, 12, '0') || ' ' || evidence_object.resource || ' ' || evidence_object.object_id)",
        id: "evidence_object.company_id",
        compared: Compared::Text,
        direction: Direction::Desc,
    };
    let listing = Listing::new(
        "from evidence_object where evidence_object.company_id = p.company_id",
        newest_first,
    )
    .only("evidence_object.seq > ?", Some(Bind::Number(after)))
    .only("evidence_object.seq <= ?", Some(Bind::Number(through)));
    narrow_objects(listing, scope, filter)
}

fn narrow_objects(listing: Listing, scope: &Scope, filter: &ObjectFilter) -> Listing {
    listing
        .only("?", scope.whole_bind())
        .only("evidence_object.resource = ?", filter.resource.map(text))
        .only("evidence_object.object_id = ?", filter.object_id.as_ref().map(text))
        .only("evidence_object.state = ?", filter.state.as_ref().map(text))
        .only(
            "evidence_object.state is distinct from ?",
            filter.not_state.as_ref().map(text),
        )
        .only("evidence_object.change = ?", filter.change.map(text))
}

/// What one check last said of every company of a scope, worst first: failures by number, then what nobody could look
/// at, what a person has to decide, passes, and where there is nothing to hold it against.
pub fn list_results_everywhere(scope: &Scope, check_id: &str, status: Option<Status>) -> Listing {
    let worst_first = Order {
        name: "evidence.result.worst",
        key: "((case evidence_result.status when 'FAIL' then '1' when 'INDETERMINATE' then '2' when 'NEEDS_REVIEW' then '3'
                                             when 'PASS' then '4' else '5' end)
               || ' ' || lpad((999999999999 - evidence_result.failed - evidence_result.review)::text, 12, '0'))",
        id: "evidence_result.company_id",
        compared: Compared::Text,
        direction: Direction::Asc,
    };
    Listing::new(
        "from evidence_result
         where not exists (select from evidence_run later
                           where later.company_id = evidence_result.company_id and later.seq > evidence_result.seq)",
        worst_first,
    )
    .only("evidence_result.check_id = ?", Some(text(check_id)))
    .only("evidence_result.company_id = any(?)", scope.as_bind())
    .only("?", scope.whole_bind())
    .only("evidence_result.status = ?", status.map(text))
}

/// The links of the chain, newest first.
pub fn list_ledger(scope: &Scope, kind: Option<LedgerKind>, held_id: Option<Uuid>) -> Listing {
    let newest_first = Order {
        name: "evidence.ledger",
        key: "lpad(evidence_ledger.seq::text, 12, '0')",
        id: "evidence_ledger.held_id",
        compared: Compared::Text,
        direction: Direction::Desc,
    };
    Listing::new(
        "from evidence_ledger where evidence_ledger.company_id = p.company_id",
        newest_first,
    )
    .only("?", scope.whole_bind())
    .only("evidence_ledger.kind = ?", kind.map(text))
    .only("evidence_ledger.held_id = ?", held_id.map(Bind::Uuid))
}

/// What retention has removed, newest first.
pub fn list_tombstones(scope: &Scope, class: Option<RetentionClass>) -> Listing {
    let newest_first = Order {
        name: "evidence.tombstone",
        key: "evidence_tombstone.at",
        id: "evidence_tombstone.id",
        compared: Compared::Time,
        direction: Direction::Desc,
    };
    Listing::new(
        "from evidence_tombstone where evidence_tombstone.company_id = p.company_id",
        newest_first,
    )
    .only("?", scope.whole_bind())
    .only("evidence_tombstone.class = ?", class.map(text))
}
