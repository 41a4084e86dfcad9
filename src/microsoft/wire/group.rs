//! Groups with their members, as the delta of Graph's `group` tells them.
//!
//! The danger: a large group comes several times in one round, each time with another slice of its members. To replace
//! instead of to merge loses all but the last slice.

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, Visitor};
use uuid::Uuid;

use super::{Field, Removed, Text};

/// A group in a delta, or a piece of it.
///
/// Source: <https://learn.microsoft.com/graph/delta-query-groups>
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupChange {
    /// The object id, for ever the same.
    pub id: Uuid,
    /// Set when the group is gone.
    #[serde(rename = "@removed")]
    pub removed: Option<Removed>,
    /// The name.
    #[serde(default)]
    pub display_name: Field<Text>,
    /// The description.
    #[serde(default)]
    pub description: Field<Text>,
    /// The SMTP address of the group.
    #[serde(default)]
    pub mail: Field<Text>,
    /// Whether it receives mail.
    #[serde(default)]
    pub mail_enabled: Field<bool>,
    /// Whether it can grant access.
    #[serde(default)]
    pub security_enabled: Field<bool>,
    /// `Unified` for a Microsoft 365 group, `DynamicMembership` for one with a rule.
    #[serde(default)]
    pub group_types: Field<Box<[Text]>>,
    /// Who came and who left, in this piece.
    #[serde(default, rename = "members@delta")]
    pub members: Vec<MemberChange>,
}

/// Somebody or something that came into a group or left it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct MemberChange {
    /// The member's object id. The object itself may be told later, or never.
    pub id: Uuid,
    /// What the member is.
    #[serde(default, rename = "@odata.type")]
    pub kind: MemberKind,
    /// Whether it left.
    #[serde(default, rename = "@removed", deserialize_with = "is_present")]
    pub removed: bool,
}

/// What a member of a group is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MemberKind {
    /// A person.
    User,
    /// A group within the group.
    Group,
    /// A device.
    Device,
    /// A contact, a service principal, or what was not said.
    #[default]
    Other,
}

impl<'de> Deserialize<'de> for MemberKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TypeName;

        impl Visitor<'_> for TypeName {
            type Value = MemberKind;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a type name")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<MemberKind, E> {
                // The `#` is in the protocol and in every capture; some of Microsoft's own examples forget it.
                Ok(match name.strip_prefix('#').unwrap_or(name) {
                    "microsoft.graph.user" => MemberKind::User,
                    "microsoft.graph.group" => MemberKind::Group,
                    "microsoft.graph.device" => MemberKind::Device,
                    _ => MemberKind::Other,
                })
            }
        }

        deserializer.deserialize_str(TypeName)
    }
}

fn is_present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(Option::<IgnoredAny>::deserialize(deserializer)?.is_some())
}
