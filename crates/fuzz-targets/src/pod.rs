//! Any answer where the approver reads a Pod.
//!
//! Promises: it is read or it is not; what is kept is bounded; a Pod by which a right request is
//! approved is the right one, on the right node and alive, for a reader that knows nothing of ours.

use serde_json::{Value, json};
use svid_core::policy::{Decision, PodEvidence, PodInquiry, Policy, evaluate};
use svid_corpus::craft::{Craft, Signer};
use svid_corpus::{CSI_DRIVER, by_driver, node_attested, owner, policy};

use crate::assert_tellable;

pub fn pod(data: &[u8]) {
    let Ok(pod) = svid_approver::testing::pod(data) else {
        return;
    };
    let PodEvidence {
        node,
        service_account,
        csi_drivers,
        phase,
        ..
    } = &pod;
    let texts = [node, service_account, phase]
        .into_iter()
        .chain(csi_drivers);
    assert!(csi_drivers.len() <= 256 && texts.into_iter().all(|text| text.len() <= 256));
    match inquiry().conclude(Some(&pod)) {
        Ok(_approval) => assert_right(data),
        Err(denial) => assert_tellable(&denial.message(), 1024),
    }
}

/// A right request of the driver on the right node.
fn inquiry() -> PodInquiry {
    let policy = Policy {
        attestation: node_attested(),
        ..policy()
    };
    let request = by_driver(Craft::with(Signer::fixed_ed25519()).pem());
    match evaluate(&policy, &request) {
        Decision::Inquire(inquiry) => inquiry,
        decision @ (Decision::Approve(_) | Decision::Deny(_) | Decision::LeaveAlone) => {
            unreachable!("{decision:?}")
        }
    }
}

fn assert_right(data: &[u8]) {
    // A part of it that is not looked at may be odd: a number beyond all limits, half a surrogate.
    let Ok(pod) = serde_json::from_slice::<Value>(data) else {
        return;
    };
    let volumes = pod["spec"]["volumes"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let are_objects = |values: &[&Value]| values.iter().all(|it| it.is_object() || it.is_null());
    let volumes_are_objects = volumes.iter().all(|it| are_objects(&[it, &it["csi"]]));
    let parts = [
        &pod,
        &pod["metadata"],
        &pod["spec"],
        &pod["status"],
        &pod["metadata"]["annotations"],
    ];
    // Our reader also takes the fields in a list, one after another, which no API server sends.
    if !are_objects(&parts) || !volumes_are_objects {
        return;
    }
    assert_eq!(pod["metadata"]["namespace"], "payments");
    assert_eq!(pod["metadata"]["name"], json!(owner().name));
    assert_eq!(pod["metadata"]["uid"], json!(owner().uid));
    assert!(
        pod["metadata"]["annotations"]
            .get("kubernetes.io/config.mirror")
            .is_none_or(Value::is_null)
    );
    assert_eq!(pod["spec"]["nodeName"], "node-1");
    assert_eq!(pod["spec"]["serviceAccountName"], "api");
    assert!(
        volumes
            .iter()
            .any(|volume| volume["csi"]["driver"] == CSI_DRIVER)
    );
    let phase = pod["status"]["phase"].as_str().unwrap_or_default();
    assert!(!["Succeeded", "Failed"].contains(&phase));
}

fn right() -> Value {
    json!({
        "metadata": {"namespace": "payments", "name": owner().name, "uid": owner().uid},
        "spec": {
            "nodeName": "node-1",
            "serviceAccountName": "api",
            "volumes": [{"name": "a", "emptyDir": {}}, {"name": "b", "csi": {"driver": CSI_DRIVER}}],
        },
        "status": {"phase": "Running"},
    })
}

/// The right Pod and changes of it, and what is none.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let mirror = json!({"kubernetes.io/config.mirror": "x"});
    let changes = [
        ("/metadata/namespace", json!("b")),
        ("/metadata/name", json!("b")),
        ("/metadata/uid", json!("b")),
        ("/metadata/annotations", mirror),
        ("/metadata/annotations", json!({"a": "b"})),
        ("/metadata/annotations", json!(null)),
        ("/spec/nodeName", json!("node-2")),
        ("/spec/nodeName", json!(null)),
        ("/spec/nodeName", json!("n".repeat(300))),
        ("/spec/serviceAccountName", json!("b")),
        ("/spec/volumes", json!([])),
        ("/spec/volumes", json!(null)),
        (
            "/spec/volumes",
            json!([{"csi": {"driver": "other"}}, {"csi": null}]),
        ),
        ("/spec/containers", json!([{"name": "a"}])),
        ("/status/phase", json!("Succeeded")),
        ("/status/phase", json!("Failed")),
        ("/status", json!(null)),
    ];
    let changed = changes.into_iter().map(|(path, value)| {
        let (parent, field) = path.rsplit_once('/').unwrap();
        let mut pod = right();
        pod.pointer_mut(parent).unwrap()[field] = value;
        pod
    });
    let others = [json!({}), json!(null), json!([]), json!({"spec": 7})];
    let all = [right()].into_iter().chain(changed).chain(others);
    all.map(|pod| pod.to_string().into_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Else the promises say nothing.
    #[test]
    fn the_right_pod_is_approved_by_and_most_changes_are_not() {
        let approved = |json: &Vec<u8>| {
            let pod = svid_approver::testing::pod(json);
            pod.is_ok_and(|pod| inquiry().conclude(Some(&pod)).is_ok())
        };
        let seeds = seeds();
        assert!(approved(&seeds[0]));
        let count = seeds.iter().filter(|seed| approved(seed)).count();
        assert!((2..8).contains(&count), "{count}");
    }
}
