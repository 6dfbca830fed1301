//! Requests as JSON, and what only JSON can say: another notation of one duration, a reference
//! without its defaults, an object without the annotation.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use svid_core::policy::{DurationField, Request};

use super::Export;
use crate::{Expect, World};

const IDENTITY: &str = "spiffe.csi.cert-manager.io/identity";

/// The object, all but its name.
pub(super) fn object(request: &Request) -> Value {
    let mut spec = Map::new();
    spec.insert(
        "request".to_owned(),
        json!(STANDARD.encode(&request.csr_pem)),
    );
    spec.insert("isCA".to_owned(), json!(request.is_ca));
    let issuer = &request.issuer;
    let reference = json!({"name": issuer.name, "kind": issuer.kind, "group": issuer.group});
    spec.insert("issuerRef".to_owned(), reference);
    if let Some(usages) = &request.usages {
        spec.insert("usages".to_owned(), json!(usages));
    }
    match &request.duration {
        DurationField::Absent => {}
        DurationField::Malformed(text) => drop(spec.insert("duration".to_owned(), json!(text))),
        DurationField::Nanoseconds(length) => {
            spec.insert("duration".to_owned(), json!(format!("{length}ns")));
        }
    }
    let owners = request.owners.iter().map(|owner| {
        json!({
            "apiVersion": owner.api_version,
            "kind": owner.kind,
            "name": owner.name,
            "uid": owner.uid,
        })
    });
    let others = request.annotations.read.iter();
    let mut annotations: Map<_, _> = others
        .map(|(key, value)| (key.clone(), json!(value.as_deref().unwrap_or_default())))
        .collect();
    annotations.insert(IDENTITY.to_owned(), json!(request.identity_annotation));
    json!({
        "apiVersion": "cert-manager.io/v1",
        "kind": "CertificateRequest",
        "metadata": {
            "namespace": request.namespace,
            "annotations": annotations,
            "ownerReferences": owners.collect::<Vec<_>>(),
        },
        "spec": spec,
    })
}

/// What the policy never sees, since reading the object takes it away.
pub(super) fn variants(world: &World) -> Vec<Export> {
    let right = |name: String| {
        let request = world.around(world.craft().pem());
        Export {
            name,
            expect: Expect::Approve,
            message: String::new(),
            object: object(&request),
            requester: request.requester,
            obstacle: None,
        }
    };
    let mut variants = Vec::new();
    for notation in HOUR {
        let mut export = right(format!("wire: an hour as {notation}"));
        export.object["spec"]["duration"] = json!(notation);
        variants.push(export);
    }
    let issuer = world.issuer();
    for (what, default, ours) in [
        ("kind", "Issuer", &issuer.kind),
        ("group", "cert-manager.io", &issuer.group),
    ] {
        if ours != default {
            continue;
        }
        let mut export = right(format!("wire: empty {what} of the issuer"));
        export.object["spec"]["issuerRef"][what] = json!("");
        variants.push(export);
        let mut export = right(format!("wire: no {what} of the issuer"));
        without(&mut export.object["spec"]["issuerRef"], what);
        variants.push(export);
    }
    let mut export = right("wire: isCA left out".to_owned());
    without(&mut export.object["spec"], "isCA");
    variants.push(export);

    let mut export = right("wire: further labels".to_owned());
    export.object["metadata"]["labels"] = json!({"csi.cert-manager.io/node-id-hash": "x"});
    variants.push(export);

    let mut export = right("wire: without the annotation".to_owned());
    without(&mut export.object["metadata"], "annotations");
    export.expect = Expect::LeaveAlone;
    variants.push(export);
    variants
}

fn without(object: &mut Value, field: &str) {
    object.as_object_mut().unwrap().remove(field);
}

/// One hour as Go's `time.ParseDuration` may find it; the first is what the Go driver sends.
const HOUR: &[&str] = &[
    "1h0m0s",
    "1h",
    "60m",
    "3600s",
    "1.0h",
    "+1h",
    "0.5h30m",
    "3600000ms",
    "59m60s",
];
