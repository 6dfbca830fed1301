//! How the issuer misbehaves when it is told to.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use svid_devcluster::{Conduct, Lie, Times, resource};
use x509_parser::prelude::*;

use super::{ID, chain, ders, is_signed_by, issue, parse, roots, uris};
use crate::fixture::{cluster, create_request, decide, ended, ready, request_body, till};

#[tokio::test]
async fn a_refusing_issuer_fails_a_request_and_recovers() {
    let cluster = cluster().await;
    cluster.faults().issuer(
        Conduct::Refuse("the vault is sealed".to_owned()),
        Times::Next(1),
    );
    let request = issue(&cluster, "x").await;
    assert_eq!(ready(&request), Some("Failed"));
    assert!(request["status"]["failureTime"].is_string());
    assert!(request.to_string().contains("the vault is sealed"));
    assert_eq!(ready(&*issue(&cluster, "y").await), Some("Issued"));
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_silent_issuer_answers_nothing_until_the_switch_is_turned() {
    let cluster = cluster().await;
    cluster.faults().issuer(Conduct::Silent, Times::Always);
    create_request(&cluster, "x");
    decide(&cluster, "x", "Approved");
    let waited = cluster
        .objects()
        .wait_for(
            &resource::CERTIFICATE_REQUESTS,
            None,
            Duration::from_millis(100),
            |request| ready(request).is_some(),
        )
        .await;
    assert!(waited.is_err());
    cluster.faults().clear();
    assert_eq!(ready(&*ended(&cluster, "x").await), Some("Issued"));
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_slow_issuer_answers_in_the_end() {
    let cluster = cluster().await;
    let delay = Duration::from_millis(100);
    cluster
        .faults()
        .issuer(Conduct::Slow(delay), Times::Next(1));
    let before = std::time::Instant::now();
    assert_eq!(ready(&*issue(&cluster, "x").await), Some("Issued"));
    assert!(before.elapsed() >= delay);
    cluster.shutdown().await;
}

/// What is to be seen in a chain.
type Check = Box<dyn Fn(&[X509Certificate<'_>]) -> bool>;

#[tokio::test]
async fn each_lie_is_the_one_that_was_asked_for() {
    let cluster = cluster().await;
    let foreign = cluster.issuer().foreign_root_pem().expect("foreign");
    let foreign = ders(foreign.as_bytes());
    let own = roots(&cluster);
    let now = || jiff::Timestamp::now().as_second();
    let lies: Vec<(Lie, Check)> = vec![
        (
            Lie::OtherIdentity("spiffe://x/y".to_owned()),
            Box::new(|chain| uris(&chain[0]) == ["spiffe://x/y"]),
        ),
        (
            Lie::SecondIdentity("spiffe://x/y".to_owned()),
            Box::new(|chain| uris(&chain[0]) == [ID, "spiffe://x/y"]),
        ),
        (
            Lie::DnsName("x.example".to_owned()),
            Box::new(|chain| uris(&chain[0]).len() == 2 && uris(&chain[0])[0] == ID),
        ),
        (
            Lie::NoIdentity,
            Box::new(|chain| uris(&chain[0]).is_empty()),
        ),
        (
            Lie::CertificateAuthority,
            Box::new(|chain| chain[0].is_ca()),
        ),
        (
            Lie::Expired,
            Box::new(move |chain| chain[0].validity().not_after.timestamp() < now()),
        ),
        (
            Lie::NotYetValid(Duration::from_secs(240)),
            Box::new(move |chain| {
                (200..=240).contains(&(chain[0].validity().not_before.timestamp() - now()))
            }),
        ),
        (
            Lie::BrokenChain,
            Box::new(|chain| {
                chain[0].issuer() == chain[1].subject() && !is_signed_by(&chain[0], &chain[1])
            }),
        ),
        (
            Lie::ForeignAuthority,
            Box::new(move |chain| {
                is_signed_by(&chain[1], &parse(&foreign[0]))
                    && !is_signed_by(&chain[1], &parse(&own[0]))
            }),
        ),
    ];
    for (index, (lie, holds)) in lies.into_iter().enumerate() {
        cluster
            .faults()
            .issuer(Conduct::Lie(lie.clone()), Times::Next(1));
        let request = issue(&cluster, &format!("x{index}")).await;
        assert_eq!(
            ready(&request),
            Some("Issued"),
            "a liar looks honest: {lie:?}"
        );
        let chain = chain(&request);
        let chain: Vec<_> = chain.iter().map(|der| parse(der)).collect();
        assert!(holds(&chain), "{lie:?}");
        if lie != Lie::BrokenChain {
            assert!(
                is_signed_by(&chain[0], &chain[1]),
                "and nothing else is wrong: {lie:?}"
            );
        }
    }
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_lie_about_the_key_is_told_with_another_key() {
    let cluster = cluster().await;
    let body = request_body("x");
    cluster.enroll(&till()).expect("enrolled");
    let csr = STANDARD
        .decode(body["spec"]["request"].as_str().expect("csr"))
        .expect("base64");
    let csr = ders(&csr);
    let csr = X509CertificationRequest::from_der(&csr[0]).expect("CSR").1;
    cluster
        .faults()
        .issuer(Conduct::Lie(Lie::OtherKey), Times::Next(1));
    let objects = cluster.objects();
    objects
        .create(&resource::CERTIFICATE_REQUESTS, "shop", body)
        .expect("created");
    decide(&cluster, "x", "Approved");
    let chain = chain(&ended(&cluster, "x").await);
    let asked = csr.certification_request_info.subject_pki.raw;
    assert_ne!(parse(&chain[0]).public_key().raw, asked);
    cluster
        .faults()
        .issuer(Conduct::Lie(Lie::Garbage), Times::Next(1));
    let request = issue(&cluster, "garbage").await;
    let text = request["status"]["certificate"].as_str().expect("text");
    let text = STANDARD.decode(text).expect("base64");
    assert!(ders(&text).is_empty());
    cluster.shutdown().await;
}
