//! Service account tokens: signed, bound to a pod, and refused once that pod is gone.
//!
//! Shape and rules are those of Kubernetes (`serviceaccount/claims.go`, `apiserver`
//! authentication): ES256 JWTs whose `kubernetes.io` claim names service account, pod and node with
//! their UIDs.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use p256::ecdsa::SigningKey;
use p256::elliptic_curve::Generate;

use super::claims::{Bound, Claims, Reference};
use super::token_error::TokenError;
use super::user::{ServiceAccountName, User};
use crate::chance;
use crate::clock::{self, Clock};
use crate::resource::{NODES, PODS, Resource, SERVICE_ACCOUNTS};
use crate::store::{Key, Object, Store, meta};

/// What a token is to say.
#[derive(Clone, Debug)]
pub(crate) struct TokenSpec {
    /// Whose token it is.
    pub(crate) service_account: ServiceAccountName,
    /// The pod that it lives and dies with.
    pub(crate) binding: Binding,
    /// The audiences that may accept it; empty means the API server.
    pub(crate) audiences: Vec<String>,
    /// How long it is good for. Any value is taken, unlike in TokenRequest (600 s at least).
    pub(crate) lifetime: Duration,
}

/// What a token is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Binding {
    /// To nothing, as `kubectl create token` makes it.
    None,
    /// To a pod of the service account's namespace, and to the node that this pod is on.
    Pod(String),
}

/// Why a token could not be made.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum MintError {
    /// The service account does not exist.
    #[error("cannot make a token for service account {0}: no such service account")]
    NoServiceAccount(ServiceAccountName),
    #[error("cannot bind a token to pod {namespace}/{name}: no such pod")]
    NoPod { namespace: String, name: String },
    /// The pod runs under another service account.
    #[error("cannot bind a token of {service_account} to pod {pod}: it runs as {actual:?}")]
    OtherServiceAccount {
        /// Whose token was asked for.
        service_account: ServiceAccountName,
        pod: String,
        /// The service account it runs under.
        actual: String,
    },
    /// The UID asked for is not that of the pod of this name.
    #[error("cannot bind a token to pod {pod}: the UID given is not the pod's")]
    OtherPod { pod: String },
}

/// A signed token and when it ends.
pub(crate) struct Minted {
    pub(crate) token: String,
    pub(crate) expires: Timestamp,
}

/// The outcome of looking for a bearer token.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Authenticated {
    /// No credentials were offered.
    Anonymous(User),
    /// The token is good.
    As(User),
}

/// Makes and checks the cluster's bearer tokens. Clones are the same cluster's.
#[derive(Clone)]
pub(crate) struct Tokens {
    key: SigningKey,
    store: Arc<Store>,
    clock: Clock,
    fixed: Arc<Mutex<BTreeMap<String, User>>>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens(..)")
    }
}

impl Tokens {
    pub(crate) fn new(store: Arc<Store>, clock: Clock) -> Self {
        Self {
            key: SigningKey::generate(),
            store,
            clock,
            fixed: Arc::default(),
        }
    }

    /// A token that authenticates this user until the cluster ends, as a static token file has it.
    pub(crate) fn fix(&self, user: User) -> String {
        let token = chance::secret();
        let mut fixed = self.fixed.lock().unwrap_or_else(PoisonError::into_inner);
        fixed.insert(token.clone(), user);
        token
    }

    /// A service account token.
    ///
    /// # Errors
    /// If the service account or the pod does not exist, or the pod runs under another one.
    pub(crate) fn mint(&self, spec: &TokenSpec) -> Result<String, MintError> {
        self.sign(spec, None).map(|minted| minted.token)
    }

    pub(crate) fn sign(
        &self,
        spec: &TokenSpec,
        pod_uid: Option<&str>,
    ) -> Result<Minted, MintError> {
        let account = &spec.service_account;
        let missing = || MintError::NoServiceAccount(account.clone());
        let owner = self
            .find(&SERVICE_ACCOUNTS, &account.namespace, &account.name)
            .ok_or_else(missing)?;
        let pod = match &spec.binding {
            Binding::None => None,
            Binding::Pod(name) => Some(self.bindable(account, name, pod_uid)?),
        };
        let now = self.clock.now();
        let expires = clock::after(now, spec.lifetime);
        let audiences = if spec.audiences.is_empty() {
            vec![API_AUDIENCE.to_owned()]
        } else {
            spec.audiences.clone()
        };
        let claims = Claims {
            aud: audiences,
            exp: expires.as_second(),
            iat: now.as_second(),
            iss: API_AUDIENCE.to_owned(),
            jti: chance::uid(),
            kubernetes: Bound {
                namespace: account.namespace.clone(),
                node: pod.as_deref().and_then(|pod| self.node_of(pod)),
                pod: pod.as_deref().map(Reference::to),
                serviceaccount: Reference::to(&owner),
            },
            nbf: now.as_second(),
            sub: account.username(),
        };
        let token = claims.encode(&self.key);
        Ok(Minted { token, expires })
    }

    fn bindable(
        &self,
        account: &ServiceAccountName,
        name: &str,
        uid: Option<&str>,
    ) -> Result<Object, MintError> {
        let pod = self
            .find(&PODS, &account.namespace, name)
            .ok_or_else(|| MintError::NoPod {
                namespace: account.namespace.clone(),
                name: name.to_owned(),
            })?;
        let actual = meta::text(&pod, "/spec/serviceAccountName");
        if actual != account.name {
            return Err(MintError::OtherServiceAccount {
                service_account: account.clone(),
                pod: name.to_owned(),
                actual: actual.to_owned(),
            });
        }
        if uid.is_some_and(|uid| uid != meta::uid(&pod)) {
            let pod = name.to_owned();
            return Err(MintError::OtherPod { pod });
        }
        Ok(pod)
    }

    fn node_of(&self, pod: &serde_json::Value) -> Option<Reference> {
        let name = meta::text(pod, "/spec/nodeName");
        self.find(&NODES, "", name).map(|node| Reference::to(&node))
    }

    fn find(&self, resource: &'static Resource, namespace: &str, name: &str) -> Option<Object> {
        self.store.read(&Key::new(resource, namespace, name))
    }

    /// The user that a bearer token authenticates.
    pub(crate) fn authenticate(&self, token: Option<&str>) -> Result<Authenticated, TokenError> {
        let Some(token) = token else {
            return Ok(Authenticated::Anonymous(User::anonymous()));
        };
        let fixed = self.fixed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(user) = fixed.get(token) {
            return Ok(Authenticated::As(user.clone()));
        }
        drop(fixed);
        let claims = Claims::decode(token, self.key.verifying_key())?;
        self.check(claims).map(Authenticated::As)
    }

    fn check(&self, claims: Claims) -> Result<User, TokenError> {
        let now = self.clock.now().as_second();
        if !claims.aud.iter().any(|audience| audience == API_AUDIENCE) {
            return Err(TokenError::Audience);
        }
        if now >= claims.exp || now < claims.nbf {
            return Err(TokenError::Time);
        }
        let bound = claims.kubernetes;
        let alive = |resource: &'static Resource, reference: &Reference| {
            self.find(resource, &bound.namespace, &reference.name)
                .filter(|object| meta::uid(object) == reference.uid && !self.is_over(object))
                .ok_or(TokenError::Gone(resource))
        };
        alive(&SERVICE_ACCOUNTS, &bound.serviceaccount)?;
        let mut extra = BTreeMap::new();
        let mut say = |key: &str, value: String| {
            extra.insert(format!("authentication.kubernetes.io/{key}"), vec![value]);
        };
        say("credential-id", format!("JTI={}", claims.jti));
        if let Some(pod) = &bound.pod {
            alive(&PODS, pod)?;
            say("pod-name", pod.name.clone());
            say("pod-uid", pod.uid.clone());
        }
        if let Some(node) = bound.node {
            say("node-name", node.name);
            say("node-uid", node.uid);
        }
        Ok(User {
            username: claims.sub,
            uid: bound.serviceaccount.uid,
            groups: vec![
                "system:serviceaccounts".to_owned(),
                format!("system:serviceaccounts:{}", bound.namespace),
                "system:authenticated".to_owned(),
            ],
            extra,
        })
    }

    /// Whether the object was deleted longer ago than the leeway that Kubernetes gives its tokens.
    fn is_over(&self, object: &serde_json::Value) -> bool {
        let deleted: Option<Timestamp> = meta::deletion(object).parse().ok();
        deleted.is_some_and(|at| self.clock.now() > clock::after(at, DELETION_LEEWAY))
    }
}

/// Issuer and only audience of tokens that the API server accepts.
pub(crate) const API_AUDIENCE: &str = "https://kubernetes.default.svc.cluster.local";

/// How long a pod's token stays valid after its deletion began (`apiserver` validator).
const DELETION_LEEWAY: Duration = Duration::from_secs(60);
