//! A pod's volume, from its first file to its end.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::process::Command;

use libtest_mimic::Trial;
use svid_devcluster::{Access, Options, PodSpec, ServiceAccountName, TokenDelivery, resource};

use crate::clients::{handshake, identity, text};
use crate::documented;
use crate::trial;
use crate::world::{LIMIT, Setup, World, files};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        trial("a_pod_gets_an_svid_that_lives_and_dies_with_it", life),
        trial("pods_do_mutual_tls_and_see_who_the_other_is", mutual_tls),
        trial("a_token_in_the_secrets_serves_as_well", secrets),
        trial("hostile_attributes_change_nothing", hostile),
        trial(
            "what_is_not_read_only_is_refused_and_nothing_is_left",
            read_write,
        ),
        trial("metrics_and_status_tell_what_is_there", told),
    ]
}

async fn life() {
    let world = World::start(Setup::default()).await;
    let pod = world.ready_pod("web").await;
    let volume = pod.volume_path();

    assert_eq!(identity(&volume), "spiffe://example.org/ns/sandbox/sa/web");
    for file in ["tls.crt", "tls.key", "ca.crt"] {
        let metadata = fs::metadata(volume.join(file)).unwrap();
        assert_eq!(metadata.mode() & 0o7777, 0o440, "{file}");
        let refused = fs::write(volume.join(file), "x").unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ReadOnlyFilesystem, "{file}");
    }
    assert!(text(&volume, "tls.key").starts_with("-----BEGIN PRIVATE KEY-----"));
    let inspected = Command::new(env!("CARGO_BIN_EXE_csi-driver-spiffe"))
        .arg("inspect")
        .arg(&volume)
        .output()
        .unwrap();
    assert!(inspected.status.success(), "{inspected:?}");
    assert_eq!(world.mounts().len(), 1);
    assert_eq!(world.records().len(), 1);
    let calls = ["create", "watch", "get", "list", "delete"].map(|verb| world.calls(verb));
    // The approver lists and watches, too.
    assert_eq!((calls[0], calls[2], calls[4]), (1, 0, 0), "{calls:?}");
    let request = &world.requests()[0];
    assert_eq!(
        request["spec"]["username"],
        "system:serviceaccount:sandbox:web"
    );
    assert_eq!(request["metadata"]["ownerReferences"][0]["uid"], pod.uid());

    pod.delete(LIMIT).await.unwrap();
    assert_eq!(world.mounts(), [""; 0]);
    assert!(world.records().is_empty());
    assert!(!volume.exists());
    world.wait_for_no_requests().await;
}

async fn mutual_tls() {
    let world = World::start(Setup::default()).await;
    let (web, database) = (
        world.ready_pod("web").await,
        world.ready_pod("database").await,
    );

    let seen = handshake(&web.volume_path(), &database.volume_path()).unwrap();

    let id = |name| format!("spiffe://example.org/ns/sandbox/sa/{name}");
    assert_eq!(seen, (id("database"), id("web")));
    assert_ne!(
        text(&web.volume_path(), "tls.key"),
        text(&database.volume_path(), "tls.key")
    );
}

async fn secrets() {
    let world = World::start(Setup {
        cluster: Options {
            token_delivery: TokenDelivery::Secrets,
            ..Options::default()
        },
        ..Setup::default()
    });
    let world = world.await;
    let pod = world.ready_pod("web").await;
    assert_eq!(
        identity(&pod.volume_path()),
        "spiffe://example.org/ns/sandbox/sa/web"
    );
}

async fn hostile() {
    let world = World::start(Setup::default()).await;
    let account = ServiceAccountName::new("sandbox", "web");
    world.cluster.enroll(&account).unwrap();
    let attributes = [
        (
            "spiffe.csi.cert-manager.io/identity",
            "spiffe://example.org/ns/kube-system/sa/admin",
        ),
        ("csi.cert-manager.io/issuer-name", "other"),
        ("target", "../../etc"),
        ("serviceAccount", "admin"),
        ("", "empty"),
        ("ca.crt", "x"),
    ];
    let own = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
    let spec = PodSpec {
        attributes: attributes.into_iter().map(own).collect(),
        ..PodSpec::new(&account)
    };
    let pod = world.kubelet.run_pod(&spec).unwrap();
    pod.wait_ready(LIMIT).await.unwrap();
    assert_eq!(
        identity(&pod.volume_path()),
        "spiffe://example.org/ns/sandbox/sa/web"
    );
    assert_eq!(
        world.requests()[0]["spec"]["issuerRef"]["name"],
        "spiffe-ca"
    );
}

async fn read_write() {
    let world = World::start(Setup::default()).await;
    let account = ServiceAccountName::new("sandbox", "web");
    world.cluster.enroll(&account).unwrap();
    let spec = PodSpec {
        access: Access::ReadWrite,
        ..PodSpec::new(&account)
    };
    let pod = world.kubelet.run_pod(&spec).unwrap();
    let refused = pod
        .wait_for(LIMIT, |status| status.last_error.is_some())
        .await
        .unwrap();

    let error = refused.last_error.unwrap().to_string();
    assert!(error.contains("readOnly"), "{error}");
    assert!(world.records().is_empty());
    assert_eq!(world.mounts(), [""; 0]);
    assert!(world.requests().is_empty());
    pod.delete(LIMIT).await.unwrap();
}

async fn told() {
    let world = World::start(Setup::default()).await;
    let pod = world.ready_pod("web").await;

    let status = world.status().await;
    assert_eq!(status["registration"]["state"], "registered");
    assert_eq!(status["volumes"][0]["pod"], pod.name());
    assert_eq!(status["volumes"][0]["phase"], "resting");
    assert_eq!(status["volumes"][0]["valid"], true);
    let metrics = world.fetch("--metrics-bind-address", "/metrics").await;
    for line in [
        "csi_driver_spiffe_driver_registered 1.0\n",
        "csi_driver_spiffe_driver_volumes 1.0\n",
        "csi_driver_spiffe_driver_volumes_without_certificate 0.0\n",
        "csi_driver_spiffe_driver_volumes_awaiting_token 0.0\n",
        "csi_driver_spiffe_driver_attempts_total{kind=\"issuance\",outcome=\"issued\"} 1\n",
        "csi_driver_spiffe_driver_stage_duration_seconds_count{stage=\"published\"} 1\n",
        "csi_driver_spiffe_driver_nearest_expiration_timestamp_seconds ",
        "csi_driver_spiffe_driver_certificate_duration_seconds 3600.0\n",
        // Also what has not happened yet.
        "csi_driver_spiffe_driver_attempts_total{kind=\"renewal\",outcome=\"denied\"} 0\n",
        "csi_driver_spiffe_driver_api_errors_total{call=\"create\",error=\"forbidden\"} 0\n",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    assert_eq!(documented::differences(&metrics, "Driver"), [""; 0]);
    assert!(!metrics.contains(pod.name()) && !metrics.contains("sandbox"));
    for path in ["/healthz", "/readyz"] {
        let answer = world.fetch("--health-address", path).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{path}: {answer}");
    }
    assert!(files(&world.path("data")).len() == 1);
    assert!(
        world
            .cluster
            .objects()
            .list(&resource::EVENTS, None)
            .is_empty()
    );
}
