//! A tenant's security settings, as Graph shows them: conditional access, policies, reports, the
//! audit log, and Intune's compliance policies.

use serde_json::{Value, json};
use uuid::Uuid;

use super::answer::{Answer, Failure};
use super::page::{self, Page, check_options, filter_of};
use super::permission::Granted;
use super::records::collection;
use super::request::Request;
use super::write;
use crate::directory::{Directory, Kind};
use crate::posture::{Posture, intune, policy, settings};
use crate::world::{Settings, Tenant, lock, read};

/// How many registrations are on a page. Microsoft publishes no number: whoever reads follows the links.
const REGISTRATIONS: usize = 100;
/// The audit log: the largest page is the default.
const AUDITS: page::Sizes = page::Sizes {
    default: 1000,
    largest: 1000,
};

/// `None`: the path is none of these.
pub fn serve(
    tenant: &Tenant,
    request: &Request,
    segments: &[&str],
    settings: &Settings,
) -> Option<Result<Answer, Failure>> {
    let context = segments.join("/");
    let posture = || read(&tenant.posture);
    Some(match segments {
        ["identity", "conditionalAccess", "policies"] => {
            let policies = posture().policies().iter().cloned().map(Value::Object).collect();
            collection(request, &context, policies)
        }
        ["identity", "conditionalAccess", "policies", id] => {
            let found = id.parse().ok().and_then(|id| posture().policy(id).cloned());
            found
                .map(|policy| {
                    entity(
                        request,
                        "identity/conditionalAccess/policies/$entity",
                        Value::Object(policy),
                    )
                })
                .unwrap_or_else(|| Err(Failure::not_found(id)))
        }
        ["identity", "conditionalAccess", "namedLocations"] => {
            collection(request, &context, posture().locations().to_vec())
        }
        ["policies", "authenticationStrengthPolicies"]
        | ["identity", "conditionalAccess", "authenticationStrength", "policies"] => {
            collection(request, &context, policy::strengths())
        }
        ["policies", name] if *name != settings::DEVICE_MANAGEMENT => {
            let setting = posture().setting(name).cloned()?;
            entity(request, &format!("{context}/$entity"), Value::Object(setting))
        }
        ["reports", "authenticationMethods", "userRegistrationDetails", one @ ..] if one.len() < 2 => {
            registrations(tenant, request, one.first().copied(), settings)
        }
        ["auditLogs", "directoryAudits", one @ ..] if one.len() < 2 => audits(tenant, request, one.first().copied()),
        ["deviceManagement", ..] => return device_management(tenant, request, segments),
        _ => return None,
    })
}

fn device_management(tenant: &Tenant, request: &Request, segments: &[&str]) -> Option<Result<Answer, Failure>> {
    Some(match segments {
        ["deviceManagement"] => {
            let setting = read(&tenant.posture).setting(settings::DEVICE_MANAGEMENT).cloned();
            let root = json!({"id": tenant.id, "subscriptionState": "active", "settings": setting});
            entity(request, "deviceManagement/$entity", root)
        }
        ["deviceManagement", "managedDeviceOverview"] => {
            let overview = intune::overview(tenant.id, &read(&tenant.directory));
            entity(request, "deviceManagement/managedDeviceOverview/$entity", overview)
        }
        ["deviceManagement", "deviceCompliancePolicyDeviceStateSummary"] => {
            let summary = intune::state_summary(tenant.id, &read(&tenant.directory));
            entity(
                request,
                "deviceManagement/deviceCompliancePolicyDeviceStateSummary/$entity",
                summary,
            )
        }
        ["deviceManagement", "deviceCompliancePolicies", rest @ ..] if rest.len() < 3 => {
            compliance(tenant, request, rest)
        }
        _ => return None,
    })
}

/// A single object, cut down to what was selected.
fn entity(request: &Request, context: &str, mut object: Value) -> Result<Answer, Failure> {
    check_options(request, &["select", "expand"])?;
    if let (Some(select), Some(object)) = (request.option("$select"), object.as_object_mut()) {
        let names: Vec<&str> = select.split(',').map(str::trim).collect();
        object.retain(|name, _| names.contains(&name.as_str()));
    }
    object["@odata.context"] = json!(format!("{}/v1.0/$metadata#{context}", request.origin));
    Ok(Answer::value(&object))
}

/// `reports/authenticationMethods/userRegistrationDetails`: everybody, or one person.
fn registrations(
    tenant: &Tenant,
    request: &Request,
    one: Option<&str>,
    settings: &Settings,
) -> Result<Answer, Failure> {
    if !settings.premium {
        return Err(Failure::not_premium());
    }
    check_options(request, &["filter", "skiptoken"])?;
    let filter = filter_of(request)?;
    let directory = read(&tenant.directory);
    let posture = read(&tenant.posture);
    let administrators: Vec<Uuid> = lock(&tenant.role_assignments)
        .iter()
        .map(|role| role.principal)
        .collect();
    let row = |person: u32| posture.registration(&directory, person, &administrators);
    let context = "reports/authenticationMethods/userRegistrationDetails";
    if let Some(id) = one {
        let person = id.parse().ok().and_then(|id| directory.find_live(Kind::Person, id));
        let person = person.ok_or_else(|| Failure::not_found(id))?;
        return entity(request, &format!("{context}/$entity"), row(person));
    }
    let mut rows = directory
        .live_from(Kind::Person, page::position(request)?)
        .map(|person| (person, row(person)))
        .filter(|(_, row)| {
            filter
                .as_ref()
                .is_none_or(|filter| filter.admits(&|name| row.get(name).cloned().unwrap_or_default()))
        });
    let mut page = Page::new(request, context);
    page.open();
    for (_, row) in rows.by_ref().take(REGISTRATIONS) {
        page.item().extend_from_slice(row.to_string().as_bytes());
    }
    let link = rows
        .next()
        .map(|(person, _)| ("@odata.nextLink", page::next_link(request, person)));
    Ok(page.close(link))
}

/// `auditLogs/directoryAudits`, newest first: a position counts from the oldest, and so stays where it is.
fn audits(tenant: &Tenant, request: &Request, one: Option<&str>) -> Result<Answer, Failure> {
    check_options(request, &["filter", "top", "orderby", "skiptoken"])?;
    let posture = read(&tenant.posture);
    if let Some(id) = one {
        let found = posture.audits().iter().find(|line| line["id"] == id).cloned();
        return entity(
            request,
            "auditLogs/directoryAudits/$entity",
            found.ok_or_else(|| Failure::not_found(id))?,
        );
    }
    let filter = filter_of(request)?;
    let (top, position) = (AUDITS.of(request)?, page::position(request)? as usize);
    let end = if position == 0 {
        posture.audits().len()
    } else {
        position.min(posture.audits().len())
    };
    let mut lines = posture.audits()[..end].iter().enumerate().rev().filter(|(_, line)| {
        filter
            .as_ref()
            .is_none_or(|filter| filter.admits(&|name| line.get(name).cloned().unwrap_or_default()))
    });
    let mut page = Page::new(request, "auditLogs/directoryAudits");
    page.open();
    for (_, line) in lines.by_ref().take(top) {
        page.item().extend_from_slice(line.to_string().as_bytes());
    }
    let link = lines
        .next()
        .map(|(place, _)| ("@odata.nextLink", page::next_link(request, place as u32 + 1)));
    Ok(page.close(link))
}

/// `deviceManagement/deviceCompliancePolicies`, one of them, or the assignments of one.
fn compliance(tenant: &Tenant, request: &Request, rest: &[&str]) -> Result<Answer, Failure> {
    let mut policies = read(&tenant.posture).compliance_policies().to_vec();
    let context = "deviceManagement/deviceCompliancePolicies";
    let Some(id) = rest.first() else {
        policies.iter_mut().for_each(|policy| expand(request, policy));
        return collection(request, context, policies);
    };
    let mut policy = policies
        .into_iter()
        .find(|policy| policy["id"] == *id)
        .ok_or_else(|| Failure::new(404, "ResourceNotFound", &format!("Resource '{id}' could not be found.")))?;
    match rest.get(1) {
        None => {
            expand(request, &mut policy);
            entity(request, &format!("{context}/$entity"), policy)
        }
        Some(&"assignments") => {
            let assignments = policy["assignments"].as_array().cloned().unwrap_or_default();
            collection(request, &format!("{context}('{id}')/assignments"), assignments)
        }
        Some(other) => Err(Failure::new(
            501,
            "NotImplemented",
            &format!("'{other}' is not simulated."),
        )),
    }
}

/// Takes away what is shown only on `$expand`.
fn expand(request: &Request, policy: &mut Value) {
    let expanded = request.option("$expand").unwrap_or_default();
    let names: Vec<&str> = top_level(&expanded);
    let nested = expanded.contains("scheduledActionConfigurations");
    if let Some(policy) = policy.as_object_mut() {
        policy.retain(|name, _| {
            !["assignments", "scheduledActionsForRule"].contains(&name.as_str()) || names.contains(&name.as_str())
        });
        let rules = policy.get_mut("scheduledActionsForRule").and_then(Value::as_array_mut);
        for rule in rules.into_iter().flatten().filter_map(Value::as_object_mut) {
            if !nested {
                rule.remove("scheduledActionConfigurations");
            }
        }
    }
}

/// The names of an `$expand`, without what stands in parentheses behind them.
fn top_level(expand: &str) -> Vec<&str> {
    let mut depth = 0;
    let parts = expand.split(|c| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        c == ',' && depth == 0
    });
    parts
        .map(|part| part.split('(').next().unwrap_or_default().trim())
        .collect()
}

/// The principal of a role assignment, for `$expand=principal`: bare where the application may not read people.
pub fn principal(directory: &Directory, granted: &Granted, id: Uuid) -> Value {
    for kind in [Kind::Person, Kind::Group] {
        let Some(index) = directory.find_live(kind, id) else {
            continue;
        };
        let kind_of_type = format!("\"@odata.type\":\"#{}\"", kind.graph_type());
        let mut out = Vec::new();
        let selection = write::Selection::parse(kind, None).expect("the default selection is known");
        if kind == Kind::Person && !granted.reads_users() {
            page::write_bare(id, &selection, &kind_of_type, &mut out);
        } else {
            write::object(
                directory,
                kind,
                index,
                &selection,
                write::Show::Everything,
                &kind_of_type,
                &mut out,
            );
        }
        return serde_json::from_slice(&out).expect("what is written is JSON");
    }
    Value::Null
}

/// A property of a person, for filters: also below `signInActivity`, which is outside the directory.
pub fn value_of(directory: &Directory, posture: &Posture, kind: Kind, index: u32, name: &str) -> Value {
    match name.strip_prefix("signInActivity/") {
        Some(below) if kind == Kind::Person => posture.sign_in(directory, index)[below].clone(),
        _ => write::value_of(directory, kind, index, name),
    }
}
