//! The collections that are read: where each is, what of it is selected, and which permission it needs.
//!
//! The danger: a misspelt property is refused by Graph for the whole page, and one that is not selected is silently absent.
//! A test compares every name here with the types that read it and with Microsoft's schema.

/// Something that is asked of Graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Collection {
    Organization,
    Users,
    UsersDelta,
    GroupsDelta,
    ManagedDevices,
    RoleAssignments,
    SubscribedSkus,
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
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::Users => "users",
            Self::UsersDelta => "users/delta",
            Self::GroupsDelta => "groups/delta",
            Self::ManagedDevices => "deviceManagement/managedDevices",
            Self::RoleAssignments => "roleManagement/directory/roleAssignments",
            Self::SubscribedSkus => "subscribedSkus",
            Self::Batch => "$batch",
        }
    }

    /// The application permission that reads it.
    pub(crate) fn permission(self) -> &'static str {
        match self {
            Self::Organization | Self::SubscribedSkus => "Organization.Read.All",
            Self::Users | Self::UsersDelta | Self::Batch => "User.Read.All",
            Self::GroupsDelta => "GroupMember.Read.All",
            Self::ManagedDevices => "DeviceManagementManagedDevices.Read.All",
            Self::RoleAssignments => "RoleManagement.Read.Directory",
        }
    }

    /// Whether it is followed by a delta link.
    pub(crate) fn is_delta(self) -> bool {
        matches!(self, Self::UsersDelta | Self::GroupsDelta)
    }

    /// Whether Intune answers it, which has its own ways of saying no.
    pub(crate) fn is_intune(self) -> bool {
        self == Self::ManagedDevices
    }
}
