//! Reads and writes the fields of `metadata` in an untyped object.
//!
//! A field of the wrong type reads as absent: objects are checked when they come in.

use serde_json::{Map, Value};

/// `metadata.name`, or empty.
pub(crate) fn name(object: &Value) -> &str {
    text(object, "/metadata/name")
}

/// `metadata.namespace`, or empty.
pub(crate) fn namespace(object: &Value) -> &str {
    text(object, "/metadata/namespace")
}

/// `metadata.uid`, or empty.
pub(crate) fn uid(object: &Value) -> &str {
    text(object, "/metadata/uid")
}

/// `metadata.resourceVersion` as the number it is.
pub(crate) fn revision(object: &Value) -> Option<u64> {
    text(object, "/metadata/resourceVersion").parse().ok()
}

/// `metadata.deletionTimestamp`, or empty.
pub(crate) fn deletion(object: &Value) -> &str {
    text(object, "/metadata/deletionTimestamp")
}

/// Whether a finalizer holds the object back from removal.
pub(crate) fn is_held(object: &Value) -> bool {
    object
        .pointer("/metadata/finalizers")
        .and_then(Value::as_array)
        .is_some_and(|held| !held.is_empty())
}

/// The UIDs of the object's owners.
pub(crate) fn owners(object: &Value) -> impl Iterator<Item = &str> {
    object
        .pointer("/metadata/ownerReferences")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|owner| text(owner, "/uid"))
}

/// The text at a JSON pointer, or empty.
pub(crate) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// `metadata`, made if it is not there; whatever stood in its place is dropped.
pub(crate) fn metadata(object: &mut Value) -> &mut Map<String, Value> {
    field(object, "metadata")
}

/// A field that is an object, made if it is not there; whatever stood in its place is dropped.
pub(crate) fn field<'a>(object: &'a mut Value, name: &str) -> &'a mut Map<String, Value> {
    let entry = top(object).entry(name).or_insert(Value::Null);
    top(entry)
}

/// The fields of a value, which becomes an empty object if it is none.
pub(crate) fn top(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    let Value::Object(fields) = value else {
        unreachable!("the value was made an object above")
    };
    fields
}
