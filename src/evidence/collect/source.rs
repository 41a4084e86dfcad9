//! Where each resource is read: the question, exactly as it is asked.
//!
//! The danger: a property that is not selected is silently absent, and one that is misspelt is refused for the whole
//! page. A test compares every name here with Microsoft's schema. What no check needs is not asked for: telephone
//! numbers, hardware addresses and the like never come here.

use chrono::{DateTime, TimeDelta, Utc};

use crate::evidence::snapshot::Resource;
use crate::microsoft::Collection;

const PERSON: &str = "id,userPrincipalName,displayName,accountEnabled,userType,createdDateTime,assignedLicenses,onPremisesSyncEnabled,\
     onPremisesImmutableId,isResourceAccount,externalUserState,employeeHireDate,lastPasswordChangeDateTime";
const GROUP: &str = "id,displayName,groupTypes,membershipRule,isAssignableToRole,isManagementRestricted,securityEnabled,visibility,onPremisesSyncEnabled";
const DEVICE: &str = "id,deviceName,userId,userPrincipalName,azureADDeviceId,serialNumber,manufacturer,model,operatingSystem,osVersion,\
     androidSecurityPatchLevel,complianceState,complianceGracePeriodExpirationDateTime,isEncrypted,jailBroken,\
     partnerReportedThreatState,managedDeviceOwnerType,managementAgent,managementCertificateExpirationDate,\
     enrolledDateTime,lastSyncDateTime";
const ORGANIZATION: &str = "id,displayName,verifiedDomains,onPremisesSyncEnabled,assignedPlans";

/// How far back the audit log is read. Tenants without a premium licence keep their log for 7 days.
const AUDITED: TimeDelta = TimeDelta::days(7);

/// How a resource comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Pages of objects.
    List,
    /// One object.
    Single,
}

/// Where a resource is read.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// What is asked of Graph.
    pub collection: Collection,
    /// How it is asked.
    pub query: String,
    /// How it comes.
    pub shape: Shape,
    /// What counts the same population once more.
    pub witness: Option<Collection>,
}

impl Source {
    /// The permissions that it needs, all of them.
    pub fn permissions(&self) -> Vec<&'static str> {
        match self.collection {
            Collection::SignIns => vec![Collection::Users.permission(), Collection::SignIns.permission()],
            other => vec![other.permission()],
        }
    }
}

/// Where a resource is read by a run that began at this moment; group members have no list of their own.
pub(super) fn source(resource: Resource, taken_at: DateTime<Utc>) -> Option<Source> {
    let list = |collection, query: String| Source {
        collection,
        query,
        shape: Shape::List,
        witness: None,
    };
    let single = |collection, query: &str| Source {
        shape: Shape::Single,
        ..list(collection, query.to_owned())
    };
    let all = |collection| list(collection, String::new());
    Some(match resource {
        Resource::CaPolicies => all(Collection::ConditionalAccessPolicies),
        Resource::NamedLocations => all(Collection::NamedLocations),
        Resource::AuthStrengths => all(Collection::AuthenticationStrengths),
        Resource::SecurityDefaults => single(Collection::SecurityDefaults, ""),
        Resource::AuthzPolicy => single(Collection::AuthorizationPolicy, ""),
        Resource::AuthMethodsPolicy => single(Collection::AuthenticationMethods, ""),
        Resource::AdminConsentPolicy => single(Collection::AdminConsentPolicy, ""),
        Resource::Registration => all(Collection::Registrations),
        Resource::Users => Source {
            witness: Some(Collection::UsersCount),
            ..list(Collection::Users, format!("$select={PERSON}&$top=999"))
        },
        // More than 500 to a page are not given with it.
        Resource::UsersSignin => Source {
            witness: Some(Collection::UsersCount),
            ..list(Collection::SignIns, "$select=id,signInActivity&$top=500".to_owned())
        },
        Resource::Groups => Source {
            witness: Some(Collection::GroupsCount),
            ..list(Collection::Groups, format!("$select={GROUP}&$top=999"))
        },
        Resource::GroupMembers => return None,
        Resource::RoleAssignments => list(Collection::RoleAssignments, "$expand=principal".to_owned()),
        Resource::RoleDefinitions => all(Collection::RoleDefinitions),
        Resource::Skus => all(Collection::SubscribedSkus),
        Resource::Organization => list(Collection::Organization, format!("$select={ORGANIZATION}")),
        Resource::DirectoryAudits => list(Collection::DirectoryAudits, audits(taken_at)),
        Resource::ManagedDevices => list(Collection::ManagedDevices, format!("$select={DEVICE}")),
        Resource::DeviceOverview => single(Collection::ManagedDeviceOverview, ""),
        Resource::DeviceMgmt => single(Collection::DeviceManagement, "$select=settings"),
        Resource::CompliancePolicies => list(
            Collection::CompliancePolicies,
            "$expand=assignments,scheduledActionsForRule($expand=scheduledActionConfigurations)".to_owned(),
        ),
        Resource::ComplianceSummary => single(Collection::ComplianceSummary, ""),
    })
}

/// What happened lately to policies and roles.
fn audits(taken_at: DateTime<Utc>) -> String {
    let since = (taken_at - AUDITED).format("%Y-%m-%dT%H:%M:%SZ");
    format!(
        "$filter=activityDateTime ge {since} and (loggedByService eq 'Conditional Access' or category eq 'RoleManagement')"
    )
}
