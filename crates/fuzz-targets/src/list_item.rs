//! Arbitrary bytes as one item of a list of requests, between two valid ones.
//!
//! Promises: the list is read the same in whatever packets it arrives; the item before is read,
//! whatever the item is, and if that is one JSON object, so is the item behind; of what is read no
//! more is kept than there are limits; what the approver approves says the same to another reader,
//! and was decided by nobody.

use serde_json::value::RawValue;
use svid_api::certmanager::StoredRequest;
use svid_client::testing::{Read, list};
use svid_client::watch::Unreadable;

use crate::stored;

pub fn list_item(data: &[u8]) {
    let right = stored::right().to_string();
    let right = right.as_bytes();
    let (begin, end) = (
        br#"{"kind":"List","metadata":{"resourceVersion":"7"},"items":["#.as_slice(),
        b"]}".as_slice(),
    );
    let json = [begin, right, b",", data, b",", right, end].concat();
    let read = list::<StoredRequest>(&json, json.len());
    for packet in [1, 7, 64] {
        assert_eq!(told(&list(&json, packet)), told(&read), "{packet}");
    }
    let expected = serde_json::from_slice(right).unwrap();
    assert_eq!(read.pieces.first(), Some(&Ok(expected)));
    if is_one_object(data) {
        assert!(read.is_complete && read.pieces.len() == 3);
        assert_eq!(read.pieces.last(), read.pieces.first());
        stored::assert_promises(data, read.pieces[1].as_ref());
    }
}

fn told(read: &Read<Result<StoredRequest, Unreadable>>) -> String {
    format!("{read:?}")
}

pub(crate) fn is_one_object(data: &[u8]) -> bool {
    serde_json::from_slice::<&RawValue>(data).is_ok_and(|value| value.get().starts_with('{'))
}

/// Right requests and their variants, and what is none.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let variants = stored::variants().into_iter();
    let others = [
        "",
        "{}",
        "7",
        "{\"a\":[{\"b\":\"}]\\\"\"}]}",
        "{},{}",
        "]",
        "{\"spec\":[]}",
    ];
    let others = others.into_iter().map(|text| text.as_bytes().to_vec());
    variants
        .map(|variant| variant.to_string().into_bytes())
        .chain(others)
        .collect()
}

#[cfg(test)]
mod tests {
    use svid_approver::testing::{Seen, see};
    use svid_core::policy::{Decision, evaluate};
    use svid_corpus::policy;

    use super::*;

    /// Else the promises about what is approved say nothing.
    #[test]
    fn the_right_request_is_approved_and_most_variants_are_not() {
        let approved = |value: serde_json::Value| {
            let object: StoredRequest = serde_json::from_value(value).unwrap();
            let Seen::Identity(request) = see(object) else {
                return false;
            };
            matches!(evaluate(&policy(), &request), Decision::Approve(_))
        };
        assert!(approved(stored::right()));
        let count = stored::variants()
            .into_iter()
            .filter(|it| approved(it.clone()))
            .count();
        assert!((4..10).contains(&count), "{count}");
    }
}
