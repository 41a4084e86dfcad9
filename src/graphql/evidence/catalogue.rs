//! The checks, the frameworks, and which check supports which control.

use async_graphql::{Json, Object, SimpleObject};
use serde_json::Value;

use super::words::{MappingGrade, Severity};
use crate::evidence::catalogue::{self, Catalogue};

/// A check of the catalogue.
#[derive(Clone, Copy)]
pub struct Check(pub &'static catalogue::Check);

/// A check, in the words that an assessor reads.
#[Object]
impl Check {
    /// Its id, such as `entra.ca.mfa_all_users`.
    async fn id(&self) -> &str {
        &self.0.id
    }

    /// Grows with every change of its words.
    async fn version(&self) -> u32 {
        self.0.version
    }

    /// What it asserts, as a sentence.
    async fn title(&self) -> &str {
        &self.0.title
    }

    /// What part of the tenant it looks at.
    async fn area(&self) -> &str {
        &self.0.area
    }

    /// How much hangs on it.
    async fn severity(&self) -> Severity {
        self.0.severity.into()
    }

    /// The licence without which there is nothing to read; null where none is needed.
    async fn licence_needed(&self) -> Option<&str> {
        Some(&*self.0.licence_needed).filter(|licence| *licence != "-")
    }

    /// What it reads.
    async fn endpoints(&self) -> &[String] {
        &self.0.endpoints
    }

    /// The permissions that takes.
    async fn permissions(&self) -> &[String] {
        &self.0.permissions
    }

    /// The properties of Microsoft Graph that it reads.
    async fn graph_fields(&self) -> &[String] {
        &self.0.graph_fields
    }

    /// How it decides.
    async fn logic(&self) -> &str {
        &self.0.logic
    }

    /// When it passes.
    async fn pass_if(&self) -> &str {
        &self.0.pass_if
    }

    /// When it fails.
    async fn fail_if(&self) -> &str {
        &self.0.fail_if
    }

    /// When a person has to decide.
    async fn needs_review_if(&self) -> &str {
        &self.0.needs_review_if
    }

    /// When there is nothing to hold it against.
    async fn not_applicable_if(&self) -> &str {
        &self.0.not_applicable_if
    }

    /// When we could not look.
    async fn indeterminate_if(&self) -> &str {
        &self.0.indeterminate_if
    }

    /// The parameters that its words name; those that were used are with each result.
    async fn parameters(&self) -> Json<&Value> {
        Json(&self.0.parameters)
    }

    /// SHA-256 over the words that decide, in hexadecimal.
    async fn logic_sha256(&self) -> &str {
        &self.0.logic_sha256
    }

    /// What it does not show.
    async fn caveats(&self) -> &[String] {
        &self.0.caveats
    }

    /// The controls that it supports.
    async fn mappings(
        &self,
        #[graphql(desc = "Only controls of this framework, by its id.")] framework: Option<String>,
    ) -> Vec<ControlMapping> {
        let of = |mapping: &&catalogue::Mapping| {
            mapping.check == self.0.id && framework.as_ref().is_none_or(|id| *id == mapping.framework)
        };
        Catalogue::get().mappings().filter(of).map(ControlMapping::of).collect()
    }
}

/// A framework of the catalogue.
#[derive(Clone, Copy)]
pub struct Framework(pub &'static catalogue::Framework);

/// A published set of requirements, in one edition.
#[Object]
impl Framework {
    /// Our id of the edition, such as `soc2_2017_rev2022`.
    async fn id(&self) -> &str {
        &self.0.id
    }

    /// What it is called.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The edition.
    async fn version(&self) -> &str {
        &self.0.version
    }

    /// Who publishes it.
    async fn publisher(&self) -> &str {
        &self.0.publisher
    }

    /// On what terms, and what of it may be shown.
    async fn licence(&self) -> &str {
        &self.0.licence
    }

    /// How many controls the edition has; most have nothing to do with a tenant of Microsoft 365.
    async fn catalog_size(&self) -> u32 {
        self.0.catalog_size
    }

    /// The controls that a check supports.
    async fn controls(&self) -> Vec<Control> {
        self.0.controls.iter().map(Control::of).collect()
    }
}

/// One requirement of a framework.
#[derive(SimpleObject)]
pub struct Control {
    /// Its id in that edition.
    id: &'static str,
    /// A short label.
    title: &'static str,
}

impl Control {
    pub fn of(control: &'static catalogue::Control) -> Self {
        Self {
            id: &control.id,
            title: &control.title,
        }
    }
}

/// That a check supports a control. No check satisfies one.
#[derive(SimpleObject)]
pub struct ControlMapping {
    /// The check's id.
    check_id: &'static str,
    /// The framework's id.
    framework: &'static str,
    /// The control's id.
    control: &'static str,
    /// Who says so.
    grade: MappingGrade,
    /// Where it is said: repository, commit, file and licence, and the place in it.
    sources: Vec<String>,
}

impl ControlMapping {
    pub fn of(mapping: &'static catalogue::Mapping) -> Self {
        Self {
            check_id: &mapping.check,
            framework: &mapping.framework,
            control: &mapping.control,
            grade: mapping.grade.into(),
            sources: mapping.evidence.iter().map(|place| source(place)).collect(),
        }
    }
}

fn source(place: &str) -> String {
    let (key, anchor) = place.split_once(':').unwrap_or((place, ""));
    let source = Catalogue::get().source(key).unwrap_or(key);
    match anchor {
        "" => source.to_owned(),
        anchor => format!("{source}: {anchor}"),
    }
}
