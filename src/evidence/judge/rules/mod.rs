//! The checks that are judged, one file a family. What each must say is in the catalogue; the code keeps to those words.

mod access;
mod account;
mod change;
mod collection;
mod compliance_policy;
mod device;
mod exclusion;
mod mfa;
mod os;
mod ownership;
mod registration;
mod risk;
mod setting;
mod tenant;

use serde_json::{Value, json};

use super::bench::Bench;
use super::tally::{Excuse, Tally};
use super::verdict::Verdict;
use crate::evidence::catalogue::Catalogue;
use crate::evidence::snapshot::{Indeterminate, Resource};

/// Why a check has nothing to be held against, from what was read.
type OutOfScope = fn(&Bench<'_>) -> Result<Option<&'static str>, Indeterminate>;

/// How a check is judged.
pub(super) struct Rule {
    pub id: &'static str,
    excuse: Excuse,
    parameters: fn() -> Value,
    out_of_scope: OutOfScope,
    /// Whether every reading that the catalogue names must be whole; not so where incomplete readings are the subject.
    whole: bool,
    judge: fn(&Bench<'_>, &mut Tally<'_>) -> Result<(), Indeterminate>,
}

impl Rule {
    const fn new(
        id: &'static str,
        excuse: Excuse,
        judge: fn(&Bench<'_>, &mut Tally<'_>) -> Result<(), Indeterminate>,
    ) -> Self {
        Self {
            id,
            excuse,
            parameters: || json!({}),
            out_of_scope: |_| Ok(None),
            whole: true,
            judge,
        }
    }

    const fn with(self, parameters: fn() -> Value) -> Self {
        Self { parameters, ..self }
    }

    const fn unless(self, out_of_scope: OutOfScope) -> Self {
        Self { out_of_scope, ..self }
    }

    const fn on_any_reading(self) -> Self {
        Self { whole: false, ..self }
    }

    pub fn hold(&self, bench: &Bench<'_>) -> Verdict {
        let check = Catalogue::get()
            .check(self.id)
            .expect("a test looks each rule up in the catalogue");
        let named: Vec<Resource> = check
            .endpoints
            .iter()
            .filter_map(|endpoint| resource(endpoint))
            .collect();
        let mut tally = Tally::new(bench, check, self.excuse, (self.parameters)());
        // What cannot be told to be out of scope is in scope: then the readings below are asked.
        if let Ok(Some(reason)) = (self.out_of_scope)(bench) {
            tally.not_applicable(reason);
            return tally.verdict(bench.inputs(named, None), None);
        }
        let whole = || {
            named
                .iter()
                .try_for_each(|input| bench.snapshot.complete(*input).map(|_| ()))
        };
        let readings = if self.whole { whole() } else { Ok(()) };
        let judged = readings.and_then(|()| (self.judge)(bench, &mut tally));
        let inputs = bench.inputs(named, judged.as_ref().err().map(|missing| missing.resource));
        match judged {
            Ok(()) => tally.verdict(inputs, None),
            Err(missing) => {
                // What was counted before the gap was met is no population.
                let tally = Tally::new(bench, check, self.excuse, (self.parameters)());
                tally.verdict(inputs, Some(missing))
            }
        }
    }
}

fn resource(endpoint: &str) -> Option<Resource> {
    Resource::ALL
        .iter()
        .copied()
        .find(|resource| resource.as_str() == endpoint)
}

/// Every check that is judged.
pub(super) const ALL: &[Rule] = &[
    Rule::new("entra.ca.mfa_all_users", Excuse::Either, mfa::all_users).unless(tenant::has_only_security_defaults),
    Rule::new("entra.ca.mfa_admins", Excuse::Emergency, mfa::admins).with(mfa::privileged_roles),
    Rule::new(
        "entra.ca.phishing_resistant_mfa_admins",
        Excuse::Emergency,
        mfa::phishing_resistant_admins,
    )
    .with(mfa::phishing_resistant_combinations),
    Rule::new("entra.ca.mfa_guests", Excuse::Either, mfa::guests),
    Rule::new("entra.ca.mfa_azure_management", Excuse::Either, mfa::azure_management).with(mfa::management_apps),
    Rule::new(
        "entra.ca.legacy_auth_blocked",
        Excuse::Either,
        access::legacy_auth_blocked,
    )
    .unless(tenant::has_security_defaults),
    Rule::new(
        "entra.ca.compliant_device_required",
        Excuse::Either,
        access::compliant_device_required,
    )
    .unless(device::manages_none_by_declaration),
    Rule::new(
        "entra.ca.compliant_device_admins",
        Excuse::Emergency,
        access::compliant_device_admins,
    ),
    Rule::new(
        "entra.ca.security_info_registration_protected",
        Excuse::Either,
        access::security_info_registration_protected,
    )
    .with(|| json!({"mode": "strict"})),
    Rule::new(
        "entra.ca.device_code_flow_blocked",
        Excuse::Either,
        access::device_code_flow_blocked,
    ),
    Rule::new("entra.ca.sign_in_risk_blocked", Excuse::Either, risk::sign_in_blocked)
        .with(|| json!({"levels": risk::BLOCKED}))
        .unless(risk::has_no_p2),
    Rule::new("entra.ca.sign_in_risk_mfa", Excuse::Either, risk::sign_in_mfa)
        .with(|| json!({"levels": risk::CHALLENGED}))
        .unless(risk::has_no_p2),
    Rule::new("entra.ca.user_risk_remediated", Excuse::Either, risk::user_remediated)
        .with(
            || json!({"levels": ["high"], "acceptedControls": ["block", "passwordChange AND mfa", "riskRemediation"]}),
        )
        .unless(risk::has_no_p2),
    Rule::new("entra.ca.exclusion_gaps", Excuse::Either, exclusion::gaps),
    Rule::new(
        "entra.ca.emergency_access_excluded",
        Excuse::Never,
        exclusion::emergency_excluded,
    )
    .with(|| json!({"minimum": exclusion::MINIMUM})),
    Rule::new(
        "entra.ca.emergency_access_strong",
        Excuse::Never,
        exclusion::emergency_strong,
    )
    .with(|| json!({"hoursToATicket": exclusion::HOURS_TO_A_TICKET})),
    Rule::new("entra.ca.report_only_stale", Excuse::Never, change::report_only_stale)
        .with(|| json!({"maxDays": change::MAX_DAYS_REPORT_ONLY})),
    Rule::new("entra.ca.policy_changed", Excuse::Never, change::policy_changed),
    Rule::new(
        "entra.admin.role_membership_changed",
        Excuse::Never,
        change::role_membership_changed,
    ),
    Rule::new(
        "entra.tenant.security_defaults_or_ca",
        Excuse::Never,
        tenant::security_defaults_or_ca,
    ),
    Rule::new(
        "entra.auth.weak_methods_disabled",
        Excuse::Never,
        tenant::weak_methods_disabled,
    )
    .with(|| json!({"methods": tenant::WEAK_METHODS})),
    Rule::new(
        "entra.authz.user_consent_restricted",
        Excuse::Never,
        tenant::user_consent_restricted,
    ),
    Rule::new("entra.user.mfa_capable", Excuse::Exception, registration::mfa_capable)
        .with(|| json!({"graceDays": registration::GRACE_DAYS, "onlyLicensed": false})),
    Rule::new(
        "entra.admin.mfa_registered",
        Excuse::Exception,
        registration::admin_mfa_registered,
    )
    .with(mfa::privileged_roles),
    Rule::new(
        "entra.admin.phishing_resistant_registered",
        Excuse::Exception,
        registration::admin_phishing_resistant,
    )
    .with(mfa::privileged_roles),
    Rule::new(
        "entra.user.weak_factor_only",
        Excuse::Exception,
        registration::weak_factor_only,
    ),
    Rule::new("entra.admin.stale", Excuse::Never, account::admin_stale)
        .with(|| json!({"maxDays": account::MAX_DAYS_WITHOUT_SIGN_IN})),
    Rule::new("entra.admin.cloud_only", Excuse::Never, account::admin_cloud_only).with(mfa::privileged_roles),
    Rule::new(
        "entra.admin.no_guest_privileged",
        Excuse::Exception,
        account::no_guest_privileged,
    )
    .with(mfa::privileged_roles),
    Rule::new("intune.device.compliant", Excuse::Exception, device::compliant).unless(device::has_no_intune),
    Rule::new("intune.device.in_grace_period", Excuse::Never, device::in_grace_period)
        .with(|| json!({"maxGraceDays": device::MAX_GRACE_DAYS}))
        .unless(device::has_no_intune),
    Rule::new("intune.device.state_unknown", Excuse::Exception, device::state_unknown)
        .with(|| json!({"graceDays": device::GRACE_DAYS}))
        .unless(device::has_no_intune),
    Rule::new("intune.device.encrypted", Excuse::Exception, device::encrypted)
        .with(|| json!({"operatingSystems": device::ENCRYPTABLE}))
        .unless(device::has_no_intune),
    Rule::new("intune.device.os_supported", Excuse::Exception, os::supported)
        .with(os::lifecycle_table)
        .unless(device::has_no_intune),
    Rule::new("intune.device.checked_in", Excuse::Exception, device::checked_in)
        .with(|| json!({"maxDays": device::MAX_DAYS_SILENT}))
        .unless(device::has_no_intune),
    Rule::new("intune.device.not_jailbroken", Excuse::Never, device::not_jailbroken).unless(device::has_no_intune),
    Rule::new("intune.device.threat_state", Excuse::Never, device::threat_state)
        .with(|| json!({"accept": ["secured", "activated", "lowSeverity"]}))
        .unless(device::has_no_intune),
    Rule::new(
        "intune.tenant.default_noncompliant",
        Excuse::Never,
        tenant::default_noncompliant,
    )
    .unless(device::has_no_intune),
    Rule::new(
        "intune.policy.exists_per_platform",
        Excuse::Never,
        compliance_policy::exists_per_platform,
    )
    .unless(device::has_no_intune),
    Rule::new(
        "intune.policy.encryption_required",
        Excuse::Never,
        compliance_policy::encryption_required,
    )
    .unless(device::has_no_intune),
    Rule::new(
        "intune.policy.jailbreak_blocked",
        Excuse::Never,
        compliance_policy::jailbreak_blocked,
    )
    .unless(device::has_no_intune),
    Rule::new(
        "entra.ca.phishing_resistant_mfa_all",
        Excuse::Either,
        mfa::phishing_resistant_all,
    )
    .with(mfa::phishing_resistant_combinations),
    Rule::new(
        "entra.ca.device_registration_mfa",
        Excuse::Either,
        access::device_registration_mfa,
    ),
    Rule::new("entra.ca.mixed_risk_conditions", Excuse::Never, risk::mixed),
    Rule::new(
        "entra.ca.authentication_transfer_blocked",
        Excuse::Either,
        access::authentication_transfer_blocked,
    ),
    Rule::new(
        "entra.auth.methods_migration_complete",
        Excuse::Never,
        setting::methods_migrated,
    ),
    Rule::new(
        "entra.authz.app_registration_restricted",
        Excuse::Never,
        setting::app_registration_restricted,
    ),
    Rule::new(
        "entra.authz.admin_consent_workflow",
        Excuse::Never,
        setting::admin_consent_workflow,
    ),
    Rule::new(
        "entra.guest.invite_restricted",
        Excuse::Never,
        setting::invites_restricted,
    ),
    Rule::new(
        "entra.guest.access_restricted",
        Excuse::Never,
        setting::guest_access_restricted,
    )
    .with(|| json!({"accepted": setting::GUEST_ROLES})),
    Rule::new(
        "entra.user.mfa_registered_not_capable",
        Excuse::Exception,
        registration::registered_not_capable,
    ),
    Rule::new(
        "entra.user.phishing_resistant_registered",
        Excuse::Exception,
        registration::phishing_resistant,
    ),
    Rule::new("entra.user.stale_enabled", Excuse::Exception, account::user_stale)
        .with(|| json!({"maxDays": account::MAX_DAYS_AWAY})),
    Rule::new(
        "entra.user.never_signed_in",
        Excuse::Exception,
        account::never_signed_in,
    )
    .with(|| json!({"graceDays": account::DAYS_TO_BEGIN})),
    Rule::new("entra.guest.stale", Excuse::Exception, account::guest_stale)
        .with(|| json!({"maxDays": account::MAX_DAYS_AWAY})),
    Rule::new(
        "entra.admin.global_admin_count",
        Excuse::Never,
        account::global_admin_count,
    )
    .with(
        || json!({"min": account::MIN_GLOBAL_ADMINISTRATORS, "max": account::MAX_GLOBAL_ADMINISTRATORS, "scubaMax": 8}),
    ),
    Rule::new(
        "intune.device.android_patch_level",
        Excuse::Never,
        ownership::android_patched,
    )
    .with(|| json!({"maxDays": ownership::MAX_DAYS_UNPATCHED}))
    .unless(device::has_no_intune),
    Rule::new(
        "intune.device.personal_owned",
        Excuse::Exception,
        ownership::none_personal,
    )
    .unless(device::has_no_intune),
    Rule::new(
        "intune.device.management_certificate",
        Excuse::Never,
        ownership::certificate_valid,
    )
    .with(|| json!({"warnDays": ownership::WARN_DAYS}))
    .unless(device::has_no_intune),
    Rule::new("intune.tenant.validity_period", Excuse::Never, setting::validity_period)
        .with(|| json!({"maxDays": setting::MAX_DAYS_VALID}))
        .unless(device::has_no_intune),
    Rule::new("intune.policy.assigned", Excuse::Never, compliance_policy::all_assigned).unless(device::has_no_intune),
    Rule::new(
        "intune.policy.noncompliance_action",
        Excuse::Never,
        compliance_policy::noncompliance_blocks,
    )
    .with(|| json!({"maxHours": compliance_policy::MAX_HOURS_TO_BLOCK}))
    .unless(device::has_no_intune),
    Rule::new(
        "evidence.collection_completeness",
        Excuse::Never,
        collection::completeness,
    )
    .with(|| json!({"toleranceAbsolute": collection::TOLERANCE, "tolerancePercent": collection::TOLERANCE_PERCENT}))
    .on_any_reading(),
    Rule::new("evidence.collection_gap", Excuse::Never, collection::gap)
        .with(|| json!({"maxHours": collection::MAX_HOURS_BETWEEN}))
        .on_any_reading(),
    Rule::new("evidence.collector_permissions", Excuse::Never, collection::permissions)
        .with(|| json!({"declared": collection::DECLARED})),
    Rule::new("evidence.source_freshness", Excuse::Never, collection::freshness)
        .with(|| json!({"maxHours": collection::MAX_HOURS_OLD, "maxShare": collection::MAX_SHARE_OLD}))
        .on_any_reading(),
];
