//! What a policy asks for, and of whom it does not: the definitions of the catalogue, as functions.
//!
//! The danger is to read OR as AND, a condition as none, or a new word as an old one. Each predicate answers in three
//! values; [`Sure::Maybe`] is for what data alone cannot decide, and no check takes it for yes.

use super::wire::{BuiltIn, ClientApp, Grant, Operator, Platforms, Policy, PolicyState, Strength, is_empty, says_more};

/// Whether something holds. Ordered: "and" is the smaller, "or" the larger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sure {
    No,
    Maybe,
    Yes,
}

impl From<bool> for Sure {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

/// One of the things that a policy offers to ask for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Alternative<'a> {
    BuiltIn(BuiltIn),
    Strength(&'a Strength),
    CustomFactor,
    TermsOfUse,
}

/// EFFECTIVE: all alternatives of a grant.
fn effective(grant: &Grant) -> Vec<Alternative<'_>> {
    let built_in = grant
        .built_in_controls
        .iter()
        .map(|control| Alternative::BuiltIn(*control));
    let strength = grant.authentication_strength.iter().map(Alternative::Strength);
    let custom = grant
        .custom_authentication_factors
        .iter()
        .map(|_| Alternative::CustomFactor);
    let terms = grant.terms_of_use.iter().map(|_| Alternative::TermsOfUse);
    built_in.chain(strength).chain(custom).chain(terms).collect()
}

/// REQUIRES: with AND one alternative that satisfies is enough; with OR each must.
pub(super) fn requires(policy: &Policy, satisfies: impl Fn(Alternative<'_>) -> Sure) -> Sure {
    let Some(grant) = &policy.grant_controls else {
        return Sure::No;
    };
    let mut answers: Vec<Sure> = effective(grant).into_iter().map(satisfies).collect();
    if says_more(&grant.others) {
        // One more thing that may be asked for, or offered instead.
        answers.push(Sure::Maybe);
    }
    if blocks(policy) {
        return Sure::No;
    }
    let any = answers.iter().copied().max().unwrap_or(Sure::No);
    let each = answers.iter().copied().min().unwrap_or(Sure::No);
    match grant.operator {
        Operator::And => any,
        Operator::Or => each,
        Operator::Unknown if any == each => any,
        Operator::Unknown => any.min(Sure::Maybe),
    }
}

/// BLOCKS.
pub(super) fn blocks(policy: &Policy) -> bool {
    policy
        .grant_controls
        .as_ref()
        .is_some_and(|grant| grant.built_in_controls.contains(&BuiltIn::Block))
}

/// `MFA_EQ`.
pub(super) fn mfa_eq(alternative: Alternative<'_>) -> Sure {
    match alternative {
        Alternative::BuiltIn(BuiltIn::Mfa) => Sure::Yes,
        Alternative::BuiltIn(BuiltIn::Unknown) | Alternative::CustomFactor => Sure::Maybe,
        Alternative::BuiltIn(_) | Alternative::TermsOfUse => Sure::No,
        Alternative::Strength(strength) if strength.requirements_satisfied.as_deref() == Some("mfa") => Sure::Yes,
        Alternative::Strength(strength) => {
            let combinations = strength.allowed_combinations.iter();
            combinations
                .map(|combination| multi_factor(combination))
                .min()
                // A strength that allows nothing cannot be: its list was not told.
                .unwrap_or(Sure::Maybe)
        }
    }
}

/// Combinations that Microsoft counts as more than one factor: those of the built-in strength "Multifactor authentication".
///
/// Source: <https://learn.microsoft.com/entra/identity/authentication/concept-authentication-strengths>
const MULTI_FACTOR: &[&str] = &[
    "windowsHelloForBusiness",
    "fido2",
    "x509CertificateMultiFactor",
    "deviceBasedPush",
    "temporaryAccessPassOneTime",
    "temporaryAccessPassMultiUse",
    "password,microsoftAuthenticatorPush",
    "password,softwareOath",
    "password,hardwareOath",
    "password,x509CertificateSingleFactor",
    "password,x509CertificateMultiFactor",
    "password,sms",
    "password,voice",
    "federatedMultiFactor",
    "microsoftAuthenticatorPush,federatedSingleFactor",
    "softwareOath,federatedSingleFactor",
    "hardwareOath,federatedSingleFactor",
    "sms,federatedSingleFactor",
    "voice,federatedSingleFactor",
];

const SINGLE_FACTOR: &[&str] = &[
    "password",
    "voice",
    "hardwareOath",
    "softwareOath",
    "sms",
    "microsoftAuthenticatorPush",
    "federatedSingleFactor",
    "x509CertificateSingleFactor",
    "email",
    "qrCodePin",
];

fn multi_factor(combination: &str) -> Sure {
    if MULTI_FACTOR.contains(&combination) {
        Sure::Yes
    } else if SINGLE_FACTOR.contains(&combination) {
        Sure::No
    } else {
        Sure::Maybe
    }
}

/// Combinations that cannot be phished. A certificate counts in its multi-factor form alone.
pub(super) const PHISHING_RESISTANT: &[&str] = &["windowsHelloForBusiness", "fido2", "x509CertificateMultiFactor"];

/// `PR_EQ`.
pub(super) fn pr_eq(alternative: Alternative<'_>) -> Sure {
    let strength = match alternative {
        Alternative::Strength(strength) => strength,
        Alternative::BuiltIn(BuiltIn::Unknown) => return Sure::Maybe,
        _ => return Sure::No,
    };
    let resists = |combination: &String| {
        if PHISHING_RESISTANT.contains(&combination.as_str()) {
            Sure::Yes
        } else if MULTI_FACTOR.contains(&combination.as_str()) || SINGLE_FACTOR.contains(&combination.as_str()) {
            Sure::No
        } else {
            Sure::Maybe
        }
    };
    strength
        .allowed_combinations
        .iter()
        .map(resists)
        .min()
        // A strength that allows nothing cannot be: its list was not told.
        .unwrap_or(Sure::Maybe)
}

/// A device that the company manages.
pub(super) fn managed_device(alternative: Alternative<'_>) -> Sure {
    match alternative {
        Alternative::BuiltIn(BuiltIn::CompliantDevice | BuiltIn::DomainJoinedDevice) => Sure::Yes,
        Alternative::BuiltIn(BuiltIn::Unknown) => Sure::Maybe,
        _ => Sure::No,
    }
}

/// ENABLED. Report-only is not.
pub(super) fn enabled(policy: &Policy) -> Sure {
    match policy.state {
        PolicyState::Enabled => Sure::Yes,
        PolicyState::Disabled | PolicyState::EnabledForReportingButNotEnforced => Sure::No,
        PolicyState::Unknown => Sure::Maybe,
    }
}

/// `USER_POLICY`: about people, not about workloads.
pub(super) fn user_policy(policy: &Policy) -> bool {
    let users = policy.conditions.users.as_ref();
    let nobody = |users: &super::wire::PolicyUsers| users.include_users.iter().eq(["None"].iter());
    policy.conditions.client_applications.is_none() && users.is_some_and(|users| !nobody(users))
}

/// How a check takes what narrows a policy without closing it: by the rule, or as a question for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doubt {
    Counts,
    AsksAPerson,
}

/// `ALL_APPS`.
pub(super) fn all_apps(policy: &Policy, doubt: Doubt) -> Sure {
    names_app(policy, &["All"], doubt)
}

/// Whether the policy is about one of these applications, leaves none of them out, and is not about those alone that a
/// filter lets through.
pub(super) fn names_app(policy: &Policy, names: &[&str], doubt: Doubt) -> Sure {
    let Some(applications) = &policy.conditions.applications else {
        return Sure::No;
    };
    let named = |list: &[String]| list.iter().any(|app| names.contains(&app.as_str()));
    let is_about = named(&applications.include_applications) && !named(&applications.exclude_applications);
    match (is_about, &applications.application_filter, doubt) {
        (false, ..) | (true, Some(_), Doubt::Counts) => Sure::No,
        (true, Some(_), Doubt::AsksAPerson) => Sure::Maybe,
        (true, None, _) => Sure::Yes,
    }
}

/// The applications that a policy leaves out.
pub(super) fn excluded_apps(policy: &Policy) -> &[String] {
    let applications = policy.conditions.applications.as_ref();
    applications.map_or(&[], |applications| &applications.exclude_applications)
}

/// Whether a policy leaves no application out. Whether what it leaves out matters, a person has to see.
pub(super) fn no_app_left_out(policy: &Policy) -> Sure {
    if excluded_apps(policy).is_empty() {
        Sure::Yes
    } else {
        Sure::Maybe
    }
}

/// A condition that a check wants to see in a policy, and therefore does not count as narrowing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    ClientApps,
    UserRisk,
    SignInRisk,
    Flows,
    Locations,
    Platforms,
}

/// UNCONDITIONAL, but for the conditions that are wanted.
pub(super) fn unconditional(policy: &Policy, wanted: &[Wanted], doubt: Doubt) -> Sure {
    let is_wanted = |condition| wanted.contains(&condition);
    let conditions = &policy.conditions;
    let apps = &conditions.client_app_types;
    let both = apps.contains(&ClientApp::Browser) && apps.contains(&ClientApp::MobileAppsAndDesktopClients);
    let client_apps = if is_wanted(Wanted::ClientApps) || apps.contains(&ClientApp::All) || both {
        Sure::Yes
    } else if apps.contains(&ClientApp::Unknown) {
        Sure::Maybe
    } else {
        Sure::No
    };
    let risks = (is_wanted(Wanted::UserRisk) || conditions.user_risk_levels.is_empty())
        && (is_wanted(Wanted::SignInRisk) || conditions.sign_in_risk_levels.is_empty())
        && conditions.service_principal_risk_levels.is_empty()
        && is_empty(&conditions.insider_risk_levels);
    let every_platform =
        |platforms: &Platforms| is_all(&platforms.include_platforms, "all") && platforms.exclude_platforms.is_empty();
    let platforms = is_wanted(Wanted::Platforms) || conditions.platforms.as_ref().is_none_or(every_platform);
    let locations = match &conditions.locations {
        None => Sure::Yes,
        Some(_) if is_wanted(Wanted::Locations) => Sure::Yes,
        Some(locations) if !is_all(&locations.include_locations, "All") => Sure::No,
        Some(locations) if locations.exclude_locations.is_empty() => Sure::Yes,
        Some(_) if doubt == Doubt::AsksAPerson => Sure::Maybe,
        Some(_) => Sure::No,
    };
    let devices = conditions.devices.as_ref();
    let unfiltered = devices.is_none_or(|devices| devices.device_filter.is_none());
    let unknown = says_more(&conditions.others)
        || conditions.users.as_ref().is_some_and(|one| says_more(&one.others))
        || devices.is_some_and(|devices| says_more(&devices.others))
        || conditions
            .applications
            .as_ref()
            .is_some_and(|one| says_more(&one.others))
        || conditions.locations.as_ref().is_some_and(|one| says_more(&one.others))
        || conditions.platforms.as_ref().is_some_and(|one| says_more(&one.others))
        || conditions
            .authentication_flows
            .as_ref()
            .is_some_and(|one| says_more(&one.others));
    let flows = conditions
        .authentication_flows
        .as_ref()
        .and_then(|flows| flows.transfer_methods.as_deref());
    let flows = is_wanted(Wanted::Flows) || flows.is_none_or(|methods| matches!(methods, "" | "none"));
    client_apps
        .min(Sure::from(risks && platforms && unfiltered && flows))
        .min(locations)
        .min(if unknown { Sure::Maybe } else { Sure::Yes })
}

fn is_all(list: &[String], all: &str) -> bool {
    list.is_empty() || list.iter().eq([all].iter())
}

/// The part that all coverage has in common: in force, about people, about everything, without conditions.
pub(super) fn in_force_everywhere(policy: &Policy, wanted: &[Wanted], doubt: Doubt) -> Sure {
    enabled(policy)
        .min(Sure::from(user_policy(policy)))
        .min(all_apps(policy, doubt))
        .min(unconditional(policy, wanted, doubt))
}

impl From<BuiltIn> for Alternative<'_> {
    fn from(control: BuiltIn) -> Self {
        Self::BuiltIn(control)
    }
}
