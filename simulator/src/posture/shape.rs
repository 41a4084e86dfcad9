//! Objects with a fixed shape: what may be set is what the shape has.
//!
//! The danger is a misspelt name: taken in silence, it would be a setting that nobody ever sees act.

use serde_json::Value;

/// What is given, laid over a shape. An object in the shape stays an object with the same names;
/// anything else is replaced. Errors: the first name that the shape does not have, with its path.
pub fn overlay(shape: &Value, given: Value, path: &str) -> Result<Value, String> {
    let (Value::Object(shape), Value::Object(given)) = (shape, given.clone()) else {
        return Ok(given);
    };
    let mut laid = shape.clone();
    for (name, value) in given {
        let here = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}/{name}")
        };
        if name.contains('@') {
            laid.insert(name, value);
            continue;
        }
        let below = shape
            .get(&name)
            .ok_or_else(|| format!("'{here}' is no property that can be set"))?;
        laid.insert(name, overlay(below, value, &here)?);
    }
    Ok(Value::Object(laid))
}
