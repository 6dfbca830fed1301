//! What the issuer signs, checked with another X.509 library.

mod misconduct;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use svid_devcluster::{Cluster, IssuerReference, Object, Signer, Webhooks, resource};
use x509_parser::prelude::*;

use crate::csr;
use crate::fixture::{
    LIMIT, cluster, create_request, decide, ended, ready, request_body, request_with, till,
};

const ID: &str = "spiffe://cluster.local/ns/shop/sa/till";

fn chain(request: &Object) -> Vec<Vec<u8>> {
    let encoded = request["status"]["certificate"]
        .as_str()
        .expect("certificate");
    ders(&STANDARD.decode(encoded).expect("base64"))
}

fn ders(pem: &[u8]) -> Vec<Vec<u8>> {
    Pem::iter_from_buffer(pem)
        .map(|pem| pem.expect("PEM").contents)
        .collect()
}

fn parse(der: &[u8]) -> X509Certificate<'_> {
    X509Certificate::from_der(der).expect("certificate").1
}

fn roots(cluster: &Cluster) -> Vec<Vec<u8>> {
    ders(cluster.trust_bundle_pem().expect("bundle").as_bytes())
}

fn is_signed_by(certificate: &X509Certificate<'_>, signer: &X509Certificate<'_>) -> bool {
    certificate.issuer() == signer.subject()
        && certificate
            .verify_signature(Some(signer.public_key()))
            .is_ok()
}

fn uris(certificate: &X509Certificate<'_>) -> Vec<String> {
    let san = certificate.subject_alternative_name().expect("parses");
    let names = san
        .map(|san| san.value.general_names.clone())
        .unwrap_or_default();
    names
        .iter()
        .map(|name| {
            if let GeneralName::URI(uri) = name {
                (*uri).to_owned()
            } else {
                format!("{name:?}")
            }
        })
        .collect()
}

/// Creates, approves and waits for a request.
async fn issue(cluster: &Cluster, name: &str) -> Object {
    create_request(cluster, name);
    decide(cluster, name, "Approved");
    ended(cluster, name).await
}

#[tokio::test]
async fn an_approved_request_gets_leaf_and_intermediate_as_cert_manager_makes_them() {
    let cluster = cluster().await;
    let request = issue(&cluster, "x").await;
    assert_eq!(ready(&request), Some("Issued"));
    let chain = chain(&request);
    assert_eq!(chain.len(), 2, "leaf and intermediate, no root");
    let (leaf, intermediate) = (parse(&chain[0]), parse(&chain[1]));
    let roots = roots(&cluster);
    let root = parse(&roots[0]);
    assert!(is_signed_by(&leaf, &intermediate));
    assert!(is_signed_by(&intermediate, &root) && is_signed_by(&root, &root));
    assert_eq!(uris(&leaf), [ID]);
    assert_eq!(leaf.subject().iter().count(), 0);
    let san = leaf
        .subject_alternative_name()
        .expect("parses")
        .expect("SAN");
    assert!(san.critical, "critical since the subject is empty");
    assert!(!leaf.is_ca() && intermediate.is_ca() && root.is_ca());
    assert!(
        leaf.basic_constraints()
            .expect("parses")
            .is_some_and(|ext| ext.critical)
    );
    let usage = leaf.key_usage().expect("parses").expect("usage").value;
    assert!(usage.digital_signature() && usage.key_encipherment());
    assert!(!usage.key_cert_sign() && !usage.crl_sign());
    let extended = leaf
        .extended_key_usage()
        .expect("parses")
        .expect("extended")
        .value;
    assert!(extended.server_auth && extended.client_auth && !extended.any);
    let validity = leaf.validity();
    assert_eq!(
        validity.not_after.timestamp() - validity.not_before.timestamp(),
        3600
    );
    let ca = request["status"]["ca"].as_str().expect("ca");
    assert_eq!(
        ders(&STANDARD.decode(ca).expect("base64")),
        roots,
        "the top of the chain"
    );
    let common_name = intermediate.subject().iter_common_name().next().is_some();
    assert!(common_name);
    cluster.shutdown().await;
}

#[tokio::test]
async fn subject_duration_usages_and_ca_are_as_the_request_has_them() {
    let cluster = cluster().await;
    cluster.enroll(&till()).expect("enrolled");
    let mut body = request_with("x", &csr::with_subject("CN=me,O=shop", ID));
    body["spec"]["duration"] = json!("90s");
    body["spec"]["usages"] = json!(["client auth"]);
    body["spec"]["isCA"] = json!(true);
    cluster
        .objects()
        .create(&resource::CERTIFICATE_REQUESTS, "shop", body)
        .expect("created");
    decide(&cluster, "x", "Approved");
    let chain = chain(&ended(&cluster, "x").await);
    let leaf = parse(&chain[0]);
    assert_eq!(leaf.subject().to_string(), "O=shop, CN=me");
    let san = leaf
        .subject_alternative_name()
        .expect("parses")
        .expect("SAN");
    assert!(!san.critical, "not critical since there is a subject");
    let validity = leaf.validity();
    assert_eq!(
        validity.not_after.timestamp() - validity.not_before.timestamp(),
        90
    );
    assert!(leaf.is_ca());
    let extended = leaf
        .extended_key_usage()
        .expect("parses")
        .expect("extended")
        .value;
    assert!(extended.client_auth && !extended.server_auth);
    cluster.shutdown().await;
}

#[tokio::test]
async fn only_requests_of_its_own_are_ended_and_only_when_decided() {
    let cluster = cluster().await;
    // They would let nobody decide on issuers of a group that is not served.
    cluster.configure_webhooks(Webhooks::Absent);
    cluster.enroll(&till()).expect("enrolled");
    let objects = cluster.objects();
    let references = [
        (
            "other-name",
            json!({"name": "other", "kind": "ClusterIssuer"}),
        ),
        ("other-kind", json!({"name": "spiffe-ca"})),
        (
            "other-group",
            json!({"name": "spiffe-ca", "kind": "ClusterIssuer", "group": "example.com"}),
        ),
        (
            "empty-group",
            json!({"name": "spiffe-ca", "kind": "ClusterIssuer", "group": ""}),
        ),
    ];
    for (name, reference) in &references {
        let mut body = request_body(name);
        body["spec"]["issuerRef"] = reference.clone();
        objects
            .create(&resource::CERTIFICATE_REQUESTS, "shop", body)
            .expect("created");
        decide(&cluster, name, "Approved");
    }
    create_request(&cluster, "undecided");
    assert_eq!(
        ready(&*ended(&cluster, "empty-group").await),
        Some("Issued")
    );
    // The issuer works in order of arrival, so the others would have been ended by now.
    assert_eq!(ready(&*issue(&cluster, "later").await), Some("Issued"));
    for name in ["other-name", "other-kind", "other-group", "undecided"] {
        let request = objects
            .read(&resource::CERTIFICATE_REQUESTS, "shop", name)
            .expect(name);
        assert_eq!(ready(&request), None, "{name}");
    }
    cluster.shutdown().await;
}

#[tokio::test]
async fn another_issuer_has_a_ca_of_its_own() {
    let cluster = cluster().await;
    cluster.enroll(&till()).expect("enrolled");
    let reference = IssuerReference {
        name: "local".to_owned(),
        kind: "Issuer".to_owned(),
        group: "cert-manager.io".to_owned(),
    };
    let issuer = cluster.add_issuer(reference, "shop").expect("issuer");
    let mut body = request_body("x");
    body["spec"]["issuerRef"] = json!({"name": "local"});
    cluster
        .objects()
        .create(&resource::CERTIFICATE_REQUESTS, "shop", body)
        .expect("created");
    decide(&cluster, "x", "Approved");
    let chain = chain(&ended(&cluster, "x").await);
    let own = ders(issuer.trust_bundle_pem().expect("bundle").as_bytes());
    assert!(is_signed_by(&parse(&chain[1]), &parse(&own[0])));
    assert_ne!(own, roots(&cluster));
    let object = cluster
        .objects()
        .read(&resource::ISSUERS, "shop", "local")
        .expect("object");
    assert_eq!(object["status"]["conditions"][0]["type"], "Ready");
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_denied_request_is_ended_as_denied() {
    let cluster = cluster().await;
    create_request(&cluster, "x");
    decide(&cluster, "x", "Denied");
    let request = ended(&cluster, "x").await;
    assert_eq!(ready(&request), Some("Denied"));
    assert!(request["status"]["failureTime"].is_string());
    assert!(request["status"].get("certificate").is_none());
    let conditions = request["status"]["conditions"]
        .as_array()
        .expect("conditions");
    assert_eq!(conditions.len(), 2, "the denial itself stays");
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_request_that_cannot_be_signed_fails() {
    let cluster = cluster().await;
    // They would refuse it.
    cluster.configure_webhooks(Webhooks::Absent);
    cluster.enroll(&till()).expect("enrolled");
    let faulty = [
        (
            "duration",
            json!({"spec": {"duration": "99999999999999999999h"}}),
        ),
        ("negative", json!({"spec": {"duration": "-1h"}})),
        ("usage", json!({"spec": {"usages": ["world domination"]}})),
        (
            "disagreement",
            json!({"spec": {"request": STANDARD.encode(KEY_USAGE_ALONE)}}),
        ),
    ];
    for (name, patch) in faulty {
        let mut body = request_body(name);
        for (key, value) in patch["spec"].as_object().expect("spec") {
            body["spec"][key] = value.clone();
        }
        cluster
            .objects()
            .create(&resource::CERTIFICATE_REQUESTS, "shop", body)
            .expect(name);
        decide(&cluster, name, "Approved");
        assert_eq!(
            ready(&*ended(&cluster, name).await),
            Some("Failed"),
            "{name}"
        );
    }
    cluster.shutdown().await;
}

/// Asks for the usages of the key and not for the extended ones.
const KEY_USAGE_ALONE: &[u8] = include_bytes!("../../../../contract/src/csrs/key-usage-alone.pem");

#[tokio::test]
async fn a_rotated_ca_signs_with_its_new_root_and_names_the_old_one_too() {
    let cluster = cluster().await;
    let before = roots(&cluster);
    cluster.issuer().rotate().expect("rotated");
    let after = roots(&cluster);
    assert_ne!(before, after);
    let chain = chain(&issue(&cluster, "x").await);
    let intermediate = parse(&chain[1]);
    assert!(is_signed_by(&intermediate, &parse(&after[0])));
    assert!(!is_signed_by(&intermediate, &parse(&before[0])));
    let all = ders(cluster.issuer().all_roots_pem().expect("roots").as_bytes());
    assert_eq!(all, [before[0].clone(), after[0].clone()]);
    cluster.shutdown().await;
}

#[tokio::test]
async fn certificates_can_be_had_without_a_request_from_either_ca() {
    let cluster = cluster().await;
    let csr = csr::for_uri(ID);
    let sign = |signer| {
        let chain = cluster
            .issuer()
            .sign_directly(csr.as_bytes(), LIMIT, signer);
        ders(chain.expect("signed").as_bytes())
    };
    let foreign = ders(
        cluster
            .issuer()
            .foreign_root_pem()
            .expect("foreign")
            .as_bytes(),
    );
    for (signer, root) in [
        (Signer::Own, &roots(&cluster)[0]),
        (Signer::Foreign, &foreign[0]),
    ] {
        let chain = sign(signer);
        assert!(is_signed_by(&parse(&chain[0]), &parse(&chain[1])));
        assert!(is_signed_by(&parse(&chain[1]), &parse(root)));
    }
    cluster.shutdown().await;
}
