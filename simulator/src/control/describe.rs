//! `/_control/openapi.json`: the table of operations as OpenAPI.

use axum::Json;
use serde_json::{Map, Value, json};

use super::operations;

pub async fn openapi() -> Json<Value> {
    let mut paths: Map<String, Value> = Map::new();
    for operation in operations() {
        let parameters: Vec<Value> = operation
            .path
            .split(['{', '}'])
            .skip(1)
            .step_by(2)
            .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
            .collect();
        let mut described = json!({"summary": operation.summary, "parameters": parameters, "responses": {operation.status.to_string(): {"description": "done"}, "4XX": {"description": "refused, in words"}}});
        if let Some(schema) = operation.takes {
            described["requestBody"] = json!({"content": {"application/json": {"schema": {"$ref": format!("#/components/schemas/{schema}")}}}});
        }
        paths.entry(operation.path).or_insert_with(|| json!({}))[operation.method] = described;
    }
    Json(
        json!({"openapi": "3.1.0", "info": {"title": "m365-simulator control interface", "version": env!("CARGO_PKG_VERSION")}, "paths": paths}),
    )
}
