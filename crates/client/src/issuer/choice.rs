//! Choosing between the issuer of the flags and that of the `ConfigMap`. Pure except for logging.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use svid_api::runtime_issuer::RuntimeIssuer;
use svid_core::policy::IssuerReference;

use super::{ConfigMapName, IssuerState, Issuers};
use crate::watch::{HasName, ObjectName, Unreadable, Versioned};

/// The parts of a `ConfigMap` that matter here.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct StoredConfigMap {
    metadata: ObjectName,
    #[serde(default)]
    data: Option<BTreeMap<String, String>>,
}

impl Versioned for StoredConfigMap {
    fn resource_version(&self) -> &str {
        self.metadata.resource_version()
    }
}

impl HasName for StoredConfigMap {
    fn name(&self) -> &str {
        self.metadata.name()
    }
}

/// What has been learned about the issuer so far.
///
/// A `ConfigMap` that names an issuer completely wins; an incomplete one is ignored, so that the
/// last complete one stays; if it is absent, the flags apply (the Go driver's rules).
#[derive(Debug)]
pub(super) struct Choice {
    config_map: ConfigMapName,
    flags: Option<Arc<IssuerReference>>,
    /// From the last complete version.
    runtime: Option<Arc<IssuerReference>>,
    ever: Vec<IssuerReference>,
    /// What is wrong with the current version; a warning about it was logged.
    warned_of: Option<String>,
}

impl Choice {
    pub(super) fn new(config_map: ConfigMapName, flags: Option<IssuerReference>) -> Self {
        Self {
            config_map,
            ever: flags.iter().cloned().collect(),
            flags: flags.map(Arc::new),
            runtime: None,
            warned_of: None,
        }
    }

    /// The `ConfigMap` in its current state; None if it is absent.
    pub(super) fn observe(
        &mut self,
        found: Result<Option<&StoredConfigMap>, &Unreadable>,
    ) -> Issuers {
        let wrong = match found {
            Ok(None) => {
                self.runtime = None;
                self.warned_of = None;
                return self.issuers(|| format!("create the ConfigMap {}", self.config_map));
            }
            Ok(Some(found)) => {
                let none = BTreeMap::new();
                let data = found.data.as_ref().unwrap_or(&none);
                match RuntimeIssuer::from_config_map_data(data) {
                    Ok(RuntimeIssuer { name, kind, group }) => {
                        self.choose(IssuerReference::new(&name, &kind, &group));
                        return self.issuers(String::new);
                    }
                    Err(error) => error.to_string(),
                }
            }
            Err(unreadable) => unreadable.error.clone(),
        };
        if self.warned_of.as_ref() != Some(&wrong) {
            tracing::warn!(config_map = %self.config_map, "the ConfigMap is ignored: {wrong}");
            self.warned_of = Some(wrong.clone());
        }
        self.issuers(|| format!("correct the ConfigMap {}: {wrong}", self.config_map))
    }

    fn choose(&mut self, issuer: IssuerReference) {
        if !self.ever.contains(&issuer) {
            self.ever.push(issuer.clone());
        }
        self.runtime = Some(Arc::new(issuer));
        self.warned_of = None;
    }

    fn issuers(&self, what_to_do: impl FnOnce() -> String) -> Issuers {
        let current = match self.runtime.as_ref().or(self.flags.as_ref()) {
            Some(issuer) => IssuerState::Known(Arc::clone(issuer)),
            None => IssuerState::Missing(format!(
                "no issuer is configured: {}, or give --issuer-name",
                what_to_do()
            )),
        };
        Issuers {
            current,
            ever: self.ever.as_slice().into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn issuer(name: &str) -> IssuerReference {
        IssuerReference::new(name, "ClusterIssuer", "cert-manager.io")
    }

    fn config_map(version: &str, entries: &[(&str, &str)]) -> StoredConfigMap {
        let data: BTreeMap<&str, &str> = entries.iter().copied().collect();
        let metadata = json!({"name": "issuance", "resourceVersion": version});
        serde_json::from_value(json!({"metadata": metadata, "data": data})).unwrap()
    }

    fn complete(version: &str, name: &str) -> StoredConfigMap {
        let kind = ("issuer-kind", "ClusterIssuer");
        let group = ("issuer-group", "cert-manager.io");
        config_map(version, &[("issuer-name", name), kind, group])
    }

    fn choice(flags: Option<&str>) -> Choice {
        let config_map = ConfigMapName {
            namespace: "cert-manager".to_owned(),
            name: "issuance".to_owned(),
        };
        Choice::new(config_map, flags.map(issuer))
    }

    fn known(name: &str) -> IssuerState {
        IssuerState::Known(Arc::new(issuer(name)))
    }

    fn observe(choice: &mut Choice, found: Option<&StoredConfigMap>) -> IssuerState {
        choice.observe(Ok(found)).current
    }

    #[test]
    fn a_complete_config_map_wins_over_the_flags_and_leaves_them_when_it_goes() {
        let mut choice = choice(Some("flags"));
        assert_eq!(observe(&mut choice, None), known("flags"));
        assert_eq!(observe(&mut choice, Some(&complete("1", "a"))), known("a"));
        assert_eq!(observe(&mut choice, Some(&complete("2", "b"))), known("b"));
        let last = choice.observe(Ok(None));
        assert_eq!(last.current, known("flags"));
        assert_eq!(*last.ever, [issuer("flags"), issuer("a"), issuer("b")]);
    }

    #[test]
    fn an_incomplete_config_map_is_ignored() {
        let incomplete: [&[(&str, &str)]; 4] = [
            &[],
            &[("issuer-name", "c")],
            &[
                ("issuer-name", ""),
                ("issuer-kind", "K"),
                ("issuer-group", "g"),
            ],
            &[
                ("issuer_name", "c"),
                ("issuer-kind", "K"),
                ("issuer-group", "g"),
            ],
        ];
        for entries in incomplete {
            let broken = config_map("2", entries);
            let mut choice = choice(Some("flags"));
            let broken = Some(&broken);
            assert_eq!(observe(&mut choice, broken), known("flags"), "{entries:?}");
            assert_eq!(observe(&mut choice, Some(&complete("1", "a"))), known("a"));
            assert_eq!(observe(&mut choice, broken), known("a"), "{entries:?}");
        }
    }

    #[test]
    fn one_that_cannot_be_read_is_ignored() {
        let mut choice = choice(Some("flags"));
        observe(&mut choice, Some(&complete("1", "a")));
        let unreadable = Unreadable {
            object: ObjectName::default(),
            error: "odd".to_owned(),
        };
        assert_eq!(choice.observe(Err(&unreadable)).current, known("a"));
    }

    #[test]
    fn nobody_naming_an_issuer_says_what_to_do() {
        let mut choice = choice(None);
        let absent = observe(&mut choice, None);
        let broken = observe(&mut choice, Some(&config_map("1", &[("issuer-name", "a")])));
        for (state, word) in [
            (absent, "create the ConfigMap cert-manager/issuance"),
            (broken, "issuer-kind"),
        ] {
            let IssuerState::Missing(text) = state else {
                panic!("{state:?}")
            };
            assert!(
                text.contains(word) && text.contains("--issuer-name"),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_wrong_is_warned_of_once() {
        let mut choice = choice(None);
        observe(&mut choice, Some(&config_map("1", &[])));
        assert!(choice.warned_of.is_some());
        observe(&mut choice, Some(&complete("2", "a")));
        assert_eq!(choice.warned_of, None);
    }
}
