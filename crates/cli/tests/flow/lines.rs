//! What both roles write with `--log-format=json`, line by line, as a log collector reads it.

use std::fmt;

use libtest_mimic::Trial;
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use svid_devcluster::{Binding, Identity, ServiceAccountName};

use crate::forged::{Forged, decided};
use crate::trial;
use crate::world::{LIMIT, Setup, World};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        trial(
            "every_line_of_both_roles_is_json_without_a_repeated_key",
            every_line,
        ),
        trial("the_strict_reader_refuses_a_repeated_key", strict),
    ]
}

async fn every_line() {
    let mut world = World::start(Setup {
        driver_words: vec!["-v=5".to_owned()],
        approver_words: vec!["-v=5".to_owned()],
        ..Setup::default()
    })
    .await;
    let pod = world.ready_pod("web").await;
    let _poor = world.pod_without_rights("poor");
    world
        .driver()
        .wait_for_line("could not get a new certificate")
        .await;
    let account = ServiceAccountName::new("sandbox", "web");
    let by = Identity::ServiceAccount(account, Binding::Pod(pod.name().to_owned()));
    let forged = Forged {
        name: "forged",
        owner: Some((pod.name(), pod.uid())),
        account: "admin",
    };
    let condition = decided(&world, &by, forged).await;
    assert_eq!(condition["type"], "Denied");
    let approver = world.approver();
    let (approved, denied) = (
        approver.wait_for_line(r#""approved""#).await,
        approver.wait_for_line(r#""denied""#).await,
    );
    pod.delete(LIMIT).await.unwrap();

    assert_eq!(approved["message"], "approved");
    assert_eq!(approved["level"], "INFO");
    assert_eq!(approved["namespace"], "sandbox");
    assert!(approved["request"].is_string(), "{approved}");
    assert!(
        approved["reason"]
            .as_str()
            .is_some_and(|one| !one.is_empty()),
        "{approved}"
    );
    assert_eq!(denied["message"], "denied");
    assert_eq!(denied["level"], "WARN");
    assert_eq!(denied["request"], "forged");
    assert_eq!(denied["reason"], condition["message"]);
    for role in [world.take_driver(), world.take_approver()] {
        let lines = role.terminate_and_tell();
        assert!(lines.len() > 5, "{lines:?}");
        for line in lines {
            let Strict(read) =
                serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error} in {line}"));
            for key in ["timestamp", "level", "message", "target"] {
                assert!(read[key].is_string(), "{key} of {line}");
            }
        }
    }
}

async fn strict() {
    for text in [
        r#"{"a": 1, "a": 1}"#,
        r#"{"a": {"b": 1, "c": 2, "b": 3}}"#,
        r#"{"a": [0, {"b": null, "b": true}]}"#,
    ] {
        assert!(serde_json::from_str::<Strict>(text).is_err(), "{text}");
    }
    let text = r#"{"a": [{"b": -1}, {"b": 0.5}], "c": {"a": "x"}, "d": null}"#;
    let Strict(read) = serde_json::from_str(text).unwrap();
    assert_eq!(read, serde_json::from_str::<Value>(text).unwrap());
}

/// JSON in which no object has a key twice.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader).map(Self)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without a repeated key")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((key, Strict(value))) = entries.next_entry::<String, Strict>()? {
            if object.contains_key(&key) {
                return Err(A::Error::custom(format!("the key {key:?} is there twice")));
            }
            object.insert(key, value);
        }
        Ok(object.into())
    }
}
