//! Assets: the devices found in a company's tenant.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::db::Connection;
use crate::db::schema::asset;
use crate::model::page::{self, Bind, Compared, Direction, Listing, Order, Owner};
use crate::model::{RecordState, Scope};

/// A device found in a tenant (Intune `managedDevice`).
#[derive(Clone, Debug, PartialEq, Eq, Queryable, QueryableByName, Selectable)]
#[diesel(table_name = asset, check_for_backend(diesel::pg::Pg))]
pub struct Asset {
    pub id: Uuid,
    pub company_id: Uuid,
    /// The Intune device id.
    pub entra_id: Uuid,
    /// The Entra device id (`device.deviceId`), which outlives an Intune enrolment.
    pub azure_ad_device_id: Option<Uuid>,
    pub state: RecordState,
    pub hostname: Option<String>,
    pub operating_system: Option<String>,
    pub os_version: Option<String>,
    pub serial_number: Option<String>,
    /// As Microsoft says it: `compliant`, `noncompliant`, `inGracePeriod`, `unknown` and others to come.
    pub compliance_state: Option<String>,
    pub is_encrypted: Option<bool>,
    /// As Microsoft says it: `company`, `personal`, `unknown`.
    pub owner_type: Option<String>,
    pub manufacturer: Option<String>,
    pub model: Option<String>,
    pub last_check_in_at: Option<DateTime<Utc>>,
    pub enrolled_at: Option<DateTime<Utc>>,
    /// The person it belongs to, by Entra object id.
    pub user_entra_id: Option<Uuid>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

// What hangs on an asset, hangs on the person it belongs to; nobody has the nil id.
page::paged!(Asset, |asset| Owner {
    company_id: asset.company_id,
    key: asset.user_entra_id.unwrap_or_default(),
});

/// Which assets to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// A part of the hostname or of the serial number.
    pub search: Option<String>,
    /// As Microsoft says it, in any case.
    pub compliance_state: Option<String>,
    /// As Microsoft says it, in any case.
    pub operating_system: Option<String>,
    pub state: Option<RecordState>,
    /// Only assets of this person.
    pub contact_id: Option<Uuid>,
}

/// What assets are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
#[graphql(name = "AssetOrderField")]
pub enum OrderField {
    /// The hostname, whatever the case of its letters.
    Name,
    /// When Tenantry first saw the device.
    Created,
}

impl OrderField {
    /// The order by this field.
    pub fn order(self, direction: Direction) -> Order {
        let (name, key, compared) = match self {
            Self::Name => (
                "asset.name",
                "left(lower(coalesce(asset.hostname, '')), 256)",
                Compared::Text,
            ),
            Self::Created => ("asset.created", "asset.created_at", Compared::Time),
        };
        Order {
            name,
            key,
            id: "asset.id",
            compared,
            direction,
        }
    }
}

/// The assets of the company that owns the list.
pub fn list_of_company(scope: &Scope, filter: Filter, order: Order) -> Listing {
    let listing = Listing::new("from asset where asset.company_id = p.company_id", order);
    narrow(listing, scope, filter)
}

/// The assets of every company of a scope.
pub fn list_everywhere(scope: &Scope, filter: Filter, order: Order) -> Listing {
    let listing = Listing::new("from asset where true", order);
    narrow(
        listing.only("asset.company_id = any(?)", scope.as_bind()),
        scope,
        filter,
    )
}

/// The assets of the contact that owns the list.
pub fn list_of_contact(scope: &Scope, order: Order) -> Listing {
    Listing::new(
        "from asset where asset.company_id = p.company_id and asset.user_entra_id = p.key",
        order,
    )
    .only("asset.user_entra_id = ?", scope.person_bind())
}

fn narrow(listing: Listing, scope: &Scope, filter: Filter) -> Listing {
    listing
        .only("asset.user_entra_id = ?", scope.person_bind())
        .only(
            "asset.hostname ilike ? or asset.serial_number ilike ?",
            filter.search.as_deref().map(page::containing),
        )
        .only(
            "lower(asset.compliance_state) = lower(?)",
            filter.compliance_state.map(Bind::Text),
        )
        .only(
            "lower(asset.operating_system) = lower(?)",
            filter.operating_system.map(Bind::Text),
        )
        .only(
            "asset.state = ?",
            filter.state.map(|state| Bind::Text(state.to_string())),
        )
        .only(
            "(asset.company_id, asset.user_entra_id) = (select c.company_id, c.entra_id from contact c where c.id = ?)",
            filter.contact_id.map(Bind::Uuid),
        )
}

/// The assets with these ids, of companies that the scope holds.
///
/// # Errors
/// When the database fails.
pub async fn load(conn: &mut Connection, scope: &Scope, ids: &[Uuid]) -> QueryResult<Vec<Asset>> {
    let found: Vec<Asset> = asset::table
        .filter(asset::id.eq_any(ids))
        .select(Asset::as_select())
        .load(conn)
        .await?;
    Ok(found
        .into_iter()
        .filter(|asset| scope.holds_person(asset.company_id, asset.user_entra_id))
        .collect())
}
