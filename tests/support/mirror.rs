//! The comparison that every sync test ends with: the database equals the directory, row for row.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::world::{Client, World};

/// Fails with the first differences where the active records are not exactly what the directory holds.
pub async fn assert_equal(world: &World, client: Client) {
    compare("people", &people(world, client).await, &contacts(world, client).await);
    compare(
        "groups",
        &groups(world, client).await,
        &contact_groups(world, client).await,
    );
    compare("devices", &devices(world, client).await, &assets(world, client).await);
}

/// The active contacts alone are exactly `expected`.
pub async fn contacts(world: &World, client: Client) -> BTreeMap<String, Value> {
    let rows = world
        .rows(&format!(
            "select entra_id, display_name, mail, user_principal_name, department, job_title, business_phones, mobile_phone,
                 account_enabled, user_type, licensed
             from contact where company_id = '{}' and state = 'ACTIVE'",
            client.company_id
        ))
        .await;
    keyed(rows, "entra_id")
}

/// What the directory says of its people, in our words.
pub async fn people(world: &World, client: Client) -> BTreeMap<String, Value> {
    let people = world.get(&format!("tenants/{}/people", client.tenant_id)).await;
    let rows = values(&people).iter().map(|person| {
        json!({
            "entra_id": person["id"], "display_name": person["displayName"], "mail": person["mail"],
            "user_principal_name": person["userPrincipalName"], "department": person["department"],
            "job_title": person["jobTitle"], "business_phones": person["businessPhones"],
            "mobile_phone": person["mobilePhone"], "account_enabled": person["accountEnabled"],
            "user_type": person["userType"],
            "licensed": person["assignedLicenses"].as_array().is_some_and(|licences| !licences.is_empty()),
        })
    });
    keyed(rows.collect(), "entra_id")
}

async fn contact_groups(world: &World, client: Client) -> BTreeMap<String, Value> {
    let rows = world
        .rows(&format!(
            "select g.entra_id, g.display_name, g.description, g.mail, g.mail_enabled, g.security_enabled, g.microsoft_365,
                 coalesce((select jsonb_agg(m.member_entra_id order by m.member_entra_id::text)
                           from contact_group_member m
                           where m.company_id = g.company_id and m.group_entra_id = g.entra_id
                             and (exists (select from contact c where c.company_id = g.company_id and c.entra_id = m.member_entra_id and c.state = 'ACTIVE')
                                  or exists (select from contact_group n where n.company_id = g.company_id and n.entra_id = m.member_entra_id and n.state = 'ACTIVE'))),
                          '[]') as members
             from contact_group g where g.company_id = '{}' and g.state = 'ACTIVE'",
            client.company_id
        ))
        .await;
    keyed(rows, "entra_id")
}

async fn groups(world: &World, client: Client) -> BTreeMap<String, Value> {
    let people = people(world, client).await;
    let groups = world.get(&format!("tenants/{}/groups", client.tenant_id)).await;
    let ids: BTreeSet<&str> = values(&groups)
        .iter()
        .filter_map(|group| group["id"].as_str())
        .collect();
    let rows = values(&groups).iter().map(|group| {
        let members: BTreeSet<&str> = group["members"]
            .as_array()
            .expect("members")
            .iter()
            .filter_map(Value::as_str)
            .filter(|id| people.contains_key(*id) || ids.contains(id))
            .collect();
        let unified = group["groupTypes"]
            .as_array()
            .is_some_and(|types| types.contains(&json!("Unified")));
        json!({
            "entra_id": group["id"], "display_name": group["displayName"], "description": group["description"],
            "mail": group["mail"], "mail_enabled": group["mailEnabled"], "security_enabled": group["securityEnabled"],
            "microsoft_365": unified, "members": members,
        })
    });
    keyed(rows.collect(), "entra_id")
}

async fn assets(world: &World, client: Client) -> BTreeMap<String, Value> {
    let rows = world
        .rows(&format!(
            "select entra_id, azure_ad_device_id, hostname, operating_system, os_version, serial_number, compliance_state,
                 is_encrypted, owner_type, manufacturer, model, user_entra_id, last_check_in_at
             from asset where company_id = '{}' and state = 'ACTIVE'",
            client.company_id
        ))
        .await;
    let mut rows = keyed(rows, "entra_id");
    for row in rows.values_mut() {
        row["last_check_in_at"] = moment(&row["last_check_in_at"]);
    }
    rows
}

async fn devices(world: &World, client: Client) -> BTreeMap<String, Value> {
    let devices = world.get(&format!("tenants/{}/devices", client.tenant_id)).await;
    let nobody_is_null = |value: &Value| match value.as_str() {
        Some("" | "00000000-0000-0000-0000-000000000000") => Value::Null,
        _ => value.clone(),
    };
    let rows = values(&devices).iter().map(|device| {
        json!({
            "entra_id": device["id"], "azure_ad_device_id": nobody_is_null(&device["azureADDeviceId"]),
            "hostname": device["deviceName"], "operating_system": device["operatingSystem"],
            "os_version": device["osVersion"], "serial_number": device["serialNumber"],
            "compliance_state": device["complianceState"], "is_encrypted": device["isEncrypted"],
            "owner_type": device["managedDeviceOwnerType"], "manufacturer": device["manufacturer"],
            "model": device["model"], "user_entra_id": nobody_is_null(&device["userId"]),
            "last_check_in_at": moment(&device["lastSyncDateTime"]),
        })
    });
    keyed(rows.collect(), "entra_id")
}

/// A time to the microsecond, which is what Postgres keeps; Intune's year 1 is never.
fn moment(value: &Value) -> Value {
    let time = value
        .as_str()
        .and_then(|text| chrono::DateTime::parse_from_rfc3339(text).ok());
    time.filter(|time| chrono::Datelike::year(time) > 1)
        .map_or(Value::Null, |time| json!(time.timestamp_micros()))
}

fn values(list: &Value) -> &Vec<Value> {
    list["value"].as_array().expect("a list")
}

fn keyed(rows: Vec<Value>, key: &str) -> BTreeMap<String, Value> {
    rows.into_iter()
        .map(|row| (row[key].as_str().expect("a key").to_owned(), row))
        .collect()
}

fn compare(what: &str, directory: &BTreeMap<String, Value>, database: &BTreeMap<String, Value>) {
    let missing: Vec<_> = directory
        .iter()
        .filter(|(id, _)| !database.contains_key(*id))
        .take(3)
        .collect();
    assert!(
        missing.is_empty(),
        "{what} of the directory that the database lacks: {missing:#?}"
    );
    let extra: Vec<_> = database
        .iter()
        .filter(|(id, _)| !directory.contains_key(*id))
        .take(3)
        .collect();
    assert!(
        extra.is_empty(),
        "{what} of the database that the directory lacks: {extra:#?}"
    );
    for (id, there) in directory {
        assert_eq!(there, &database[id], "{what}: the directory and the database differ");
    }
}
