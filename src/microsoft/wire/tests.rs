//! That Microsoft's shapes are read as Microsoft means them.

use serde::de::DeserializeOwned;
use uuid::{Uuid, uuid};

use super::*;

const ADELE: Uuid = uuid!("693acd06-2877-4339-8ade-b704261fe7a0");

fn read<T: DeserializeOwned>(json: serde_json::Value) -> Result<T, serde_json::Error> {
    serde_json::from_str(&json.to_string())
}

fn change(json: serde_json::Value) -> UserChange {
    read(json).unwrap()
}

#[test]
fn an_absent_property_is_not_told_and_a_null_is_cleared() {
    let change = change(serde_json::json!({"id": ADELE, "mail": null, "jobTitle": "Director"}));
    assert_eq!(change.display_name, Field::Absent);
    assert_eq!(change.mail, Field::Null);
    assert_eq!(change.job_title, Field::Value("Director".into()));
    assert_eq!(change.mail.told(), Some(None));
    assert_eq!(change.display_name.told(), None);
}

#[test]
fn lists_and_switches_can_be_cleared_too() {
    let cleared = change(serde_json::json!({"id": ADELE, "businessPhones": null, "accountEnabled": null}));
    assert_eq!(
        (cleared.business_phones, cleared.account_enabled),
        (Field::Null, Field::Null)
    );
    let emptied = change(serde_json::json!({"id": ADELE, "businessPhones": [], "assignedLicenses": []}));
    assert_eq!(emptied.business_phones, Field::Value(Box::default()));
    assert_eq!(emptied.assigned_licenses, Field::Value(Box::default()));
}

#[test]
fn a_leaver_has_only_an_id_and_a_reason() {
    for reason in ["changed", "deleted"] {
        let change = change(serde_json::json!({"id": ADELE, "@removed": {"reason": reason}}));
        assert_eq!(change.removed.unwrap().reason.as_ref(), reason);
    }
    let unsaid = change(serde_json::json!({"id": ADELE, "@removed": {}}));
    assert!(unsaid.removed.is_some(), "removed without a reason is removed");
}

#[test]
fn a_person_of_nulls_is_a_person() {
    let user: User = read(serde_json::json!({
        "id": ADELE, "displayName": null, "mail": null, "businessPhones": null, "assignedLicenses": null,
        "userType": null, "@odata.etag": "W/x", "somethingNew": {"deep": [1, 2]}
    }))
    .unwrap();
    assert_eq!(user.mail, None);
    assert!(user.business_phones.is_empty() && user.assigned_licenses.is_empty());
}

#[test]
fn licences_are_kept_by_product() {
    let sku = Uuid::new_v4();
    let user: User = read(serde_json::json!({
        "id": ADELE, "assignedLicenses": [{"disabledPlans": [Uuid::new_v4()], "skuId": sku}]
    }))
    .unwrap();
    assert_eq!(*user.assigned_licenses, [AssignedLicense { sku_id: sku }]);
}

#[test]
fn an_object_without_a_proper_id_makes_its_page_unreadable() {
    for id in [
        serde_json::json!(null),
        serde_json::json!(""),
        serde_json::json!("7"),
        serde_json::json!(7),
    ] {
        assert!(read::<User>(serde_json::json!({"id": id})).is_err());
        assert!(read::<UserChange>(serde_json::json!({"id": id})).is_err());
        assert!(read::<GroupChange>(serde_json::json!({"id": id})).is_err());
        assert!(read::<ManagedDevice>(serde_json::json!({"id": id})).is_err());
    }
    assert!(read::<User>(serde_json::json!({"displayName": "Nobody"})).is_err());
}

#[test]
fn members_say_what_they_are_and_whether_they_left() {
    let group: GroupChange = read(serde_json::json!({
        "id": ADELE,
        "members@delta": [
            {"@odata.type": "#microsoft.graph.user", "id": ADELE},
            {"@odata.type": "#microsoft.graph.group", "id": ADELE, "@removed": {"reason": "deleted"}},
            {"@odata.type": "microsoft.graph.device", "id": ADELE},
            {"@odata.type": "#microsoft.graph.servicePrincipal", "id": ADELE},
            {"id": ADELE, "@removed": null},
        ]
    }))
    .unwrap();
    let seen: Vec<_> = group
        .members
        .iter()
        .map(|member| (member.kind, member.removed))
        .collect();
    assert_eq!(
        seen,
        [
            (MemberKind::User, false),
            (MemberKind::Group, true),
            (MemberKind::Device, false),
            (MemberKind::Other, false),
            (MemberKind::Other, false),
        ]
    );
}

#[test]
fn a_group_without_the_annotation_has_no_changes_of_members() {
    let group: GroupChange = read(serde_json::json!({"id": ADELE, "groupTypes": ["Unified"]})).unwrap();
    assert!(group.members.is_empty());
    assert_eq!(group.group_types, Field::Value(Box::from(["Unified".into()])));
    assert_eq!(group.description, Field::Absent);
}

fn device(property: &str, value: serde_json::Value) -> Result<ManagedDevice, serde_json::Error> {
    let mut device = serde_json::json!({"id": ADELE});
    device[property] = value;
    read(device)
}

#[test]
fn intunes_never_is_none() {
    for never in [serde_json::json!("0001-01-01T00:00:00Z"), serde_json::json!(null)] {
        assert_eq!(device("lastSyncDateTime", never).unwrap().last_sync_date_time, None);
    }
}

#[test]
fn times_may_have_up_to_nine_digits_of_a_second() {
    for fraction in ["", ".1", ".1234567", ".123456789"] {
        let time = format!("2026-11-23T06:45:00{fraction}Z");
        let device = device("enrolledDateTime", serde_json::json!(time)).unwrap();
        assert_eq!(device.enrolled_date_time.unwrap().timestamp(), 1_795_416_300);
    }
    assert!(device("enrolledDateTime", serde_json::json!("yesterday")).is_err());
}

#[test]
fn an_empty_reference_refers_to_nobody() {
    for nobody in ["", "00000000-0000-0000-0000-000000000000", "User Id value"] {
        assert_eq!(device("userId", serde_json::json!(nobody)).unwrap().user_id, None);
        assert_eq!(
            device("azureADDeviceId", serde_json::json!(nobody))
                .unwrap()
                .azure_ad_device_id,
            None
        );
    }
    assert_eq!(device("userId", serde_json::json!(ADELE)).unwrap().user_id, Some(ADELE));
    assert_eq!(
        device("azureADDeviceId", serde_json::json!(ADELE))
            .unwrap()
            .azure_ad_device_id,
        Some(ADELE)
    );
}

#[test]
fn words_that_microsoft_adds_later_are_kept() {
    let state = device("complianceState", serde_json::json!("quarantined"))
        .unwrap()
        .compliance_state;
    assert_eq!(state.as_deref(), Some("quarantined"));
}
