//! Who made a request, in the terms that Kubernetes hands to admission and authorisation.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

/// Namespace and name of a service account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceAccountName {
    pub namespace: String,
    pub name: String,
}

impl ServiceAccountName {
    /// The service account `name` of `namespace`.
    pub fn new(namespace: &str, name: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }

    /// `system:serviceaccount:NAMESPACE:NAME`.
    pub fn username(&self) -> String {
        format!("system:serviceaccount:{}:{}", self.namespace, self.name)
    }

    /// The pod that one of our processes would run in; its token is bound to it.
    pub(crate) fn own_pod(&self) -> String {
        format!("{}-0", self.name)
    }
}

impl fmt::Display for ServiceAccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// An authenticated requester (`userInfo`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct User {
    /// `system:serviceaccount:..`, `system:anonymous`, or the administrator's name.
    pub(crate) username: String,
    /// The service account's UID; empty for others.
    pub(crate) uid: String,
    /// Groups, `system:authenticated` among them.
    pub(crate) groups: Vec<String>,
    /// For a service account's token: pod, node and credential that it is bound to.
    pub(crate) extra: BTreeMap<String, Vec<String>>,
}

impl User {
    /// A request without a token.
    pub(crate) fn anonymous() -> Self {
        Self {
            username: "system:anonymous".to_owned(),
            uid: String::new(),
            groups: vec!["system:unauthenticated".to_owned()],
            extra: BTreeMap::new(),
        }
    }

    /// The administrator, whom RBAC does not hold back.
    pub(crate) fn administrator() -> Self {
        Self {
            username: "kubernetes-admin".to_owned(),
            uid: String::new(),
            groups: vec![MASTERS.to_owned(), "system:authenticated".to_owned()],
            extra: BTreeMap::new(),
        }
    }
}

/// The group that may do everything.
pub(crate) const MASTERS: &str = "system:masters";
