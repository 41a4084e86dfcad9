//! Whether ways in that a second factor does not guard are shut, and whether managed devices are asked for.

use std::collections::BTreeSet;

use serde_json::json;

use super::mfa::of_admins;
use crate::evidence::judge::bench::Bench;
use crate::evidence::judge::coverage::{Cover, app_gaps, deleted_references};
use crate::evidence::judge::predicates::{
    Doubt, Sure, Wanted, blocks, enabled, in_force_everywhere, managed_device, mfa_eq, names_app, requires,
    unconditional, user_policy,
};
use crate::evidence::judge::tally::Tally;
use crate::evidence::judge::wire::{ClientApp, Policy, User};
use crate::evidence::snapshot::Indeterminate;

/// Systems that are let in; all others are to be blocked.
pub(super) const SUPPORTED_PLATFORMS: &[&str] = &["android", "iOS", "windows", "macOS", "linux"];

fn people<'a>(tally: &mut Tally<'a>) -> Result<Vec<&'a User>, Indeterminate> {
    Ok([tally.members()?, tally.guests()?].concat())
}

pub(super) fn legacy_auth_blocked(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let people = people(tally)?;
    let blocked = |app: ClientApp| {
        move |policy: &Policy| {
            let apps = &policy.conditions.client_app_types;
            let shuts = blocks(policy) && (apps.contains(&app) || apps.contains(&ClientApp::All));
            in_force_everywhere(policy, &[Wanted::ClientApps], Doubt::Counts).min(Sure::from(shuts))
        }
    };
    let active_sync = Cover::new(bench, blocked(ClientApp::ExchangeActiveSync))?;
    let other = Cover::new(bench, blocked(ClientApp::Other))?;
    // Legacy clients cannot answer a second factor: asking them for one shuts them out, without saying so.
    let asked = Cover::new(bench, |policy| {
        let all = Sure::from(policy.conditions.client_app_types.contains(&ClientApp::All));
        in_force_everywhere(policy, &[], Doubt::Counts)
            .min(all)
            .min(requires(policy, mfa_eq))
    })?;
    for user in people.iter().copied() {
        let (by_sync, by_other) = (active_sync.covers(user), other.covers(user));
        let missing: Vec<&str> = [("exchangeActiveSync", by_sync), ("other", by_other)]
            .iter()
            .filter(|(_, sure)| *sure != Sure::Yes)
            .map(|(name, _)| *name)
            .collect();
        let lineage = json!({
            "missingClientTypes": missing,
            "exchangeActiveSync": active_sync.lineage(user),
            "other": other.lineage(user),
        });
        if missing.is_empty() {
            tally.passed();
        } else if by_sync.min(by_other) == Sure::Maybe {
            tally.review(
                user,
                "whether legacy authentication is blocked cannot be decided by data alone",
                lineage,
            );
        } else if asked.covers(user) == Sure::Yes {
            tally.review(
                user,
                "no block, but legacy clients are asked for a second factor they cannot give",
                lineage,
            );
        } else {
            tally.failed(user, format!("not blocked for {}", missing.join(" and ")), lineage);
        }
    }
    app_gaps(tally, &[&active_sync, &other], &people, Doubt::AsksAPerson);
    deleted_references(tally, &[&active_sync, &other, &asked]);
    Ok(())
}

fn gives_device(policy: &Policy, apps: &[&str]) -> Sure {
    enabled(policy)
        .min(Sure::from(user_policy(policy)))
        .min(names_app(policy, apps, Doubt::Counts))
        .min(unconditional(policy, &[], Doubt::Counts))
        .min(requires(policy, managed_device))
}

pub(super) fn compliant_device_required(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let members = tally.members()?;
    let mut optional = Vec::new();
    for policy in bench.enabled()? {
        let offers = policy
            .grant_controls
            .iter()
            .flat_map(|grant| grant.built_in_controls.iter());
        let offers = offers
            .copied()
            .any(|control| managed_device(control.into()) == Sure::Yes);
        if offers && requires(policy, managed_device) != Sure::Yes {
            optional.push(json!({"policy": policy.id, "name": policy.display_name}));
        }
    }
    tally.fact("deviceIsOptionalIn", optional);
    let cover = Cover::new(bench, |policy| gives_device(policy, &["All", "Office365"]))?;
    let named = cover.policies().map(|(policy, _)| {
        let all = names_app(policy, &["All"], Doubt::Counts) == Sure::Yes;
        json!({"policy": policy.id, "target": if all { "All" } else { "Office365" }})
    });
    tally.fact("policies", named.collect::<Vec<_>>());
    cover.judge(tally, &members, "the demand for a managed device");
    Ok(())
}

pub(super) fn compliant_device_admins(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    of_admins(bench, tally, "the demand for a managed device", |policy| {
        gives_device(policy, &["All", "Office365"])
    })
}

/// In the strict mode: a managed device, and nothing else, opens the registration of sign-in methods.
pub(super) fn security_info_registration_protected(
    bench: &Bench<'_>,
    tally: &mut Tally<'_>,
) -> Result<(), Indeterminate> {
    let members = tally.members()?;
    let cover = Cover::new(bench, |policy| {
        on_action(
            policy,
            "urn:user:registersecurityinfo",
            requires(policy, managed_device),
        )
    })?;
    cover.judge(tally, &members, "a managed device for registering sign-in methods");
    Ok(())
}

pub(super) fn device_code_flow_blocked(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    flow_blocked(bench, tally, "deviceCodeFlow", "a block of the device code flow")
}

pub(super) fn authentication_transfer_blocked(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    flow_blocked(
        bench,
        tally,
        "authenticationTransfer",
        "a block of the transfer of sign-ins",
    )
}

fn flow_blocked(bench: &Bench<'_>, tally: &mut Tally<'_>, flow: &str, what: &str) -> Result<(), Indeterminate> {
    let people = people(tally)?;
    let cover = Cover::new(bench, |policy| {
        let flows = policy.conditions.authentication_flows.as_ref();
        let methods = flows
            .and_then(|flows| flows.transfer_methods.as_deref())
            .unwrap_or_default();
        let named = methods.split(',').any(|method| method.trim() == flow);
        in_force_everywhere(policy, &[Wanted::Flows], Doubt::Counts).min(Sure::from(named && blocks(policy)))
    })?;
    cover.judge(tally, &people, what);
    Ok(())
}

pub(super) fn unknown_platform_blocked(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let members = tally.members()?;
    let cover = Cover::new(bench, |policy| {
        in_force_everywhere(policy, &[Wanted::Platforms], Doubt::Counts).min(shuts_other_platforms(policy))
    })?;
    cover.judge(tally, &members, "a block of systems that are not supported");
    Ok(())
}

/// Whether a policy blocks all systems but those that are supported.
fn shuts_other_platforms(policy: &Policy) -> Sure {
    let Some(platforms) = policy.conditions.platforms.as_ref().filter(|_| blocks(policy)) else {
        return Sure::No;
    };
    if !platforms.include_platforms.iter().eq(["all"].iter()) {
        return Sure::No;
    }
    let left_out: BTreeSet<&str> = platforms.exclude_platforms.iter().map(String::as_str).collect();
    let supported: BTreeSet<&str> = SUPPORTED_PLATFORMS.iter().copied().collect();
    let is_known = |word: &&&str| supported.contains(**word) || matches!(**word, "windowsPhone" | "all");
    if left_out.iter().filter(is_known).count() < left_out.len() {
        return Sure::Maybe;
    }
    Sure::from(left_out == supported)
}

/// What a policy gives when somebody does such a thing.
fn on_action(policy: &Policy, action: &str, asks: Sure) -> Sure {
    let applications = policy.conditions.applications.iter();
    let mut actions = applications.flat_map(|applications| applications.include_user_actions.iter());
    let about = Sure::from(user_policy(policy) && actions.any(|named| named == action));
    enabled(policy)
        .min(about)
        .min(unconditional(policy, &[], Doubt::Counts))
        .min(asks)
}

pub(super) fn device_registration_mfa(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let members = tally.members()?;
    let gives = |policy: &Policy| on_action(policy, "urn:user:registerdevice", requires(policy, mfa_eq));
    let cover = Cover::new(bench, gives)?;
    if cover.policies().next().is_none() {
        for user in &members {
            let because = "no policy, but a setting of the tenant that is not read may ask for a second factor";
            tally.review(*user, because, json!({}));
        }
        return Ok(());
    }
    cover.judge(tally, &members, "a second factor for registering a device");
    Ok(())
}
