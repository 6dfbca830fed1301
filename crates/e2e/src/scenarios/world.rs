//! The cluster with the product's image in it.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::cluster::{self, Authority, Extent, Kubectl, Place, Tools};
use crate::wait::eventually;
use crate::{command, image};

/// Where the product is installed.
pub(super) const NAMESPACE: &str = "cert-manager";
/// The chart's name for its objects.
pub(super) const NAME: &str = "cert-manager-csi-driver-spiffe";
pub(super) const TRUST_DOMAIN: &str = "example.org";
/// An issuer beside the product's, in the scenarios that have one.
pub(super) const ANOTHER_ISSUER: &str = "other-ca";
/// Longer than anything takes on a slow machine.
pub(super) const LIMIT: Duration = Duration::from_secs(120);

/// The cluster, its tools and the product's image in it.
#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) place: Place,
    pub(super) tools: Tools,
    pub(super) kubectl: Kubectl,
    /// The product's image.
    pub(super) archive: PathBuf,
}

impl World {
    /// Brings up the cluster, builds the image and imports it.
    pub(super) fn prepare() -> Result<Self> {
        cluster::up(Extent::Node)?;
        let place = Place::of_this_machine();
        let tools = cluster::tools()?;
        // An image that was built before, for a developer who changes scenarios only.
        let built = std::env::var_os("CSI_DRIVER_SPIFFE_IMAGE").map(PathBuf::from);
        let archive = if let Some(archive) = built {
            archive
        } else {
            let archive = image::product();
            image::write_product(&archive)?;
            archive
        };
        cluster::import(&place, &tools, &archive)?;
        let kubectl = Kubectl::new(&place, &tools);
        Ok(Self {
            place,
            tools,
            kubectl,
            archive,
        })
    }

    pub(super) fn helm(&self, words: &[&str]) -> Result<String> {
        command::text(
            Command::new(self.tools.helm.join("helm"))
                .args(words)
                .env("KUBECONFIG", self.place.administrator()),
        )
    }

    /// A token of a service account; `words` as `kubectl create token` takes them.
    pub(super) fn token(&self, namespace: &str, account: &str, words: &[&str]) -> Result<String> {
        self.kubectl.token(namespace, account, words)
    }

    /// kubectl with nothing but a token.
    pub(super) fn bearer(&self, name: &str, token: &str) -> Result<Kubectl> {
        cluster::bearer(&self.place, &self.kubectl, name, token)
    }

    /// kubectl as a role outside of the cluster: `driver` or `approver`.
    pub(super) fn kubectl_of(&self, role: &str) -> Kubectl {
        cluster::outside(&self.place, &self.kubectl, role)
    }

    /// Makes the cluster issuer [`ANOTHER_ISSUER`].
    pub(super) fn start_another_issuer(&self) -> Result<Authority> {
        let authority = Authority::new("another issuer")?;
        self.kubectl
            .apply(&authority.cluster_issuer(ANOTHER_ISSUER))?;
        Ok(authority)
    }

    /// Deletes it, with its Secret.
    pub(super) fn end_another_issuer(&self) -> Result<()> {
        self.kubectl
            .run(&["delete", "clusterissuer", ANOTHER_ISSUER])?;
        let secret = ["--namespace", NAMESPACE, "delete", "secret", ANOTHER_ISSUER];
        self.kubectl.run(&secret)?;
        Ok(())
    }

    /// Deletes a namespace and waits until it is gone.
    pub(super) fn end_namespace(&self, namespace: &str) -> Result<()> {
        let words = ["delete", "namespace", namespace, "--timeout=120s"];
        self.kubectl.run(&words)?;
        Ok(())
    }

    /// Waits until the API server acts by a right that was just given: it hears of it a moment
    /// later.
    pub(super) fn wait_allowed(
        &self,
        user: &str,
        verb: &str,
        resource: &str,
        namespace: &str,
    ) -> Result<()> {
        self.eventually(&format!("{user} may {verb} {resource}"), || {
            let allowed = self.may(user, verb, resource, namespace)?;
            ensure!(allowed, "the API server does not allow it");
            Ok(())
        })
    }

    /// Whether a user may do something with objects of cert-manager, as the API server sees it now.
    /// A resource may have a part, as in `certificaterequests/status`.
    pub(super) fn may(
        &self,
        user: &str,
        verb: &str,
        resource: &str,
        namespace: &str,
    ) -> Result<bool> {
        let (resource, part) = resource.split_once('/').unwrap_or((resource, ""));
        let attributes = json!({
            "group": "cert-manager.io", "resource": resource, "subresource": part,
            "verb": verb, "namespace": namespace,
        });
        self.allows(user, &attributes)
    }

    /// What a SubjectAccessReview says.
    pub(super) fn allows(&self, user: &str, attributes: &Value) -> Result<bool> {
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {"user": user, "resourceAttributes": attributes},
        });
        let words = ["-o", "jsonpath={.status.allowed}"];
        Ok(self.kubectl.create(&review.to_string(), &words)? == "true")
    }

    /// One object as the API server has it.
    pub(super) fn object(&self, namespace: &str, object: &str) -> Result<Value> {
        let text = self
            .kubectl
            .run(&["--namespace", namespace, "get", object, "-o", "json"])?;
        Ok(serde_json::from_str(&text)?)
    }

    /// All objects of a kind.
    pub(super) fn objects(&self, namespace: &str, kind: &str) -> Result<Vec<Value>> {
        self.listed(kind, &["--namespace", namespace])
    }

    /// All objects of a kind in all namespaces, or of none.
    pub(super) fn objects_everywhere(&self, kind: &str) -> Result<Vec<Value>> {
        self.listed(kind, &["--all-namespaces"])
    }

    fn listed(&self, kind: &str, place: &[&str]) -> Result<Vec<Value>> {
        let words = [&["get", kind, "-o", "json"], place].concat();
        let list: Value = serde_json::from_str(&self.kubectl.run(&words)?)?;
        Ok(list["items"].as_array().cloned().unwrap_or_default())
    }

    /// Runs a command in a pod.
    pub(super) fn exec(&self, namespace: &str, pod: &str, words: &[&str]) -> Result<String> {
        self.kubectl
            .run(&[&["--namespace", namespace, "exec", pod, "--"], words].concat())
    }

    /// Waits until an attempt succeeds, and gives its result or its last error.
    pub(super) fn eventually<T>(
        &self,
        what: &str,
        attempt: impl FnMut() -> Result<T>,
    ) -> Result<T> {
        eventually(what, LIMIT, attempt)
    }
}

/// The folders that the kubelet has for a pod.
pub(super) fn pod_folder(place: &Place, uid: &str) -> PathBuf {
    place.kubelet().join("pods").join(uid)
}

/// The name under which the API server knows a service account.
pub(super) fn user(namespace: &str, account: &str) -> String {
    format!("system:serviceaccount:{namespace}:{account}")
}

pub(super) fn spiffe_id(namespace: &str, account: &str) -> String {
    format!("spiffe://{TRUST_DOMAIN}/ns/{namespace}/sa/{account}")
}
