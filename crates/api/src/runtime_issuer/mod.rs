//! Owns the format of the `ConfigMap` that names the issuer at run time.
//!
//! Must not know where it is read from or what it overrides. Invariant: a [`RuntimeIssuer`] is
//! complete: name, kind and group.

use std::collections::BTreeMap;

/// Key of the issuer's name.
pub const ISSUER_NAME: &str = "issuer-name";

/// Key of the issuer's kind.
pub const ISSUER_KIND: &str = "issuer-kind";

/// Key of the issuer's API group.
pub const ISSUER_GROUP: &str = "issuer-group";

/// The issuer that a `ConfigMap` names: all three parts, none of them empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RuntimeIssuer {
    /// The name of the issuer object.
    pub name: String,
    /// Its kind, such as `ClusterIssuer`.
    pub kind: String,
    /// Its API group, such as `cert-manager.io`.
    pub group: String,
}

impl RuntimeIssuer {
    /// Reads the issuer from the `data` of a `ConfigMap`. Other keys are ignored. Values are used
    /// as they stand: no space is trimmed, since the Go driver trims none and both may run at once.
    ///
    /// # Errors
    /// One or more of the three keys are missing or empty; the error names all of them.
    pub fn from_config_map_data(
        data: &BTreeMap<String, String>,
    ) -> Result<Self, RuntimeIssuerError> {
        let value = |key: &str| data.get(key).filter(|value| !value.is_empty()).cloned();
        match (value(ISSUER_NAME), value(ISSUER_KIND), value(ISSUER_GROUP)) {
            (Some(name), Some(kind), Some(group)) => Ok(Self { name, kind, group }),
            (name, kind, group) => {
                let parts = [
                    (ISSUER_NAME, name),
                    (ISSUER_KIND, kind),
                    (ISSUER_GROUP, group),
                ];
                let missing = parts
                    .into_iter()
                    .filter(|(_, value)| value.is_none())
                    .map(|(key, _)| key);
                Err(RuntimeIssuerError {
                    missing: missing.collect(),
                })
            }
        }
    }
}

/// A `ConfigMap` does not name an issuer completely.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no value for {}; all three keys are needed", missing.join(", "))]
pub struct RuntimeIssuerError {
    /// The keys without a value, at least one.
    pub missing: Vec<&'static str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
        entries
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn reads_a_complete_issuer_and_ignores_other_keys() {
        let issuer = RuntimeIssuer::from_config_map_data(&data(&[
            ("issuer-name", "spiffe-ca"),
            ("issuer-kind", "ClusterIssuer"),
            ("issuer-group", "cert-manager.io"),
            ("colour", "green"),
        ]))
        .unwrap();
        assert_eq!(
            issuer,
            RuntimeIssuer {
                name: "spiffe-ca".into(),
                kind: "ClusterIssuer".into(),
                group: "cert-manager.io".into(),
            }
        );
    }

    #[test]
    fn names_every_key_that_is_missing_or_empty() {
        let table = [
            (data(&[]), vec![ISSUER_NAME, ISSUER_KIND, ISSUER_GROUP]),
            (
                data(&[(ISSUER_NAME, "a"), (ISSUER_KIND, "")]),
                vec![ISSUER_KIND, ISSUER_GROUP],
            ),
            (
                data(&[(ISSUER_NAME, "a"), (ISSUER_KIND, "b")]),
                vec![ISSUER_GROUP],
            ),
            (
                data(&[
                    ("Issuer-Name", "a"),
                    (ISSUER_KIND, "b"),
                    (ISSUER_GROUP, "c"),
                ]),
                vec![ISSUER_NAME],
            ),
        ];
        for (entries, missing) in table {
            let error = RuntimeIssuer::from_config_map_data(&entries).unwrap_err();
            assert_eq!(error.missing, missing, "{entries:?}");
        }
    }
}
