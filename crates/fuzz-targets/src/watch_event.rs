//! Arbitrary bytes as one event of a watch of requests, between two valid ones.
//!
//! Promises: those of [`crate::list_item`], for the object of an event; and an error that the
//! server reports, or a malformed event, is reported in one short line.

use serde_json::Value;
use serde_json::value::RawValue;
use svid_api::certmanager::StoredRequest;
use svid_client::ApiError;
use svid_client::testing::{Read, changes};
use svid_client::watch::Change;

use crate::list_item::is_one_object;
use crate::{assert_tellable, stored};

pub fn watch_event(data: &[u8]) {
    let right = format!(r#"{{"type":"ADDED","object":{}}}"#, stored::right());
    let right = right.as_bytes();
    let json = [right, b"\n", data, b"\n", right].concat();
    let read = changes::<StoredRequest>(&json, json.len());
    for packet in [1, 7, 64] {
        assert_eq!(told(&changes(&json, packet)), told(&read), "{packet}");
    }
    assert!(matches!(read.pieces.first(), Some(Ok(Change::Applied(_)))));
    for piece in &read.pieces {
        if let Err(error) = piece {
            assert_tellable(&error.to_string(), 800);
        }
    }
    if !is_one_object(data) {
        return;
    }
    assert!(read.is_complete && read.pieces.len() == 3);
    assert!(matches!(read.pieces.last(), Some(Ok(Change::Applied(_)))));
    let object = object(data);
    match &read.pieces[1] {
        Ok(Change::Applied(request) | Change::Deleted(request)) => {
            stored::assert_promises(object.unwrap().as_bytes(), Ok(request));
        }
        Ok(Change::Unreadable(unreadable)) => {
            stored::assert_promises(object.unwrap().as_bytes(), Err(unreadable));
        }
        Ok(Change::Bookmark(_)) | Err(_) => {}
    }
}

/// The object within an event, for a reader independent of our code; the last one, if there are
/// several.
fn object(event: &[u8]) -> Option<String> {
    let fields: std::collections::BTreeMap<String, &RawValue> =
        serde_json::from_slice(event).ok()?;
    fields.get("object").map(|object| object.get().to_owned())
}

fn told(read: &Read<Result<Change<StoredRequest>, ApiError>>) -> String {
    format!("{read:?}")
}

/// Every type of event around right requests and their variants, and what is none.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let event = |type_: &str, object: &Value| {
        serde_json::json!({"type": type_, "object": object}).to_string()
    };
    let types = ["MODIFIED", "DELETED", "ADDED"].into_iter().cycle();
    let variants = stored::variants().into_iter().zip(types);
    let mut seeds: Vec<String> = variants
        .map(|(variant, type_)| event(type_, &variant))
        .collect();
    let status = serde_json::json!({"code": 410, "message": "too old"});
    let bookmark = serde_json::json!({"metadata": {"resourceVersion": "9"}});
    seeds.extend([
        event("ERROR", &status),
        event("ERROR", &Value::Null),
        event("BOOKMARK", &bookmark),
        event("BOOKMARK", &Value::Null),
        event("ODD", &stored::right()),
        "{}".to_owned(),
        "{\"type\":\"ADDED\"}".to_owned(),
        "{\"type\":\"AD\\u0044ED\",\"object\":7}".to_owned(),
        "]".to_owned(),
        String::new(),
    ]);
    seeds.into_iter().map(String::into_bytes).collect()
}
