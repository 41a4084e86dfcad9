//! The small parts of a tenant: the organization itself, its domains and licences, directory roles
//! and who holds them, and captured collections that are replayed as they are.

use serde_json::{Value, json};
use uuid::Uuid;

use super::answer::{Answer, Failure};
use super::page::filter_of;
use super::request::Request;
use super::write::{self, Selection, Show};
use crate::directory::{Kind, properties};
use crate::world::{GLOBAL_ADMINISTRATOR, Settings, Tenant, lock, read};

/// Built-in roles: template id, name, description.
const ROLES: &[(Uuid, &str, &str)] = &[
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
        Uuid::from_u128(0x158c047a_c907_4556_b7ef_446551a6b5f7),
        "Cloud Application Administrator",
        "Can manage app registrations and enterprise apps.",
    ),
    (
        Uuid::from_u128(0x9b895d92_2cd3_44ad_8b4d_bd7dc8ad95a0),
        "Application Administrator",
        "Can manage app registrations and enterprise apps, and their proxies.",
    ),
    (
        Uuid::from_u128(0xf2ef992c_3afb_46b9_b7cf_a126ee74c451),
        "Global Reader",
        "Can read everything that a Global Administrator can.",
    ),
];

/// Microsoft 365 Business Premium, which includes Entra ID P1 and Intune.
const SKU: Uuid = Uuid::from_u128(0xcbdc14ab_d96c_4c30_b9f4_6ada7cdc1d46);

pub fn serve(tenant: &Tenant, request: &Request, segments: &[&str], settings: &Settings) -> Result<Answer, Failure> {
    let context = segments.join("/");
    if let Some(items) = tenant.replayed.get(&context) {
        return collection(request, &context, items.clone());
    }
    match segments {
        ["organization"] => collection(request, "organization", vec![organization(tenant, request, settings)?]),
        ["organization", id] if *id == tenant.id.to_string() => {
            let mut organization = organization(tenant, request, settings)?;
            organization["@odata.context"] = json!(format!("{}/v1.0/$metadata#organization/$entity", request.origin));
            Ok(Answer::value(&organization))
        }
        ["domains"] => collection(request, "domains", vec![domain(tenant)]),
        ["subscribedSkus"] => collection(request, "subscribedSkus", skus(tenant)),
        ["directoryRoles"] => collection(request, "directoryRoles", directory_roles(tenant)),
        ["directoryRoles", id, "members"] => role_members(tenant, request, id),
        ["roleManagement", "directory", "roleDefinitions"] => collection(request, &context, role_definitions()),
        ["roleManagement", "directory", "roleAssignments"] => collection(request, &context, role_assignments(tenant)),
        ["deviceManagement"] => Ok(Answer::value(&json!({
            "@odata.context": format!("{}/v1.0/$metadata#deviceManagement/$entity", request.origin),
            "id": tenant.id, "subscriptionState": "active",
        }))),
        _ => Err(Failure::new(
            501,
            "NotImplemented",
            &format!("'{context}' is not simulated."),
        )),
    }
}

/// A small collection: filtered, and cut down to what was selected.
fn collection(request: &Request, context: &str, mut items: Vec<Value>) -> Result<Answer, Failure> {
    if let Some(filter) = filter_of(request)? {
        items.retain(|item| filter.admits(&|name| item.get(name).cloned().unwrap_or_default()));
    }
    if let Some(select) = request.option("$select") {
        let names: Vec<&str> = select.split(',').map(str::trim).collect();
        for item in items.iter_mut().filter_map(Value::as_object_mut) {
            item.retain(|name, _| names.contains(&name.as_str()));
        }
    }
    Ok(Answer::value(
        &json!({"@odata.context": format!("{}/v1.0/$metadata#{context}", request.origin), "value": items}),
    ))
}

fn organization(tenant: &Tenant, request: &Request, settings: &Settings) -> Result<Value, Failure> {
    for name in request
        .option("$select")
        .iter()
        .flat_map(|select| select.split(','))
        .map(str::trim)
    {
        if !properties::ORGANIZATION.contains(&name) {
            return Err(Failure::new(
                400,
                "BadRequest",
                &format!("Could not find a property named '{name}' on type 'microsoft.graph.organization'."),
            ));
        }
    }
    let plan = |service: &str, id: &str| json!({"assignedDateTime": "2024-01-08T09:00:00Z", "capabilityStatus": "Enabled", "service": service, "servicePlanId": id});
    let mut plans = vec![plan("exchange", "9aaf7827-d63c-4b61-89c3-182f06f82e5c")];
    if settings.premium {
        plans.push(plan("AADPremiumService", "41781fb2-bc02-4b7c-bd55-b576c07bb09d"));
    }
    if settings.intune {
        plans.push(plan("SCO", "c1ec4a95-1f05-45b3-a911-aa3fa01094f5"));
    }
    let initial = format!(
        "{}.onmicrosoft.com",
        tenant.domain.split('.').next().unwrap_or_default()
    );
    let mut organization = json!({
        "displayName": tenant.display_name,
        "tenantType": "AAD",
        "countryLetterCode": "US",
        "preferredLanguage": "en",
        "createdDateTime": "2024-01-08T09:00:00Z",
        "deletedDateTime": null,
        "businessPhones": [],
        "technicalNotificationMails": [],
        "mobileDeviceManagementAuthority": if settings.intune { "intune" } else { "unknown" },
        "onPremisesSyncEnabled": null,
        "assignedPlans": plans,
        "provisionedPlans": [],
        "verifiedDomains": [
            {"capabilities": "Email, OfficeCommunicationsOnline", "isDefault": true, "isInitial": false, "name": tenant.domain, "type": "Managed"},
            {"capabilities": "Email, OfficeCommunicationsOnline", "isDefault": false, "isInitial": true, "name": initial, "type": "Managed"},
        ],
    });
    if let Some(organization) = organization.as_object_mut() {
        organization.extend(tenant.organization.clone());
    }
    organization["id"] = json!(tenant.id);
    Ok(organization)
}

fn domain(tenant: &Tenant) -> Value {
    json!({
        "id": tenant.domain, "authenticationType": "Managed", "availabilityStatus": null, "isAdminManaged": true, "isDefault": true,
        "isInitial": false, "isRoot": true, "isVerified": true, "supportedServices": ["Email", "OfficeCommunicationsOnline"], "state": null,
    })
}

fn skus(tenant: &Tenant) -> Vec<Value> {
    if tenant.captured {
        return Vec::new();
    }
    let directory = read(&tenant.directory);
    let seats = directory.live_count(Kind::Person);
    vec![json!({
        "id": format!("{}_{SKU}", tenant.id), "accountId": tenant.id, "accountName": tenant.domain, "appliesTo": "User", "capabilityStatus": "Enabled",
        "consumedUnits": seats, "skuId": SKU, "skuPartNumber": "SPB", "subscriptionIds": [],
        "prepaidUnits": {"enabled": seats + 25, "lockedOut": 0, "suspended": 0, "warning": 0},
        "servicePlans": [{"servicePlanId": "c1ec4a95-1f05-45b3-a911-aa3fa01094f5", "servicePlanName": "INTUNE_A", "provisioningStatus": "Success", "appliesTo": "User"}],
    })]
}

/// The id of an activated role is the tenant's own.
fn role_id(tenant: &Tenant, template: Uuid) -> Uuid {
    Uuid::new_v5(&tenant.id, template.as_bytes())
}

/// Only roles that somebody holds are activated.
fn directory_roles(tenant: &Tenant) -> Vec<Value> {
    let assignments = lock(&tenant.role_assignments);
    let held = ROLES
        .iter()
        .filter(|(template, _, _)| assignments.iter().any(|(role, _)| role == template));
    held.map(|(template, name, description)| {
        json!({"id": role_id(tenant, *template), "deletedDateTime": null, "displayName": name, "description": description, "roleTemplateId": template})
    })
    .collect()
}

fn role_members(tenant: &Tenant, request: &Request, id: &str) -> Result<Answer, Failure> {
    let role = ROLES
        .iter()
        .find(|(template, _, _)| role_id(tenant, *template).to_string() == id)
        .ok_or_else(|| Failure::not_found(id))?;
    let holders: Vec<Uuid> = lock(&tenant.role_assignments)
        .iter()
        .filter(|(template, _)| *template == role.0)
        .map(|(_, who)| *who)
        .collect();
    let selection = Selection::parse(Kind::Person, request.option("$select").as_deref())?;
    let directory = read(&tenant.directory);
    let mut page = super::page::Page::new(request, "directoryObjects");
    page.open();
    for index in holders.iter().filter_map(|id| directory.find_live(Kind::Person, *id)) {
        write::object(
            &directory,
            Kind::Person,
            index,
            &selection,
            Show::Everything,
            "\"@odata.type\":\"#microsoft.graph.user\"",
            page.item(),
        );
    }
    Ok(page.close(None))
}

fn role_definitions() -> Vec<Value> {
    ROLES
        .iter()
        .map(|(template, name, description)| {
            json!({
                "id": template, "description": description, "displayName": name, "isBuiltIn": true, "isEnabled": true, "resourceScopes": ["/"],
                "templateId": template, "version": "1", "rolePermissions": [],
            })
        })
        .collect()
}

fn role_assignments(tenant: &Tenant) -> Vec<Value> {
    let directory = read(&tenant.directory);
    let assignments = lock(&tenant.role_assignments);
    let live = assignments
        .iter()
        .filter(|(_, who)| directory.find_live(Kind::Person, *who).is_some());
    live.map(|(role, who)| json!({"id": format!("{}-1", Uuid::new_v5(role, who.as_bytes()).simple()), "principalId": who, "directoryScopeId": "/", "roleDefinitionId": role})).collect()
}
