//! What changes while pods run: certificates, trust bundle, issuer.

use std::fs::{self, File};
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use libtest_mimic::Trial;
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use serde_json::json;
use svid_devcluster::{Conduct, IssuerReference, Object, Options, PodHandle, Times, resource};
use tokio::io::unix::AsyncFd;

use crate::clients::{handshake, identity, svid, text};
use crate::trial;
use crate::world::{LIMIT, Setup, World};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        trial(
            "a_certificate_is_renewed_in_the_place_that_the_pod_sees",
            renewal,
        ),
        trial(
            "a_new_trust_bundle_reaches_every_pod_beside_the_same_key",
            rotation,
        ),
        trial(
            "a_broken_trust_bundle_is_refused_and_the_last_good_one_kept",
            broken_bundle,
        ),
        trial(
            "the_issuer_of_the_config_map_is_asked_as_soon_as_it_changes",
            runtime_issuer,
        ),
    ]
}

/// Waits until a file of a pod's volume is not what it was. Volumes are changed by swapping a
/// link in their folder, which the kernel tells of.
pub(crate) async fn changed(pod: &PodHandle, file: &str, before: &str) -> String {
    let volume = pod.volume_path();
    let watch = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).unwrap();
    inotify::add_watch(&watch, &volume, WatchFlags::MOVED_TO | WatchFlags::CREATE).unwrap();
    #[expect(deprecated, reason = "the descriptor of an OwnedFd does not change")]
    let watch = AsyncFd::new(watch).unwrap();
    let wait = async {
        loop {
            let now = text(&volume, file);
            if now != before {
                return now;
            }
            let mut ready = watch.readable().await.unwrap();
            let mut buffer = [std::mem::MaybeUninit::uninit(); 4096];
            let mut events = inotify::Reader::new(watch.get_ref(), &mut buffer);
            while events.next().is_ok() {}
            ready.clear_ready();
        }
    };
    let waited = tokio::time::timeout(LIMIT, wait).await;
    waited.unwrap_or_else(|_elapsed| panic!("{file} does not change"))
}

/// The folder as a process in the pod that opened it sees it.
pub(crate) fn held(volume: &Path) -> (File, PathBuf) {
    let folder = File::open(volume).unwrap();
    let path = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd()));
    (folder, path)
}

async fn renewal() {
    let world = World::start(Setup {
        duration: "9s",
        ..Setup::default()
    });
    let world = world.await;
    let pod = world.ready_pod("web").await;
    let (_held, seen) = held(&pod.volume_path());
    let first = (svid(&seen), text(&seen, "tls.key"));

    let key = changed(&pod, "tls.key", &first.1).await;

    assert_eq!(text(&seen, "tls.key"), key);
    let renewed = svid(&seen);
    assert_eq!(renewed.spiffe_id(), first.0.spiffe_id());
    assert_ne!(renewed.leaf().as_bytes(), first.0.leaf().as_bytes());
    assert_eq!(world.mounts().len(), 1);
    let objects = world.cluster.objects();
    let requests = &resource::CERTIFICATE_REQUESTS;
    let deleted = |left: &[Object]| (left.len() == 1).then_some(());
    objects
        .wait_until(requests, None, LIMIT, deleted)
        .await
        .unwrap();
    assert_eq!(world.calls("delete"), 1);
    assert_eq!(world.calls("create"), 2);
    pod.delete(LIMIT).await.unwrap();
}

async fn rotation() {
    let world = World::start(Setup::default()).await;
    let (web, database) = (
        world.ready_pod("web").await,
        world.ready_pod("database").await,
    );
    let before = text(&web.volume_path(), "ca.crt");
    let files = |pod: &PodHandle| ["tls.crt", "tls.key"].map(|name| text(&pod.volume_path(), name));
    let (web_files, database_files) = (files(&web), files(&database));

    world.cluster.issuer().rotate().unwrap();
    let both = world.cluster.issuer().all_roots_pem().unwrap();
    // As a mounted ConfigMap is changed: by a link.
    fs::write(world.path("next.pem"), &both).unwrap();
    std::os::unix::fs::symlink("next.pem", world.path("link.pem")).unwrap();
    fs::rename(world.path("link.pem"), world.path("roots.pem")).unwrap();

    for (pod, unchanged) in [(&web, web_files), (&database, database_files)] {
        let bundle = changed(pod, "ca.crt", &before).await;
        assert_eq!(bundle.matches("BEGIN CERTIFICATE").count(), 2);
        assert_eq!(files(pod), unchanged);
    }
    let newcomer = world.ready_pod("newcomer").await;
    handshake(&newcomer.volume_path(), &web.volume_path()).unwrap();
    handshake(&web.volume_path(), &newcomer.volume_path()).unwrap();
    assert_eq!(world.calls("create"), 3);
}

async fn broken_bundle() {
    let world = World::start(Setup::default()).await;
    let pod = world.ready_pod("web").await;
    let bundle = text(&pod.volume_path(), "ca.crt");

    fs::write(world.path("roots.pem"), "").unwrap();
    world.driver().wait_for_line("roots.pem").await;
    let next = world.ready_pod("next").await;

    assert_eq!(text(&pod.volume_path(), "ca.crt"), bundle);
    assert_eq!(text(&next.volume_path(), "ca.crt"), bundle);
    let status = world.status().await;
    assert!(
        status["trustBundle"]["newerRefused"].is_string(),
        "{status}"
    );
}

async fn runtime_issuer() {
    let place = ("cert-manager".to_owned(), "issuer".to_owned());
    let words = [
        "--runtime-issuance-config-map-namespace=cert-manager".to_owned(),
        "--runtime-issuance-config-map-name=issuer".to_owned(),
    ];
    let world = World::start(Setup {
        cluster: Options {
            runtime_issuance: Some(place),
            ..Options::default()
        },
        driver_words: words.to_vec(),
        approver_words: words.to_vec(),
        ..Setup::default()
    });
    let world = world.await;
    let first = world.ready_pod("first").await;
    assert!(identity(&first.volume_path()).ends_with("/first"));
    let other = IssuerReference::cluster("other-ca");
    let other_ca = world.cluster.add_issuer(other, "").unwrap();
    // Nobody answers the old issuer's requests any more.
    world
        .cluster
        .faults()
        .issuer(Conduct::Silent, Times::Next(1));
    let waiting = world.pod("second");
    world
        .wait_for_request(|request| {
            request["spec"]["username"] == "system:serviceaccount:sandbox:second"
                && request["status"]["conditions"][0]["type"] == "Approved"
        })
        .await;

    let data = json!({
        "metadata": {"name": "issuer"},
        "data": {"issuer-name": "other-ca", "issuer-kind": "ClusterIssuer", "issuer-group": "cert-manager.io"},
    });
    world
        .cluster
        .objects()
        .create(&resource::CONFIG_MAPS, "cert-manager", data)
        .unwrap();
    waiting.wait_ready(Duration::from_secs(20)).await.unwrap();

    let roots = other_ca.trust_bundle_pem().unwrap();
    let folder = tempfile::tempdir().unwrap();
    for file in ["tls.crt", "tls.key"] {
        fs::write(folder.path().join(file), text(&waiting.volume_path(), file)).unwrap();
    }
    fs::write(folder.path().join("ca.crt"), roots).unwrap();
    handshake(folder.path(), folder.path()).unwrap();
}
