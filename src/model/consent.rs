//! What was granted, held against what is needed: feature by feature, what works and what stops.
//!
//! The danger: to call a tenant broken that has merely not granted everything. A permission that is missing stops its own
//! feature and no other, and while no token was read nothing is known.

super::text_enum::text_enum! {
    /// Something that needs permissions of its own.
    pub enum ConsentFeature {
        /// People.
        Contacts = "CONTACTS",
        /// Groups and who is in them.
        ContactGroups = "CONTACT_GROUPS",
        /// Devices.
        Assets = "ASSETS",
        /// Evidence: who has to show a second factor, and by which policies.
        PolicyEvidence = "POLICY_EVIDENCE",
        /// Evidence: who has registered which ways to sign in, when people last did, and who changed what.
        SignInEvidence = "SIGN_IN_EVIDENCE",
        /// Evidence: who administers the tenant.
        RoleEvidence = "ROLE_EVIDENCE",
        /// Evidence: how devices are, and by which policies they are judged.
        DeviceEvidence = "DEVICE_EVIDENCE",
    }
}

impl ConsentFeature {
    /// The application permissions that it takes. Every one of them can only read.
    pub const fn needs(self) -> &'static [&'static str] {
        match self {
            Self::Contacts => &["Organization.Read.All", "User.Read.All"],
            Self::ContactGroups => &["GroupMember.Read.All", "Organization.Read.All"],
            Self::Assets => &["DeviceManagementManagedDevices.Read.All", "Organization.Read.All"],
            Self::PolicyEvidence => &["GroupMember.Read.All", "Policy.Read.All", "User.Read.All"],
            Self::SignInEvidence => &["AuditLog.Read.All", "User.Read.All"],
            Self::RoleEvidence => &["RoleManagement.Read.Directory", "User.Read.All"],
            Self::DeviceEvidence => &[
                "DeviceManagementConfiguration.Read.All",
                "DeviceManagementManagedDevices.Read.All",
            ],
        }
    }

    /// What stops without them.
    pub const fn stops(self) -> &'static str {
        match self {
            Self::Contacts => "Contacts are not brought up to date.",
            Self::ContactGroups => "Contact groups are not brought up to date, nor who is in them.",
            Self::Assets => "Assets are not brought up to date.",
            Self::PolicyEvidence => "Checks of policies and of the second factor cannot be judged.",
            Self::SignInEvidence => "Checks of registrations, of last sign-ins and of the audit log cannot be judged.",
            Self::RoleEvidence => "Checks of administrators cannot be judged.",
            Self::DeviceEvidence => "Checks of devices cannot be judged.",
        }
    }

    /// Those of its permissions that are not among these.
    pub fn missing(self, granted: &[String]) -> Vec<&'static str> {
        let is_missing = |needed: &&&str| granted.iter().all(|one| one != **needed);
        self.needs().iter().filter(is_missing).copied().collect()
    }
}
