//! Assets.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::company::Company;
use super::connection::Listed;
use super::contact::Contact;
use super::error::Answer;
use super::id::IdOf;
use super::siblings::Kin;
use super::{given, scope};
use crate::db::Pool;
use crate::model::asset::OrderField;
use crate::model::page::{Direction, Order, Owner};
use crate::model::{self, RecordState, contact};

/// An asset among those it was read with.
#[derive(Clone)]
pub struct Asset(pub Kin<model::Asset>);

impl Listed for Asset {
    type Row = model::Asset;
    async fn of(_: &Context<'_>, row: Kin<model::Asset>) -> Answer<Self> {
        Ok(Self(row))
    }
}

/// How to order assets.
#[derive(InputObject)]
pub struct AssetOrder {
    /// What to order by.
    #[graphql(default_with = "OrderField::Name")]
    pub field: OrderField,
    /// Which way.
    #[graphql(default_with = "Direction::Asc")]
    pub direction: Direction,
}

impl AssetOrder {
    /// The order that was asked for, by hostname where none was.
    pub fn order(asked: Option<Self>) -> Order {
        asked.map_or_else(
            || OrderField::Name.order(Direction::Asc),
            |asked| asked.field.order(asked.direction),
        )
    }
}

/// A device found in a tenant (Intune `managedDevice`).
#[Object]
impl Asset {
    /// Opaque, and unique among all nodes.
    pub async fn id(&self) -> ID {
        IdOf::Asset.show(self.0.id)
    }

    /// The Intune device id.
    async fn entra_id(&self) -> Uuid {
        self.0.entra_id
    }

    /// The Entra device id, which outlives an Intune enrolment.
    async fn azure_ad_device_id(&self) -> Option<Uuid> {
        self.0.azure_ad_device_id
    }

    /// Whether the asset is in use.
    async fn state(&self) -> RecordState {
        self.0.state
    }

    /// The name of the device.
    async fn hostname(&self) -> Option<&str> {
        self.0.hostname.as_deref()
    }

    /// The operating system, as Microsoft says it.
    async fn operating_system(&self) -> Option<&str> {
        self.0.operating_system.as_deref()
    }

    /// The version of the operating system.
    async fn os_version(&self) -> Option<&str> {
        self.0.os_version.as_deref()
    }

    /// The serial number that the manufacturer gave it.
    async fn serial_number(&self) -> Option<&str> {
        self.0.serial_number.as_deref()
    }

    /// As Microsoft says it: `compliant`, `noncompliant`, `inGracePeriod`, `unknown` and others.
    async fn compliance_state(&self) -> Option<&str> {
        self.0.compliance_state.as_deref()
    }

    /// Whether its storage is encrypted.
    async fn is_encrypted(&self) -> Option<bool> {
        self.0.is_encrypted
    }

    /// Whose it is, as Microsoft says it: `company`, `personal` or `unknown`.
    async fn owner_type(&self) -> Option<&str> {
        self.0.owner_type.as_deref()
    }

    /// The manufacturer.
    async fn manufacturer(&self) -> Option<&str> {
        self.0.manufacturer.as_deref()
    }

    /// The model.
    async fn model(&self) -> Option<&str> {
        self.0.model.as_deref()
    }

    /// When it last reported to Intune.
    async fn last_check_in_at(&self) -> Option<DateTime<Utc>> {
        self.0.last_check_in_at
    }

    /// When it was enrolled in Intune.
    async fn enrolled_at(&self) -> Option<DateTime<Utc>> {
        self.0.enrolled_at
    }

    /// When Tenantry first saw the device.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When something of this asset last changed.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }

    /// The company that the asset belongs to.
    async fn company(&self, ctx: &Context<'_>) -> Answer<Company> {
        Company::of_sibling(ctx, self.0.siblings(), self.0.company_id).await
    }

    /// The person it belongs to; null for a shared device, and for a person who is not a contact.
    async fn contact(&self, ctx: &Context<'_>) -> Answer<Option<Contact>> {
        #[derive(PartialEq, Eq, Hash)]
        struct People;
        let scope = scope(ctx)?;
        let siblings = self.0.siblings();
        let people: Arc<HashMap<Owner, Kin<model::Contact>>> = siblings
            .share(People, || async {
                let (companies, entra_ids): (Vec<Uuid>, Vec<Uuid>) = siblings
                    .owners()
                    .iter()
                    .map(|owner| (owner.company_id, owner.key))
                    .unzip();
                let rows = given::<Pool>(ctx)?
                    .read(&scope, async |conn| -> anyhow::Result<_> {
                        Ok(contact::load_by_entra_id(conn, &scope, &companies, &entra_ids).await?)
                    })
                    .await?;
                Ok(Kin::all(rows)
                    .into_iter()
                    .map(|person| (person.owner(), person))
                    .collect())
            })
            .await?;
        Ok(people.get(&self.0.owner()).cloned().map(Contact))
    }
}
