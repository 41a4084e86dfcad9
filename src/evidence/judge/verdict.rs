//! What a check says of a company: its status, the counts behind it, and who exactly.
//!
//! The danger: a pass over nobody. The counts add up to the population, and [`Verdict`]s are made in one place.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::evidence::snapshot::{Indeterminate, Resource};
use crate::model::text_enum::text_enum;

text_enum! {
    /// What a check says.
    pub enum Status {
        /// Every object was evaluated and met the rule, or is a declared exception.
        Pass = "PASS",
        /// At least one object was evaluated and did not meet the rule.
        Fail = "FAIL",
        /// Evaluated, but data alone cannot decide: a person does.
        NeedsReview = "NEEDS_REVIEW",
        /// There is nothing that the rule could be held against.
        NotApplicable = "NOT_APPLICABLE",
        /// We could not look.
        Indeterminate = "INDETERMINATE",
    }
}

text_enum! {
    /// What a finding says of its object.
    pub enum FindingKind {
        /// It does not meet the rule.
        Failed = "FAILED",
        /// A person has to decide.
        Review = "REVIEW",
        /// It does not meet the rule, and an exception is declared.
        Excepted = "EXCEPTED",
        /// It could not be evaluated.
        NotEvaluated = "NOT_EVALUATED",
    }
}

/// One object that does not simply meet the rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Where the object was read.
    pub resource: Resource,
    /// The object's id.
    pub object_id: String,
    /// What people call it. Personal, where the object is a person.
    pub name: Option<String>,
    /// What is said of it.
    pub kind: FindingKind,
    /// Why, as a sentence for people.
    pub because: String,
    /// How it came so: policies, exclusion paths, values, the exception.
    pub lineage: Value,
}

/// How many objects were evaluated and how. The parts add up to the population.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// All that the rule is about.
    pub population: u64,
    /// Met the rule.
    pub passed: u64,
    /// Did not.
    pub failed: u64,
    /// Did not, with a declared exception.
    pub excepted: u64,
    /// A person has to decide.
    pub review: u64,
    /// Could not be evaluated.
    pub not_evaluated: u64,
}

/// Who was judged, and how we know that these are all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Population {
    /// The name of it in the catalogue: `MEMBERS`, `ADMINS`, `DEVICES` …
    pub name: String,
    /// How many.
    pub size: u64,
    /// Their ids, sorted.
    pub ids: Vec<String>,
    /// The sentence about completeness, with the second number where there is one.
    pub completeness: String,
}

/// What a check says of a company in one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The check's id in the catalogue.
    pub check: String,
    /// The check's version.
    pub version: u32,
    /// The hash of the check's words, as the catalogue defines it.
    pub logic_sha256: String,
    /// What it says.
    pub status: Status,
    /// Why, where the findings do not say it.
    pub reason: Option<String>,
    /// What could not be looked at; `Some` if and only if the status is INDETERMINATE.
    pub indeterminate: Option<Indeterminate>,
    /// The counts.
    pub counts: Counts,
    /// The parameters that were used.
    pub parameters: Value,
    /// The readings that the verdict rests on.
    pub inputs: Vec<Resource>,
    /// Every object that does not simply meet the rule; none is left out.
    pub findings: Vec<Finding>,
    /// Who was judged.
    pub populations: Vec<Population>,
    /// What else an assessor wants to see: numbers and lists that do not decide.
    pub facts: Value,
}
