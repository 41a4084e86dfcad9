//! Which checks support the controls of a framework, and how they stand. There is no percentage here: a check supports a
//! control and never satisfies it.

use async_graphql::SimpleObject;

use super::catalogue::{Control, ControlMapping, Framework};
use super::result::CheckResult;
use crate::evidence::catalogue::{self, Catalogue};

/// How the checks stand that support a framework.
#[derive(SimpleObject)]
pub struct FrameworkEvidence {
    /// The framework.
    framework: Framework,
    /// Its controls that a check supports.
    controls: Vec<ControlEvidence>,
}

/// How the checks stand that support a control.
#[derive(SimpleObject)]
struct ControlEvidence {
    /// The control.
    control: Control,
    /// Which checks support it, and who says so.
    mappings: Vec<ControlMapping>,
    /// What those of them said that were judged.
    results: Vec<CheckResult>,
}

impl FrameworkEvidence {
    /// The framework with the results that support each of its controls.
    pub fn of(framework: &'static catalogue::Framework, results: &[CheckResult]) -> Self {
        Self {
            framework: Framework(framework),
            controls: framework
                .controls
                .iter()
                .map(|control| ControlEvidence::of(framework, control, results))
                .filter(|control| !control.mappings.is_empty())
                .collect(),
        }
    }
}

impl ControlEvidence {
    fn of(
        framework: &'static catalogue::Framework,
        control: &'static catalogue::Control,
        results: &[CheckResult],
    ) -> Self {
        let mappings: Vec<&catalogue::Mapping> = Catalogue::get()
            .mappings()
            .filter(|mapping| mapping.framework == framework.id && mapping.control == control.id)
            .collect();
        let supports = |result: &&CheckResult| mappings.iter().any(|mapping| mapping.check == result.row.check_id);
        Self {
            control: Control::of(control),
            results: results.iter().filter(supports).cloned().collect(),
            mappings: mappings.into_iter().map(ControlMapping::of).collect(),
        }
    }
}
