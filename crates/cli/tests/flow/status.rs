//! `status` and `inspect --pod`, of a driver that runs.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};

use libtest_mimic::Trial;
use svid_devcluster::KubeletOptions;

use crate::role::Housing;
use crate::trial;
use crate::world::{Setup, World};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        trial("status_is_for_the_drivers_user_and_no_port_has_it", private),
        trial("in_the_drivers_container_no_flag_is_needed", in_a_pod),
        trial("a_pod_that_waits_is_shown_with_the_reason", waits),
        trial("the_socket_of_a_killed_driver_is_replaced", killed),
        trial(
            "a_driver_that_no_kubelet_has_found_is_alive_and_not_ready",
            not_found,
        ),
    ]
}

async fn private() {
    let world = World::start(Setup::default()).await;
    world.ready_pod("web").await;

    let socket = fs::symlink_metadata(world.status_socket()).unwrap();
    assert!(socket.file_type().is_socket());
    assert_eq!(socket.permissions().mode() & 0o7777, 0o600);
    for flag in ["--health-address", "--metrics-bind-address"] {
        let answer = world.fetch(flag, "/status").await;
        assert!(answer.starts_with("HTTP/1.1 404 "), "{flag}: {answer}");
    }
    assert!(!world.driver().log().contains("--status-address"));

    let words = vec!["--status-address=127.0.0.1:0".to_owned()];
    let world = World::start(Setup {
        driver_words: words,
        ..Setup::default()
    });
    let world = world.await;
    let answer = world.fetch("--status-address", "/status").await;
    assert!(answer.contains("\"registration\":"), "{answer}");
}

async fn in_a_pod() {
    let world = World::start(Setup {
        housing: Housing::Pod,
        driver_words: vec!["--file-name-certificate=svid.pem".to_owned()],
        ..Setup::default()
    });
    let world = world.await;
    let pod = world.ready_pod("web").await;
    let name = format!("--pod=sandbox/{}", pod.name());

    for (words, has) in [
        (&["status"][..], pod.name()),
        (&["status", &name], "1 resting"),
        (&["inspect", &name], "valid SVID in "),
        (&["inspect", &name], "svid.pem"),
    ] {
        let ran = world.driver().exec(words);

        let said = String::from_utf8([ran.stdout, ran.stderr].concat()).unwrap();
        assert_eq!(ran.status.code(), Some(0), "{words:?}: {said}");
        assert!(said.contains(has), "{words:?}: {said}");
    }
}

async fn waits() {
    let world = World::start(Setup::default()).await;
    let pod = world.pod_without_rights("nobody");
    world
        .driver()
        .wait_for_line("could not get a new certificate")
        .await;

    let (code, said) = world.ask("status", &[]).await;

    assert_eq!(code, 1, "{said}");
    let row = said.lines().find(|line| line.contains(pod.name()));
    let row = row.expect("a row for the pod");
    assert!(
        row.contains("last failure: ") && row.contains("certificaterequests"),
        "{row}"
    );
    let name = format!("--pod=sandbox/{}", pod.name());
    let (code, said) = world.ask("inspect", &[&name]).await;
    assert_ne!(code, 0, "{said}");
}

async fn killed() {
    let mut world = World::start(Setup::default()).await;
    world.ready_pod("web").await;
    world.take_driver().kill();
    assert!(world.status_socket().exists());

    let (code, said) = world.ask("status", &[]).await;
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("no longer running"), "{said}");

    world.start_driver();
    // What the kubelet knows may still be the registration of the process before.
    world.driver().wait_for_line("serving on").await;
    let status = world.status().await;
    assert_eq!(status["volumes"].as_array().unwrap().len(), 1, "{status}");
    assert_eq!(world.take_driver().terminate(), 0);
    assert!(!world.status_socket().exists());
}

async fn not_found() {
    let mut world = World::without_roles(Setup {
        kubelet: |options| KubeletOptions {
            registration_dir: Some(options.root.join("elsewhere")),
            ..options
        },
        ..Setup::default()
    })
    .await;
    world.start_driver();
    world.driver().wait_for_line("serving on").await;

    let ready = world.fetch("--health-address", "/readyz").await;
    assert!(ready.starts_with("HTTP/1.1 503 "), "{ready}");
    assert!(
        ready.contains("not registered: the kubelet has not called"),
        "{ready}"
    );
    let alive = world.fetch("--health-address", "/healthz").await;
    assert!(alive.starts_with("HTTP/1.1 200 "), "{alive}");
    let metrics = world.fetch("--metrics-bind-address", "/metrics").await;
    assert!(metrics.contains("csi_driver_spiffe_driver_registered 0.0\n"));
}
