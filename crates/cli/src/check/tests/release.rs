//! Driver and approver: their objects, their flags, their rights.

use serde_json::json;

use super::world::{DRIVER, all, lease, node, read, release};
use super::{Check, Grade, assert_found, outcome, said};
use crate::check::release::{Found, Release};
use crate::check::snapshot::Snapshot;

use Grade::{Error, Warning};

fn driver_set(world: &mut Snapshot) -> &mut crate::check::look::objects::DaemonSet {
    match &mut world.release.as_mut().unwrap().driver {
        Found::One(role) => &mut role.object,
        Found::Nothing | Found::Several(_) => panic!("no driver"),
    }
}

fn approver_deployment(world: &mut Snapshot) -> &mut crate::check::look::objects::Deployment {
    match &mut world.release.as_mut().unwrap().approver {
        Found::One(role) => &mut role.object,
        Found::Nothing | Found::Several(_) => panic!("no approver"),
    }
}

#[test]
fn what_is_not_installed_is_named_and_nothing_that_rests_on_it() {
    let text = said(Check::Installed, |world| {
        world.release = Ok(Release::find(&[], &[], DRIVER, None));
    });
    assert_eq!(
        text,
        "no DaemonSet runs the command driver with --csi-driver-name=spiffe.csi.cert-manager.io\n\
         no Deployment runs the command approver with --csi-driver-name=spiffe.csi.cert-manager.io"
    );
    let bad = super::found(|world| world.release = Ok(Release::find(&[], &[], DRIVER, None)));
    assert_eq!(
        bad,
        [(Check::Installed, Error), (Check::OthersApprove, Error)]
    );
}

#[test]
fn a_release_is_found_by_what_its_containers_run() {
    let set = |args: serde_json::Value| {
        read(json!({"metadata": {"namespace": "n", "name": "d"},
            "spec": {"template": {"spec": {"containers": [args]}}}}))
    };
    let found = |container: serde_json::Value, namespace: Option<&str>| {
        let release = Release::find(&[set(container)], &[], DRIVER, namespace);
        (release.driver.one().is_some(), release.go_drivers.len())
    };
    for (container, expected) in [
        (json!({"args": ["driver"]}), (true, 0)),
        (
            json!({"command": ["/csi-driver-spiffe", "driver"]}),
            (true, 0),
        ),
        (
            json!({"args": ["driver", format!("--csi-driver-name={DRIVER}")]}),
            (true, 0),
        ),
        (
            json!({"args": ["driver", "--csi-driver-name", DRIVER]}),
            (true, 0),
        ),
        (
            json!({"args": ["driver", "--csi-driver-name=other.example.com"]}),
            (false, 0),
        ),
        (
            json!({"args": ["driver", "--csi-driver-name=$(N)"], "env": [{"name": "N", "value": DRIVER}]}),
            (true, 0),
        ),
        (json!({"args": ["approver"]}), (false, 0)),
        (
            json!({"args": ["--node-id=x", format!("--csi-driver-name={DRIVER}")]}),
            (false, 1),
        ),
        (json!({"args": ["--node-id=x"]}), (false, 0)),
        (json!({}), (false, 0)),
    ] {
        assert_eq!(found(container.clone(), None), expected, "{container}");
    }
    assert_eq!(found(json!({"args": ["driver"]}), Some("n")), (true, 0));
    assert_eq!(
        found(json!({"args": ["driver"]}), Some("other")),
        (false, 0)
    );
}

#[test]
fn flags_whose_value_is_in_another_object_are_not_looked_at() {
    let found = super::found(|world| {
        let env =
            json!([{"name": "N", "valueFrom": {"configMapKeyRef": {"name": "m", "key": "k"}}}]);
        let set = read(json!({"metadata": {"namespace": "n", "name": "d"},
        "spec": {"template": {"spec": {"containers": [
            {"args": ["driver", "--trust-domain=$(N)"], "env": env},
        ]}}}}));
        world.release = Ok(Release::find(&[set], &[], DRIVER, None));
    });
    assert!(found.contains(&(Check::FlagsUnderstood, Grade::Unseen)));
}

#[test]
fn flags_that_are_wrong_or_differ_are_named() {
    type Flags = &'static [&'static str];
    let table: &[(Flags, Flags, Check, &str)] = &[
        (
            &["--file-mode=rw"],
            &[],
            Check::FlagsUnderstood,
            "cert-manager/spiffe-driver: --file-mode=",
        ),
        (
            &[],
            &["--bogus"],
            Check::FlagsUnderstood,
            "cert-manager/spiffe-approver: --bogus",
        ),
        (
            &["--trust-domain=other"],
            &[],
            Check::RolesAgree,
            "--trust-domain: other at the driver",
        ),
        (
            &[],
            &["--certificate-request-duration=2h"],
            Check::RolesAgree,
            "7200 s at the approver",
        ),
        (
            &["--issuer-name=x"],
            &[],
            Check::RolesAgree,
            "the issuer: ClusterIssuer.cert-manager.io/x",
        ),
        (
            &["--use-own-service-account"],
            &[],
            Check::RolesAgree,
            "--use-own-service-account: true at",
        ),
        (
            &["--use-own-service-account"],
            &[
                "--use-own-service-account",
                "--driver-service-account=system:serviceaccount:a:b",
            ],
            Check::RolesAgree,
            "believes a/b, the driver runs as cert-manager/spiffe",
        ),
        (
            &["--extra-certificate-request-annotations=a=b"],
            &["--extra-certificate-request-annotations=a=c"],
            Check::RolesAgree,
            "the approver takes others",
        ),
        (
            &[
                "--runtime-issuance-config-map-name=x",
                "--runtime-issuance-config-map-namespace=y",
            ],
            &[],
            Check::RolesAgree,
            "the ConfigMap of the issuer: y/x at the driver, none at the approver",
        ),
    ];
    for (driver, approver, check, expected) in table {
        let mut world = super::world();
        world.release = Ok(release(driver, approver));
        let outcome = outcome(&world, *check);
        assert_eq!(outcome.grade, Error, "{driver:?} {approver:?}");
        let text = outcome.found.join("\n");
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn earlier_annotations_that_the_approver_still_takes_are_no_fault() {
    let mut world = super::world();
    world.release = Ok(release(
        &["--extra-certificate-request-annotations=a=b"],
        &[
            "--extra-certificate-request-annotations=a=c",
            "--former-certificate-request-annotations=a=b",
        ],
    ));
    let outcomes = super::judge(&world);
    assert!(outcomes.iter().all(|outcome| outcome.grade == Grade::Good));
}

#[test]
fn what_is_wrong_with_the_driver_is_named() {
    assert_found(&[
        (
            "no CSIDriver",
            |world| world.csi_driver = Ok(None),
            &[(Check::CsiDriverFields, Error)],
        ),
        (
            "no republishing",
            |world| {
                let driver = world.csi_driver.as_mut().unwrap().as_mut().unwrap();
                driver.spec.requires_republish = false;
            },
            &[(Check::CsiDriverFields, Error)],
        ),
        (
            "no tokens",
            |world| {
                let driver = world.csi_driver.as_mut().unwrap().as_mut().unwrap();
                driver.spec.token_requests.kept.clear();
            },
            &[(Check::CsiDriverFields, Error)],
        ),
        (
            "not ephemeral",
            |world| {
                let driver = world.csi_driver.as_mut().unwrap().as_mut().unwrap();
                driver.spec.volume_lifecycle_modes = read(json!(["Persistent"]));
            },
            &[(Check::CsiDriverFields, Error)],
        ),
        (
            "a pod that does not become ready",
            |world| {
                driver_set(world).status.number_ready = 0;
                world.pods.as_mut().unwrap()[0]
                    .status
                    .conditions
                    .kept
                    .clear();
            },
            &[(Check::DriverRolledOut, Error)],
        ),
        (
            "an update that is on its way",
            |world| driver_set(world).status.updated_number_scheduled = 0,
            &[(Check::DriverRolledOut, Warning)],
        ),
        (
            "a change that its controller has not seen",
            |world| driver_set(world).metadata.generation = 3,
            &[(Check::DriverRolledOut, Error)],
        ),
        (
            "no node",
            |world| driver_set(world).status.desired_number_scheduled = 0,
            &[(Check::DriverRolledOut, Error)],
        ),
        (
            "a node without a pod",
            |world| world.nodes = all(json!([node("node-1"), node("node-2")])),
            &[(Check::NodesRegistered, Warning)],
        ),
        (
            "a node that takes no pods",
            |world| {
                let mut windows = node("node-2");
                windows["metadata"]["labels"]["kubernetes.io/os"] = json!("windows");
                let mut cordoned = node("node-3");
                cordoned["spec"]["unschedulable"] = json!(true);
                world.nodes = all(json!([node("node-1"), windows, cordoned]));
            },
            &[],
        ),
        (
            "a kubelet that does not know the driver",
            |world| world.csi_nodes = all(json!([{"metadata": {"name": "node-1"}}])),
            &[(Check::NodesRegistered, Error)],
        ),
        (
            "a right that is missing",
            |world| world.rights.driver[0].allowed = Ok(false),
            &[(Check::DriverRights, Error)],
        ),
    ]);
    let lacks = said(Check::DriverRights, |world| {
        world.rights.driver[0].allowed = Ok(false);
    });
    assert_eq!(
        lacks,
        "cert-manager/spiffe may not get certificaterequests.cert-manager.io"
    );
}

#[test]
fn a_pod_that_cannot_be_created_is_named_with_the_reason() {
    fn failed(world: &mut Snapshot) {
        world.events = all(json!([{
            "metadata": {"namespace": "cert-manager", "name": "e"},
            "regarding": {"uid": "set"},
            "reason": "FailedCreate",
            "note": "pods are forbidden: violates PodSecurity",
            "eventTime": super::world::RECENT,
        }]));
    }
    assert_eq!(
        said(Check::DriverCreated, failed),
        "",
        "all pods are there all the same"
    );
    let text = said(Check::DriverCreated, |world| {
        world.pods.as_mut().unwrap().remove(0);
        failed(world);
    });
    assert_eq!(text, "pods are forbidden: violates PodSecurity");
}

#[test]
fn what_is_wrong_with_the_approver_is_named() {
    assert_found(&[
        (
            "no replica",
            |world| approver_deployment(world).status.available_replicas = 0,
            &[(Check::ApproverAvailable, Error)],
        ),
        (
            "one replica",
            |world| {
                let deployment = approver_deployment(world);
                deployment.spec.replicas = Some(1);
                deployment.status.available_replicas = 1;
            },
            &[(Check::ApproverAvailable, Warning)],
        ),
        (
            "no lease",
            |world| world.lease = Ok(None),
            &[(Check::ApproverLeads, Error)],
        ),
        (
            "a lease that nobody renews",
            |world| world.lease = Ok(Some(read(lease(super::world::BEFORE)))),
            &[(Check::ApproverLeads, Error)],
        ),
        (
            "a lease that nobody holds",
            |world| {
                let mut lease = lease(super::world::RECENT);
                lease["spec"]["holderIdentity"] = json!("");
                world.lease = Ok(Some(read(lease)));
            },
            &[(Check::ApproverLeads, Error)],
        ),
        (
            "a right that is missing",
            |world| world.rights.approver[3].allowed = Ok(false),
            &[(Check::ApproverRights, Error)],
        ),
        (
            "no right over the signer",
            |world| world.rights.signer[1].allowed = Ok(false),
            &[(Check::ApproverRights, Error)],
        ),
        (
            "a right over all signers",
            |world| {
                world.rights.signer[0].allowed = Ok(true);
                world.rights.signer[1].allowed = Ok(false);
            },
            &[],
        ),
    ]);
}
