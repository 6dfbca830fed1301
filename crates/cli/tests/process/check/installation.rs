//! The embedded cluster with the objects of an installation, all of it well.

use serde_json::{Value, json};
use svid_devcluster::{Cluster, Identity, Objects, Options, ServiceAccountName, resource};
use tempfile::TempDir;

use crate::program::{Ran, run};

pub(super) const DRIVER: &str = "spiffe.csi.cert-manager.io";
const ACCOUNT: &str = "cert-manager-csi-driver-spiffe";

/// A cluster with everything that an installation consists of, all of it well.
pub(super) struct Installation {
    pub(super) cluster: Cluster,
    pub(super) folder: TempDir,
}

impl Installation {
    pub(super) async fn new() -> Self {
        let cluster = Cluster::start(Options::default()).await.unwrap();
        let roots = cluster.trust_bundle_pem().unwrap();
        cluster
            .enroll(&ServiceAccountName::new("payments", "api"))
            .unwrap();
        install(&cluster.objects(), &roots);
        let folder = tempfile::tempdir().unwrap();
        Self { cluster, folder }
    }

    /// Runs the command as somebody.
    pub(super) fn check_as(&self, identity: &Identity, words: &[&str]) -> Ran {
        let path = self.folder.path().join("kubeconfig");
        self.cluster.write_kubeconfig(&path, identity).unwrap();
        let kubeconfig = format!("--kubeconfig={}", path.display());
        let words = [&["check", &kubeconfig][..], words].concat();
        tokio::task::block_in_place(|| run(&words))
    }

    /// The ids of what is not good, with what is said of it, and the exit code.
    pub(super) fn found(&self, words: &[&str]) -> (i32, Vec<(String, String)>) {
        let words = [&["-o", "json"][..], words].concat();
        let ran = self.check_as(&Identity::Administrator, &words);
        (ran.code, bad(&ran))
    }
}

pub(super) fn bad(ran: &Ran) -> Vec<(String, String)> {
    let report: Value = serde_json::from_str(&ran.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}{}", ran.stdout, ran.stderr));
    let checks = report["checks"].as_array().unwrap().iter();
    checks
        .filter(|check| check["result"] != "good" && check["result"] != "skipped")
        .map(|check| {
            (
                check["id"].as_str().unwrap().to_owned(),
                check["found"].to_string(),
            )
        })
        .collect()
}

fn install(objects: &Objects, roots: &str) {
    let create =
        |resource, namespace: &str, body: Value| objects.create(resource, namespace, body).unwrap();
    let status = |resource, namespace: &str, name: &str, status: Value| {
        let status = json!({"status": status});
        objects
            .merge_status(resource, namespace, name, &status)
            .unwrap();
    };
    let ready = json!([{"type": "Ready", "status": "True"}]);
    status(&resource::NODES, "", "node-1", json!({"conditions": ready}));
    let registered = json!({"drivers": [{"name": DRIVER, "nodeID": "node-1"}]});
    create(
        &resource::CSI_NODES,
        "",
        json!({"metadata": {"name": "node-1"}, "spec": registered}),
    );
    let webhook = json!({"rules": [{"apiGroups": ["cert-manager.io"], "resources": ["*/*"]}]});
    let webhooks = json!({"metadata": {"name": "cert-manager-webhook"}, "webhooks": [webhook]});
    create(&resource::MUTATING_WEBHOOKS, "", webhooks.clone());
    create(&resource::VALIDATING_WEBHOOKS, "", webhooks);
    create(
        &resource::DEPLOYMENTS,
        "cert-manager",
        json!({
            "metadata": {"name": "cert-manager", "labels": {
                "app.kubernetes.io/name": "cert-manager", "app.kubernetes.io/component": "controller",
            }},
            "spec": {"template": {"spec": {"serviceAccountName": "cert-manager"}}},
        }),
    );
    let available = json!({"availableReplicas": 2});
    status(
        &resource::DEPLOYMENTS,
        "cert-manager",
        "cert-manager",
        available.clone(),
    );
    create(
        &resource::CONFIG_MAPS,
        "cert-manager",
        json!({
            "metadata": {"name": "spiffe-roots"}, "data": {"ca.crt": roots},
        }),
    );
    let set = create(&resource::DAEMON_SETS, "cert-manager", daemon_set());
    status(
        &resource::DAEMON_SETS,
        "cert-manager",
        "spiffe-driver",
        json!({
            "observedGeneration": 1, "desiredNumberScheduled": 1, "numberReady": 1,
            "updatedNumberScheduled": 1,
        }),
    );
    create(&resource::DEPLOYMENTS, "cert-manager", deployment());
    status(
        &resource::DEPLOYMENTS,
        "cert-manager",
        "spiffe-approver",
        available,
    );
    let owner = json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "spiffe-driver",
        "uid": set["metadata"]["uid"]});
    create(
        &resource::PODS,
        "cert-manager",
        json!({
            "metadata": {"name": "spiffe-driver-x", "ownerReferences": [owner]},
            "spec": {"nodeName": "node-1", "containers": [{"name": "driver", "image": "x"}]},
        }),
    );
    let running = json!({"phase": "Running", "conditions": ready});
    status(
        &resource::PODS,
        "cert-manager",
        "spiffe-driver-x",
        running.clone(),
    );
    create(
        &resource::PODS,
        "payments",
        json!({
            "metadata": {"name": "api"},
            "spec": {
                "nodeName": "node-1",
                "serviceAccountName": "api",
                "containers": [{"name": "api", "image": "x"}],
                "volumes": [{"name": "spiffe", "csi": {"driver": DRIVER, "readOnly": true}}],
            },
        }),
    );
    status(&resource::PODS, "payments", "api", running);
    create(
        &resource::LEASES,
        "cert-manager",
        json!({
            "metadata": {"name": DRIVER},
            "spec": {"holderIdentity": "spiffe-approver-0", "leaseDurationSeconds": 15,
                "renewTime": jiff::Timestamp::now().to_string()},
        }),
    );
    policies(objects);
}

fn policies(objects: &Objects) {
    let condition = json!({"name": "ours", "expression": "name == \"spiffe-ca\""});
    let policy = json!({
        "metadata": {"name": "spiffe-issuer", "labels": {"app.kubernetes.io/instance": "spiffe"}},
        "spec": {"matchConditions": [condition]},
    });
    let binding = json!({
        "metadata": {"name": "spiffe-issuer"},
        "spec": {"policyName": "spiffe-issuer", "validationActions": ["Deny"]},
    });
    let policies = &resource::VALIDATING_ADMISSION_POLICIES;
    objects.create(policies, "", policy).unwrap();
    let bindings = &resource::VALIDATING_ADMISSION_POLICY_BINDINGS;
    objects.create(bindings, "", binding).unwrap();
}

fn daemon_set() -> Value {
    json!({
        "metadata": {"name": "spiffe-driver", "labels": {"app.kubernetes.io/instance": "spiffe"}},
        "spec": {"template": {"spec": {
            "serviceAccountName": ACCOUNT,
            "containers": [{
                "name": "driver",
                "image": "example.com/spiffe:1",
                "args": ["driver", "--node-id=$(NODE_ID)", "--data-root=/data",
                    "--endpoint=unix:///plugin/csi.sock", "--issuer-name=spiffe-ca",
                    "--source-ca-bundle=/roots/ca.crt"],
                "env": [{"name": "NODE_ID", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}],
                "volumeMounts": [{"name": "roots", "mountPath": "/roots"}],
            }],
            "volumes": [{"name": "roots", "configMap": {"name": "spiffe-roots"}}],
        }}},
    })
}

pub(super) fn deployment() -> Value {
    json!({
        "metadata": {"name": "spiffe-approver"},
        "spec": {"replicas": 2, "template": {"spec": {
            "serviceAccountName": format!("{ACCOUNT}-approver"),
            "containers": [{
                "name": "approver",
                "image": "example.com/spiffe:1",
                "args": ["approver", "--issuer-name=spiffe-ca"],
            }],
        }}},
    })
}
