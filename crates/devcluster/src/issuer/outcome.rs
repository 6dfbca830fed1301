//! What the issuer writes into a request's status, and what it reads there first.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::template::Issued;
use crate::clock;
use crate::store::meta;

/// The state of a request, as the issuer's controller sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RequestProgress {
    /// Ended before: issued, failed, denied, invalid.
    Over,
    /// Denied, and nobody has ended it yet.
    Denied,
    /// Approved and waiting for a signature.
    Approved,
    /// Nobody has decided.
    Undecided,
}

pub(super) fn progress(request: &Value) -> RequestProgress {
    let holds = |kind: &str| {
        conditions(request)
            .iter()
            .any(|at| meta::text(at, "/type") == kind && meta::text(at, "/status") == "True")
    };
    let reason = conditions(request)
        .iter()
        .find(|at| meta::text(at, "/type") == "Ready")
        .map_or("", |ready| meta::text(ready, "/reason"));
    if ["Issued", "Failed", "Denied"].contains(&reason) || holds("InvalidRequest") {
        RequestProgress::Over
    } else if holds("Denied") {
        RequestProgress::Denied
    } else if holds("Approved") {
        RequestProgress::Approved
    } else {
        RequestProgress::Undecided
    }
}

#[derive(Debug)]
pub(super) enum Outcome {
    Issued(Issued),
    /// Refused or impossible, with a reason for people.
    Failed(String),
    /// Denied by an approver.
    Denied,
}

/// The request with its end written into the status.
pub(super) fn write(request: &Value, outcome: Outcome, now: Timestamp) -> Value {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    let now = clock::seconds(now);
    let (truth, reason, message) = match &outcome {
        Outcome::Issued(_) => (
            "True",
            "Issued",
            "Certificate fetched from issuer successfully",
        ),
        Outcome::Failed(why) => ("False", "Failed", why.as_str()),
        Outcome::Denied => (
            "False",
            "Denied",
            "The CertificateRequest was denied by an approval controller",
        ),
    };
    let mut list: Vec<Value> = conditions(request)
        .iter()
        .filter(|at| meta::text(at, "/type") != "Ready")
        .cloned()
        .collect();
    list.push(json!({
        "type": "Ready",
        "status": truth,
        "reason": reason,
        "message": message,
        "lastTransitionTime": now,
    }));
    let mut next = request.clone();
    let status = meta::field(&mut next, "status");
    status.insert("conditions".to_owned(), list.into());
    match outcome {
        Outcome::Issued(issued) => {
            let certificate = STANDARD.encode(issued.certificate);
            status.insert("certificate".to_owned(), certificate.into());
            let authority = STANDARD.encode(issued.authority);
            status.insert("ca".to_owned(), authority.into());
        }
        Outcome::Failed(_) | Outcome::Denied => {
            status.insert("failureTime".to_owned(), now.into());
        }
    }
    next
}

fn conditions(request: &Value) -> &[Value] {
    request
        .pointer("/status/conditions")
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}
