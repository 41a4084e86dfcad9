//! People: Graph's `user`.
//!
//! The danger: only `id` names a person. Mail and user principal name change, and an administrator may set them to
//! somebody else's.

use serde::Deserialize;
use uuid::Uuid;

use super::{Field, Removed, Text};

/// A person in a list.
///
/// Source: <https://learn.microsoft.com/graph/api/resources/user>
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// The object id, for ever the same.
    pub id: Uuid,
    /// The name as the address book shows it.
    pub display_name: Option<Text>,
    /// The SMTP address; `None` for many a person with a user principal name.
    pub mail: Option<Text>,
    /// The sign-in name.
    pub user_principal_name: Option<Text>,
    /// The department.
    pub department: Option<Text>,
    /// The job title.
    pub job_title: Option<Text>,
    /// Office telephone numbers; Microsoft says at most one.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub business_phones: Box<[Text]>,
    /// The mobile telephone number.
    pub mobile_phone: Option<Text>,
    /// Whether the person may sign in.
    pub account_enabled: Option<bool>,
    /// `Member` or `Guest`; `None` for people from before there was such a thing.
    pub user_type: Option<Text>,
    /// Licences assigned to the person.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub assigned_licenses: Box<[AssignedLicense]>,
}

/// A person in a delta.
///
/// Source: <https://learn.microsoft.com/graph/api/user-delta>
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserChange {
    /// The object id: with [`removed`](Self::removed), all that is certain.
    pub id: Uuid,
    /// Set when the person has left.
    #[serde(rename = "@removed")]
    pub removed: Option<Removed>,
    /// See [`User::display_name`].
    #[serde(default)]
    pub display_name: Field<Text>,
    /// See [`User::mail`].
    #[serde(default)]
    pub mail: Field<Text>,
    /// See [`User::user_principal_name`].
    #[serde(default)]
    pub user_principal_name: Field<Text>,
    /// See [`User::department`].
    #[serde(default)]
    pub department: Field<Text>,
    /// See [`User::job_title`].
    #[serde(default)]
    pub job_title: Field<Text>,
    /// See [`User::business_phones`].
    #[serde(default)]
    pub business_phones: Field<Box<[Text]>>,
    /// See [`User::mobile_phone`].
    #[serde(default)]
    pub mobile_phone: Field<Text>,
    /// See [`User::account_enabled`].
    #[serde(default)]
    pub account_enabled: Field<bool>,
    /// See [`User::user_type`].
    #[serde(default)]
    pub user_type: Field<Text>,
    /// See [`User::assigned_licenses`].
    #[serde(default)]
    pub assigned_licenses: Field<Box<[AssignedLicense]>>,
}

/// A licence that a person has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssignedLicense {
    /// The product, as in [`SubscribedSku::sku_id`](super::SubscribedSku::sku_id).
    pub sku_id: Uuid,
}

fn null_is_empty<'de, D, T>(deserializer: D) -> Result<Box<[T]>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
