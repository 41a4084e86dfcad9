//! Settings of the whole tenant.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::evidence::judge::bench::Bench;
use crate::evidence::judge::predicates::{
    Doubt, Sure, excluded_apps, in_force_everywhere, mfa_eq, no_app_left_out, requires,
};
use crate::evidence::judge::tally::{Subject, Tally};
use crate::evidence::judge::wire::{List, Policy};
use crate::evidence::snapshot::{Indeterminate, Resource};

/// Methods that are weak as a factor.
pub(super) const WEAK_METHODS: &[&str] = &["Sms", "Voice", "Email"];

/// What a person sees of a sign-in before approving it.
const CONTEXT: &[&str] = &[
    "displayAppInformationRequiredState",
    "displayLocationInformationRequiredState",
];
/// The id that stands for "nobody is excluded".
const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

fn subject(resource: Resource, id: &str) -> Subject<'_> {
    Subject {
        resource,
        id,
        name: None,
    }
}

fn defaults_are_on(bench: &Bench<'_>) -> Result<Option<bool>, Indeterminate> {
    let defaults: Value = bench.only(Resource::SecurityDefaults)?;
    Ok(defaults["isEnabled"].as_bool())
}

pub(super) fn has_security_defaults(bench: &Bench<'_>) -> Result<Option<&'static str>, Indeterminate> {
    let on = defaults_are_on(bench)? == Some(true);
    Ok(on.then_some("security defaults are on, and they block legacy authentication"))
}

pub(super) fn has_only_security_defaults(bench: &Bench<'_>) -> Result<Option<&'static str>, Indeterminate> {
    let on = defaults_are_on(bench)? == Some(true);
    let licensed = bench.has_plan(|plan| matches!(plan, "AAD_PREMIUM" | "AAD_PREMIUM_P2"))?;
    Ok((on && !licensed).then_some("security defaults are on, and no licence allows conditional access"))
}

pub(super) fn security_defaults_or_ca(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let on = defaults_are_on(bench)?;
    let for_all = |policy: &Policy| {
        let users = policy.conditions.users.as_ref();
        let all = users.is_some_and(|users| users.include_users.iter().any(|word| word == "All"));
        in_force_everywhere(policy, &[], Doubt::AsksAPerson)
            .min(no_app_left_out(policy))
            .min(Sure::from(all))
            .min(requires(policy, mfa_eq))
    };
    let (mut sure, mut doubtful) = (Sure::No, Vec::new());
    for policy in bench.enabled()?.filter(|policy| for_all(policy) != Sure::No) {
        if on == Some(true) || sure == Sure::Yes {
            break;
        }
        let left_out = left_out(bench, policy)?;
        let is_whole = if left_out.is_empty() { Sure::Yes } else { Sure::Maybe };
        sure = sure.max(for_all(policy).min(is_whole));
        doubtful.push(json!({
            "policy": policy.id, "name": policy.display_name, "leavesOut": left_out,
            "excludedApplications": excluded_apps(policy),
        }));
    }
    tally.population(
        "TENANT",
        Resource::SecurityDefaults,
        std::iter::once("security_defaults"),
    );
    tally.fact("securityDefaults", on);
    let tenant = subject(Resource::SecurityDefaults, "security_defaults");
    match (on, sure) {
        (Some(true), _) | (_, Sure::Yes) => tally.passed(),
        (_, Sure::Maybe) => tally.review(
            tenant,
            "a policy asks for a second factor, but under a condition, or not of everybody or not everywhere",
            json!({"policies": doubtful}),
        ),
        (None, Sure::No) => tally.review(tenant, "whether security defaults are on is not said", json!({})),
        (Some(false), Sure::No) => {
            tally.failed(
                tenant,
                "neither security defaults nor a policy ask everybody for a second factor",
                json!({}),
            );
        }
    }
    Ok(())
}

/// People with an enabled account whom a policy leaves out, or may, accounts for emergencies apart.
fn left_out(bench: &Bench<'_>, policy: &Policy) -> Result<Vec<String>, Indeterminate> {
    let users = policy.conditions.users.as_ref();
    let excludes = users.is_some_and(|users| {
        let lists = [&users.exclude_users, &users.exclude_groups, &users.exclude_roles];
        lists.iter().any(|list| !list.is_empty()) || users.exclude_guests_or_external_users.is_some()
    });
    if !excludes {
        return Ok(Vec::new());
    }
    let emergency = bench.emergency();
    let excluded = bench.reach(policy)?.excluded(bench)?.into_iter();
    let people = excluded.filter(|(user, _)| user.is_enabled() && !emergency.contains(user.id.as_str()));
    Ok(people.map(|(user, _)| user.id.clone()).collect())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MethodsPolicy {
    #[serde(default)]
    authentication_method_configurations: List<Value>,
}

impl MethodsPolicy {
    fn method(&self, id: &str) -> Option<&Value> {
        let named = |one: &&Value| one["id"].as_str().is_some_and(|named| named.eq_ignore_ascii_case(id));
        self.authentication_method_configurations.iter().find(named)
    }
}

pub(super) fn weak_methods_disabled(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let policy: MethodsPolicy = bench.only(Resource::AuthMethodsPolicy)?;
    tally.population("METHODS", Resource::AuthMethodsPolicy, WEAK_METHODS.iter().copied());
    for method in WEAK_METHODS {
        let configuration = policy.method(method);
        let lineage = configuration.map_or_else(
            || json!({}),
            |one| json!({"includeTargets": one["includeTargets"], "excludeTargets": one["excludeTargets"]}),
        );
        let method = subject(Resource::AuthMethodsPolicy, method);
        match configuration.and_then(|one| one["state"].as_str()) {
            Some("disabled") => tally.passed(),
            Some("enabled") => tally.failed(method, "the method is allowed", lineage),
            _ => tally.review(
                method,
                "whether the method is allowed is not said in a word that is known here",
                lineage,
            ),
        }
    }
    Ok(())
}

pub(super) fn authenticator_context(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let policy: MethodsPolicy = bench.only(Resource::AuthMethodsPolicy)?;
    let method = policy.method("MicrosoftAuthenticator").unwrap_or(&Value::Null);
    let allowed = method["state"].as_str();
    if allowed == Some("disabled") {
        tally.not_applicable("the Microsoft Authenticator is not allowed as a method");
        return Ok(());
    }
    tally.population("FEATURES", Resource::AuthMethodsPolicy, CONTEXT.iter().copied());
    for name in CONTEXT {
        let setting = &method["featureSettings"][name];
        let excluded = setting["excludeTarget"]["id"].as_str().unwrap_or(NOBODY);
        let for_all = setting["includeTarget"]["id"] == "all_users" && excluded == NOBODY;
        let lineage = json!({"method": allowed, "setting": setting});
        let feature = subject(Resource::AuthMethodsPolicy, name);
        match (allowed, setting["state"].as_str()) {
            (Some("enabled"), Some("enabled")) if for_all => tally.passed(),
            (Some("enabled"), Some("enabled")) => tally.failed(feature, "shown to some people alone", lineage),
            (Some("enabled"), Some("disabled" | "default")) => tally.failed(feature, "not shown", lineage),
            _ => {
                let because = "whether it is shown is not said in a word that is known here";
                tally.review(feature, because, lineage);
            }
        }
    }
    Ok(())
}

pub(super) fn user_consent_restricted(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let policy: Value = bench.only(Resource::AuthzPolicy)?;
    let assigned = &policy["defaultUserRolePermissions"]["permissionGrantPoliciesAssigned"];
    let Some(assigned) = assigned.as_array() else {
        let because = "what people may consent to is not said";
        tally.population("TENANT", Resource::AuthzPolicy, std::iter::once("authz_policy"));
        tally.review(
            subject(Resource::AuthzPolicy, "authz_policy"),
            because,
            json!({"assigned": assigned}),
        );
        return Ok(());
    };
    let own = |word: &&str| word.to_lowercase().starts_with("managepermissiongrantsforself");
    let words: Vec<&str> = assigned.iter().filter_map(Value::as_str).filter(own).collect();
    if words.is_empty() {
        tally.population("TENANT", Resource::AuthzPolicy, std::iter::once("authz_policy"));
        tally.passed();
        return Ok(());
    }
    tally.population("GRANTS", Resource::AuthzPolicy, words.iter().copied());
    for word in words {
        let element = subject(Resource::AuthzPolicy, word);
        if word.ends_with(".microsoft-user-default-low") || word.ends_with(".microsoft-user-default-recommended") {
            tally.review(
                element,
                "people may consent to what Microsoft counts as harmless",
                json!({}),
            );
        } else {
            tally.failed(element, "people may consent to applications by themselves", json!({}));
        }
    }
    Ok(())
}

pub(super) fn default_noncompliant(bench: &Bench<'_>, tally: &mut Tally<'_>) -> Result<(), Indeterminate> {
    let intune: Value = bench.only(Resource::DeviceMgmt)?;
    tally.population("TENANT", Resource::DeviceMgmt, std::iter::once("device_mgmt"));
    let tenant = subject(Resource::DeviceMgmt, "device_mgmt");
    match intune["settings"]["secureByDefault"].as_bool() {
        Some(true) => tally.passed(),
        Some(false) => tally.failed(
            tenant,
            "a device without any compliance policy counts as compliant",
            json!({}),
        ),
        None => tally.review(tenant, "how devices without a policy count is not said", json!({})),
    }
    Ok(())
}
