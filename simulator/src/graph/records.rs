//! The small parts of a tenant: the organization itself, its domains and licences, directory roles
//! and who holds them, and captured collections that are replayed as they are.

use serde_json::{Value, json};
use uuid::Uuid;

use super::answer::{Answer, Failure};
use super::page::filter_of;
use super::permission::Granted;
use super::posture;
use super::request::Request;
use super::write::{self, Selection, Show};
use crate::directory::{Kind, properties};
use crate::roles::BUILT_IN;
use crate::world::{Settings, Tenant, lock, read};

/// Microsoft 365 Business Premium, which includes Entra ID P1 and Intune.
const SKU: Uuid = Uuid::from_u128(0xcbdc14ab_d96c_4c30_b9f4_6ada7cdc1d46);

pub fn serve(
    tenant: &Tenant,
    request: &Request,
    segments: &[&str],
    settings: &Settings,
    granted: &Granted,
) -> Result<Answer, Failure> {
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
        ["subscribedSkus"] => collection(request, "subscribedSkus", skus(tenant, settings)),
        ["directoryRoles"] => collection(request, "directoryRoles", directory_roles(tenant)),
        ["directoryRoles", id, "members"] => role_members(tenant, request, id),
        ["roleManagement", "directory", "roleDefinitions"] => collection(request, &context, role_definitions()),
        ["roleManagement", "directory", "roleAssignments"] => {
            collection(request, &context, role_assignments(tenant, request, granted)?)
        }
        _ => posture::serve(tenant, request, segments, settings).unwrap_or_else(|| {
            Err(Failure::new(
                501,
                "NotImplemented",
                &format!("'{context}' is not simulated."),
            ))
        }),
    }
}

/// A small collection: filtered, and cut down to what was selected.
pub(super) fn collection(request: &Request, context: &str, mut items: Vec<Value>) -> Result<Answer, Failure> {
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

fn skus(tenant: &Tenant, settings: &Settings) -> Vec<Value> {
    if tenant.captured {
        return Vec::new();
    }
    let seats = read(&tenant.directory).live_count(Kind::Person);
    let plan = |id: &str, name: &str| json!({"servicePlanId": id, "servicePlanName": name, "provisioningStatus": "Success", "appliesTo": "User"});
    let mut plans = vec![plan("9aaf7827-d63c-4b61-89c3-182f06f82e5c", "EXCHANGE_S_STANDARD")];
    if settings.premium {
        plans.push(plan("41781fb2-bc02-4b7c-bd55-b576c07bb09d", "AAD_PREMIUM"));
    }
    if settings.intune {
        plans.push(plan("c1ec4a95-1f05-45b3-a911-aa3fa01094f5", "INTUNE_A"));
    }
    vec![json!({
        "id": format!("{}_{SKU}", tenant.id), "accountId": tenant.id, "accountName": tenant.domain, "appliesTo": "User", "capabilityStatus": "Enabled",
        "consumedUnits": seats, "skuId": SKU, "skuPartNumber": "SPB", "subscriptionIds": [],
        "prepaidUnits": {"enabled": seats + 25, "lockedOut": 0, "suspended": 0, "warning": 0}, "servicePlans": plans,
    })]
}

/// The id of an activated role is the tenant's own.
fn role_id(tenant: &Tenant, template: Uuid) -> Uuid {
    Uuid::new_v5(&tenant.id, template.as_bytes())
}

/// Only roles that somebody holds are activated.
fn directory_roles(tenant: &Tenant) -> Vec<Value> {
    let assignments = lock(&tenant.role_assignments);
    let held = BUILT_IN
        .iter()
        .filter(|(template, _, _)| assignments.iter().any(|held| held.role == *template));
    held.map(|(template, name, description)| {
        json!({"id": role_id(tenant, *template), "deletedDateTime": null, "displayName": name, "description": description, "roleTemplateId": template})
    })
    .collect()
}

fn role_members(tenant: &Tenant, request: &Request, id: &str) -> Result<Answer, Failure> {
    let role = BUILT_IN
        .iter()
        .find(|(template, _, _)| role_id(tenant, *template).to_string() == id)
        .ok_or_else(|| Failure::not_found(id))?;
    let holders: Vec<Uuid> = lock(&tenant.role_assignments)
        .iter()
        .filter(|held| held.role == role.0)
        .map(|held| held.principal)
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
    BUILT_IN
        .iter()
        .map(|(template, name, description)| {
            json!({
                "id": template, "description": description, "displayName": name, "isBuiltIn": true, "isEnabled": true, "resourceScopes": ["/"],
                "templateId": template, "version": "1", "rolePermissions": [],
            })
        })
        .collect()
}

fn role_assignments(tenant: &Tenant, request: &Request, granted: &Granted) -> Result<Vec<Value>, Failure> {
    let expanded = match request.option("$expand").as_deref() {
        None => false,
        Some("principal") => true,
        Some(other) => return Err(Failure::bad_request(&format!("'{other}' cannot be expanded."))),
    };
    let directory = read(&tenant.directory);
    let assignments = lock(&tenant.role_assignments);
    let live = assignments.iter().filter(|held| {
        [Kind::Person, Kind::Group]
            .into_iter()
            .any(|kind| directory.find_live(kind, held.principal).is_some())
    });
    let shown = live.map(|held| {
        let mut shown = json!({
            "id": held.id(), "principalId": held.principal, "directoryScopeId": held.scope, "roleDefinitionId": held.role,
        });
        if expanded {
            shown["principal"] = posture::principal(&directory, granted, held.principal);
        }
        shown
    });
    Ok(shown.collect())
}
