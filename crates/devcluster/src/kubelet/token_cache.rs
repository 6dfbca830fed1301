//! Tokens of pods, kept and handed out again until most of their life is over.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::auth::{Binding, MintError, ServiceAccountName, TokenSpec, Tokens};
use crate::clock::{self, Clock};
use crate::store::meta;

/// `pkg/kubelet/token`: one token per pod and audience, used until 80 % of its life or a day is
/// over.
#[derive(Debug)]
pub(super) struct TokenCache {
    tokens: Tokens,
    clock: Clock,
    held: Mutex<BTreeMap<(String, String), Held>>,
}

#[derive(Clone, Debug)]
struct Held {
    token: String,
    expires: Timestamp,
    renew: Timestamp,
}

impl TokenCache {
    pub(super) fn new(tokens: Tokens, clock: Clock) -> Self {
        Self {
            tokens,
            clock,
            held: Mutex::default(),
        }
    }

    /// The value of `csi.storage.k8s.io/serviceAccount.tokens` for a pod, or `None` if the
    /// CSIDriver asks for no tokens.
    pub(super) fn attribute(
        &self,
        pod: &Value,
        csi_driver: &Value,
    ) -> Result<Option<String>, MintError> {
        let asked = csi_driver.pointer("/spec/tokenRequests");
        let asked = asked
            .and_then(Value::as_array)
            .map_or(&[][..], Vec::as_slice);
        let mut all = serde_json::Map::new();
        for request in asked {
            let audience = meta::text(request, "/audience");
            let seconds = request
                .pointer("/expirationSeconds")
                .and_then(Value::as_u64);
            let lifetime = Duration::from_secs(seconds.unwrap_or(3600).max(600));
            let held = self.token(pod, audience, lifetime)?;
            all.insert(
                audience.to_owned(),
                json!({"token": held.token, "expirationTimestamp": clock::seconds(held.expires)}),
            );
        }
        Ok((!all.is_empty()).then(|| Value::Object(all).to_string()))
    }

    /// Forgets a pod that is gone.
    pub(super) fn forget(&self, pod_uid: &str) {
        self.lock().retain(|(uid, _), _| uid != pod_uid);
    }

    fn token(&self, pod: &Value, audience: &str, lifetime: Duration) -> Result<Held, MintError> {
        let now = self.clock.now();
        let key = (meta::uid(pod).to_owned(), audience.to_owned());
        if let Some(held) = self.lock().get(&key).filter(|held| now < held.renew) {
            return Ok(held.clone());
        }
        let spec = TokenSpec {
            service_account: ServiceAccountName::new(
                meta::namespace(pod),
                meta::text(pod, "/spec/serviceAccountName"),
            ),
            binding: Binding::Pod(meta::name(pod).to_owned()),
            audiences: Vec::from_iter((!audience.is_empty()).then(|| audience.to_owned())),
            lifetime,
        };
        let minted = self.tokens.sign(&spec, Some(meta::uid(pod)))?;
        let fresh = (lifetime / 5 * 4).min(Duration::from_secs(24 * 3600));
        let held = Held {
            token: minted.token,
            expires: minted.expires,
            renew: clock::after(now, fresh),
        };
        self.lock().insert(key, held.clone());
        Ok(held)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<(String, String), Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
