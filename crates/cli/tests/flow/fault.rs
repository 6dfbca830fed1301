//! What goes wrong around the driver: approver, issuer, API server.

use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::Value;
use svid_devcluster::{
    Answer, Conduct, Filter, KubeletOptions, Lie, PodSpec, ServiceAccountName, Times, resource,
};

use crate::clients::identity;
use crate::trial;
use crate::world::{LIMIT, Setup, World};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        trial(
            "a_denied_request_tells_the_pod_why_and_is_not_hammered",
            denied,
        ),
        trial("missing_rights_are_told_with_what_to_do", no_rights),
        trial("a_lying_issuer_is_not_believed", lies),
        trial("an_issuer_that_refuses_is_asked_again", refusing),
        trial(
            "answers_of_an_ailing_api_server_delay_and_do_no_harm",
            ailing,
        ),
        trial("a_create_whose_answer_was_lost_is_found_again", lost_answer),
        trial("watches_that_end_or_are_too_old_are_begun_anew", watches),
        trial(
            "a_pod_ends_while_the_driver_cannot_reach_the_api_server",
            gone,
        ),
        trial("an_approver_that_comes_late_is_waited_for", late_approver),
    ]
}

/// A publish is answered when it has waited for as long as it may: an attempt could still succeed.
fn impatient(options: KubeletOptions) -> KubeletOptions {
    KubeletOptions {
        deadline: Duration::from_secs(5),
        ..options
    }
}

async fn denied() {
    let world = World::start(Setup {
        approver_words: vec!["--trust-domain=other.org".to_owned()],
        kubelet: impatient,
        ..Setup::default()
    });
    let world = world.await;
    let pod = world.pod("web");
    let told = pod
        .wait_for(LIMIT, |status| status.last_error.is_some())
        .await
        .unwrap();

    let error = told.last_error.unwrap().to_string();
    assert!(
        error.contains("was denied") && error.contains("other.org"),
        "{error}"
    );
    let objects = world.cluster.objects();
    let about_it = |event: &Value| event["reason"] == "CertificateRequestDenied";
    let event = objects
        .wait_for(&resource::EVENTS, None, LIMIT, about_it)
        .await
        .unwrap();
    assert_eq!(event["regarding"]["name"], pod.name());
    // The kubelet calls three more times; each joins what goes on.
    let before = told.attempts;
    pod.wait_for(LIMIT, |status| status.attempts >= before + 3)
        .await
        .unwrap();
    assert!(world.calls("create") <= 8, "{}", world.calls("create"));
    assert!(world.requests().len() <= 1);
    pod.delete(LIMIT).await.unwrap();
    world.wait_for_no_requests().await;
    assert!(world.records().is_empty());
}

async fn no_rights() {
    let world = World::start(Setup {
        kubelet: impatient,
        ..Setup::default()
    });
    let world = world.await;
    let account = ServiceAccountName::new("sandbox", "web");
    world.cluster.add_service_account(&account).unwrap();
    let pod = world.kubelet.run_pod(&PodSpec::new(&account)).unwrap();
    let told = pod
        .wait_for(LIMIT, |status| status.last_error.is_some())
        .await
        .unwrap();

    let error = told.last_error.unwrap().to_string();
    assert!(
        error.contains("bind a Role with the verb create"),
        "{error}"
    );
    world.cluster.enroll(&account).unwrap();
    pod.wait_ready(LIMIT).await.unwrap();
}

async fn lies() {
    let lies = [
        Lie::OtherKey,
        Lie::OtherIdentity("spiffe://example.org/ns/kube-system/sa/admin".to_owned()),
        Lie::SecondIdentity("spiffe://example.org/ns/kube-system/sa/admin".to_owned()),
        Lie::DnsName("kubernetes.default.svc".to_owned()),
        Lie::NoIdentity,
        Lie::CertificateAuthority,
        Lie::Expired,
        Lie::NotYetValid(Duration::from_secs(3000)),
        Lie::BrokenChain,
        Lie::Garbage,
    ];
    let world = World::start(Setup::default()).await;
    for (number, lie) in lies.into_iter().enumerate() {
        world
            .cluster
            .faults()
            .issuer(Conduct::Lie(lie.clone()), Times::Next(1));
        let account = format!("pod-{number}");
        let pod = world.pod(&account);
        let about_it = format!("\"pod\":\"{}\"", pod.name());
        let line = world.driver().wait_for_line(&about_it).await;
        assert_eq!(
            line["message"], "could not get a new certificate",
            "{lie:?}: {line}"
        );
        pod.wait_ready(LIMIT)
            .await
            .unwrap_or_else(|error| panic!("{lie:?}: {error}"));
        assert!(identity(&pod.volume_path()).ends_with(&account));
    }
    let metrics = world.fetch("--metrics-bind-address", "/metrics").await;
    assert!(
        metrics.contains("outcome=\"bad_certificate\"}"),
        "{metrics}"
    );
}

async fn refusing() {
    let world = World::start(Setup::default()).await;
    let refuse = Conduct::Refuse("the vault is sealed".to_owned());
    world.cluster.faults().issuer(refuse, Times::Next(2));
    let pod = world.ready_pod("web").await;

    let log = world.driver().log();
    assert!(log.contains("the vault is sealed"), "{log}");
    assert_eq!(world.calls("create"), 3);
    assert_eq!(world.requests().len(), 1, "what ended badly is deleted");
    pod.delete(LIMIT).await.unwrap();
}

async fn ailing() {
    let world = World::start(Setup::default()).await;
    let answers = [
        Answer::TooManyRequests { retry_after: 1 },
        Answer::InternalError,
        Answer::Unavailable,
        Answer::Close,
        Answer::Unauthorized,
        Answer::Delay(Duration::from_millis(300)),
    ];
    for (number, answer) in answers.into_iter().enumerate() {
        let creates = Filter::new("create", "certificaterequests");
        world
            .cluster
            .faults()
            .answer(creates, answer.clone(), Times::Next(1));
        let account = format!("pod-{number}");
        let pod = world.pod(&account);
        pod.wait_ready(LIMIT)
            .await
            .unwrap_or_else(|error| panic!("{answer:?}: {error}"));
        let mine = format!("system:serviceaccount:sandbox:{account}");
        let requests = world.requests();
        let count = requests
            .iter()
            .filter(|one| one["spec"]["username"] == *mine)
            .count();
        assert_eq!(count, 1, "{answer:?}");
    }
}

async fn lost_answer() {
    let world = World::start(Setup::default()).await;
    let creates = Filter::new("create", "certificaterequests");
    world
        .cluster
        .faults()
        .answer(creates, Answer::CloseAfterwards, Times::Next(1));
    let pod = world.ready_pod("web").await;

    assert_eq!(world.requests().len(), 1);
    assert_eq!(world.calls("create"), 2, "the same request twice");
    assert_eq!(world.calls("get"), 1);
    pod.delete(LIMIT).await.unwrap();
}

async fn watches() {
    let world = World::start(Setup::default()).await;
    world
        .cluster
        .faults()
        .issuer(Conduct::Slow(Duration::from_secs(2)), Times::Always);
    world.cluster.faults().cut_watches_after(Some(1));
    let pod = world.pod("web");
    world.wait_for_request(|_| true).await;
    world.cluster.faults().compact_history();
    world.cluster.faults().cut_watches();
    world.cluster.faults().sever_connections();

    pod.wait_ready(LIMIT).await.unwrap();
    assert_eq!(world.requests().len(), 1);
}

async fn gone() {
    let world = World::start(Setup::default()).await;
    let pod = world.ready_pod("web").await;
    let driver = "system:serviceaccount:cert-manager:cert-manager-csi-driver-spiffe";
    let hang = Filter::any().by(driver);
    world
        .cluster
        .faults()
        .answer(hang, Answer::Hang, Times::Always);

    pod.delete(Duration::from_secs(10)).await.unwrap();
    assert_eq!(world.mounts(), [""; 0]);
    assert!(world.records().is_empty());
    // What the driver cannot delete now goes with the pod that owns it.
    world.wait_for_no_requests().await;
    assert_eq!(world.status().await["volumes"].as_array().unwrap().len(), 0);
}

async fn late_approver() {
    let mut world = World::without_roles(Setup::default()).await;
    world.start_driver();
    world.wait_registered().await;
    let pod = world.pod("web");
    world.wait_for_request(|_| true).await;

    world.start_approver();
    pod.wait_ready(LIMIT).await.unwrap();
    assert_eq!(world.calls("create"), 1);
    assert_eq!(world.take_approver().terminate(), 0);
}
