//! The Kubernetes service account that a workload runs as.

use std::fmt;

use crate::names::{is_label, is_subdomain};
use crate::text::quote;

/// A service account: namespace and name, both legal in Kubernetes.
///
/// A namespace is an RFC 1123 label of at most 63 bytes, a service account's name a DNS subdomain
/// of at most 253, as `k8s.io/apimachinery/pkg/util/validation` has them. Neither can contain a `/`
/// or a `:`, so the SPIFFE ID and the user name built from them are unambiguous.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceAccount {
    namespace: String,
    name: String,
}

impl ServiceAccount {
    /// Parses a namespace and the name of a service account in it.
    ///
    /// # Errors
    ///
    /// When one of the two is not a name that the Kubernetes API accepts.
    pub fn new(namespace: &str, name: &str) -> Result<Self, ServiceAccountError> {
        if !is_label(namespace) {
            return Err(ServiceAccountError::Namespace(quote(namespace)));
        }
        if !is_subdomain(name) {
            return Err(ServiceAccountError::Name(quote(name)));
        }
        Ok(Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        })
    }

    /// Parses a user name as the API server writes it: `system:serviceaccount:NAMESPACE:NAME`.
    ///
    /// # Errors
    ///
    /// When the user is not a service account, or its namespace or name is not legal.
    pub fn from_username(username: &str) -> Result<Self, ServiceAccountError> {
        let account = username
            .strip_prefix(USERNAME_PREFIX)
            .ok_or_else(|| ServiceAccountError::NoServiceAccount(quote(username)))?;
        match account.split_once(':') {
            // Neither legal namespaces nor legal names hold a colon: a third part is refused there.
            Some((namespace, name)) => Self::new(namespace, name),
            None => Err(ServiceAccountError::NoServiceAccount(quote(username))),
        }
    }

    /// The namespace.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The name within the namespace.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The user name under which the API server knows this account.
    pub fn username(&self) -> String {
        format!("{USERNAME_PREFIX}{}:{}", self.namespace, self.name)
    }
}

/// `NAMESPACE/NAME`, for people.
impl fmt::Display for ServiceAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// Why a text does not name a service account. The messages are escaped and truncated, since a
/// requester may have chosen their content.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServiceAccountError {
    /// The user name is not of the form that service accounts have.
    #[error(
        "the user {0} is not a service account: system:serviceaccount:NAMESPACE:NAME is \
        expected"
    )]
    NoServiceAccount(String),
    /// The namespace is not a legal name.
    #[error("{0} is not a valid namespace: it must be an RFC 1123 label of 1 to 63 bytes")]
    Namespace(String),
    /// The service account's name is not legal.
    #[error(
        "{0} is not a valid service account name: it must be a DNS subdomain of 1 to 253 bytes"
    )]
    Name(String),
}

const USERNAME_PREFIX: &str = "system:serviceaccount:";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_legal_names_and_gives_them_back() {
        let longest_namespace = "n".repeat(63);
        let longest_name = format!("{}.b", "a".repeat(251));
        let table = [
            ("default", "default"),
            ("n", "s"),
            ("0", "0"),
            ("my-team-1", "web.frontend-2.x"),
            (longest_namespace.as_str(), longest_name.as_str()),
        ];
        for (namespace, name) in table {
            let account = ServiceAccount::new(namespace, name).expect(name);
            assert_eq!((account.namespace(), account.name()), (namespace, name));
            assert_eq!(
                ServiceAccount::from_username(&account.username()),
                Ok(account)
            );
        }
    }

    #[test]
    fn refuses_illegal_namespaces_and_names() {
        let long_label = "n".repeat(64);
        let long_name = "n".repeat(254);
        let illegal = [
            "", "-a", "a-", "A", "a_b", "a/b", "a:b", "a%2f", "ä", " a", "a\n", "a\0", "..", ".",
            "a..b", "a.", "a.-b",
        ];
        for text in illegal.into_iter().chain([long_label.as_str(), "a.b"]) {
            assert!(
                matches!(
                    ServiceAccount::new(text, "sa"),
                    Err(ServiceAccountError::Namespace(_))
                ),
                "{text:?}"
            );
        }
        for text in illegal.into_iter().chain([long_name.as_str()]) {
            assert!(
                matches!(
                    ServiceAccount::new("ns", text),
                    Err(ServiceAccountError::Name(_))
                ),
                "{text:?}"
            );
        }
    }

    #[test]
    fn takes_a_user_name_of_exactly_two_parts() {
        let account =
            ServiceAccount::from_username("system:serviceaccount:apps:web").expect("legal");
        assert_eq!(account.to_string(), "apps/web");
        for username in [
            "",
            "system:serviceaccount:",
            "system:serviceaccount:apps",
            "system:serviceaccount::web",
            "system:serviceaccount:apps:",
            "system:serviceaccount:apps:web:extra",
            "system:serviceaccount:apps:web:",
            "system:serviceaccounts:apps:web",
            "System:serviceaccount:apps:web",
            " system:serviceaccount:apps:web",
            "system:serviceaccount:apps:web ",
            "system:node:worker-1",
            "kubernetes-admin",
        ] {
            assert!(
                ServiceAccount::from_username(username).is_err(),
                "{username:?}"
            );
        }
    }

    #[test]
    fn errors_escape_and_shorten_what_a_requester_chose() {
        let hostile = format!("\n\u{1b}[31m\"{}", "x".repeat(10_000));
        let text = ServiceAccount::from_username(&hostile)
            .expect_err("illegal")
            .to_string();
        assert!(text.len() < 300, "{} bytes", text.len());
        assert!(
            text.chars().all(|character| !character.is_control()),
            "{text}"
        );
    }
}
