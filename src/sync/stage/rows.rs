//! Staging rows: pages as they came, written with `COPY` under the run's id and fence.
//!
//! What stands here is nobody's data yet. Rows of an old fence are swept; a reader names the fence that it trusts.

use std::borrow::Cow;
use std::time::Duration;

use anyhow::Context;
use diesel::sql_types::{BigInt, Uuid as SqlUuid};
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

use super::Place;
use crate::db::Connection;
use crate::microsoft::wire::{Field, GroupChange, ManagedDevice, MemberKind, Text, User, UserChange};
use crate::model::Noun;
use crate::run::Stop;

/// Bits of the properties that a staged item told.
mod told {
    pub const DISPLAY_NAME: i32 = 1;
    pub const MAIL: i32 = 1 << 1;
    pub const USER_PRINCIPAL_NAME: i32 = 1 << 2;
    pub const DEPARTMENT: i32 = 1 << 3;
    pub const JOB_TITLE: i32 = 1 << 4;
    pub const BUSINESS_PHONES: i32 = 1 << 5;
    pub const MOBILE_PHONE: i32 = 1 << 6;
    pub const ACCOUNT_ENABLED: i32 = 1 << 7;
    pub const USER_TYPE: i32 = 1 << 8;
    pub const LICENSED: i32 = 1 << 9;
    pub const WHOLE_PERSON: i32 = (1 << 10) - 1;

    pub const GROUP_NAME: i32 = 1;
    pub const DESCRIPTION: i32 = 1 << 1;
    pub const GROUP_MAIL: i32 = 1 << 2;
    pub const MAIL_ENABLED: i32 = 1 << 3;
    pub const SECURITY_ENABLED: i32 = 1 << 4;
    pub const GROUP_TYPES: i32 = 1 << 5;
}

/// Writes staging rows of one run under one fence.
pub struct Stager {
    client: tokio_postgres::Client,
    run_id: Uuid,
    fence: i64,
    seq: i64,
}

impl Stager {
    /// A writer on a connection of its own, and the place to go on from, if all that was staged before it is there.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open(
        client: tokio_postgres::Client,
        run_id: Uuid,
        fence: i64,
        place: Option<Place>,
    ) -> anyhow::Result<(Self, Option<Place>)> {
        let marked = client
            .execute(
                "insert into staging (run_id, fence) values ($1, $2) on conflict do nothing",
                &[&run_id, &fence],
            )
            .await
            .context("marking the staging rows")?;
        let place = place.filter(|_| marked == 0);
        let seq = place.as_ref().map_or(0, |place| place.seq);
        let stager = Self {
            client,
            run_id,
            fence,
            seq,
        };
        Ok((stager, place))
    }

    /// Makes sure that no crash of the server has emptied the staging tables since they were opened: who is not there
    /// would be taken for gone.
    ///
    /// # Errors
    /// [`Stop::Wait`] when they were emptied: the run begins again.
    pub async fn require_intact(&self, conn: &mut Connection) -> Result<(), Stop> {
        let mark = diesel::sql_query("select from staging where run_id = $1 and fence = $2")
            .bind::<SqlUuid, _>(self.run_id)
            .bind::<BigInt, _>(self.fence);
        let marked = diesel_async::RunQueryDsl::execute(mark, conn).await?;
        if marked > 0 {
            return Ok(());
        }
        Err(Stop::Wait {
            delay: Duration::from_secs(1),
            message: "Starting again after an interruption".into(),
        })
    }

    /// How many rows were written, over all tables: a later row has the last word.
    pub fn seq(&self) -> i64 {
        self.seq
    }

    /// Throws away what this run has staged of a kind of record.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn discard(&self, noun: Noun) -> anyhow::Result<()> {
        self.clear(tables(noun)).await
    }

    /// Throws away everything that this run has staged.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn discard_all(&self) -> anyhow::Result<()> {
        for noun in [Noun::Contact, Noun::ContactGroup, Noun::Asset] {
            self.discard(noun).await?;
        }
        self.clear(&["staging"]).await
    }

    async fn clear(&self, tables: &[&str]) -> anyhow::Result<()> {
        for table in tables {
            self.client
                .execute(&format!("delete from {table} where run_id = $1"), &[&self.run_id])
                .await
                .with_context(|| format!("clearing {table}"))?;
        }
        Ok(())
    }

    /// Lets the planner know what was staged of a kind of record, if this run has staged at least `many` rows.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn analyse(&self, noun: Noun, many: i64) -> anyhow::Result<()> {
        if self.seq >= many {
            let tables = tables(noun).join(", ");
            self.client
                .execute(&format!("analyze {tables}"), &[])
                .await
                .with_context(|| format!("analysing {tables}"))?;
        }
        Ok(())
    }

    /// Stages people of a plain list, whole.
    ///
    /// # Errors
    /// When the database fails.
    async fn people(&mut self, people: &[User]) -> anyhow::Result<()> {
        let mut copy = self.copy(PEOPLE, PEOPLE_TYPES).await?;
        for person in people {
            let phones: Vec<_> = person
                .business_phones
                .iter()
                .filter_map(|phone| clean(Some(phone)))
                .collect();
            copy.row(
                person.id,
                &[
                    &false,
                    &told::WHOLE_PERSON,
                    &person.account_enabled,
                    &clean(person.display_name.as_deref()),
                    &clean(person.mail.as_deref()),
                    &clean(person.user_principal_name.as_deref()),
                    &clean(person.department.as_deref()),
                    &clean(person.job_title.as_deref()),
                    &phones,
                    &clean(person.mobile_phone.as_deref()),
                    &clean(person.user_type.as_deref()),
                    &!person.assigned_licenses.is_empty(),
                ],
            )
            .await?;
        }
        self.seq = copy.finish().await?;
        Ok(())
    }

    /// Stages people of a delta, as far as they were told.
    ///
    /// # Errors
    /// When the database fails.
    async fn people_changes(&mut self, people: &[UserChange]) -> anyhow::Result<()> {
        let mut copy = self.copy(PEOPLE, PEOPLE_TYPES).await?;
        for person in people {
            let phones: Vec<_> = match &person.business_phones {
                Field::Value(phones) => phones.iter().filter_map(|phone| clean(Some(phone))).collect(),
                Field::Absent | Field::Null => Vec::new(),
            };
            copy.row(
                person.id,
                &[
                    &person.removed.is_some(),
                    &told_of_person(person),
                    &copied(&person.account_enabled),
                    &text(&person.display_name),
                    &text(&person.mail),
                    &text(&person.user_principal_name),
                    &text(&person.department),
                    &text(&person.job_title),
                    &phones,
                    &text(&person.mobile_phone),
                    &text(&person.user_type),
                    &matches!(&person.assigned_licenses, Field::Value(licenses) if !licenses.is_empty()),
                ],
            )
            .await?;
        }
        self.seq = copy.finish().await?;
        Ok(())
    }

    /// Stages groups and the slices of their members that came with them.
    ///
    /// # Errors
    /// When the database fails.
    async fn groups(&mut self, groups: &[GroupChange]) -> anyhow::Result<()> {
        let mut copy = self.copy(GROUPS, GROUP_TYPES).await?;
        for group in groups {
            copy.row(
                group.id,
                &[
                    &group.removed.is_some(),
                    &told_of_group(group),
                    &text(&group.display_name),
                    &text(&group.description),
                    &text(&group.mail),
                    &copied(&group.mail_enabled),
                    &copied(&group.security_enabled),
                    &matches!(&group.group_types, Field::Value(types) if types.iter().any(|word| &**word == "Unified")),
                ],
            )
            .await?;
        }
        self.seq = copy.finish().await?;
        self.members(groups).await
    }

    async fn members(&mut self, groups: &[GroupChange]) -> anyhow::Result<()> {
        let mut copy = self.copy(MEMBERS, MEMBER_TYPES).await?;
        for group in groups {
            for member in &group.members {
                let kind = match member.kind {
                    MemberKind::User => "USER",
                    MemberKind::Group => "GROUP",
                    MemberKind::Device | MemberKind::Other => "OTHER",
                };
                copy.bare_row(&[&group.id, &member.id, &kind, &member.removed]).await?;
            }
        }
        self.seq = copy.finish().await?;
        Ok(())
    }

    /// Stages devices.
    ///
    /// # Errors
    /// When the database fails.
    async fn devices(&mut self, devices: &[ManagedDevice]) -> anyhow::Result<()> {
        let mut copy = self.copy(DEVICES, DEVICE_TYPES).await?;
        for device in devices {
            copy.row(
                device.id,
                &[
                    &device.azure_ad_device_id,
                    &clean(device.device_name.as_deref()),
                    &clean(device.operating_system.as_deref()),
                    &clean(device.os_version.as_deref()),
                    &clean(device.serial_number.as_deref()),
                    &clean(device.compliance_state.as_deref()),
                    &device.is_encrypted,
                    &clean(device.managed_device_owner_type.as_deref()),
                    &clean(device.manufacturer.as_deref()),
                    &clean(device.model.as_deref()),
                    &device.last_sync_date_time,
                    &device.enrolled_date_time,
                    &device.user_id,
                ],
            )
            .await?;
        }
        self.seq = copy.finish().await?;
        Ok(())
    }

    async fn copy(&self, statement: &str, types: &[Type]) -> anyhow::Result<Copy<'_>> {
        let sink = self
            .client
            .copy_in(statement)
            .await
            .context("starting COPY into staging")?;
        let types = [&[Type::UUID, Type::INT8, Type::INT8][..], types].concat();
        Ok(Copy {
            writer: Box::pin(BinaryCopyInWriter::new(sink, &types)),
            stager: self,
            seq: self.seq,
        })
    }
}

/// Where the rows of a kind of record are staged.
fn tables(noun: Noun) -> &'static [&'static str] {
    match noun {
        Noun::Contact => &["staged_person"],
        Noun::ContactGroup => &["staged_group", "staged_member"],
        Noun::Asset => &["staged_device"],
    }
}

/// Items that pages bring, and where they are staged.
pub trait Rows: Sized {
    /// Stages a page of them.
    ///
    /// # Errors
    /// When the database fails.
    fn stage(items: &[Self], stager: &mut Stager) -> impl Future<Output = anyhow::Result<()>> + Send;
}

impl Rows for User {
    async fn stage(items: &[Self], stager: &mut Stager) -> anyhow::Result<()> {
        stager.people(items).await
    }
}

impl Rows for UserChange {
    async fn stage(items: &[Self], stager: &mut Stager) -> anyhow::Result<()> {
        stager.people_changes(items).await
    }
}

impl Rows for GroupChange {
    async fn stage(items: &[Self], stager: &mut Stager) -> anyhow::Result<()> {
        stager.groups(items).await
    }
}

impl Rows for ManagedDevice {
    async fn stage(items: &[Self], stager: &mut Stager) -> anyhow::Result<()> {
        stager.devices(items).await
    }
}

/// One `COPY` under way.
struct Copy<'a> {
    writer: std::pin::Pin<Box<BinaryCopyInWriter>>,
    stager: &'a Stager,
    seq: i64,
}

impl Copy<'_> {
    /// A row that may become a record: it gets the id that the record will have.
    async fn row(&mut self, entra_id: Uuid, values: &[&(dyn ToSql + Sync)]) -> anyhow::Result<()> {
        let id = crate::model::new_id();
        let keys: [&(dyn ToSql + Sync); 2] = [&id, &entra_id];
        self.bare_row(&[&keys[..], values].concat()).await
    }

    async fn bare_row(&mut self, values: &[&(dyn ToSql + Sync)]) -> anyhow::Result<()> {
        self.seq += 1;
        let keys: [&(dyn ToSql + Sync); 3] = [&self.stager.run_id, &self.stager.fence, &self.seq];
        self.writer
            .as_mut()
            .write(&[&keys[..], values].concat())
            .await
            .context("writing a staging row")
    }

    async fn finish(mut self) -> anyhow::Result<i64> {
        self.writer
            .as_mut()
            .finish()
            .await
            .context("finishing COPY into staging")?;
        Ok(self.seq)
    }
}

const PEOPLE: &str =
    "copy staged_person (run_id, fence, seq, id, entra_id, removed, told, account_enabled, display_name, mail,
    user_principal_name, department, job_title, business_phones, mobile_phone, user_type, licensed) from stdin binary";
const PEOPLE_TYPES: &[Type] = &[
    Type::UUID,
    Type::UUID,
    Type::BOOL,
    Type::INT4,
    Type::BOOL,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT_ARRAY,
    Type::TEXT,
    Type::TEXT,
    Type::BOOL,
];

const GROUPS: &str =
    "copy staged_group (run_id, fence, seq, id, entra_id, removed, told, display_name, description, mail,
    mail_enabled, security_enabled, microsoft_365) from stdin binary";
const GROUP_TYPES: &[Type] = &[
    Type::UUID,
    Type::UUID,
    Type::BOOL,
    Type::INT4,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::BOOL,
    Type::BOOL,
    Type::BOOL,
];

const MEMBERS: &str =
    "copy staged_member (run_id, fence, seq, group_entra_id, member_entra_id, member_kind, removed) from stdin binary";
const MEMBER_TYPES: &[Type] = &[Type::UUID, Type::UUID, Type::TEXT, Type::BOOL];

const DEVICES: &str =
    "copy staged_device (run_id, fence, seq, id, entra_id, azure_ad_device_id, hostname, operating_system,
    os_version, serial_number, compliance_state, is_encrypted, owner_type, manufacturer, model, last_check_in_at,
    enrolled_at, user_entra_id) from stdin binary";
const DEVICE_TYPES: &[Type] = &[
    Type::UUID,
    Type::UUID,
    Type::UUID,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::BOOL,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TIMESTAMPTZ,
    Type::TIMESTAMPTZ,
    Type::UUID,
];

/// Postgres keeps no NUL in a text, and a tenant's administrator may well have written one.
fn clean(text: Option<&str>) -> Option<Cow<'_, str>> {
    text.map(|text| match text.contains('\0') {
        true => Cow::Owned(text.replace('\0', "")),
        false => Cow::Borrowed(text),
    })
}

fn text(field: &Field<Text>) -> Option<Cow<'_, str>> {
    match field {
        Field::Value(text) => clean(Some(text)),
        Field::Absent | Field::Null => None,
    }
}

fn copied<T: Clone>(field: &Field<T>) -> Option<T> {
    match field {
        Field::Value(value) => Some(value.clone()),
        Field::Absent | Field::Null => None,
    }
}

fn bit<T>(field: &Field<T>, bit: i32) -> i32 {
    if matches!(field, Field::Absent) { 0 } else { bit }
}

fn told_of_person(person: &UserChange) -> i32 {
    bit(&person.display_name, told::DISPLAY_NAME)
        | bit(&person.mail, told::MAIL)
        | bit(&person.user_principal_name, told::USER_PRINCIPAL_NAME)
        | bit(&person.department, told::DEPARTMENT)
        | bit(&person.job_title, told::JOB_TITLE)
        | bit(&person.business_phones, told::BUSINESS_PHONES)
        | bit(&person.mobile_phone, told::MOBILE_PHONE)
        | bit(&person.account_enabled, told::ACCOUNT_ENABLED)
        | bit(&person.user_type, told::USER_TYPE)
        | bit(&person.assigned_licenses, told::LICENSED)
}

fn told_of_group(group: &GroupChange) -> i32 {
    bit(&group.display_name, told::GROUP_NAME)
        | bit(&group.description, told::DESCRIPTION)
        | bit(&group.mail, told::GROUP_MAIL)
        | bit(&group.mail_enabled, told::MAIL_ENABLED)
        | bit(&group.security_enabled, told::SECURITY_ENABLED)
        | bit(&group.group_types, told::GROUP_TYPES)
}
