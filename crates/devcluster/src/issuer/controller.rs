//! The issuer's controller: watches requests and ends those that are its own.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use svid_api::duration::GoDuration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::agreement;
use super::csr::CertificateSigningRequest;
use super::outcome::{self, Outcome, RequestProgress};
use super::reference::IssuerReference;
use super::signer::Issuer;
use super::specification::RequestSpec;
use crate::clock::Clock;
use crate::faults::{Conduct, Faults};
use crate::resource::CERTIFICATE_REQUESTS;
use crate::store::{Audience, ChangeKind, Key, Object, Selector, Start, Store, StoreError, meta};

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
    let mut seen = BTreeSet::new();
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
        } else if IssuerReference::of(&event.object) == *context.issuer.reference()
            && matches!(
                outcome::progress(&event.object),
                RequestProgress::Approved | RequestProgress::Denied
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
    let outcome = match outcome::progress(&request) {
        RequestProgress::Denied => Outcome::Denied,
        RequestProgress::Approved => decide(&context, &request).await,
        RequestProgress::Over | RequestProgress::Undecided => return,
    };
    let now = context.clock.now();
    let written = context.store.update(&key, |current| {
        let same = meta::uid(current) == meta::uid(&request);
        if same && outcome::progress(current) != RequestProgress::Over {
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
    let signed = read(request).and_then(|(csr, spec)| {
        let signed = context.issuer.sign(&csr, &spec, lie.as_ref());
        signed.map_err(|error| error.to_string())
    });
    match signed {
        Ok(issued) => Outcome::Issued(issued),
        Err(why) => Outcome::Failed(format!("Error signing certificate: {why}")),
    }
}

/// Checks what is signed before anybody approves it, as cert-manager's webhook does.
pub(crate) fn validate(request: &Value) -> Result<(), String> {
    let (csr, spec) = read(request)?;
    let agreed = agreement::check(&csr, &spec);
    agreed.map(drop).map_err(|error| error.to_string())
}

/// The duration that a request names, if it names one.
pub(crate) fn duration(request: &Value) -> Result<Option<GoDuration>, String> {
    let text = request.pointer("/spec/duration").and_then(Value::as_str);
    let parsed: Option<Result<GoDuration, _>> = text.map(str::parse);
    parsed.transpose().map_err(|error| error.to_string())
}

fn read(request: &Value) -> Result<(CertificateSigningRequest, RequestSpec), String> {
    let pem = STANDARD
        .decode(meta::text(request, "/spec/request"))
        .map_err(|error| error.to_string())?;
    let csr = CertificateSigningRequest::parse(&pem).map_err(|error| error.to_string())?;
    let duration = match duration(request)? {
        None => DEFAULT_DURATION,
        Some(duration) => Duration::try_from(duration).map_err(|error| error.to_string())?,
    };
    let usages = request.pointer("/spec/usages").and_then(Value::as_array);
    let usages = usages.into_iter().flatten().filter_map(Value::as_str);
    let spec = RequestSpec {
        duration,
        usages: usages.map(str::to_owned).collect(),
        is_ca: request.pointer("/spec/isCA") == Some(&Value::Bool(true)),
    };
    Ok((csr, spec))
}

/// cert-manager's duration for a request that names none (90 days).
const DEFAULT_DURATION: Duration = Duration::from_secs(90 * 24 * 3600);
