//! Which kinds of issuer exist: for ordinary requests, which may name any.
//!
//! Owns the discovery calls to the API server (`/apis/GROUP`, which every authenticated account may
//! read). cert-manager's webhook refuses every decision about an issuer of a kind that is not
//! served, and an approval would otherwise wait for whoever installs that kind later. Invariant:
//! only valid names become part of a URL path, whatever the request contains.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use svid_api::bounded::{Few, Text};
use svid_client::call::CALL_LIMIT;
use svid_client::{ApiClient, ApiError};
use svid_core::names::{is_label, is_subdomain};
use svid_core::policy::IssuerReference;

/// It could not be found out whether there is such a kind.
#[derive(Debug, thiserror::Error)]
#[error("discovering the kinds of issuer in the API group {group}: {error}")]
pub(crate) struct KindsError {
    group: String,
    error: ApiError,
}

impl KindsError {
    /// What the API server answered.
    pub(crate) fn cause(&self) -> &ApiError {
        &self.error
    }
}

/// The kinds that were found; clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kinds {
    found: Arc<Mutex<BTreeSet<GroupKind>>>,
}

/// An API group and a kind in it.
type GroupKind = (String, String);

impl Kinds {
    /// Whether the API server serves the kind that this reference names. A kind that was found is
    /// cached; cert-manager's own always exist.
    ///
    /// # Errors
    /// The API server does not say.
    pub(crate) async fn has(
        &self,
        client: &ApiClient,
        issuer: &IssuerReference,
    ) -> Result<bool, KindsError> {
        let IssuerReference { kind, group, .. } = issuer;
        if group == CERT_MANAGER {
            return Ok(["Issuer", "ClusterIssuer"].contains(&kind.as_str()));
        }
        if !is_subdomain(group) {
            return Ok(false);
        }
        let wanted = (group.clone(), kind.clone());
        if self.lock().contains(&wanted) {
            return Ok(true);
        }
        let is_served = is_served(client, group, kind).await;
        let is_served = is_served.map_err(|error| KindsError {
            group: group.clone(),
            error,
        })?;
        if is_served {
            let mut found = self.lock();
            if found.len() < MOST_KINDS {
                found.insert(wanted);
            }
        }
        Ok(is_served)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeSet<GroupKind>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn is_served(client: &ApiClient, group: &str, kind: &str) -> Result<bool, ApiError> {
    let Some(versions) = client.find::<ApiGroup>("/apis", group, CALL_LIMIT).await? else {
        return Ok(false);
    };
    for version in versions.versions.kept {
        let version = version.version.into_beginning();
        if !is_label(&version) {
            continue;
        }
        let resources = client
            .find::<ApiResources>(&format!("/apis/{group}"), &version, CALL_LIMIT)
            .await?;
        let kinds = resources.into_iter().flat_map(|list| list.resources.kept);
        if kinds
            .map(|resource| resource.kind)
            .any(|it| it.whole() == Some(kind))
        {
            return Ok(true);
        }
    }
    Ok(false)
}

#[derive(Deserialize)]
struct ApiGroup {
    versions: Few<ApiVersion, MOST_VERSIONS>,
}

#[derive(Deserialize)]
struct ApiVersion {
    version: Text<MOST_NAME>,
}

#[derive(Deserialize)]
struct ApiResources {
    resources: Few<ApiResource, MOST_RESOURCES>,
}

#[derive(Deserialize)]
struct ApiResource {
    kind: Text<MOST_NAME>,
}

const CERT_MANAGER: &str = "cert-manager.io";
/// Of more kinds than this each is asked for again.
const MOST_KINDS: usize = 256;
/// Bytes of a name or kind; Kubernetes allows 63.
const MOST_NAME: usize = 256;
/// Versions of one group, and types with their subresources in one version: a group of issuers has
/// one to three, and a handful.
const MOST_VERSIONS: usize = 16;
const MOST_RESOURCES: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::World;

    fn issuer(kind: &str, group: &str) -> IssuerReference {
        IssuerReference::new("x", kind, group)
    }

    #[tokio::test]
    async fn a_kind_that_is_served_is_known_and_no_other() {
        let world = World::new();
        let (client, kinds) = (world.client("a"), Kinds::default());
        for (kind, group, expected) in [
            ("", "", true),
            ("ClusterIssuer", "cert-manager.io", true),
            ("clusterissuer", "cert-manager.io", false),
            ("Nope", "cert-manager.io", false),
            // Stands for the kind of an external issuer.
            ("Lease", "coordination.k8s.io", true),
            ("Lease", "Coordination.k8s.io", false),
            ("Nope", "coordination.k8s.io", false),
            ("Nope", "nope.example", false),
            ("Pod", "../api/v1", false),
            ("Pod", "..", false),
            ("Lease", "coordination.k8s.io/v1?x=", false),
        ] {
            let found = kinds.has(&client, &issuer(kind, group)).await;
            assert_eq!(found.unwrap(), expected, "{kind} {group}");
        }
        assert_eq!(kinds.lock().len(), 1);
    }
}
