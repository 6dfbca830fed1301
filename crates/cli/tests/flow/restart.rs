//! The driver is killed, ended, replaced, at the worst moments.

use std::fs;

use libtest_mimic::Trial;
use rustix::mount::{UnmountFlags, unmount};
use svid_devcluster::{Answer, Conduct, Filter, Phase, Times};

use crate::change::{changed, held};
use crate::clients::{identity, svid, text};
use crate::role::Housing;
use crate::trial;
use crate::world::{LIMIT, Setup, World};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        trial(
            "a_killed_driver_goes_on_renewing_in_the_place_that_the_pod_sees",
            killed,
        ),
        trial(
            "a_driver_whose_container_is_gone_goes_on_renewing_as_well",
            container_gone,
        ),
        trial(
            "a_driver_killed_while_a_request_waits_asks_anew_and_deletes_the_old_one",
            in_flight,
        ),
        trial("a_driver_that_ends_leaves_volumes_and_no_socket", ended),
        trial(
            "a_volume_that_somebody_unmounted_is_made_anew_by_the_next_publish",
            unmounted,
        ),
        trial(
            "a_pod_that_ends_while_there_is_no_driver_is_cleaned_up_by_the_next",
            orphan,
        ),
        trial(
            "the_next_driver_removes_what_a_pod_left_that_nobody_remembers",
            forgotten,
        ),
        trial(
            "no_file_and_no_log_holds_a_token_and_no_record_a_key",
            no_secrets,
        ),
    ]
}

async fn goes_on_after(housing: Housing) {
    let mut world = World::start(Setup {
        duration: "12s",
        housing,
        ..Setup::default()
    })
    .await;
    let pod = world.ready_pod("web").await;
    let (_held, seen) = held(&pod.volume_path());
    let before = (svid(&seen), text(&seen, "tls.key"));

    world.take_driver().kill();
    assert_eq!(text(&seen, "tls.key"), before.1, "the pod sees its files");
    world.start_driver();
    // A new driver has no token until the kubelet publishes again.
    world.driver().wait_for_line("resuming a volume").await;
    world.wait_registered().await;
    pod.touch().unwrap();
    let key = changed(&pod, "tls.key", &before.1).await;

    assert_eq!(text(&seen, "tls.key"), key);
    assert_eq!(svid(&seen).spiffe_id(), before.0.spiffe_id());
    assert_eq!(world.mounts().len(), 1, "{:?}", world.mounts());
    pod.delete(LIMIT).await.unwrap();
    assert_eq!(world.mounts(), [""; 0]);
    world.wait_for_no_requests().await;
}

async fn killed() {
    goes_on_after(Housing::Host).await;
}

async fn container_gone() {
    goes_on_after(Housing::Container).await;
}

async fn in_flight() {
    let mut world = World::start(Setup::default()).await;
    world
        .cluster
        .faults()
        .issuer(Conduct::Silent, Times::Next(1));
    let pod = world.pod("web");
    let first = world
        .wait_for_request(|one| one["status"]["conditions"][0]["type"] == "Approved")
        .await;
    let name = first["metadata"]["name"].clone();

    world.take_driver().kill();
    world.start_driver();
    pod.wait_ready(LIMIT).await.unwrap();

    assert!(identity(&pod.volume_path()).ends_with("/web"));
    let left = world.requests();
    assert_eq!(left.len(), 1);
    assert_ne!(left[0]["metadata"]["name"], name);
}

async fn ended() {
    let mut world = World::start(Setup::default()).await;
    let pod = world.ready_pod("web").await;

    assert_eq!(world.take_driver().terminate(), 0);
    assert!(!world.path("csi.sock").exists());
    assert_eq!(
        fs::read_dir(world.path("kubelet/plugins_registry"))
            .unwrap()
            .count(),
        0
    );
    assert!(identity(&pod.volume_path()).ends_with("/web"));

    let created = world.calls("create");
    world.start_driver();
    world.wait_registered().await;
    pod.touch().unwrap();
    let successes = pod.status().successes;
    pod.wait_for(LIMIT, |status| status.successes > successes)
        .await
        .unwrap();
    assert_eq!(
        world.calls("create"),
        created,
        "a good certificate is taken up"
    );
}

async fn unmounted() {
    let world = World::start(Setup::default()).await;
    let pod = world.ready_pod("web").await;
    let volume = pod.volume_path();
    let before = text(&volume, "tls.key");
    unmount(&volume, UnmountFlags::DETACH).unwrap();

    let successes = pod.status().successes;
    pod.touch().unwrap();
    pod.wait_for(LIMIT, |status| status.successes > successes)
        .await
        .unwrap();

    assert_ne!(text(&volume, "tls.key"), before);
    assert!(identity(&volume).ends_with("/web"));
    assert_eq!(world.mounts().len(), 1, "{:?}", world.mounts());
    assert_eq!(world.calls("create"), 2);
}

async fn orphan() {
    let mut world = World::start(Setup::default()).await;
    let pod = world.ready_pod("web").await;
    world.take_driver().kill();
    pod.terminate().unwrap();
    world.start_driver();

    pod.wait_for(LIMIT, |status| status.phase == Phase::Removed)
        .await
        .unwrap();
    assert_eq!(world.mounts(), [""; 0]);
    assert!(world.records().is_empty());
    world.wait_for_no_requests().await;
}

async fn forgotten() {
    let mut world = World::start(Setup::default()).await;
    let pod = world.ready_pod("web").await;
    world.take_driver().kill();
    // The pod goes by hand, as after `crictl rmp` and a kubelet that forgot: volume and folder.
    let volume = pod.volume_path();
    unmount(&volume, UnmountFlags::DETACH).unwrap();
    fs::remove_dir_all(world.path("kubelet/pods").join(pod.uid())).unwrap();
    world.start_driver();
    world
        .driver()
        .wait_for_line("removing what is left of a volume")
        .await;

    world.wait_for_no_requests().await;
    // The record goes before the request does.
    assert!(world.records().is_empty());
}

async fn no_secrets() {
    let world = World::start(Setup {
        driver_words: vec!["-v=5".to_owned()],
        ..Setup::default()
    });
    let world = world.await;
    let creates = Filter::new("create", "certificaterequests");
    world
        .cluster
        .faults()
        .answer(creates, Answer::Unauthorized, Times::Next(1));
    let pod = world.ready_pod("web").await;

    let key = text(&pod.volume_path(), "tls.key");
    let secret = key.lines().nth(1).unwrap();
    let mut texts = vec![world.driver().log(), world.status().await.to_string()];
    for record in world.records() {
        texts.push(fs::read_to_string(record).unwrap());
    }
    for text in texts {
        assert!(!text.contains(secret));
        assert!(!text.contains("eyJ"), "a token: {text}");
    }
}
