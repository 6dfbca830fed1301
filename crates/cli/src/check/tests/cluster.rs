//! The cluster, cert-manager, the namespace and the issuer.

use serde_json::json;
use svid_core::policy::IssuerReference;

use super::world::{all, answered, ca_issuer, read};
use super::{Check, Grade, assert_found, of_namespaces, outcome, said};
use crate::check::account::Account;
use crate::check::rights;
use crate::check::snapshot::Snapshot;

use Grade::{Error, Skipped, Warning};

#[test]
fn a_kubernetes_that_is_too_old_is_named() {
    let version = |minor: &str| {
        Ok(read(
            json!({"major": "1", "minor": minor, "gitVersion": "v"}),
        ))
    };
    let found = |minor: &str| {
        let mut world = super::world();
        world.version = version(minor);
        let grade = |check| outcome(&world, check).grade;
        (
            grade(Check::KubernetesVersion),
            grade(Check::CsiDriverFields),
        )
    };
    assert_eq!(found("21"), (Error, Error));
    assert_eq!(found("28"), (Error, Error));
    assert_eq!(found("29"), (Warning, Error));
    assert_eq!(found("34+"), (Grade::Good, Error));
    assert_eq!(found("35"), (Grade::Good, Grade::Good));
    assert_eq!(found("x").0, Grade::Unseen);
}

#[test]
fn what_lacks_of_cert_manager_is_named() {
    assert_found(&[
        (
            "no such group",
            |world| world.certmanager.kinds = Ok(None),
            &[(Check::CertManagerKinds, Error)],
        ),
        (
            "no requests",
            |world| {
                let kinds = json!({"resources": [{"name": "issuers"}, {"name": "clusterissuers"}]});
                world.certmanager.kinds = Ok(Some(read(kinds)));
            },
            &[(Check::CertManagerKinds, Error)],
        ),
        (
            "no replica",
            |world| {
                let controllers = world.certmanager.controllers.as_mut().unwrap();
                controllers[0].status.available_replicas = 0;
            },
            &[(Check::CertManagerRunning, Error)],
        ),
        (
            "before approvals",
            |world| {
                let controllers = world.certmanager.controllers.as_mut().unwrap();
                controllers[0].metadata.labels.version = read(json!("v1.2.0"));
            },
            &[(Check::CertManagerRunning, Error)],
        ),
        (
            "no mutating webhook",
            |world| world.certmanager.mutating = Ok(Vec::new()),
            &[(Check::CertManagerWebhook, Error)],
        ),
        (
            "no validating webhook",
            |world| world.certmanager.validating = Ok(Vec::new()),
            &[(Check::CertManagerWebhook, Error)],
        ),
    ]);
}

#[test]
fn a_namespace_that_keeps_the_driver_out_is_named() {
    assert_found(&[
        (
            "Pod Security",
            |world| {
                let labels = json!({"pod-security.kubernetes.io/enforce": "baseline"});
                let namespace = json!({"metadata": {"name": "cert-manager", "labels": labels}});
                world.namespaces = all(json!([namespace]));
            },
            &[(Check::PodSecurity, Error)],
        ),
        (
            "too little memory",
            |world| world.limit_ranges = all(json!([limit_range("16Mi")])),
            &[(Check::LimitRange, Error)],
        ),
        (
            "some memory",
            |world| world.limit_ranges = all(json!([limit_range("1Gi")])),
            &[(Check::LimitRange, Warning)],
        ),
        (
            "a full quota, and pods that are missing",
            |world| {
                world.quotas = all(json!([quota("In", 0)]));
                world.pods.as_mut().unwrap().remove(0);
            },
            &[(Check::Quota, Error)],
        ),
        (
            "a full quota",
            |world| world.quotas = all(json!([quota("In", 1)])),
            &[],
        ),
        (
            "a quota for others",
            |world| {
                world.quotas = all(json!([quota("NotIn", 0)]));
                world.pods.as_mut().unwrap().remove(0);
            },
            &[],
        ),
    ]);
}

fn limit_range(memory: &str) -> serde_json::Value {
    let limit = json!({"type": "Container", "default": {"memory": memory}});
    json!({"metadata": {"namespace": "cert-manager", "name": "l"}, "spec": {"limits": [limit]}})
}

fn quota(operator: &str, pods: u32) -> serde_json::Value {
    let expression = json!({
        "scopeName": "PriorityClass", "operator": operator, "values": ["system-node-critical"],
    });
    json!({
        "metadata": {"namespace": "cert-manager", "name": "q"},
        "spec": {"scopeSelector": {"matchExpressions": [expression]}},
        "status": {"hard": {"pods": pods.to_string()}, "used": {"pods": pods.to_string()}},
    })
}

/// Has the ConfigMap `cert-manager/issuance` name the issuer at run time.
fn at_run_time(world: &mut Snapshot, data: Option<serde_json::Value>) {
    let found = data.map(|data| read(json!({"data": data})));
    world.issuance.config_map = Some(("cert-manager/issuance".to_owned(), Ok(found)));
    let policies = world.deciders.policies.as_mut().unwrap();
    policies[0].metadata.name = "spiffe-runtime-issuer".to_owned();
    let bindings = world.deciders.bindings.as_mut().unwrap();
    bindings[0].spec.policy_name = read(json!("spiffe-runtime-issuer"));
}

#[test]
fn what_is_wrong_with_the_issuer_is_named() {
    assert_found(&[
        (
            "named at run time",
            |world| {
                let keys = json!({"issuer-name": "spiffe-ca", "issuer-kind": "ClusterIssuer",
                    "issuer-group": "cert-manager.io"});
                at_run_time(world, Some(keys));
            },
            &[],
        ),
        (
            "named by flags alone",
            |world| at_run_time(world, None),
            &[(Check::IssuerNamed, Warning)],
        ),
        (
            "not named",
            |world| {
                at_run_time(world, Some(json!({"issuer-name": "spiffe-ca"})));
                world.issuance.issuer = None;
            },
            &[(Check::IssuerNamed, Error)],
        ),
        (
            "not there",
            |world| world.issuance.cluster_issuers = Ok(Vec::new()),
            &[(Check::IssuerThere, Error)],
        ),
        (
            "of another project",
            |world| {
                world.issuance.issuer = Some(IssuerReference::new("spiffe-ca", "X", "example.com"));
            },
            &[(Check::IssuerThere, Skipped)],
        ),
        (
            "not ready",
            |world| {
                let mut issuer = ca_issuer("", "spiffe-ca", "spiffe-ca");
                issuer["status"]["conditions"][0]["status"] = json!("False");
                world.issuance.cluster_issuers = all(json!([issuer]));
            },
            &[(Check::IssuerReady, Error)],
        ),
        (
            "SelfSigned",
            |world| {
                let mut issuer = ca_issuer("", "spiffe-ca", "spiffe-ca");
                issuer["spec"] = json!({"selfSigned": {}});
                world.issuance.cluster_issuers = all(json!([issuer]));
            },
            &[(Check::IssuerCanSign, Error)],
        ),
        (
            "of an unknown way",
            |world| {
                let mut issuer = ca_issuer("", "spiffe-ca", "spiffe-ca");
                issuer["spec"] = json!({"venafi": {}});
                world.issuance.cluster_issuers = all(json!([issuer]));
            },
            &[(Check::IssuerCanSign, Warning)],
        ),
        (
            "another ClusterIssuer with its Secret",
            |world| {
                let issuers = ["spiffe-ca", "web"].map(|name| ca_issuer("", name, "spiffe-ca"));
                world.issuance.cluster_issuers = all(json!(issuers));
            },
            &[(Check::IssuerSecretShared, Error)],
        ),
        (
            "an Issuer elsewhere than its Secret, by a flag of cert-manager",
            |world| {
                let controllers = world.certmanager.controllers.as_mut().unwrap();
                let container = json!({"args": ["--cluster-resource-namespace=secrets"]});
                controllers[0].spec.template.spec.containers = read(json!([container]));
                let issuer = ca_issuer("cert-manager", "web", "spiffe-ca");
                world.issuance.issuers = all(json!([issuer]));
            },
            &[],
        ),
        (
            "an Issuer where its Secret is",
            |world| {
                let issuer = ca_issuer("cert-manager", "web", "spiffe-ca");
                world.issuance.issuers = all(json!([issuer]));
            },
            &[(Check::IssuerSecretShared, Error)],
        ),
    ]);
}

#[test]
fn an_issuer_of_namespaces_must_be_in_each_with_pods() {
    assert_eq!(said(Check::IssuerThere, of_namespaces), "");
    let text = said(Check::IssuerThere, |world| {
        world.issuance.issuer = Some(IssuerReference::new("other", "Issuer", "cert-manager.io"));
    });
    assert_eq!(text, "there is no Issuer payments/other");
}

#[test]
fn who_else_decides_is_named_unless_a_policy_keeps_it_out() {
    assert_found(&[
        (
            "no binding",
            |world| world.deciders.bindings = Ok(Vec::new()),
            &[(Check::OthersApprove, Error)],
        ),
        (
            "a binding that only warns",
            |world| {
                let bindings = world.deciders.bindings.as_mut().unwrap();
                bindings[0].spec.validation_actions = read(json!(["Audit"]));
            },
            &[(Check::OthersApprove, Error)],
        ),
        (
            "a policy for another issuer",
            |world| {
                let policies = world.deciders.policies.as_mut().unwrap();
                let condition = json!([{"expression": "name == \"spiffe-ca-2\""}]);
                policies[0].spec.match_conditions = read(condition);
            },
            &[(Check::OthersApprove, Error)],
        ),
        (
            "a policy of another release",
            |world| {
                let policies = world.deciders.policies.as_mut().unwrap();
                policies[0].metadata.labels.instance = read(json!("other"));
            },
            &[(Check::OthersApprove, Error)],
        ),
        (
            "no policy, and nobody to ask about",
            |world| {
                world.deciders.policies = Ok(Vec::new());
                world.deciders.others.clear();
                world.certmanager.controllers = Ok(Vec::new());
            },
            &[
                (Check::CertManagerRunning, Warning),
                (Check::IssuerSecretShared, Grade::Unseen),
                (Check::OthersApprove, Grade::Unseen),
            ],
        ),
        (
            "no policy, and nobody who may",
            |world| {
                world.deciders.policies = Ok(Vec::new());
                for review in &mut world.deciders.others {
                    review.allowed = Ok(false);
                }
            },
            &[],
        ),
    ]);
    let account = Account::new("cert-manager", "cert-manager");
    let issuer = IssuerReference::new("spiffe-ca", "ClusterIssuer", "cert-manager.io");
    let asked = rights::of_signer(&account, &issuer, &[].into());
    let names: Vec<String> = answered(asked, true)
        .into_iter()
        .map(|review| review.asked.name)
        .collect();
    assert_eq!(
        names,
        [
            "clusterissuers.cert-manager.io/*",
            "clusterissuers.cert-manager.io/spiffe-ca"
        ]
    );
}
