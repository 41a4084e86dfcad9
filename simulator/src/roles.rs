//! Directory roles: those that are built in, and who holds which, and where.

use uuid::Uuid;

/// Global Administrator: <https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference>.
pub const GLOBAL_ADMINISTRATOR: Uuid = Uuid::from_u128(0x62e90394_69f5_4237_9190_012177145e10);

/// A role of somebody, or of everybody in a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleAssignment {
    /// The role's template.
    pub role: Uuid,
    /// A person or a group.
    pub principal: Uuid,
    /// `/` for the whole tenant, or what the role is confined to, such as `/administrativeUnits/{id}`.
    pub scope: String,
}

impl RoleAssignment {
    pub fn tenant_wide(role: Uuid, principal: Uuid) -> Self {
        Self {
            role,
            principal,
            scope: "/".to_owned(),
        }
    }

    pub fn id(&self) -> String {
        let what = format!("{}{}", self.principal, self.scope);
        format!("{}-1", Uuid::new_v5(&self.role, what.as_bytes()).simple())
    }
}

/// Built-in roles: template id, name, description.
pub const BUILT_IN: &[(Uuid, &str, &str)] = &[
    (
        GLOBAL_ADMINISTRATOR,
        "Global Administrator",
        "Can manage all aspects of Microsoft Entra ID and services that use its identities.",
    ),
    (
        Uuid::from_u128(0xe8611ab8_c189_46e8_94e1_60213ab1f814),
        "Privileged Role Administrator",
        "Can manage role assignments.",
    ),
    (
        Uuid::from_u128(0x7be44c8a_adaf_4e2a_84d6_ab2649e08a13),
        "Privileged Authentication Administrator",
        "Can manage the authentication methods of everybody.",
    ),
    (
        Uuid::from_u128(0x194ae4cb_b126_40b2_bd5b_6091b380977d),
        "Security Administrator",
        "Can read security reports and manage security settings.",
    ),
    (
        Uuid::from_u128(0xb1be1c3e_b65d_4f19_8427_f6fa0d97feb9),
        "Conditional Access Administrator",
        "Can manage conditional access.",
    ),
    (
        Uuid::from_u128(0xfe930be7_5e62_47db_91af_98c3a49a38b1),
        "User Administrator",
        "Can manage users and groups, and reset passwords of those who are no administrators.",
    ),
    (
        Uuid::from_u128(0x29232cdf_9323_42fd_ade2_1d097af3e4de),
        "Exchange Administrator",
        "Can manage Exchange.",
    ),
    (
        Uuid::from_u128(0xf28a1f50_f6e7_4571_818b_6a12f2af6b6c),
        "SharePoint Administrator",
        "Can manage SharePoint.",
    ),
    (
        Uuid::from_u128(0x8ac3fc64_6eca_42ea_9e69_59f4c7b60eb2),
        "Hybrid Identity Administrator",
        "Can manage provisioning and federation.",
    ),
    (
        Uuid::from_u128(0x158c047a_c907_4556_b7ef_446551a6b5f7),
        "Cloud Application Administrator",
        "Can manage app registrations and enterprise apps.",
    ),
    (
        Uuid::from_u128(0x9b895d92_2cd3_44c7_9d02_a6ac2d5ea5c3),
        "Application Administrator",
        "Can manage app registrations and enterprise apps, and their proxies.",
    ),
    (
        Uuid::from_u128(0xc4e39bd9_1100_46d3_8c65_fb160da0071f),
        "Authentication Administrator",
        "Can manage the authentication methods of those who are no administrators.",
    ),
    (
        Uuid::from_u128(0x729827e3_9c14_49f7_bb1b_9608f156bbb8),
        "Helpdesk Administrator",
        "Can reset passwords of those who are no administrators, and of other helpdesk administrators.",
    ),
    (
        Uuid::from_u128(0x966707d0_3269_4727_9be2_8c3a10f19b9d),
        "Password Administrator",
        "Can reset passwords of those who are no administrators, and of other password administrators.",
    ),
    (
        Uuid::from_u128(0xb0f54661_2d74_4c50_afa3_1ec803f12efe),
        "Billing Administrator",
        "Can buy and manage subscriptions.",
    ),
    (
        Uuid::from_u128(0xf2ef992c_3afb_46b9_b7cf_a126ee74c451),
        "Global Reader",
        "Can read everything that a Global Administrator can.",
    ),
];
