//! How drivers come and go in the registration folder.

use std::path::PathBuf;
use std::time::Duration;

use svid_api::registration::v1::RegistrationStatus;
use svid_devcluster::{Cluster, Kubelet, KubeletOptions, PodSpec};
use tempfile::TempDir;

use crate::fake_driver::{Asked, FakeDriver};
use crate::fixture::{LIMIT, cluster, till};

async fn node() -> (TempDir, Cluster, Kubelet, PathBuf) {
    let folder = TempDir::new().expect("folder");
    let cluster = cluster().await;
    cluster.enroll(&till()).expect("enrolled");
    let mut options = KubeletOptions::new(folder.path());
    options.registration_poll = Duration::from_millis(5);
    options.retry.first = Duration::from_millis(10);
    let kubelet = Kubelet::start(&cluster, options);
    let socket = folder.path().join("plugins_registry/spiffe-reg.sock");
    (folder, cluster, kubelet, socket)
}

fn told(driver: &FakeDriver) -> Vec<RegistrationStatus> {
    let asked = driver.asked().into_iter();
    asked
        .filter_map(|asked| {
            let Asked::Registered(status) = asked else {
                return None;
            };
            Some(status)
        })
        .collect()
}

/// Waits until the kubelet has told the driver how its registration ended.
async fn first_told(driver: &FakeDriver) -> RegistrationStatus {
    let first = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(5));
        loop {
            if let Some(status) = told(driver).into_iter().next() {
                break status;
            }
            ticks.tick().await;
        }
    };
    tokio::time::timeout(LIMIT, first).await.expect("told")
}

#[tokio::test]
async fn a_socket_that_appears_is_asked_who_it_is_and_then_used() {
    let (_folder, cluster, kubelet, socket) = node().await;
    let pod = kubelet.run_pod(&PodSpec::new(&till())).expect("pod");
    let waits = |status: &svid_devcluster::VolumeStatus| {
        let error = status.last_error.as_ref();
        error.is_some_and(|error| {
            error
                .message
                .contains("not found in the list of registered")
        })
    };
    pod.wait_for(LIMIT, waits)
        .await
        .expect("waits for a driver");
    let driver = FakeDriver::start(&socket);
    assert!(kubelet.wait_registered(true, LIMIT).await);
    pod.wait_ready(LIMIT)
        .await
        .expect("an empty endpoint is the socket itself");
    let status = RegistrationStatus {
        plugin_registered: true,
        error: String::new(),
    };
    assert_eq!(first_told(&driver).await, status);
    driver.stop().await;
    assert!(
        kubelet.wait_registered(false, LIMIT).await,
        "gone with its socket"
    );
    kubelet.stop().await;
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_killed_driver_stays_registered_until_its_socket_is_replaced() {
    let (_folder, cluster, kubelet, socket) = node().await;
    let driver = FakeDriver::start(&socket);
    assert!(first_told(&driver).await.plugin_registered);
    driver.kill().await;
    let moment = Duration::from_millis(50);
    assert!(
        !kubelet.wait_registered(false, moment).await,
        "nobody checks its health"
    );
    let next = socket.with_file_name(".next");
    let driver = FakeDriver::start(&next);
    std::fs::rename(&next, &socket).expect("renamed");
    assert!(
        first_told(&driver).await.plugin_registered,
        "registered again"
    );
    driver.kill().await;
    kubelet.stop().await;
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_driver_with_a_bad_answer_is_told_why_it_is_not_taken() {
    let (_folder, cluster, kubelet, socket) = node().await;
    let driver = FakeDriver::start(&socket.with_file_name(".hidden"));
    driver.set_node_id("");
    std::fs::rename(socket.with_file_name(".hidden"), &socket).expect("renamed");
    let refused = first_told(&driver).await;
    assert!(
        !refused.plugin_registered && refused.error.contains("node id"),
        "{refused:?}"
    );
    assert!(kubelet.socket().is_none());
    driver.set_node_id("node-1");
    assert!(
        kubelet.wait_registered(true, LIMIT).await,
        "and is asked again"
    );
    driver.kill().await;
    kubelet.stop().await;
    cluster.shutdown().await;
}

#[tokio::test]
async fn what_is_no_socket_or_hidden_is_left_alone() {
    let (folder, cluster, kubelet, socket) = node().await;
    let registry = folder.path().join("plugins_registry");
    std::fs::create_dir_all(registry.join("deeper")).expect("folder");
    std::fs::write(registry.join("file.sock"), "no socket").expect("file");
    let hidden = FakeDriver::start(&registry.join(".hidden.sock"));
    let moment = Duration::from_millis(50);
    assert!(!kubelet.wait_registered(true, moment).await);
    let deeper = FakeDriver::start(&registry.join("deeper/reg.sock"));
    assert!(kubelet.wait_registered(true, LIMIT).await);
    assert!(!socket.exists());
    hidden.stop().await;
    deeper.stop().await;
    kubelet.stop().await;
    cluster.shutdown().await;
}
