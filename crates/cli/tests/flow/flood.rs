//! A pod that wants more volumes than it may have, beside others of the same node.

use libtest_mimic::Trial;
use serde_json::{Value, json};
use svid_devcluster::{Phase, PodHandle, ServiceAccountName, resource};

use crate::clients::identity;
use crate::trial;
use crate::world::{LIMIT, Setup, World};

pub(crate) fn tests() -> Vec<Trial> {
    vec![trial(
        "a_pod_gets_its_limit_of_volumes_and_keeps_nobody_else_waiting",
        flooded,
    )]
}

const WANTED: usize = 400;
const LIMIT_OF_VOLUMES: usize = 5;

/// A pod with that many volumes of the driver: handles on all of them.
fn flood(world: &World) -> Vec<PodHandle> {
    let account = ServiceAccountName::new("sandbox", "flood");
    world.cluster.enroll(&account).unwrap();
    let driver = &world.cluster.options().driver_name;
    let names: Vec<String> = (0..WANTED).map(|n| format!("spiffe-{n}")).collect();
    let volume = |name: &String| json!({"name": name, "csi": {"driver": driver, "readOnly": true}});
    let mount = |name: &String| json!({"name": name, "mountPath": format!("/{name}")});
    let pod = json!({
        "metadata": {"name": "flood"},
        "spec": {
            "serviceAccountName": "flood",
            "nodeName": "node-1",
            "containers": [{
                "name": "main",
                "image": "workload",
                "volumeMounts": names.iter().map(mount).collect::<Vec<Value>>(),
            }],
            "volumes": names.iter().map(volume).collect::<Vec<Value>>(),
        },
    });
    let objects = world.cluster.objects();
    objects.create(&resource::PODS, "sandbox", pod).unwrap();
    let handle = |name: &String| world.kubelet.find_pod("sandbox", "flood", name).unwrap();
    names.iter().map(handle).collect()
}

async fn flooded() {
    let world = World::start(Setup {
        driver_words: vec![format!("--max-volumes-per-pod={LIMIT_OF_VOLUMES}")],
        ..Setup::default()
    });
    let world = world.await;
    let before = world.ready_pod("web").await;
    let flood = flood(&world);

    let after = world.ready_pod("database").await;
    let id = "spiffe://example.org/ns/sandbox/sa/database";
    assert_eq!(identity(&after.volume_path()), id);
    let mut published = Vec::new();
    for volume in &flood {
        let is_answered = |phase, is_refused| phase == Phase::Published || is_refused;
        let status = volume
            .wait_for(LIMIT, |status| {
                is_answered(status.phase, status.last_error.is_some())
            })
            .await
            .unwrap();
        match status.last_error {
            None => published.push(volume),
            Some(error) => {
                let error = error.to_string();
                let words = format!("--max-volumes-per-pod={LIMIT_OF_VOLUMES}");
                assert!(
                    error.contains("InvalidArgument") && error.contains(&words),
                    "{error}"
                );
            }
        }
    }
    assert_eq!(published.len(), LIMIT_OF_VOLUMES);
    assert_eq!(world.calls("create"), LIMIT_OF_VOLUMES + 2);
    assert_eq!(world.records().len(), LIMIT_OF_VOLUMES + 2);
    assert_eq!(world.mounts().len(), LIMIT_OF_VOLUMES + 2);

    // A pod that wants too much ends like any other.
    published[0].delete(LIMIT).await.unwrap();
    assert_eq!(world.records().len(), 2);
    assert_eq!(world.mounts().len(), 2);
    for pod in [before, after] {
        pod.delete(LIMIT).await.unwrap();
    }
}
