//! Failures that last: what nobody can ever decide rests, and a right that is given is noticed.

use super::*;
use crate::metrics::Undecided;

/// Lets every decision fail until the filter is cleared.
fn always(world: &World, answer: Answer) {
    let filter = Filter::new("patch", resource::CERTIFICATE_REQUESTS.plural);
    world.inject_always(filter, answer);
}

#[tokio::test(start_paused = true)]
async fn what_can_never_be_decided_rests_until_it_changes() {
    let refused = |code, message: &str| Answer::Refused {
        code,
        message: message.to_owned(),
    };
    for (what, answer) in [
        ("without a status", Answer::NotFound),
        (
            "of no such kind",
            refused(
                403,
                "admission webhook \"webhook.cert-manager.io\" denied the request: spec.issuerRef: \
                 Forbidden: referenced signer resource does not exist: {x Nope nope.example}",
            ),
        ),
        (
            "too large",
            refused(413, "Request entity too large: limit is 3145728"),
        ),
        (
            "too large for etcd",
            refused(500, "etcdserver: request is too large"),
        ),
        ("malformed", refused(400, "cannot unmarshal")),
        (
            "invalid",
            refused(422, "CertificateRequest \"x\" is invalid"),
        ),
    ] {
        let world = World::new();
        always(&world, answer);
        world.put(&key("x"), right("x"));
        let approver = Running::start(&world, "a", configuration());
        sleep(Duration::from_secs(600)).await;
        assert_eq!(world.decisions(), 1, "{what}");
        let undecidable = approver.metrics.count_undecided(Undecided::Undecidable);
        assert_eq!(undecidable, 1, "{what}");
        let pending = approver.metrics.count_undecided(Undecided::Pending);
        assert_eq!(pending, 0, "{what}");
        world.clear_faults();
        world.put(&key("x"), json!({ "metadata": { "labels": { "a": "b" } } }));
        world.until(&key("x"), is("Approved")).await;
        approver.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_refused_is_decided_within_the_hour_once_it_can_be() {
    let world = World::new();
    world.inject("patch", &resource::CERTIFICATE_REQUESTS, Answer::NotFound);
    world.put(&key("x"), right("x"));
    let approver = Running::start(&world, "a", configuration());
    sleep(Duration::from_secs(3601)).await;
    world.until(&key("x"), is("Approved")).await;
    assert_eq!(world.decisions(), 2);
    approver.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_right_that_was_missing_for_long_is_noticed_within_five_minutes() {
    let world = World::new();
    always(&world, Answer::Forbidden);
    world.put(&key("x"), right("x"));
    let approver = Running::start(&world, "a", configuration());
    sleep(Duration::from_secs(1200)).await;
    let tried = world.decisions();
    assert!((8..20).contains(&tried), "{tried}");
    assert_eq!(approver.metrics.count_undecided(Undecided::Pending), 1);
    world.clear_faults();
    sleep(Duration::from_secs(300)).await;
    assert_eq!(
        decision(&world.object(&key("x")).unwrap()).as_deref(),
        Some("Approved")
    );
    approver.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_ordinary_request_for_a_kind_that_nobody_serves_is_not_approved() {
    let world = World::new();
    let mut configuration = configuration();
    configuration.ordinary_requests = OrdinaryRequests::Approve;
    let approver = Running::start(&world, "a", configuration);
    let ordinary = |name: &str, kind: &str, group: &str| {
        let mut object = right(name);
        object["metadata"]["annotations"] = json!({});
        object["spec"]["issuerRef"] = json!({ "name": "x", "kind": kind, "group": group });
        object["spec"]["request"] = json!(EncodedBytes::encode(WEB_CSR));
        object
    };
    for (name, kind, group) in [
        ("no-group", "Nope", "nope.example"),
        ("no-kind", "Nope", "coordination.k8s.io"),
        ("not-ours", "Nope", "cert-manager.io"),
        ("no-name", "Nope", "../../api"),
    ] {
        world.put(&key(name), ordinary(name, kind, group));
    }
    // Stands for the kind of an external issuer.
    let external = ordinary("external", "Lease", "coordination.k8s.io");
    world.put(&key("external"), external);
    world.until(&key("external"), is("Approved")).await;
    sleep(Duration::from_secs(600)).await;
    assert_eq!(world.decisions(), 1);
    let undecidable = approver.metrics.count_undecided(Undecided::Undecidable);
    assert_eq!(undecidable, 4);
    approver.stop().await;
}
