//! Where an object is kept.

use std::fmt;

use crate::resource::Resource;

/// Type, namespace and name of one object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub resource: &'static Resource,
    /// Its namespace; empty for cluster-scoped types.
    pub namespace: String,
    pub name: String,
}

impl Key {
    /// The key of an object; `namespace` is empty for cluster-scoped types.
    pub fn new(resource: &'static Resource, namespace: &str, name: &str) -> Self {
        Self {
            resource,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            write!(f, "{} {}", self.resource.qualified(), self.name)
        } else {
            write!(
                f,
                "{} {}/{}",
                self.resource.qualified(),
                self.namespace,
                self.name
            )
        }
    }
}
