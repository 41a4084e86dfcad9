//! Who has registered what to sign in with.
//!
//! The danger: the report knows no account states and counts disabled accounts and shared mailboxes. It is joined to
//! the people whom a check is about, never judged by itself.

use std::collections::HashMap;

use chrono::Duration;
use serde_json::{Value, json};

use crate::evidence::judge::bench::Bench;
use crate::evidence::judge::tally::Tally;
use crate::evidence::judge::wire::{AuthMethod, Registration, User};
use crate::evidence::snapshot::{Indeterminate, Resource};

/// How long a new account may take.
pub(super) const GRACE_DAYS: i64 = 14;

fn rows<'b>(bench: &'b Bench<'_>) -> Result<HashMap<&'b str, &'b Registration>, Indeterminate> {
    Ok(bench
        .registrations()?
        .iter()
        .map(|row| (row.id.as_str(), row))
        .collect())
}

fn lineage(user: &User, row: Option<&Registration>) -> Value {
    let methods = row.map(|row| {
        row.methods_registered
            .iter()
            .map(AuthMethod::as_str)
            .collect::<Vec<_>>()
    });
    let updated = row.and_then(|row| row.last_updated_date_time);
    json!({"methodsRegistered": methods, "reportedAt": updated, "createdDateTime": user.created_date_time})
}

pub(super) fn mfa_capable(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let members = tally.members()?;
    let rows = rows(bench)?;
    for user in members {
        let row = rows.get(user.id.as_str()).copied();
        let lineage = lineage(user, row);
        let is_new = user
            .created_date_time
            .is_some_and(|created| created > bench.now() - Duration::days(GRACE_DAYS));
        match row.map(|row| row.is_mfa_capable) {
            Some(Some(true)) => tally.passed(),
            Some(None) => tally.review(
                user,
                "the report does not say whether this person can give a second factor",
                lineage,
            ),
            _ if is_new => tally.review(
                user,
                format!("pending: the account is younger than {GRACE_DAYS} days"),
                lineage,
            ),
            Some(Some(false)) => tally.failed(user, "this person has no second factor that is allowed here", lineage),
            None => tally.failed(user, "this person is not in the report, which was read whole", lineage),
        }
    }
    Ok(())
}

pub(super) fn admin_mfa_registered(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let admins = tally.admins()?;
    let rows = rows(bench)?;
    let unlisted = rows.values().filter(|row| row.is_admin == Some(true));
    let unlisted = unlisted.filter(|row| !admins.iter().any(|user| user.id == row.id));
    let mut unlisted: Vec<&str> = unlisted.map(|row| row.id.as_str()).collect();
    unlisted.sort_unstable();
    tally.fact("administratorsByTheReportAlone", unlisted);
    for user in admins {
        let row = rows.get(user.id.as_str()).copied();
        let mut lineage = lineage(user, row);
        lineage["roles"] = json!(bench.directory()?.privileged_roles_of(&user.id));
        match row.map(|row| row.is_mfa_capable) {
            Some(Some(true)) => tally.passed(),
            Some(None) => tally.review(
                user,
                "the report does not say whether this person can give a second factor",
                lineage,
            ),
            Some(Some(false)) => tally.failed(
                user,
                "this administrator has no second factor that is allowed here",
                lineage,
            ),
            None => tally.failed(
                user,
                "this administrator is not in the report, which was read whole",
                lineage,
            ),
        }
    }
    Ok(())
}

pub(super) fn admin_phishing_resistant(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let admins = tally.admins()?;
    resist_phishing(bench, tally, &admins)
}

pub(super) fn phishing_resistant(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let members = tally.members()?;
    resist_phishing(bench, tally, &members)
}

fn resist_phishing(bench: &Bench<'_>, tally: &mut Tally<'_>, people: &[&User]) -> Result<(), Indeterminate> {
    let rows = rows(bench)?;
    for user in people.iter().copied() {
        let row = rows.get(user.id.as_str()).copied();
        let has = |wanted: fn(&AuthMethod) -> bool| row.is_some_and(|row| row.methods_registered.iter().any(wanted));
        if has(|method| matches!(method, AuthMethod::PhishingResistant(_))) {
            tally.passed();
        } else if has(|method| matches!(method, AuthMethod::Unknown(_))) {
            tally.review(
                user,
                "a registered method is a word that is not known here",
                lineage(user, row),
            );
        } else if has(|method| matches!(method, AuthMethod::SingleFactorCertificate)) {
            tally.review(user, "a certificate as one factor alone", lineage(user, row));
        } else {
            tally.failed(
                user,
                "no method that cannot be phished is registered",
                lineage(user, row),
            );
        }
    }
    Ok(())
}

pub(super) fn weak_factor_only(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let rows = rows(bench)?;
    let capable = |user: &User| {
        let row = rows.get(user.id.as_str()).copied();
        row.filter(|row| row.is_mfa_capable != Some(false))
    };
    let name = "MEMBERS who can give a second factor";
    let people = tally.members_who(name, Resource::Registration, |user| capable(user).is_some())?;
    for (user, row) in people.into_iter().filter_map(|user| Some((user, capable(user)?))) {
        let has = |wanted: fn(&AuthMethod) -> bool| row.methods_registered.iter().any(wanted);
        let better = has(|method| !matches!(method, AuthMethod::Telephony(_) | AuthMethod::Unknown(_)));
        if row.is_mfa_capable.is_none() {
            tally.review(
                user,
                "the report does not say whether this person can give a second factor",
                lineage(user, Some(row)),
            );
        } else if better {
            tally.passed();
        } else if has(|method| matches!(method, AuthMethod::Unknown(_))) {
            tally.review(
                user,
                "a registered method is a word that is not known here",
                lineage(user, Some(row)),
            );
        } else {
            tally.failed(
                user,
                "every method goes over a telephone or a mailbox",
                lineage(user, Some(row)),
            );
        }
    }
    Ok(())
}

pub(super) fn registered_not_capable(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let members = tally.members()?;
    let rows = rows(bench)?;
    for user in members {
        let row = rows.get(user.id.as_str()).copied();
        match row.map(|row| (row.is_mfa_registered, row.is_mfa_capable)) {
            Some((Some(true), Some(false))) => tally.failed(
                user,
                "this person has registered a second factor that is not allowed here",
                lineage(user, row),
            ),
            Some((None, _) | (_, None)) => tally.review(
                user,
                "the report does not say what this person has registered",
                lineage(user, row),
            ),
            None => tally.review(
                user,
                "this person is not in the report: what is registered is not known",
                lineage(user, row),
            ),
            Some(_) => tally.passed(),
        }
    }
    Ok(())
}
