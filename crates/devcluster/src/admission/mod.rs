//! cert-manager's webhooks: they write the requester into a CertificateRequest and keep it
//! immutable.
//!
//! Owns what `cert-manager-webhook` does (internal/webhook/admission/certificaterequest): at
//! create, the requester is overwritten with the authenticated user, and a request that could not
//! be signed is refused; afterwards the specification and cert-manager's own annotations are
//! immutable, and an approval needs the right to approve. Writing the requester can only be
//! disabled for the whole cluster, the rest also with the label
//! `cert-manager.io/disable-validation: "true"` on a namespace, as in reality.

mod approval;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::api::Problem;
use crate::auth::{Permissions, User};
use crate::issuer;
use crate::resource::{CERTIFICATE_REQUESTS, NAMESPACES, Resource};
use crate::store::{Key, Store, meta};

/// The webhooks of one cluster. Clones share the switch.
#[derive(Clone, Debug)]
pub(crate) struct Admission {
    configured: Arc<AtomicBool>,
    permissions: Permissions,
}

impl Admission {
    pub(crate) fn new(permissions: Permissions) -> Self {
        Self {
            configured: Arc::new(AtomicBool::new(true)),
            permissions,
        }
    }

    /// Switches both webhooks: without them a requester claims any user, and anything can be
    /// edited.
    pub(crate) fn configure(&self, webhooks: Webhooks) {
        let on = webhooks == Webhooks::Installed;
        self.configured.store(on, Ordering::SeqCst);
    }

    /// Whether changes in this namespace are validated.
    pub(crate) fn validates(&self, store: &Store, namespace: &str) -> bool {
        let key = Key::new(&NAMESPACES, "", namespace);
        let labelled = store.read(&key).is_some_and(|namespace| {
            let labels = namespace.pointer("/metadata/labels");
            let label = labels.and_then(|labels| labels.get("cert-manager.io/disable-validation"));
            label.and_then(Value::as_str) == Some("true")
        });
        self.is_configured() && !labelled
    }

    /// Overwrites the requester with the authenticated user.
    pub(crate) fn stamp(&self, user: &User, resource: &'static Resource, object: &mut Value) {
        if resource != &CERTIFICATE_REQUESTS || !self.is_configured() {
            return;
        }
        let spec = meta::field(object, "spec");
        spec.insert("username".to_owned(), json!(user.username));
        spec.insert("uid".to_owned(), json!(user.uid));
        spec.insert("groups".to_owned(), json!(user.groups));
        spec.remove("extra");
        if !user.extra.is_empty() {
            spec.insert("extra".to_owned(), json!(user.extra));
        }
    }

    /// Refuses a request that could not be signed.
    pub(crate) fn create(
        &self,
        store: &Store,
        resource: &'static Resource,
        object: &Value,
    ) -> Result<(), Problem> {
        if resource == &CERTIFICATE_REQUESTS && self.validates(store, meta::namespace(object)) {
            // It is decoded before anything else is checked.
            issuer::duration(object).map_err(Problem::BadRequest)?;
            approval::check_kind(object)?;
            issuer::validate(object)
                .map_err(|why| denied(&format!("spec.request: Invalid value: {why}")))?;
        }
        Ok(())
    }

    /// Refuses changes of what is immutable.
    pub(crate) fn update(&self, key: &Key, current: &Value, next: &Value) -> Result<(), Problem> {
        if key.resource != &CERTIFICATE_REQUESTS {
            return Ok(());
        }
        if current.get("spec") != next.get("spec") {
            return Err(denied("spec: Forbidden: cannot change spec after creation"));
        }
        if own_annotations(current).ne(own_annotations(next)) {
            return Err(denied(
                "metadata.annotations: Forbidden: cannot change cert-manager annotations after creation",
            ));
        }
        Ok(())
    }

    /// Refuses approvals that are not allowed.
    pub(crate) fn status(
        &self,
        user: &User,
        key: &Key,
        current: &Value,
        next: &Value,
    ) -> Result<(), Problem> {
        if key.resource != &CERTIFICATE_REQUESTS {
            return Ok(());
        }
        approval::check(&self.permissions, user, current, next)
    }

    fn is_configured(&self) -> bool {
        self.configured.load(Ordering::SeqCst)
    }
}

/// Whether cert-manager's webhooks are installed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Webhooks {
    /// As cert-manager installs them.
    #[default]
    Installed,
    Absent,
}

fn own_annotations(object: &Value) -> impl Iterator<Item = (&String, &Value)> {
    let annotations = object.pointer("/metadata/annotations");
    let annotations = annotations.and_then(Value::as_object);
    annotations.into_iter().flatten().filter(|(key, _)| {
        key.starts_with("cert-manager.io") || key.starts_with("acme.cert-manager.io")
    })
}

fn denied(why: &str) -> Problem {
    Problem::Denied {
        webhook: "webhook.cert-manager.io",
        why: why.to_owned(),
    }
}
