//! `/_control/openapi.json`: the table of operations as OpenAPI, with the bodies that they take.

use axum::Json;
use serde_json::{Map, Value, json};

use super::operations;
use crate::directory::Kind;

pub async fn openapi() -> Json<Value> {
    let mut paths: Map<String, Value> = Map::new();
    for operation in operations() {
        let mut described = json!({
            "summary": operation.summary,
            "parameters": parameters(operation.path),
            "responses": {
                operation.status.to_string(): {"description": operation.summary},
                "4XX": {"description": "Refused, in words", "content": {"application/json": {"schema": reference("Error")}}},
            },
        });
        if let Some(schema) = operation.takes {
            described["requestBody"] = json!({"content": {"application/json": {"schema": reference(schema)}}});
        }
        paths.entry(operation.path).or_insert_with(|| json!({}))[operation.method] = described;
    }
    Json(json!({
        "openapi": "3.1.0",
        "info": {"title": "m365-simulator: control interface", "version": env!("CARGO_PKG_VERSION")},
        "paths": paths,
        "components": {"schemas": schemas()},
    }))
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn parameters(path: &str) -> Vec<Value> {
    let names = path.split(['{', '}']).skip(1).step_by(2);
    names
        .map(|name| {
            let meaning = match name {
                "tid" => "The tenant: its id or its domain",
                "client" => "The client id of an application",
                "member" => "The id of a person or a group",
                "oid" => "The object id of a person",
                "name" => "The last segment of the setting's path in Graph; deviceManagementSettings for Intune's",
                _ => "An id",
            };
            json!({"name": name, "in": "path", "required": true, "description": meaning, "schema": {"type": "string"}})
        })
        .collect()
}

/// A closed object: what is not described is refused, there as here.
fn object(required: &[&str], properties: Value) -> Value {
    json!({"type": "object", "required": required, "properties": properties, "additionalProperties": false})
}

fn schemas() -> Value {
    let (text, flag, guid) = (
        json!({"type": "string"}),
        json!({"type": "boolean"}),
        json!({"type": "string", "format": "uuid"}),
    );
    let (count, texts) = (
        json!({"type": "integer", "minimum": 0}),
        json!({"type": "array", "items": {"type": "string"}}),
    );
    json!({
        "Error": object(&["error"], json!({"error": object(&["code", "message"], json!({"code": text, "message": text}))})),
        "Application": object(&["clientId", "redirectUris", "homeTenant"], json!({
            "clientId": text, "displayName": text, "clientSecret": text, "secretExpired": flag, "certificatePem": text,
            "redirectUris": texts, "logoutUrl": text, "permissions": texts, "homeTenant": guid, "appRoles": texts, "emitWids": flag,
            "emitGroups": flag,
        })),
        "Tenant": object(&["displayName", "domain"], json!({
            "id": guid, "displayName": text, "domain": text, "seed": count, "people": count, "groups": count, "devices": count,
            "intune": flag, "premium": flag, "limits": flag, "capture": text,
            "captureManifest": {"type": "object", "additionalProperties": texts},
        })),
        "TenantChange": object(&[], json!({
            "consentDelayRequests": count, "consentDelaySeconds": count, "intune": flag, "premium": flag, "limits": flag,
        })),
        "AppRoles": object(&["roles"], json!({"clientId": text, "roles": texts})),
        "Policy": crate::posture::policy::described(),
        "Setting": {"type": "object", "description": "Any of the setting's properties, by their names in Graph v1.0"},
        "Registration": settable(&crate::posture::people::SETTABLE),
        "Role": object(&["roleDefinitionId", "principalId"], json!({"roleDefinitionId": guid, "principalId": guid, "directoryScopeId": text})),
        "Consent": object(&[], json!({"permissions": texts, "effectiveAfterRequests": count, "effectiveAfterSeconds": count})),
        "Person": properties(Kind::Person),
        "Group": properties(Kind::Group),
        "Device": properties(Kind::Device),
        "Shuffle": object(&["count"], json!({"count": count, "seed": count})),
        "Fault": object(&["on", "kind"], json!({
            "on": {"type": "string", "description": "A prefix of the path after /v1.0/; token for the token endpoint; * for all of Graph"},
            "kind": {"enum": crate::faults::Trouble::names()},
            "method": text, "times": count, "skip": count, "retryAfter": {"type": ["integer", "null"]}, "status": count,
            "code": text, "permission": text, "link": text, "body": text,
        })),
    })
}

/// Any property of a type by its name in Graph v1.0; `null` clears it.
fn properties(kind: Kind) -> Value {
    settable(kind.properties())
}

fn settable(names: &[&str]) -> Value {
    let any: Map<String, Value> = names.iter().map(|name| ((*name).to_owned(), json!({}))).collect();
    object(&[], Value::Object(any))
}
