//! Which application permissions open which part of Graph.
//!
//! The lists are Microsoft's published ones, with one exception: Microsoft's data also lists the
//! Intune permissions for `/users`, and `DeviceManagementConfiguration.Read.All` for managed
//! devices, while the service's own refusal names neither. The stricter reading is taken, so that
//! whoever works here works there.

use super::answer::Failure;
use super::request::Request;

const USERS: &[&str] = &[
    "User.Read.All",
    "User.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const GROUPS: &[&str] = &[
    "GroupMember.Read.All",
    "Group.ReadBasic.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const MEMBERS: &[&str] = &[
    "GroupMember.Read.All",
    "GroupMember.ReadBasic.All",
    "GroupMember.ReadWrite.All",
    "Group.ReadBasic.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
];
const MANAGED_DEVICES: &[&str] = &[
    "DeviceManagementManagedDevices.Read.All",
    "DeviceManagementManagedDevices.ReadWrite.All",
];
const INTUNE: &[&str] = &[
    "DeviceManagementManagedDevices.Read.All",
    "DeviceManagementConfiguration.Read.All",
    "DeviceManagementApps.Read.All",
    "DeviceManagementServiceConfig.Read.All",
];
const INTUNE_CONFIGURATION: &[&str] = &[
    "DeviceManagementConfiguration.Read.All",
    "DeviceManagementConfiguration.ReadWrite.All",
];
const ROLES: &[&str] = &[
    "RoleManagement.Read.Directory",
    "RoleManagement.ReadWrite.Directory",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const ORGANIZATION: &[&str] = &[
    "Organization.Read.All",
    "Organization.ReadWrite.All",
    "User.Read.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
    "DeviceManagementConfiguration.Read.All",
    "DeviceManagementServiceConfig.Read.All",
];
const LICENCES: &[&str] = &[
    "LicenseAssignment.Read.All",
    "Organization.Read.All",
    "Organization.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const DOMAINS: &[&str] = &["Domain.Read.All", "Domain.ReadWrite.All", "Directory.Read.All"];
const DEVICES: &[&str] = &[
    "Device.Read.All",
    "Device.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const POLICIES: &[&str] = &["Policy.Read.All"];
const METHOD_POLICIES: &[&str] = &[
    "Policy.Read.AuthenticationMethod",
    "Policy.Read.All",
    "Policy.ReadWrite.AuthenticationMethod",
];
const REPORTS: &[&str] = &["AuditLog.Read.All"];
const SECURITY: &[&str] = &["SecurityEvents.Read.All", "SecurityEvents.ReadWrite.All"];

/// Reads names and ids of users, and no more.
const BASIC: &str = "User.ReadBasic.All";
const BASIC_PROPERTIES: &[&str] = &["id", "displayName", "givenName", "surname", "mail", "userPrincipalName"];

/// The permissions of which one is needed, the least one first. `None`: there is no such path.
pub fn accepted(segments: &[&str]) -> Option<&'static [&'static str]> {
    Some(match segments {
        ["users", ..] => USERS,
        ["groups", _, "members" | "transitiveMembers", ..] => MEMBERS,
        ["groups", ..] => GROUPS,
        ["devices", ..] => DEVICES,
        ["deviceManagement"] => INTUNE,
        ["deviceManagement", "managedDevices" | "managedDeviceOverview", ..] => MANAGED_DEVICES,
        ["deviceManagement", ..] => INTUNE_CONFIGURATION,
        ["organization", ..] => ORGANIZATION,
        ["directoryRoles", ..] | ["roleManagement", "directory", ..] => ROLES,
        ["subscribedSkus", ..] => LICENCES,
        ["domains", ..] => DOMAINS,
        ["identity", "conditionalAccess", "authenticationStrength", ..]
        | [
            "policies",
            "authenticationStrengthPolicies" | "authenticationMethodsPolicy",
            ..,
        ] => METHOD_POLICIES,
        ["identity", "conditionalAccess", ..] | ["policies", ..] => POLICIES,
        ["reports", "authenticationMethods", ..] | ["auditLogs", "directoryAudits", ..] => REPORTS,
        ["security", ..] => SECURITY,
        _ => return None,
    })
}

/// What an application may do in a tenant.
pub struct Granted {
    pub permissions: Vec<String>,
}

impl Granted {
    pub fn any_of(&self, accepted: &[&str]) -> bool {
        self.permissions
            .iter()
            .any(|granted| accepted.contains(&granted.as_str()))
    }

    /// Whether names of users may be shown (member lists show bare ids otherwise).
    pub fn reads_users(&self) -> bool {
        self.any_of(USERS) || self.permissions.iter().any(|granted| granted == BASIC)
    }

    /// Refuses a request that no granted permission opens.
    pub fn check(&self, request: &Request, segments: &[&str]) -> Result<(), Failure> {
        let accepted = accepted(segments).ok_or_else(|| {
            Failure::bad_request(&format!(
                "Resource not found for the segment '{}'.",
                segments.first().unwrap_or(&"")
            ))
        })?;
        if segments.first() == Some(&"users") && request.asks_for_sign_ins() && !self.any_of(REPORTS) {
            return Err(Failure::missing_report_permission());
        }
        if self.any_of(accepted) || (accepted == USERS && self.basic_is_enough(request, segments)) {
            return Ok(());
        }
        Err(Failure::missing_permission(request, accepted.first().copied()))
    }

    fn basic_is_enough(&self, request: &Request, segments: &[&str]) -> bool {
        let selected = request.option("$select").unwrap_or_default();
        self.permissions.iter().any(|granted| granted == BASIC)
            && !segments.contains(&"delta")
            && !selected.is_empty()
            && selected.split(',').all(|name| BASIC_PROPERTIES.contains(&name.trim()))
    }
}
