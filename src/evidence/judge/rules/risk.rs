//! Whether risk that Microsoft sees is acted on.
//!
//! The danger: two risk conditions in one policy must both hold, so that such a policy acts on neither risk alone.

use serde_json::json;

use crate::evidence::judge::bench::Bench;
use crate::evidence::judge::coverage::{Cover, app_gaps, deleted_references};
use crate::evidence::judge::predicates::Alternative;
use crate::evidence::judge::predicates::{Doubt, Sure, Wanted, blocks, enabled, in_force_everywhere, mfa_eq, requires};
use crate::evidence::judge::tally::Tally;
use crate::evidence::judge::wire::{BuiltIn, Policy};
use crate::evidence::snapshot::{Indeterminate, Resource};

/// Levels of risk at which a sign-in must be blocked.
pub(super) const BLOCKED: &[&str] = &["high", "medium"];
/// Levels of risk at which a sign-in must be asked for a second factor.
pub(super) const CHALLENGED: &[&str] = &["high", "medium"];

pub(super) fn has_no_p2(bench: &Bench<'_>) -> Result<Option<&'static str>, Indeterminate> {
    let has = bench.has_plan(|plan| plan == "AAD_PREMIUM_P2")?;
    Ok((!has).then_some("no licence of the tenant has the plan AAD_PREMIUM_P2"))
}

fn blocks_sign_in_risk(policy: &Policy, level: &str) -> Sure {
    let levels = &policy.conditions.sign_in_risk_levels;
    let at = levels.iter().any(|named| named == level) && policy.conditions.user_risk_levels.is_empty();
    in_force_everywhere(policy, &[Wanted::SignInRisk], Doubt::Counts).min(Sure::from(at && blocks(policy)))
}

fn challenges_sign_in_risk(policy: &Policy, level: &str) -> Sure {
    let levels = &policy.conditions.sign_in_risk_levels;
    let at = levels.iter().any(|named| named == level) && policy.conditions.user_risk_levels.is_empty();
    in_force_everywhere(policy, &[Wanted::SignInRisk], Doubt::Counts)
        .min(Sure::from(at && every_time(policy)))
        .min(requires(policy, mfa_eq))
}

fn every_time(policy: &Policy) -> bool {
    let session = policy.session_controls.as_ref();
    let frequency = session.and_then(|session| session.sign_in_frequency.as_ref());
    frequency.is_some_and(|frequency| {
        frequency.is_enabled == Some(true) && frequency.frequency_interval.as_deref() == Some("everyTime")
    })
}

pub(super) fn sign_in_blocked(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    at_each_level(bench, tally, BLOCKED, "a block of risky sign-ins", blocks_sign_in_risk)
}

pub(super) fn sign_in_mfa(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    at_each_level(
        bench,
        tally,
        CHALLENGED,
        "a second factor for risky sign-ins",
        |policy, level| challenges_sign_in_risk(policy, level).max(blocks_sign_in_risk(policy, level)),
    )
}

pub(super) fn user_remediated(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    at_each_level(
        bench,
        tally,
        &["high"],
        "an answer to a risky person",
        |policy, level| {
            let levels = &policy.conditions.user_risk_levels;
            let at = levels.iter().any(|named| named == level) && policy.conditions.sign_in_risk_levels.is_empty();
            let asks = |wanted: BuiltIn| requires(policy, move |one| Sure::from(is(one, wanted)));
            let changes = asks(BuiltIn::PasswordChange)
                .min(requires(policy, mfa_eq))
                .min(Sure::from(every_time(policy)));
            let acts = Sure::from(blocks(policy))
                .max(changes)
                .max(asks(BuiltIn::RiskRemediation));
            in_force_everywhere(policy, &[Wanted::UserRisk], Doubt::Counts)
                .min(Sure::from(at))
                .min(acts)
        },
    )
}

/// Both risks in one policy must both be there: it acts on neither alone.
pub(super) fn mixed(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let uses = |policy: &&Policy| {
        let conditions = &policy.conditions;
        !conditions.user_risk_levels.is_empty() || !conditions.sign_in_risk_levels.is_empty()
    };
    let policies: Vec<&Policy> = bench.enabled()?.filter(uses).collect();
    let ids = policies.iter().map(|policy| policy.id.as_str());
    tally.population("POLICIES with a risk condition", Resource::CaPolicies, ids);
    for policy in policies {
        let (user, sign_in) = (
            &policy.conditions.user_risk_levels,
            &policy.conditions.sign_in_risk_levels,
        );
        let lineage = json!({"userRiskLevels": **user, "signInRiskLevels": **sign_in});
        if user.is_empty() || sign_in.is_empty() {
            tally.passed();
        } else if enabled(policy) == Sure::Maybe {
            tally.review(
                policy,
                "the state of the policy is a word that is not known here",
                lineage,
            );
        } else {
            tally.failed(policy, "acts only where both risks are seen at once", lineage);
        }
    }
    Ok(())
}

fn is(alternative: Alternative<'_>, wanted: BuiltIn) -> bool {
    matches!(alternative, Alternative::BuiltIn(control) if control == wanted)
}

/// Each person must be reached at each level, by whichever policies.
fn at_each_level(
    bench: &Bench<'_>,
    tally: &mut Tally<'_>,
    levels: &[&str],
    what: &str,
    gives: impl Fn(&Policy, &str) -> Sure,
) -> Result<(), Indeterminate> {
    let members = tally.members()?;
    let mut covers = Vec::new();
    for level in levels {
        covers.push((*level, Cover::new(bench, |policy| gives(policy, level))?));
    }
    for user in members.iter().copied() {
        let missing: Vec<_> = covers
            .iter()
            .filter(|(_, cover)| cover.covers(user) != Sure::Yes)
            .collect();
        let Some((level, cover)) = missing.first() else {
            tally.passed();
            continue;
        };
        let lineage = cover.lineage(user);
        if missing.iter().all(|(_, cover)| cover.covers(user) == Sure::Maybe) {
            tally.review(
                user,
                format!("{what} at level {level} cannot be decided by data alone"),
                lineage,
            );
        } else {
            tally.failed(
                user,
                format!("no policy in force gives this person {what} at level {level}"),
                lineage,
            );
        }
    }
    let covers: Vec<&Cover<'_>> = covers.iter().map(|(_, cover)| cover).collect();
    app_gaps(tally, &covers, &members, Doubt::AsksAPerson);
    deleted_references(tally, &covers);
    Ok(())
}
