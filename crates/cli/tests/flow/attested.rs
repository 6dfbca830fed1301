//! Who may ask for whom: the driver for the pods of its node, and pods for themselves.

use libtest_mimic::Trial;
use serde_json::{Value, json};
use svid_devcluster::{
    Answer, Binding, Filter, Identity, Options, Roles, ServiceAccountName, Times, TokenDelivery,
    resource,
};

use crate::change::changed;
use crate::clients::{identity, svid, text};
use crate::forged::{Forged, decided};
use crate::trial;
use crate::world::{LIMIT, Setup, World};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        trial(
            "a_pod_without_any_rights_gets_its_svid_from_a_driver_that_asks_itself",
            node_attested,
        ),
        trial(
            "a_driver_that_asks_itself_renews_after_a_restart_without_a_publish",
            restarted,
        ),
        trial(
            "a_stolen_driver_token_gets_nothing_for_other_nodes_and_no_pods",
            stolen,
        ),
        trial(
            "a_pod_that_cannot_be_read_leaves_its_request_pending",
            unreadable,
        ),
        trial(
            "a_pods_token_makes_no_request_for_another_pod",
            another_owner,
        ),
        trial(
            "only_tokens_of_pods_are_taken_where_that_is_required",
            unbound,
        ),
        trial(
            "a_driver_writes_the_annotations_that_its_approver_takes_and_no_other_request_passes",
            annotated,
        ),
    ]
}

const DRIVER: &str = "system:serviceaccount:cert-manager:cert-manager-csi-driver-spiffe";

/// Both roles in node-attested mode, with the rights that the chart gives them then.
async fn attested_world(duration: &'static str) -> World {
    let mode = || "--use-own-service-account".to_owned();
    let setup = Setup {
        cluster: Options {
            token_delivery: TokenDelivery::None,
            ..Options::default()
        },
        duration,
        driver_words: vec![mode()],
        approver_words: vec![mode(), format!("--driver-service-account={DRIVER}")],
        ..Setup::default()
    };
    let mut world = World::without_roles(setup).await;
    let options = world.cluster.options();
    for grant in [
        Roles::node_attested_driver(&options.driver),
        Roles::node_attested_approver(&options.approver),
    ] {
        world.cluster.permissions().grant(grant);
    }
    world.start_approver();
    world.start_driver();
    world.wait_registered().await;
    world
}

async fn node_attested() {
    let world = attested_world("9s").await;
    let pod = world.pod_without_rights("web");
    pod.wait_ready(LIMIT).await.unwrap();
    let volume = pod.volume_path();
    let first = (svid(&volume), text(&volume, "tls.key"));
    assert_eq!(identity(&volume), "spiffe://example.org/ns/sandbox/sa/web");
    let request = &world.requests()[0];
    assert_eq!(request["spec"]["username"], DRIVER);
    assert_eq!(request["metadata"]["ownerReferences"][0]["uid"], pod.uid());
    let reads = world.cluster.requests().count("get", "pods");
    assert_eq!(reads, 1, "one read a decision");

    changed(&pod, "tls.key", &first.1).await;
    assert_eq!(svid(&volume).spiffe_id(), first.0.spiffe_id());
    pod.delete(LIMIT).await.unwrap();
    world.wait_for_no_requests().await;
}

async fn restarted() {
    let mut world = attested_world("12s").await;
    let pod = world.pod_without_rights("web");
    pod.wait_ready(LIMIT).await.unwrap();
    let published = pod.status().successes;
    let before = text(&pod.volume_path(), "tls.key");
    world.take_driver().kill();
    world.start_driver();
    changed(&pod, "tls.key", &before).await;
    assert_eq!(pod.status().successes, published, "nothing was published");
    pod.delete(LIMIT).await.unwrap();
}

/// A pod that the embedded kubelet does not run, since it is on another node.
fn elsewhere(world: &World) -> String {
    let objects = world.cluster.objects();
    let account = ServiceAccountName::new("sandbox", "web");
    world.cluster.add_service_account(&account).unwrap();
    let node = json!({"metadata": {"name": "node-2"}});
    objects.create(&resource::NODES, "", node).unwrap();
    let driver = &world.cluster.options().driver_name;
    let pod = json!({
        "metadata": {"name": "elsewhere"},
        "spec": {
            "serviceAccountName": "web",
            "nodeName": "node-2",
            "containers": [{"name": "main", "image": "workload"}],
            "volumes": [{"name": "spiffe", "csi": {"driver": driver, "readOnly": true}}],
        },
    });
    let pod = objects.create(&resource::PODS, "sandbox", pod).unwrap();
    pod["metadata"]["uid"].as_str().unwrap().to_owned()
}

fn denial(condition: &Value) -> &str {
    assert_eq!(condition["type"], "Denied", "{condition}");
    condition["message"].as_str().unwrap()
}

async fn stolen() {
    let world = attested_world("1h").await;
    let uid = elsewhere(&world);
    let cases = [
        (
            "other-node",
            ("elsewhere", uid.as_str()),
            "on node \"node-2\"",
        ),
        ("earlier", ("elsewhere", "another"), "no longer exists"),
        ("never", ("nobody", "u"), "does not exist"),
    ];
    for (name, owner, words) in cases {
        let forged = Forged {
            name,
            owner: Some(owner),
            account: "web",
        };
        let condition = decided(&world, &Identity::Driver, forged).await;
        let message = denial(&condition);
        assert!(message.contains(words), "{name}: {message}");
    }
    // On its own node it has the identities of the pods there, and of nothing else.
    let pod = world.pod_without_rights("web");
    pod.wait_ready(LIMIT).await.unwrap();
    let forged = |name, account| Forged {
        name,
        owner: Some((pod.name(), pod.uid())),
        account,
    };
    let condition = decided(&world, &Identity::Driver, forged("admin", "admin")).await;
    assert!(denial(&condition).contains("sa/web"), "{condition}");
    let account = world.cluster.options().driver.clone();
    let anywhere = Identity::ServiceAccount(account, Binding::None);
    let condition = decided(&world, &anywhere, forged("unbound", "web")).await;
    assert!(
        denial(&condition).contains("Kubernetes 1.30"),
        "{condition}"
    );
}

async fn unreadable() {
    let world = attested_world("1h").await;
    let reads = Filter::new("get", "pods");
    let faults = world.cluster.faults();
    faults.answer(reads, Answer::InternalError, Times::Always);
    let pod = world.pod_without_rights("web");
    let line = world
        .approver()
        .wait_for_line("reading the Pod sandbox/")
        .await;
    assert_eq!(line["message"], "the decision failed, retrying", "{line}");
    let request = &world.requests()[0];
    assert!(request["status"]["conditions"][0].is_null(), "{request}");

    faults.clear();
    pod.wait_ready(LIMIT).await.unwrap();
    assert_eq!(world.calls("create"), 1, "the same request was approved");
}

async fn another_owner() {
    let world = World::start(Setup::default()).await;
    let (one, other) = (world.ready_pod("web").await, world.ready_pod("web").await);
    let account = ServiceAccountName::new("sandbox", "web");
    let by = Identity::ServiceAccount(account, Binding::Pod(one.name().to_owned()));
    let forged = |name, owner| Forged {
        name,
        owner,
        account: "web",
    };
    let cases = [
        ("others", Some((other.name(), other.uid())), other.name()),
        ("later", Some((one.name(), other.uid())), other.uid()),
        ("nobodys", None, "there is none"),
    ];
    for (name, owner, words) in cases {
        let condition = decided(&world, &by, forged(name, owner)).await;
        let message = denial(&condition);
        assert!(message.contains(words), "{name}: {message}");
    }
    let own = forged("own", Some((one.name(), one.uid())));
    assert_eq!(decided(&world, &by, own).await["type"], "Approved");
}

async fn unbound() {
    let setup = Setup {
        approver_words: vec!["--require-pod-bound-token".to_owned()],
        ..Setup::default()
    };
    let world = World::start(setup).await;
    let pod = world.ready_pod("web").await;
    let account = ServiceAccountName::new("sandbox", "web");
    let by = Identity::ServiceAccount(account, Binding::None);
    let forged = Forged {
        name: "unbound",
        owner: Some((pod.name(), pod.uid())),
        account: "web",
    };
    let condition = decided(&world, &by, forged).await;
    let message = denial(&condition);
    assert!(message.contains("--require-pod-bound-token"), "{message}");
}

async fn annotated() {
    let listed = || {
        vec![
            "--extra-certificate-request-annotations=example.com/team=blue,\"example.com/of=a,b\""
                .to_owned(),
        ]
    };
    let setup = Setup {
        driver_words: listed(),
        approver_words: listed(),
        ..Setup::default()
    };
    let world = World::start(setup).await;
    let pod = world.ready_pod("web").await;
    let written = &world.requests()[0]["metadata"]["annotations"];
    assert_eq!(written["example.com/of"], "a,b", "{written}");
    let forged = Forged {
        name: "bare",
        owner: Some((pod.name(), pod.uid())),
        account: "web",
    };
    let account = ServiceAccountName::new("sandbox", "web");
    let by = Identity::ServiceAccount(account, Binding::None);
    let condition = decided(&world, &by, forged).await;
    let message = denial(&condition);
    assert!(
        message.contains("\"example.com/of\" must be \"a,b\""),
        "{message}"
    );
}
