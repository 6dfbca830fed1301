//! What the kubelet sends, when it sends it again, and what it makes of each error.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use svid_api::csi::v1::volume_capability::AccessType;
use svid_devcluster::{
    Access, Cluster, Kubelet, KubeletOptions, Options, Phase, PodSpec, Retry, TokenDelivery,
    resource,
};
use tempfile::TempDir;
use tonic::Code;

use crate::fake_driver::{Asked, FakeDriver, Reply};
use crate::fixture::{LIMIT, cluster_with, till};
use crate::raw;

const TOKENS: &str = "csi.storage.k8s.io/serviceAccount.tokens";

struct Node {
    cluster: Cluster,
    kubelet: Kubelet,
    driver: FakeDriver,
    folder: TempDir,
}

impl Node {
    async fn new() -> Self {
        Self::with(Options::default(), |_| {}).await
    }

    async fn with(options: Options, change: impl FnOnce(&mut KubeletOptions)) -> Self {
        let folder = TempDir::new().expect("folder");
        let cluster = cluster_with(options).await;
        cluster.enroll(&till()).expect("enrolled");
        let socket = folder.path().join("csi.sock");
        let driver = FakeDriver::start(&socket);
        let mut options = KubeletOptions::with_endpoint(folder.path(), socket);
        options.retry = Retry {
            first: Duration::from_millis(10),
            longest: Duration::from_millis(40),
        };
        change(&mut options);
        let kubelet = Kubelet::start(&cluster, options);
        Self {
            cluster,
            kubelet,
            driver,
            folder,
        }
    }

    async fn end(self) {
        self.kubelet.stop().await;
        self.driver.stop().await;
        self.cluster.shutdown().await;
    }
}

fn mount_group(request: &svid_api::csi::v1::NodePublishVolumeRequest) -> String {
    let capability = request.volume_capability.clone().expect("capability");
    match capability.access_type.expect("access type") {
        AccessType::Mount(mount) => mount.volume_mount_group,
        AccessType::Block(_) => panic!("a block volume"),
    }
}

#[tokio::test]
async fn a_publish_is_what_a_kubelet_sends() {
    let node = Node::new().await;
    let mut spec = PodSpec::new(&till());
    spec.fs_group = Some(2000);
    spec.attributes.insert("a".to_owned(), "b".to_owned());
    spec.attributes.insert(
        "csi.storage.k8s.io/pod.name".to_owned(),
        "forged".to_owned(),
    );
    let pod = node.kubelet.run_pod(&spec).expect("pod");
    pod.wait_ready(LIMIT).await.expect("ready");

    let [request] = &node.driver.published()[..] else {
        panic!("one publish")
    };
    assert!(request.volume_id.starts_with("csi-") && request.volume_id.len() == 68);
    let target = node.folder.path().join(format!(
        "pods/{}/volumes/kubernetes.io~csi/spiffe/mount",
        pod.uid()
    ));
    assert_eq!(Path::new(&request.target_path), target);
    assert_eq!(pod.volume_path(), target);
    assert!(request.readonly && request.publish_context.is_empty() && request.secrets.is_empty());
    assert_eq!(mount_group(request), "2000");
    let context = &request.volume_context;
    let expected = [
        ("a", "b"),
        ("csi.storage.k8s.io/pod.name", pod.name()),
        ("csi.storage.k8s.io/pod.namespace", "shop"),
        ("csi.storage.k8s.io/pod.uid", pod.uid()),
        ("csi.storage.k8s.io/serviceAccount.name", "till"),
        ("csi.storage.k8s.io/ephemeral", "true"),
    ];
    for (key, value) in expected {
        assert_eq!(context.get(key).map(String::as_str), Some(value), "{key}");
    }
    assert_eq!(context.len(), expected.len() + 1, "and the tokens");
    let order: Vec<Asked> = node.driver.asked();
    assert_eq!(order[0], Asked::Capabilities);

    let parent = target.parent().expect("parent");
    let mode = std::fs::metadata(parent)
        .expect("parent")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o750);

    pod.delete(LIMIT).await.expect("deleted");
    assert_eq!(node.driver.unpublished(), 1);
    assert!(
        !node.folder.path().join("pods").join(pod.uid()).exists(),
        "nothing is left"
    );
    node.end().await;
}

#[tokio::test]
async fn a_driver_that_asks_for_no_tokens_gets_none() {
    let options = Options {
        token_delivery: TokenDelivery::None,
        ..Options::default()
    };
    let node = Node::with(options, |_| {}).await;
    let pod = node.kubelet.run_pod(&PodSpec::new(&till())).expect("pod");
    pod.wait_ready(LIMIT).await.expect("ready");
    let request = &node.driver.published()[0];
    assert!(!request.volume_context.contains_key(TOKENS));
    assert!(!request.secrets.contains_key(TOKENS));
    node.end().await;
}

#[tokio::test]
async fn the_token_is_good_where_it_was_put_and_is_used_again() {
    for delivery in [TokenDelivery::Context, TokenDelivery::Secrets] {
        let options = Options {
            token_delivery: delivery,
            ..Options::default()
        };
        let node = Node::with(options, |_| {}).await;
        let pod = node.kubelet.run_pod(&PodSpec::new(&till())).expect("pod");
        pod.wait_ready(LIMIT).await.expect("ready");
        pod.touch().expect("touched");
        pod.wait_for(LIMIT, |status| status.successes == 2)
            .await
            .expect("again");
        let published = node.driver.published();
        let tokens = |index: usize| {
            let request: &svid_api::csi::v1::NodePublishVolumeRequest = &published[index];
            let (there, elsewhere) = if delivery == TokenDelivery::Secrets {
                (&request.secrets, &request.volume_context)
            } else {
                (&request.volume_context, &request.secrets)
            };
            assert!(!elsewhere.contains_key(TOKENS));
            there[TOKENS].clone()
        };
        assert_eq!(tokens(0), tokens(1), "a cached token is handed out again");
        let tokens: Value = serde_json::from_str(&tokens(0)).expect("JSON");
        let token = tokens[""]["token"]
            .as_str()
            .expect("token for the API server");
        assert!(
            tokens[""]["expirationTimestamp"]
                .as_str()
                .is_some_and(|at| at.ends_with('Z'))
        );
        let path = "/apis/cert-manager.io/v1/namespaces/shop/certificaterequests";
        let body = crate::fixture::request_body("x").to_string();
        let made = raw::send(&node.cluster, "POST", path, Some(token), &body).await;
        let made = made.expect("answer");
        let uid = &made.body["spec"]["extra"]["authentication.kubernetes.io/pod-uid"];
        assert_eq!((made.code, uid), (201, &json!([pod.uid()])));
        node.end().await;
    }
}

#[tokio::test]
async fn a_token_is_renewed_when_most_of_its_life_is_over() {
    let node = Node::new().await;
    let pod = node.kubelet.run_pod(&PodSpec::new(&till())).expect("pod");
    pod.wait_ready(LIMIT).await.expect("ready");
    for (minutes, successes) in [(47, 2), (49, 3)] {
        let ahead = jiff::SignedDuration::from_mins(minutes);
        node.cluster.clock().set_offset(ahead);
        pod.touch().expect("touched");
        pod.wait_for(LIMIT, |status| status.successes == successes)
            .await
            .expect("again");
    }
    let tokens: Vec<String> = node
        .driver
        .published()
        .iter()
        .map(|request| request.volume_context[TOKENS].clone())
        .collect();
    assert_eq!(tokens[0], tokens[1], "48 of 60 minutes are 80 %");
    assert_ne!(tokens[1], tokens[2]);
    node.end().await;
}

#[tokio::test]
async fn a_published_volume_is_published_again_at_the_interval() {
    let soon = Duration::from_millis(20)..=Duration::from_millis(30);
    let node = Node::with(Options::default(), |options| options.republish = soon).await;
    let pod = node.kubelet.run_pod(&PodSpec::new(&till())).expect("pod");
    pod.wait_for(LIMIT, |status| status.successes >= 4)
        .await
        .expect("again and again");
    let off = json!({"spec": {"requiresRepublish": false}});
    let name = &node.cluster.options().driver_name;
    node.cluster
        .objects()
        .merge(&resource::CSI_DRIVERS, "", name, &off)
        .expect("off");
    let other = node.kubelet.run_pod(&PodSpec::new(&till())).expect("pod");
    other.wait_ready(LIMIT).await.expect("ready");
    let more = other
        .wait_for(Duration::from_millis(150), |status| status.successes > 1)
        .await;
    assert!(more.is_err(), "unless the CSIDriver does not ask for it");
    node.end().await;
}

#[tokio::test]
async fn errors_that_leave_doubt_are_retried_and_later_unpublished() {
    for code in [
        Code::Cancelled,
        Code::DeadlineExceeded,
        Code::Unavailable,
        Code::ResourceExhausted,
        Code::Aborted,
    ] {
        let node = Node::new().await;
        node.driver.reply(vec![Reply::Error(code); 1000]);
        let pod = node.kubelet.run_pod(&PodSpec::new(&till())).expect("pod");
        let status = pod
            .wait_for(LIMIT, |status| status.attempts >= 3)
            .await
            .expect("retried");
        assert_eq!(status.phase, Phase::Uncertain, "{code:?}");
        assert_eq!(status.last_error.expect("error").code, code);
        pod.terminate().expect("deleted");
        pod.wait_for(LIMIT, |status| status.unpublish_attempts >= 2)
            .await
            .expect("unpublished");
        node.end().await;
    }
}

#[tokio::test]
async fn errors_that_are_final_make_the_kubelet_forget_the_volume() {
    for code in [
        Code::InvalidArgument,
        Code::Internal,
        Code::NotFound,
        Code::Unknown,
        Code::PermissionDenied,
    ] {
        let node = Node::new().await;
        node.driver
            .reply(vec![Reply::Error(Code::Unavailable), Reply::Error(code)]);
        node.driver.reply(vec![Reply::Error(code); 1000]);
        let pod = node.kubelet.run_pod(&PodSpec::new(&till())).expect("pod");
        let status = pod
            .wait_for(LIMIT, |status| status.attempts >= 4)
            .await
            .expect("retried");
        assert_eq!(status.phase, Phase::Absent, "even after doubt: {code:?}");
        pod.delete(LIMIT).await.expect("deleted");
        assert_eq!(node.driver.unpublished(), 0, "{code:?}");
        assert!(!node.folder.path().join("pods").join(pod.uid()).exists());
        node.end().await;
    }
}

#[tokio::test]
async fn a_volume_that_was_published_stays_so_whatever_publishing_again_brings() {
    let node = Node::new().await;
    let pod = node.kubelet.run_pod(&PodSpec::new(&till())).expect("pod");
    pod.wait_ready(LIMIT).await.expect("ready");
    node.driver.reply([
        Reply::Error(Code::InvalidArgument),
        Reply::Error(Code::Unavailable),
    ]);
    pod.touch().expect("touched");
    let status = pod
        .wait_for(LIMIT, |status| status.successes == 2)
        .await
        .expect("recovered");
    assert_eq!((status.attempts, status.phase), (4, Phase::Published));
    assert!(pod.volume_path().exists());
    pod.delete(LIMIT).await.expect("deleted");
    node.end().await;
}

#[tokio::test]
async fn a_call_without_an_answer_ends_at_the_deadline_in_doubt() {
    let brief = Duration::from_millis(100);
    let node = Node::with(Options::default(), |options| options.deadline = brief).await;
    node.driver.reply([Reply::Never]);
    let pod = node.kubelet.run_pod(&PodSpec::new(&till())).expect("pod");
    let failed = |status: &svid_devcluster::VolumeStatus| status.last_error.is_some();
    let status = pod.wait_for(LIMIT, failed).await.expect("ended");
    assert_eq!(status.phase, Phase::Uncertain);
    assert_eq!(
        status.last_error.expect("error").code,
        Code::DeadlineExceeded
    );
    pod.wait_ready(LIMIT).await.expect("retried");
    node.end().await;
}

#[tokio::test]
async fn a_dead_driver_is_unavailable_and_unpublish_waits_for_the_next() {
    let node = Node::new().await;
    let pod = node.kubelet.run_pod(&PodSpec::new(&till())).expect("pod");
    pod.wait_ready(LIMIT).await.expect("ready");
    let Node {
        cluster,
        kubelet,
        driver,
        folder,
    } = node;
    driver.stop().await;
    pod.terminate().expect("deleted");
    let tried = |status: &svid_devcluster::VolumeStatus| status.unpublish_attempts >= 3;
    let status = pod.wait_for(LIMIT, tried).await.expect("tried");
    assert_eq!(status.last_error.expect("error").code, Code::Unavailable);
    let objects = cluster.objects();
    assert!(
        objects.read(&resource::PODS, "shop", pod.name()).is_some(),
        "the pod is stranded"
    );
    let driver = FakeDriver::start(&folder.path().join("csi.sock"));
    pod.wait_for(LIMIT, |status| status.phase == Phase::Removed)
        .await
        .expect("torn down");
    kubelet.stop().await;
    driver.stop().await;
    cluster.shutdown().await;
}

#[tokio::test]
async fn without_the_capability_there_is_no_mount_group_and_read_write_is_sent_as_such() {
    let node = Node::new().await;
    node.driver.drop_capabilities();
    let mut spec = PodSpec::new(&till());
    spec.fs_group = Some(2000);
    spec.access = Access::ReadWrite;
    let pod = node.kubelet.run_pod(&spec).expect("pod");
    pod.wait_ready(LIMIT).await.expect("ready");
    let request = &node.driver.published()[0];
    assert_eq!(mount_group(request), "");
    assert!(!request.readonly);
    node.end().await;
}

#[tokio::test]
async fn a_new_kubelet_publishes_every_volume_anew_and_tears_down_what_it_finds() {
    let node = Node::new().await;
    let stays = node.kubelet.run_pod(&PodSpec::new(&till())).expect("pod");
    let goes = node.kubelet.run_pod(&PodSpec::new(&till())).expect("pod");
    stays.wait_ready(LIMIT).await.expect("ready");
    goes.wait_ready(LIMIT).await.expect("ready");
    let Node {
        cluster,
        kubelet,
        driver,
        folder,
    } = node;
    kubelet.stop().await;
    assert_eq!(
        driver.unpublished(),
        0,
        "a kubelet that stops unpublishes nothing"
    );
    goes.terminate().expect("deleted");
    let before = driver.published().len();
    let options = KubeletOptions::with_endpoint(folder.path(), folder.path().join("csi.sock"));
    let kubelet = Kubelet::start(&cluster, options);
    let stays = kubelet
        .find_pod("shop", stays.name(), "spiffe")
        .expect("still there");
    stays
        .wait_for(LIMIT, |status| status.successes == 1)
        .await
        .expect("published anew");
    let gone = |pod: &Value| pod["metadata"]["name"] == goes.name();
    cluster
        .objects()
        .wait_for_none(&resource::PODS, Some("shop"), LIMIT, gone)
        .await
        .expect("torn down");
    assert_eq!(
        (driver.published().len() - before, driver.unpublished()),
        (1, 1)
    );
    kubelet.stop().await;
    driver.stop().await;
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_volume_that_no_container_mounts_is_not_published() {
    let node = Node::new().await;
    let driver_name = &node.cluster.options().driver_name;
    let pod = json!({"metadata": {"name": "p"}, "spec": {
        "serviceAccountName": "till",
        "nodeName": "node-1",
        "containers": [{"name": "c"}],
        "volumes": [{"name": "v", "csi": {"driver": driver_name, "readOnly": true}}],
    }});
    let objects = node.cluster.objects();
    objects.create(&resource::PODS, "shop", pod).expect("pod");
    let running =
        |pod: &Value| pod["metadata"]["name"] == "p" && pod["status"]["phase"] == "Running";
    objects
        .wait_for(&resource::PODS, None, LIMIT, running)
        .await
        .expect("runs without it");
    assert!(node.driver.published().is_empty());
    objects
        .terminate(&resource::PODS, "shop", "p")
        .expect("deleted");
    let gone = |pod: &Value| pod["metadata"]["name"] == "p";
    objects
        .wait_for_none(&resource::PODS, Some("shop"), LIMIT, gone)
        .await
        .expect("gone");
    node.end().await;
}
