//! The words of evidence as GraphQL spells them.

use async_graphql::Enum;

use crate::evidence::catalogue;
use crate::evidence::judge::Status;
use crate::evidence::snapshot;

/// What a check says.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "Status")]
pub enum CheckStatus {
    /// Every object was evaluated and met the rule, or is a declared exception.
    Pass,
    /// At least one object was evaluated and did not meet the rule.
    Fail,
    /// Evaluated, but data alone cannot decide: a person does.
    NeedsReview,
    /// There is nothing that the rule could be held against.
    NotApplicable,
    /// We could not look.
    Indeterminate,
}

/// How much hangs on a check.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "catalogue::Severity")]
pub enum Severity {
    /// An attacker is in.
    Critical,
    /// An attacker has it easy.
    High,
    /// A weakness beside others.
    Medium,
    /// Hygiene.
    Low,
}

/// Who says that a check supports a control.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "catalogue::Grade")]
pub enum MappingGrade {
    /// A published source maps the same test to this control.
    Direct,
    /// A published source maps a closely related test.
    Analogue,
    /// A published mapping from one framework to another.
    Crosswalk,
    /// Two published hops.
    SecondOrder,
    /// Our reading of the title, which an assessor has to confirm.
    TitleOnly,
}

/// How a reading ended.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "snapshot::Outcome")]
pub enum ReadingOutcome {
    /// The last page was read.
    Complete,
    /// Some pages were read, and then no more.
    Partial,
    /// The tenant's administrator has not granted the permission.
    PermissionMissing,
    /// The tenant does not have the licence.
    LicenceMissing,
    /// Microsoft asked us to wait longer than the run may.
    Throttled,
    /// Microsoft answered with an error.
    Error,
}

/// Why something could not be judged.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "snapshot::Gap")]
pub enum EvidenceGap {
    /// The tenant's administrator has not granted the permission.
    PermissionMissing,
    /// The tenant does not have the licence.
    LicenceMissing,
    /// Not read to the last page, or not read at all.
    PartialCollection,
    /// Microsoft answered with an error.
    EndpointError,
    /// Microsoft asked us to wait longer than the run may.
    ThrottledIncomplete,
    /// What was read is older than the check accepts.
    StaleSource,
    /// Something refers to an object that was not read.
    UnresolvedReference,
}
