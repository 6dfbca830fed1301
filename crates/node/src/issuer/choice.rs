//! Choosing between the flags' issuer and the ConfigMap's. Pure but for the log.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::core::v1::ConfigMap;
use svid_api::issuance::RuntimeIssuer;

use super::{ConfigMapName, Issuer, IssuerState};

/// What was learnt of the issuer so far.
///
/// A ConfigMap that names an issuer completely wins; one that does not is ignored, so that the
/// last complete one stays; an absent one leaves the flags (the Go driver's rules).
#[derive(Debug)]
pub(super) struct Choice {
    config_map: ConfigMapName,
    flags: Option<Arc<Issuer>>,
    /// From the ConfigMap's last complete version.
    runtime: Option<Arc<Issuer>>,
    /// Of the last incomplete version, which was warned of.
    warned_of: Option<Option<String>>,
}

impl Choice {
    pub(super) fn new(config_map: ConfigMapName, flags: Option<Issuer>) -> Self {
        Self {
            config_map,
            flags: flags.map(Arc::new),
            runtime: None,
            warned_of: None,
        }
    }

    /// The ConfigMap as it stands now; None when it is absent.
    pub(super) fn observe(&mut self, found: Option<&ConfigMap>) -> IssuerState {
        let Some(found) = found else {
            self.runtime = None;
            self.warned_of = None;
            return self.state(|| format!("create the ConfigMap {}", self.config_map));
        };
        let none = BTreeMap::new();
        match RuntimeIssuer::from_config_map_data(found.data.as_ref().unwrap_or(&none)) {
            Ok(RuntimeIssuer { name, kind, group }) => {
                self.runtime = Some(Arc::new(Issuer { name, kind, group }));
                self.warned_of = None;
                self.state(String::new)
            }
            Err(error) => {
                let version = Some(found.metadata.resource_version.clone());
                if self.warned_of != version {
                    tracing::warn!(config_map = %self.config_map, "{error}; it is ignored");
                    self.warned_of = version;
                }
                self.state(|| format!("ConfigMap {}: {error}", self.config_map))
            }
        }
    }

    fn state(&self, what_to_do: impl FnOnce() -> String) -> IssuerState {
        match self.runtime.as_ref().or(self.flags.as_ref()) {
            Some(issuer) => IssuerState::Known(Arc::clone(issuer)),
            None => IssuerState::Missing(format!(
                "no issuer is named: {}, or start the driver with --issuer-name",
                what_to_do()
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

    fn issuer(name: &str) -> Issuer {
        Issuer {
            name: name.to_owned(),
            kind: "ClusterIssuer".to_owned(),
            group: "cert-manager.io".to_owned(),
        }
    }

    fn config_map(version: &str, entries: &[(&str, &str)]) -> ConfigMap {
        let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        ConfigMap {
            metadata: ObjectMeta {
                resource_version: Some(version.to_owned()),
                ..ObjectMeta::default()
            },
            data: (!entries.is_empty()).then(|| entries.iter().map(own).collect()),
            ..ConfigMap::default()
        }
    }

    fn complete(version: &str, name: &str) -> ConfigMap {
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

    #[test]
    fn a_complete_config_map_wins_over_the_flags_and_leaves_them_when_it_goes() {
        let mut choice = choice(Some("flags"));
        assert_eq!(choice.observe(None), known("flags"));
        assert_eq!(choice.observe(Some(&complete("1", "a"))), known("a"));
        assert_eq!(choice.observe(Some(&complete("2", "b"))), known("b"));
        assert_eq!(choice.observe(None), known("flags"));
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
            assert_eq!(choice.observe(Some(&broken)), known("flags"), "{entries:?}");
            assert_eq!(choice.observe(Some(&complete("1", "a"))), known("a"));
            assert_eq!(choice.observe(Some(&broken)), known("a"), "{entries:?}");
        }
    }

    #[test]
    fn nobody_naming_an_issuer_says_what_to_do() {
        let mut choice = choice(None);
        let absent = choice.observe(None);
        let broken = choice.observe(Some(&config_map("1", &[("issuer-name", "a")])));
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
    fn an_incomplete_version_is_warned_of_once() {
        let mut choice = choice(None);
        choice.observe(Some(&config_map("1", &[])));
        assert_eq!(choice.warned_of, Some(Some("1".to_owned())));
        choice.observe(Some(&complete("2", "a")));
        assert_eq!(choice.warned_of, None);
    }
}
