//! The collections that are read: where each is, what of it is selected, and which permission it needs.
//!
//! The danger: a misspelt property is refused by Graph for the whole page, and one that is not selected is silently absent.
//! A test compares every name here with the types that read it and with Microsoft's schema.

use std::borrow::Cow;

use uuid::Uuid;

use super::pace::{Bound, Service};

/// Something that is asked of Graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Collection {
    Organization,
    Users,
    UsersCount,
    /// The same list as [`Self::Users`], asked for when people last signed in: another permission and another limit.
    SignIns,
    UsersDelta,
    Groups,
    GroupsCount,
    GroupsDelta,
    /// The direct members of one group.
    GroupMembers(Uuid),
    ManagedDevices,
    ManagedDeviceOverview,
    DeviceManagement,
    CompliancePolicies,
    ComplianceSummary,
    RoleAssignments,
    RoleDefinitions,
    SubscribedSkus,
    ConditionalAccessPolicies,
    NamedLocations,
    AuthenticationStrengths,
    SecurityDefaults,
    AuthorizationPolicy,
    AuthenticationMethods,
    AdminConsentPolicy,
    Registrations,
    DirectoryAudits,
    Batch,
}

pub(crate) const ORGANIZATION: &str = "id,displayName,verifiedDomains";
pub(crate) const USER: &str = "id,displayName,mail,userPrincipalName,department,jobTitle,businessPhones,mobilePhone,accountEnabled,userType,assignedLicenses";
pub(crate) const GROUP: &str = "id,displayName,description,mail,mailEnabled,securityEnabled,groupTypes,members";
pub(crate) const MANAGED_DEVICE: &str = "id,deviceName,operatingSystem,osVersion,serialNumber,complianceState,isEncrypted,\
     managedDeviceOwnerType,manufacturer,model,lastSyncDateTime,userId,azureADDeviceId,enrolledDateTime";
pub(crate) const SUBSCRIBED_SKU: &str = "skuId,skuPartNumber,capabilityStatus,consumedUnits";

impl Collection {
    /// The path below the version.
    pub(crate) fn path(self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Organization => "organization",
            Self::Users | Self::SignIns => "users",
            Self::UsersCount => "users/$count",
            Self::UsersDelta => "users/delta",
            Self::Groups => "groups",
            Self::GroupsCount => "groups/$count",
            Self::GroupsDelta => "groups/delta",
            Self::GroupMembers(group) => return Cow::Owned(format!("groups/{group}/members")),
            Self::ManagedDevices => "deviceManagement/managedDevices",
            Self::ManagedDeviceOverview => "deviceManagement/managedDeviceOverview",
            Self::DeviceManagement => "deviceManagement",
            Self::CompliancePolicies => "deviceManagement/deviceCompliancePolicies",
            Self::ComplianceSummary => "deviceManagement/deviceCompliancePolicyDeviceStateSummary",
            Self::RoleAssignments => "roleManagement/directory/roleAssignments",
            Self::RoleDefinitions => "roleManagement/directory/roleDefinitions",
            Self::SubscribedSkus => "subscribedSkus",
            Self::ConditionalAccessPolicies => "identity/conditionalAccess/policies",
            Self::NamedLocations => "identity/conditionalAccess/namedLocations",
            Self::AuthenticationStrengths => "policies/authenticationStrengthPolicies",
            Self::SecurityDefaults => "policies/identitySecurityDefaultsEnforcementPolicy",
            Self::AuthorizationPolicy => "policies/authorizationPolicy",
            Self::AuthenticationMethods => "policies/authenticationMethodsPolicy",
            Self::AdminConsentPolicy => "policies/adminConsentRequestPolicy",
            Self::Registrations => "reports/authenticationMethods/userRegistrationDetails",
            Self::DirectoryAudits => "auditLogs/directoryAudits",
            Self::Batch => "$batch",
        })
    }

    /// What it is counted as: its path, without the ids of anything.
    pub(crate) fn label(self) -> &'static str {
        match self.path() {
            Cow::Borrowed(path) => path,
            Cow::Owned(_) => "groups/members",
        }
    }

    /// The application permission that reads it. [`Self::SignIns`] needs that of [`Self::Users`] too.
    pub(crate) fn permission(self) -> &'static str {
        match self {
            Self::Organization | Self::SubscribedSkus => "Organization.Read.All",
            Self::Users | Self::UsersCount | Self::UsersDelta | Self::Batch => "User.Read.All",
            Self::Groups | Self::GroupsCount | Self::GroupsDelta | Self::GroupMembers(_) => "GroupMember.Read.All",
            Self::ManagedDevices | Self::ManagedDeviceOverview => "DeviceManagementManagedDevices.Read.All",
            Self::DeviceManagement | Self::CompliancePolicies | Self::ComplianceSummary => {
                "DeviceManagementConfiguration.Read.All"
            }
            Self::RoleAssignments | Self::RoleDefinitions => "RoleManagement.Read.Directory",
            Self::SignIns | Self::Registrations | Self::DirectoryAudits => "AuditLog.Read.All",
            Self::ConditionalAccessPolicies
            | Self::NamedLocations
            | Self::AuthenticationStrengths
            | Self::SecurityDefaults
            | Self::AuthorizationPolicy
            | Self::AuthenticationMethods
            | Self::AdminConsentPolicy => "Policy.Read.All",
        }
    }

    /// Whether it is followed by a delta link.
    pub(crate) fn is_delta(self) -> bool {
        matches!(self, Self::UsersDelta | Self::GroupsDelta)
    }

    /// Whether the answer is a number, which the directory gives only to who accepts that it may be a little late.
    pub(crate) fn is_count(self) -> bool {
        matches!(self, Self::UsersCount | Self::GroupsCount)
    }

    /// Whether Intune answers it, which has its own ways of saying no.
    pub(crate) fn is_intune(self) -> bool {
        self.path().starts_with("deviceManagement")
    }

    /// The service behind it that is to be asked slowly, if there is one.
    pub(crate) fn slow_service(self) -> Option<Service> {
        match self {
            Self::ConditionalAccessPolicies | Self::NamedLocations => Some(Service::ConditionalAccess),
            Self::Registrations | Self::DirectoryAudits => Some(Service::Reports),
            Self::SignIns => Some(Service::SignInActivity),
            _ => None,
        }
    }

    /// What a question costs of the wide limits. Each of ours selects, which makes people cost one unit and not two; a
    /// batch is counted for full.
    pub(crate) fn costs(self, tenant: Uuid) -> Vec<(Bound, u32)> {
        let units = match self {
            Self::Batch => 20,
            Self::GroupMembers(_) | Self::SubscribedSkus => 3,
            _ => 1,
        };
        let mut costs = vec![(Bound::Application, 1)];
        match self {
            Self::ManagedDevices | Self::ManagedDeviceOverview => costs.push((Bound::IntuneDevices(tenant), 1)),
            _ if self.is_intune() => costs.push((Bound::IntuneConfiguration(tenant), 1)),
            Self::Registrations | Self::DirectoryAudits => costs.push((Bound::AllReports, 1)),
            _ => costs.extend([(Bound::Directory(tenant), units), (Bound::Directories, units)]),
        }
        costs
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    use serde::de::value::Error;
    use serde::de::{Deserialize, Deserializer, Visitor};

    use super::*;
    use crate::microsoft::wire;

    /// Learns which properties a type reads, by being asked for them.
    #[derive(Default)]
    struct Asked(Vec<&'static str>);

    impl<'de> Deserializer<'de> for &mut Asked {
        type Error = Error;

        fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
            Err(serde::de::Error::custom("only structs are asked for here"))
        }

        fn deserialize_struct<V: Visitor<'de>>(
            self,
            _: &'static str,
            fields: &'static [&'static str],
            _: V,
        ) -> Result<V::Value, Error> {
            self.0.extend(fields);
            Err(serde::de::Error::custom("seen enough"))
        }

        serde::forward_to_deserialize_any! {
            bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct
            newtype_struct seq tuple tuple_struct map enum identifier ignored_any
        }
    }

    fn read_by<T: for<'de> Deserialize<'de>>() -> BTreeSet<&'static str> {
        let mut asked = Asked::default();
        let _ = T::deserialize(&mut asked);
        asked.0.into_iter().filter(|name| !name.contains('@')).collect()
    }

    fn selected(fields: &'static str) -> BTreeSet<&'static str> {
        fields.split(',').collect()
    }

    #[test]
    fn what_is_selected_is_what_is_read() {
        assert_eq!(read_by::<wire::User>(), selected(USER));
        assert_eq!(read_by::<wire::UserChange>(), selected(USER));
        assert_eq!(read_by::<wire::ManagedDevice>(), selected(MANAGED_DEVICE));
        assert_eq!(read_by::<wire::Organization>(), selected(ORGANIZATION));
        assert_eq!(read_by::<wire::SubscribedSku>(), selected(SUBSCRIBED_SKU));
        // Members are selected as `members` and come as `members@delta`.
        let mut group = read_by::<wire::GroupChange>();
        group.insert("members");
        assert_eq!(group, selected(GROUP));
    }

    /// The folder with Microsoft's schema, kept beside the repository.
    fn shared_graph() -> Option<PathBuf> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        here.ancestors()
            .map(|folder| folder.join("shared/graph"))
            .find(|folder| folder.is_dir())
    }

    #[test]
    fn every_selected_name_is_in_microsofts_schema() {
        let Some(folder) = shared_graph() else {
            eprintln!("SKIPPED: the folder ../shared/graph with Microsoft's schema is absent");
            return;
        };
        let schema = std::fs::read(folder.join("openapi/graph-v1.0-subset.json")).unwrap();
        let schema: serde_json::Value = serde_json::from_slice(&schema).unwrap();
        for (name, fields) in [
            ("user", USER),
            ("group", GROUP),
            ("managedDevice", MANAGED_DEVICE),
            ("organization", ORGANIZATION),
            ("subscribedSku", SUBSCRIBED_SKU),
            ("unifiedRoleAssignment", "principalId,roleDefinitionId,directoryScopeId"),
        ] {
            let properties = &schema["components"]["schemas"][format!("microsoft.graph.{name}")]["properties"];
            assert!(properties.is_object(), "the schema has no {name}");
            for field in fields.split(',') {
                assert!(properties.get(field).is_some(), "{name} has no {field}");
            }
        }
    }

    #[test]
    fn the_published_answers_can_be_read() {
        let Some(folder) = shared_graph() else {
            eprintln!("SKIPPED: the folder ../shared/graph with Microsoft's published answers is absent");
            return;
        };
        fn items<T: for<'de> Deserialize<'de>>(folder: &Path, file: &str) -> usize {
            #[derive(serde::Deserialize)]
            struct Page<T> {
                value: Vec<T>,
            }
            let bytes = std::fs::read(folder.join("samples").join(file)).unwrap();
            let page: Page<T> = serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{file}: {error}"));
            page.value.len()
        }
        let read = [
            items::<wire::User>(&folder, "users-page-current.json"),
            items::<wire::User>(&folder, "users-page-assignedlicenses.json"),
            items::<wire::UserChange>(&folder, "users-delta-1-first-nextlink.json"),
            items::<wire::UserChange>(&folder, "users-delta-5-removed.json"),
            items::<wire::GroupChange>(&folder, "groups-delta-1-members.json"),
            items::<wire::GroupChange>(&folder, "groups-delta-2-nextlink.json"),
            items::<wire::GroupChange>(&folder, "groups-delta-3-final-deltalink.json"),
            items::<wire::ManagedDevice>(&folder, "manageddevices-page.json"),
            items::<wire::SubscribedSku>(&folder, "subscribedskus.json"),
            items::<wire::RoleAssignment>(&folder, "roleassignments.json"),
        ];
        assert!(read.iter().all(|count| *count > 0), "{read:?}");
    }
}
