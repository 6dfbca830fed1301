//! The issuer's controller: watches requests and ends those that are its own.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use svid_api::duration::GoDuration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::authority::{Authority, AuthorityError, Chain};
use super::csr::CertificateSigningRequest;
use super::outcome::{self, Outcome, Standing};
use super::template::{self, SigningError, Wish};
use crate::clock::Clock;
use crate::faults::{Conduct, Faults};
use crate::resource::CERTIFICATE_REQUESTS;
use crate::store::{Audience, ChangeKind, Key, Object, Selector, Start, Store, StoreError, meta};

/// Which issuer a request names. Empty kind and group are cert-manager's own defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerReference {
    /// Name of the issuer object.
    pub name: String,
    /// `Issuer` or `ClusterIssuer`.
    pub kind: String,
    /// `cert-manager.io` for cert-manager's own.
    pub group: String,
}

impl IssuerReference {
    /// A ClusterIssuer of cert-manager.
    pub fn cluster(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind: "ClusterIssuer".to_owned(),
            group: "cert-manager.io".to_owned(),
        }
    }

    fn of(request: &Value) -> Self {
        let or = |pointer: &str, default: &str| {
            let given = meta::text(request, pointer);
            if given.is_empty() { default } else { given }.to_owned()
        };
        Self {
            name: or("/spec/issuerRef/name", ""),
            kind: or("/spec/issuerRef/kind", "Issuer"),
            group: or("/spec/issuerRef/group", "cert-manager.io"),
        }
    }
}

/// A CA issuer of the cluster. Clones are the same issuer.
#[derive(Clone)]
pub struct Issuer {
    reference: IssuerReference,
    chain: Chain,
    lifetime: Duration,
    clock: Clock,
    keys: Arc<Mutex<Keys>>,
}

struct Keys {
    /// The CA that signs, after all that signed before it.
    authorities: Vec<Authority>,
    current: Authority,
    foreign: Authority,
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Issuer({})", self.reference.name)
    }
}

impl Issuer {
    pub(crate) fn new(
        reference: IssuerReference,
        chain: Chain,
        lifetime: Duration,
        clock: Clock,
    ) -> Result<Self, AuthorityError> {
        let now = clock.now();
        let current = Authority::generate("cluster", chain, now, lifetime)?;
        let foreign = Authority::generate("foreign", chain, now, lifetime)?;
        Ok(Self {
            reference,
            chain,
            lifetime,
            clock,
            keys: Arc::new(Mutex::new(Keys {
                authorities: vec![current.clone()],
                current,
                foreign,
            })),
        })
    }

    /// How requests name it.
    pub fn reference(&self) -> &IssuerReference {
        &self.reference
    }

    /// Puts a new CA in the place of the present one. What was issued stays as it is.
    ///
    /// # Errors
    /// If the CA cannot be made.
    pub fn rotate(&self) -> Result<(), AuthorityError> {
        let mut keys = self.lock();
        let name = format!("cluster {}", keys.authorities.len() + 1);
        let next = Authority::generate(&name, self.chain, self.clock.now(), self.lifetime)?;
        keys.authorities.push(next.clone());
        keys.current = next;
        Ok(())
    }

    /// The root of the CA that signs now, PEM.
    ///
    /// # Errors
    /// If a certificate cannot be encoded.
    pub fn trust_bundle_pem(&self) -> Result<String, AuthorityError> {
        self.lock().current.root_pem()
    }

    /// The roots of every CA that ever signed, oldest first, PEM: the bundle for a rotation.
    ///
    /// # Errors
    /// If a certificate cannot be encoded.
    pub fn all_roots_pem(&self) -> Result<String, AuthorityError> {
        let keys = self.lock();
        keys.authorities.iter().map(Authority::root_pem).collect()
    }

    /// The root of the CA that signs for [`crate::Lie::ForeignAuthority`], PEM.
    ///
    /// # Errors
    /// If a certificate cannot be encoded.
    pub fn foreign_root_pem(&self) -> Result<String, AuthorityError> {
        self.lock().foreign.root_pem()
    }

    /// Signs outside the cluster, for tests that need a certificate of this CA or of the foreign one
    /// without a CertificateRequest: the answer is leaf and intermediates, PEM.
    ///
    /// # Errors
    /// If the CSR is not sound or the certificate cannot be made.
    pub fn sign_directly(
        &self,
        csr_pem: &[u8],
        duration: Duration,
        signer: Signer,
    ) -> Result<String, DirectError> {
        let csr = CertificateSigningRequest::parse(csr_pem)
            .map_err(|error| DirectError(error.to_string()))?;
        let wish = Wish {
            duration,
            usages: SVID_USAGES.iter().map(|&usage| usage.to_owned()).collect(),
            is_ca: false,
        };
        let lie = match signer {
            Signer::Own => None,
            Signer::Foreign => Some(crate::faults::Lie::ForeignAuthority),
        };
        self.sign(&csr, &wish, lie.as_ref())
            .map(|issued| issued.certificate)
            .map_err(|error| DirectError(error.to_string()))
    }

    fn sign(
        &self,
        csr: &CertificateSigningRequest,
        wish: &Wish,
        lie: Option<&crate::faults::Lie>,
    ) -> Result<template::Issued, SigningError> {
        let keys = self.lock();
        let now = self.clock.now();
        template::issue(&keys.current, &keys.foreign, csr, wish, now, lie)
    }

    fn lock(&self) -> MutexGuard<'_, Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which CA signs directly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signer {
    /// The cluster's own.
    Own,
    /// That of another trust domain.
    Foreign,
}

/// Why nothing was signed directly.
#[derive(Debug, thiserror::Error)]
#[error("could not sign: {0}")]
pub struct DirectError(String);

/// What the controller works with.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub(crate) store: Arc<Store>,
    pub(crate) clock: Clock,
    pub(crate) faults: Faults,
    pub(crate) issuer: Issuer,
    /// The one namespace whose requests an `Issuer` signs; `None` for a ClusterIssuer.
    pub(crate) namespace: Option<String>,
    pub(crate) shutdown: CancellationToken,
}

/// Runs until shutdown; every request is worked on in a task of its own, all of them joined.
pub(crate) async fn run(context: Context) {
    let mut at_work = JoinSet::new();
    let mut seen = std::collections::BTreeSet::new();
    let subscribed = context.store.subscribe(
        &CERTIFICATE_REQUESTS,
        context.namespace.as_deref(),
        Selector::default(),
        Start::Present,
        Audience::Internal,
    );
    let mut watch = match subscribed {
        Ok(watch) => watch,
        Err(error) => {
            tracing::error!(%error, "issuer cannot watch certificate requests");
            return;
        }
    };
    loop {
        let event = tokio::select! {
            () = context.shutdown.cancelled() => break,
            Some(joined) = at_work.join_next() => {
                if let Err(error) = joined {
                    tracing::error!(%error, "issuer stumbled over a certificate request");
                }
                continue;
            }
            event = watch.next() => event,
        };
        let Some(event) = event else { break };
        let uid = meta::uid(&event.object).to_owned();
        if event.kind == ChangeKind::Deleted {
            seen.remove(&uid);
        } else if IssuerReference::of(&event.object) == context.issuer.reference
            && matches!(
                outcome::standing(&event.object),
                Standing::Approved | Standing::Denied
            )
            && seen.insert(uid)
        {
            at_work.spawn(work(context.clone(), event.object));
        }
    }
    at_work.shutdown().await;
}

/// Brings one request to its end.
async fn work(context: Context, request: Object) {
    let key = Key::new(
        &CERTIFICATE_REQUESTS,
        meta::namespace(&request),
        meta::name(&request),
    );
    let outcome = match outcome::standing(&request) {
        Standing::Denied => Outcome::Denied,
        Standing::Approved => decide(&context, &request).await,
        Standing::Over | Standing::Undecided => return,
    };
    let now = context.clock.now();
    let written = context.store.update(&key, |current| {
        let same = meta::uid(current) == meta::uid(&request);
        if same && outcome::standing(current) != Standing::Over {
            Ok::<_, StoreError>(outcome::write(current, outcome, now))
        } else {
            Ok(current.clone())
        }
    });
    if let Err(error) = written {
        tracing::debug!(%error, "certificate request was gone before it ended");
    }
}

async fn decide(context: &Context, request: &Value) -> Outcome {
    let mut changes = context.faults.changes();
    let lie = loop {
        match context.faults.take_conduct() {
            Conduct::Honest => break None,
            Conduct::Lie(lie) => break Some(lie),
            Conduct::Refuse(why) => return Outcome::Failed(why),
            Conduct::Slow(delay) => {
                tokio::time::sleep(delay).await;
                break None;
            }
            Conduct::Silent => {
                if changes.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        }
    };
    let signed = read(request).and_then(|(csr, wish)| {
        let signed = context.issuer.sign(&csr, &wish, lie.as_ref());
        signed.map_err(|error| error.to_string())
    });
    match signed {
        Ok(issued) => Outcome::Issued(issued),
        Err(why) => Outcome::Failed(format!("Error signing certificate: {why}")),
    }
}

fn read(request: &Value) -> Result<(CertificateSigningRequest, Wish), String> {
    let pem = STANDARD
        .decode(meta::text(request, "/spec/request"))
        .map_err(|error| error.to_string())?;
    let csr = CertificateSigningRequest::parse(&pem).map_err(|error| error.to_string())?;
    let duration = match meta::text(request, "/spec/duration") {
        "" => DEFAULT_DURATION,
        text => {
            let parsed: Result<GoDuration, _> = text.parse();
            let parsed = parsed.map_err(|error| error.to_string())?;
            Duration::try_from(parsed).map_err(|error| error.to_string())?
        }
    };
    let usages = request.pointer("/spec/usages").and_then(Value::as_array);
    let usages = usages.into_iter().flatten().filter_map(Value::as_str);
    let wish = Wish {
        duration,
        usages: usages.map(str::to_owned).collect(),
        is_ca: request.pointer("/spec/isCA") == Some(&Value::Bool(true)),
    };
    Ok((csr, wish))
}

/// cert-manager's duration for a request that names none (90 days).
const DEFAULT_DURATION: Duration = Duration::from_secs(90 * 24 * 3600);

const SVID_USAGES: &[&str] = &[
    "digital signature",
    "key encipherment",
    "server auth",
    "client auth",
];
