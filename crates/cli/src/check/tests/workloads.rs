//! Pods with our volumes, and requests.

use serde_json::json;

use super::world::{BEFORE, DRIVER, RECENT, all, driver_pod, request, workload_pod};
use super::{Check, Grade, assert_found, said};
use crate::check::snapshot::Snapshot;

use Grade::{Error, Warning};

fn with_pod(world: &mut Snapshot, change: impl FnOnce(&mut serde_json::Value)) {
    let mut pod = workload_pod();
    change(&mut pod);
    world.pods = all(json!([driver_pod(), pod]));
}

/// A pod whose volume is not there yet.
fn pending(world: &mut Snapshot, reason: &str) {
    with_pod(world, |pod| {
        pod["status"] = json!({"phase": "Pending", "containerStatuses": [
            {"ready": false, "state": {"waiting": {"reason": reason}}},
        ]});
    });
}

#[test]
fn what_is_wrong_with_pods_is_named() {
    assert_found(&[
        (
            "no right",
            |world| world.rights.workloads[0].allowed = Ok(false),
            &[(Check::WorkloadRights, Error)],
        ),
        (
            "not readOnly",
            |world| {
                with_pod(world, |pod| {
                    pod["spec"]["volumes"][0]["csi"]["readOnly"] = json!(false);
                });
            },
            &[(Check::WorkloadVolumes, Error)],
        ),
        (
            "by subPath",
            |world| {
                with_pod(world, |pod| {
                    pod["spec"]["containers"][0]["volumeMounts"][0]["subPath"] = json!("tls.crt");
                });
            },
            &[(Check::WorkloadVolumes, Warning)],
        ),
        (
            "an exempt namespace",
            |world| {
                let labels = json!({"cert-manager.io/disable-validation": "true"});
                world.namespaces = all(json!([
                    {"metadata": {"name": "cert-manager", "labels": labels}},
                    {"metadata": {"name": "payments", "labels": labels}},
                ]));
            },
            &[(Check::WebhookExempt, Warning)],
        ),
        (
            "waits",
            |world| pending(world, "ContainerCreating"),
            &[(Check::PodsWaiting, Error)],
        ),
        (
            "is finished",
            |world| {
                with_pod(world, |pod| {
                    pod["status"]["phase"] = json!("Succeeded");
                    pod["spec"]["volumes"][0]["csi"]["readOnly"] = json!(false);
                });
            },
            &[],
        ),
        (
            "has more volumes than are read",
            |world| {
                with_pod(world, |pod| {
                    pod["spec"]["volumes"] = json!(vec![json!({"name": "other"}); 65]);
                });
            },
            &[
                (Check::WorkloadRights, Grade::Unseen),
                (Check::WorkloadVolumes, Grade::Unseen),
            ],
        ),
        (
            "waits for its image",
            |world| pending(world, "ImagePullBackOff"),
            &[],
        ),
        (
            "is young",
            |world| {
                pending(world, "ContainerCreating");
                let pod = &mut world.pods.as_mut().unwrap()[1];
                pod.metadata.creation_timestamp = serde_json::from_value(json!(RECENT)).unwrap();
            },
            &[],
        ),
        (
            "hangs in Terminating without a driver",
            |world| {
                with_pod(world, |pod| {
                    pod["metadata"]["deletionTimestamp"] = json!(BEFORE);
                    pod["spec"]["nodeName"] = json!("gone");
                });
            },
            &[(Check::PodsEnding, Error)],
        ),
        (
            "is ending beside a driver",
            |world| {
                with_pod(world, |pod| {
                    pod["metadata"]["deletionTimestamp"] = json!(BEFORE);
                });
            },
            &[],
        ),
    ]);
}

#[test]
fn a_pod_that_waits_is_named_with_the_event_that_says_most() {
    let text = said(Check::PodsWaiting, |world| {
        pending(world, "PodInitializing");
        let event = |reason: &str, note: &str, time: &str| json!({"regarding": {"uid": "api"}, "reason": reason, "note": note, "eventTime": time});
        world.events = all(json!([
            event("Scheduled", "assigned", RECENT),
            event("CertificateRequestDenied", "denied: \u{1b}[31mno", BEFORE),
            event("FailedMount", "rpc error", RECENT),
        ]));
    });
    assert_eq!(
        text,
        "payments/api: CertificateRequestDenied: denied:  [31mno"
    );
    let silent = said(Check::PodsWaiting, |world| {
        pending(world, "PodInitializing");
    });
    assert_eq!(silent, "", "its init containers may run");
}

#[test]
fn rights_of_workloads_do_not_matter_where_the_driver_asks_itself() {
    let found = super::found(|world| {
        world.rights.workloads[0].allowed = Ok(false);
        let account = "--driver-service-account=system:serviceaccount:cert-manager:spiffe";
        let own = "--use-own-service-account";
        world.release = Ok(super::world::release(&[own], &[own, account]));
    });
    assert_eq!(
        found,
        [(Check::CsiDriverFields, Warning)],
        "tokens that nobody uses"
    );
}

#[test]
fn requests_that_nobody_has_decided_on_are_named_ours_and_others() {
    assert_found(&[
        (
            "ours",
            |world| world.requests = all(json!([request(&json!({})), signed(world)])),
            &[(Check::RequestsUndecided, Error)],
        ),
        (
            "of nobody's pod",
            |world| {
                let mut forged = request(&json!({}));
                forged["metadata"]["ownerReferences"] = json!([{"kind": "Pod", "uid": "other"}]);
                world.requests = all(json!([forged, signed(world)]));
            },
            &[(Check::RequestsUndecided, Warning)],
        ),
        (
            "an ordinary one",
            |world| {
                let mut ordinary = request(&json!({}));
                ordinary["metadata"]["annotations"] = json!({});
                world.requests = all(json!([ordinary, signed(world)]));
            },
            &[(Check::RequestsUndecided, Warning)],
        ),
        (
            "a young one",
            |world| {
                let mut young = request(&json!({}));
                young["metadata"]["creationTimestamp"] = json!(RECENT);
                world.requests = all(json!([young, signed(world)]));
            },
            &[],
        ),
    ]);
}

/// The signed request that is there in a good world.
fn signed(world: &Snapshot) -> serde_json::Value {
    let requests = world.requests.as_ref().unwrap();
    let certificate = requests[0].status.certificate.as_ref().unwrap();
    request(&json!({
        "certificate": certificate.as_str(),
        "conditions": [{"type": "Approved", "status": "True"}],
    }))
}

#[test]
fn objects_of_any_size_and_shape_are_read_within_limits() {
    let long = "x".repeat(1 << 20);
    let mut pod = workload_pod();
    pod["spec"]["volumes"] = json!(vec![json!({"name": long, "csi": {"driver": DRIVER}}); 1000]);
    pod["spec"]["containers"][0]["env"] = json!([{"name": "SECRET", "value": long}]);
    let pod: crate::check::look::objects::Pod = serde_json::from_value(pod).unwrap();
    assert_eq!(pod.spec.volumes.kept.len(), 64);
    assert!(format!("{pod:?}").len() < 64 * 1024);
    assert!(!format!("{pod:?}").contains("SECRET"));
    // What the API server writes for a node without any driver.
    let none = json!({"metadata": {"name": "n"}, "spec": {"drivers": null}});
    let node: crate::check::look::objects::CsiNode = serde_json::from_value(none).unwrap();
    assert!(node.spec.drivers.kept.is_empty());
}
