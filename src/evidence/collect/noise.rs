//! What Microsoft says of the message and not of the object: links and contexts, which change from one answer to the
//! next while the object stays the same.

use serde_json::Value;

/// The object without annotations, at every depth. Only `@odata.type` stays: it says what an object is.
pub(super) fn quiet(mut content: Value) -> Value {
    strip(&mut content);
    content
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.retain(|name, _| name == "@odata.type" || !name.contains("@odata."));
            object.values_mut().for_each(strip);
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::quiet;

    #[test]
    fn annotations_go_at_every_depth_and_types_stay() {
        let sent = json!({
            "@odata.context": "https://graph/$metadata#x", "@odata.type": "#microsoft.graph.x", "@odata.etag": "W/1", "id": "1",
            "grant": {"strength@odata.context": "https://graph/$metadata#y", "strength": {"id": "2"}},
            "targets": [{"@odata.type": "#microsoft.graph.t", "@odata.id": "t"}],
        });
        let kept = json!({
            "@odata.type": "#microsoft.graph.x", "id": "1", "grant": {"strength": {"id": "2"}},
            "targets": [{"@odata.type": "#microsoft.graph.t"}],
        });
        assert_eq!(quiet(sent), kept);
    }
}
