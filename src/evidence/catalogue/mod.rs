//! The checks, the frameworks, and which check supports which control: data, compiled in and read once.
//!
//! `checks.json` has the words of each check and where its mappings come from, `frameworks.json` the published
//! requirements with their licences (titles are our own labels where the text may not be shipped), `mappings.csv` which
//! check supports which control, how strongly, and who published that.
//!
//! The danger: to claim more than a source says. A mapping **supports** a control and never satisfies it, and one of
//! grade E, which nobody has published, is [hidden](Grade::is_shown) until an assessor has confirmed it.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::model::text_enum::text_enum;

#[cfg(test)]
mod tests;

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
    let checks = include_str!("checks.json");
    let frameworks = include_str!("frameworks.json");
    let mappings = include_str!("mappings.csv");
    Catalogue::read(checks, frameworks, mappings).expect("the catalogue is compiled in, and a test reads it")
});

text_enum! {
    /// How much hangs on a check.
    pub enum Severity {
        /// An attacker is in.
        Critical = "critical",
        /// An attacker has it easy.
        High = "high",
        /// A weakness beside others.
        Medium = "medium",
        /// Hygiene.
        Low = "low",
    }
}

text_enum! {
    /// Who says that a check supports a control.
    pub enum Grade {
        /// A published source maps the same test to this control.
        Direct = "A",
        /// A published source maps a closely related test.
        Analogue = "B",
        /// A published mapping from one framework to another.
        Crosswalk = "C",
        /// Two published hops.
        SecondOrder = "D",
        /// Our reading of the title. Nobody sees it before an assessor has confirmed it.
        TitleOnly = "E",
    }
}

impl Grade {
    /// Whether people may see mappings of this grade without an assessor's confirmation.
    pub fn is_shown(self) -> bool {
        self != Self::TitleOnly
    }
}

/// A check, in the words that an assessor reads.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Check {
    /// Its id: `entra.ca.mfa_all_users`.
    pub id: String,
    /// Grows with every change of its words.
    pub version: u32,
    /// What it asserts, as a sentence.
    pub title: String,
    /// What part of the tenant it looks at.
    pub area: String,
    /// How much hangs on it.
    pub severity: Severity,
    /// The licence without which there is nothing to read; `-` for none.
    pub licence_needed: String,
    /// What it reads: words of [`Resource`](crate::evidence::snapshot::Resource), or `collector`, or `users_count`.
    pub endpoints: Vec<String>,
    /// The permissions that takes.
    pub permissions: Vec<String>,
    /// The properties of Graph that it reads.
    pub graph_fields: Vec<String>,
    /// How it decides.
    pub logic: String,
    /// When it passes.
    pub pass_if: String,
    /// When it fails.
    pub fail_if: String,
    /// When a person has to decide.
    pub needs_review_if: String,
    /// When there is nothing to hold it against.
    pub not_applicable_if: String,
    /// When we could not look.
    pub indeterminate_if: String,
    /// What is listed when it fails.
    pub failing_resource: String,
    /// The parameters that the words name. What was used is stored with each verdict.
    pub parameters: Value,
    /// The hash of the words that decide.
    pub logic_sha256: String,
    /// What it does not show.
    pub caveats: Vec<String>,
    /// Keys of the catalogue's sources.
    pub sources: Vec<String>,
}

impl Check {
    /// SHA-256 over the words that decide, as JSON with sorted keys and without white space.
    pub fn compute_logic_sha256(&self) -> String {
        let words = serde_json::json!({
            "logic": self.logic,
            "pass_if": self.pass_if,
            "fail_if": self.fail_if,
            "needs_review_if": self.needs_review_if,
            "not_applicable_if": self.not_applicable_if,
            "parameters": self.parameters,
        });
        hex(&Sha256::digest(words.to_string()))
    }
}

/// A published set of requirements, in one edition.
#[derive(Debug, Clone, Deserialize)]
pub struct Framework {
    /// Our id of the edition.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// The edition.
    pub version: String,
    /// Who publishes it.
    pub publisher: String,
    /// On what terms, and what of it may be shown.
    pub licence: String,
    /// Whose words the titles are.
    pub title_source: String,
    /// What the ids were held against.
    pub catalog_used_for_validation: String,
    /// How many controls the edition has. We know only those that a check supports.
    pub catalog_size: u32,
    /// The controls that a check supports.
    pub controls: Vec<Control>,
}

/// One requirement of a framework.
#[derive(Debug, Clone, Deserialize)]
pub struct Control {
    /// Its id in that edition.
    pub id: String,
    /// A short label.
    pub title: String,
}

/// That a check supports a control, and who says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// The check.
    pub check: String,
    /// The framework.
    pub framework: String,
    /// The control.
    pub control: String,
    /// How strong the source is.
    pub grade: Grade,
    /// Sources: a key of [`Catalogue::source`], a colon, and the place in it.
    pub evidence: Vec<String>,
}

/// All of it.
#[derive(Debug)]
pub struct Catalogue {
    checks: Vec<Check>,
    frameworks: Vec<Framework>,
    mappings: Vec<Mapping>,
    sources: std::collections::BTreeMap<String, String>,
    sha256: String,
}

#[derive(Deserialize)]
struct ChecksFile {
    checks: Vec<Check>,
    source_keys: std::collections::BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct FrameworksFile {
    frameworks: Vec<Framework>,
}

impl Catalogue {
    /// The catalogue of this build.
    pub fn get() -> &'static Self {
        &CATALOGUE
    }

    fn read(checks: &str, frameworks: &str, mappings: &str) -> anyhow::Result<Self> {
        let words = [checks, frameworks, mappings].map(Sha256::digest).concat();
        let ChecksFile { checks, source_keys } = serde_json::from_str(checks)?;
        let FrameworksFile { frameworks } = serde_json::from_str(frameworks)?;
        let mappings = mappings.lines().skip(1).map(mapping).collect::<anyhow::Result<_>>()?;
        Ok(Self {
            checks,
            frameworks,
            mappings,
            sources: source_keys,
            sha256: hex(&Sha256::digest(&words)),
        })
    }

    /// Over all of it: whoever has the same has the same checks, frameworks and mappings.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The checks, in the catalogue's order.
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// A check by its id.
    pub fn check(&self, id: &str) -> Option<&Check> {
        self.checks.iter().find(|check| check.id == id)
    }

    /// The frameworks.
    pub fn frameworks(&self) -> &[Framework] {
        &self.frameworks
    }

    /// The mappings that people may see.
    pub fn mappings(&self) -> impl Iterator<Item = &Mapping> {
        self.mappings.iter().filter(|mapping| mapping.grade.is_shown())
    }

    /// What a key of a source stands for: repository, commit, file, licence.
    pub fn source(&self, key: &str) -> Option<&str> {
        self.sources.get(key).map(String::as_str)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A line `check,framework,control,relation,grade,source | source`. No field holds a comma or a quote.
fn mapping(line: &str) -> anyhow::Result<Mapping> {
    let [check, framework, control, "supports", grade, evidence] = line.split(',').collect::<Vec<_>>()[..] else {
        anyhow::bail!("not a mapping: {line}");
    };
    let grade = Grade::ALL.iter().find(|known| known.as_str() == grade);
    Ok(Mapping {
        check: check.to_owned(),
        framework: framework.to_owned(),
        control: control.to_owned(),
        grade: *grade.ok_or_else(|| anyhow::anyhow!("no such grade: {line}"))?,
        evidence: evidence.split(" | ").map(str::to_owned).collect(),
    })
}
