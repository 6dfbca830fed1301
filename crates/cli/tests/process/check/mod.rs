//! `check` against the embedded cluster with the objects of an installation.

mod installation;

use serde_json::json;
use svid_devcluster::{
    Answer, Binding, Cluster, Filter, Grant, Identity, Objects, Options, Reach, Rule,
    ServiceAccountName, Subject, Times, resource,
};

use crate::program::run;
use installation::{DRIVER, Installation, bad, deployment};

#[tokio::test(flavor = "multi_thread")]
async fn where_all_is_well_nothing_is_found_and_nothing_is_written() {
    let installation = Installation::new().await;

    let ran = installation.check_as(&Identity::Administrator, &[]);

    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{}", ran.stdout);
    assert!(
        ran.stdout
            .ends_with("\nall is well with spiffe.csi.cert-manager.io in cert-manager\n")
    );
    for line in [
        "  ok      the issuer is Ready",
        "  ok      one approver leads",
    ] {
        assert!(ran.stdout.contains(line), "{}", ran.stdout);
    }
    let log = installation.cluster.requests();
    let written = log.entries().into_iter().filter(|entry| {
        let asks = matches!(entry.verb, "get" | "list");
        !asks && entry.resource != "subjectaccessreviews"
    });
    assert_eq!(written.count(), 0);
    assert_eq!(
        log.count("get", "secrets") + log.count("list", "secrets"),
        0
    );
    installation.cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_broken_is_found_with_the_objects_that_it_is_about() {
    type Break = fn(&Objects);
    let table: &[(&str, &str, Break)] = &[
        ("issuer-ready", "no key pair", |objects| {
            let condition = json!({"type": "Ready", "status": "False", "message": "no key pair"});
            let status = json!({"status": {"conditions": [condition]}});
            let issuers = &resource::CLUSTER_ISSUERS;
            objects
                .merge_status(issuers, "", "spiffe-ca", &status)
                .unwrap();
        }),
        ("issuer-secret-shared", "ClusterIssuer web", |objects| {
            let issuer =
                json!({"metadata": {"name": "web"}, "spec": {"ca": {"secretName": "spiffe-ca"}}});
            objects
                .create(&resource::CLUSTER_ISSUERS, "", issuer)
                .unwrap();
        }),
        (
            "nodes-registered",
            "node-1: cert-manager/spiffe-driver-x runs there",
            |objects| {
                let none = json!({"spec": {"drivers": []}});
                objects
                    .merge(&resource::CSI_NODES, "", "node-1", &none)
                    .unwrap();
            },
        ),
        ("csidriver-fields", "requiresRepublish", |objects| {
            let off = json!({"spec": {"requiresRepublish": false}});
            objects
                .merge(&resource::CSI_DRIVERS, "", DRIVER, &off)
                .unwrap();
        }),
        ("approver-leads", "there is no Lease", |objects| {
            objects
                .delete(&resource::LEASES, "cert-manager", DRIVER)
                .unwrap();
        }),
        ("approver-available", "0 of 2 replicas", |objects| {
            let gone = json!({"status": {"availableReplicas": 0}});
            let deployments = &resource::DEPLOYMENTS;
            objects
                .merge_status(deployments, "cert-manager", "spiffe-approver", &gone)
                .unwrap();
        }),
        ("certmanager-webhook", "no mutating webhook", |objects| {
            let webhooks = &resource::MUTATING_WEBHOOKS;
            objects
                .delete(webhooks, "", "cert-manager-webhook")
                .unwrap();
        }),
        (
            "roots-there",
            "there is no ConfigMap spiffe-roots",
            |objects| {
                objects
                    .delete(&resource::CONFIG_MAPS, "cert-manager", "spiffe-roots")
                    .unwrap();
            },
        ),
        (
            "installed",
            "no Deployment runs the command approver",
            |objects| {
                let deployments = &resource::DEPLOYMENTS;
                objects
                    .delete(deployments, "cert-manager", "spiffe-approver")
                    .unwrap();
            },
        ),
        ("pod-security", "enforces restricted", |objects| {
            let labels = json!({"pod-security.kubernetes.io/enforce": "restricted"});
            let patch = json!({"metadata": {"labels": labels}});
            objects
                .merge(&resource::NAMESPACES, "", "cert-manager", &patch)
                .unwrap();
        }),
        ("limit-range", "16Mi", |objects| {
            let limit = json!({"type": "Container", "default": {"memory": "16Mi"}});
            let range = json!({"metadata": {"name": "l"}, "spec": {"limits": [limit]}});
            objects
                .create(&resource::LIMIT_RANGES, "cert-manager", range)
                .unwrap();
        }),
        (
            "workload-rights",
            "payments/other may not create",
            |objects| {
                let account = json!({"metadata": {"name": "other"}});
                objects
                    .create(&resource::SERVICE_ACCOUNTS, "payments", account)
                    .unwrap();
                let volume = json!({"name": "spiffe", "csi": {"driver": DRIVER, "readOnly": true}});
                let pod = json!({"metadata": {"name": "other"}, "spec": {"nodeName": "node-1",
                "serviceAccountName": "other", "containers": [{"name": "c", "image": "x"}],
                "volumes": [volume]}});
                objects.create(&resource::PODS, "payments", pod).unwrap();
            },
        ),
        ("roles-agree", "--trust-domain", |objects| {
            let mut deployment = deployment();
            let args = deployment
                .pointer_mut("/spec/template/spec/containers/0/args")
                .unwrap();
            args.as_array_mut()
                .unwrap()
                .push(json!("--trust-domain=other"));
            let deployments = &resource::DEPLOYMENTS;
            objects
                .merge(deployments, "cert-manager", "spiffe-approver", &deployment)
                .unwrap();
        }),
    ];
    for (id, text, breaks) in table {
        let installation = Installation::new().await;
        breaks(&installation.cluster.objects());

        let (code, found) = installation.found(&[]);

        assert_eq!(code, 1, "{id}: {found:?}");
        assert_eq!(found.len(), 1, "{id}: {found:?}");
        assert_eq!(found[0].0, *id);
        assert!(found[0].1.contains(text), "{found:?}");
        installation.cluster.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_else_may_approve_is_asked_and_found_where_no_policy_closes_the_issuer() {
    let installation = Installation::new().await;
    let account = ServiceAccountName::new("cert-manager", "cert-manager");
    let signer = "clusterissuers.cert-manager.io/*";
    installation.cluster.permissions().grant(Grant {
        subject: Subject::from(&account),
        reach: Reach::Cluster,
        rules: vec![Rule::new("cert-manager.io", "signers", &["approve"]).named(signer)],
    });
    assert_eq!(installation.found(&[]).0, 0, "the policy closes it");
    let bindings = &resource::VALIDATING_ADMISSION_POLICY_BINDINGS;
    installation
        .cluster
        .objects()
        .delete(bindings, "", "spiffe-issuer")
        .unwrap();

    let (code, found) = installation.found(&[]);

    assert_eq!((code, found.len()), (1, 1), "{found:?}");
    assert_eq!(found[0].0, "others-approve");
    let text = "cert-manager/cert-manager may approve for clusterissuers.cert-manager.io/*, and";
    assert!(found[0].1.contains(text), "{found:?}");
    installation.cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_read_nothing_is_told_what_was_not_looked_at() {
    let installation = Installation::new().await;
    let nobody = ServiceAccountName::new("payments", "api");

    let ran = installation.check_as(
        &Identity::ServiceAccount(nobody, Binding::None),
        &["-o", "json"],
    );

    assert_eq!(ran.code, 2, "{}", ran.stdout);
    let found = bad(&ran);
    for id in ["installed", "certmanager-running", "certmanager-webhook"] {
        let (_, text) = found.iter().find(|(found, _)| found == id).unwrap();
        assert!(text.contains("not looked at: list "), "{text}");
        assert!(text.contains("cannot list resource"), "{text}");
    }
    installation.cluster.shutdown().await;
}

/// As the chart gives them to the account of `helm test`, and as docs/check.md lists them.
fn rights() -> Vec<Rule> {
    let list = |group: &str, plurals: &[&str]| -> Vec<Rule> {
        let rules = plurals.iter();
        rules
            .map(|plural| Rule::new(group, plural, &["list"]))
            .collect()
    };
    let admission = [
        "validatingadmissionpolicies",
        "validatingadmissionpolicybindings",
        "mutatingwebhookconfigurations",
        "validatingwebhookconfigurations",
    ];
    let core = [
        "namespaces",
        "nodes",
        "pods",
        "limitranges",
        "resourcequotas",
    ];
    [
        list("", &core),
        list("apps", &["daemonsets", "deployments"]),
        list("storage.k8s.io", &["csinodes"]),
        list("events.k8s.io", &["events"]),
        list(
            "cert-manager.io",
            &["certificaterequests", "issuers", "clusterissuers"],
        ),
        list("admissionregistration.k8s.io", &admission),
        vec![
            Rule::new("storage.k8s.io", "csidrivers", &["get"]).named(DRIVER),
            Rule::new("coordination.k8s.io", "leases", &["get"]).named(DRIVER),
            Rule::new("", "configmaps", &["get"]).named("spiffe-roots"),
            Rule::new("authorization.k8s.io", "subjectaccessreviews", &["create"]),
        ],
    ]
    .concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rights_that_are_documented_are_enough_to_see_everything() {
    let installation = Installation::new().await;
    let account = ServiceAccountName::new("cert-manager", "spiffe-check");
    installation.cluster.add_service_account(&account).unwrap();
    installation.cluster.permissions().grant(Grant {
        subject: Subject::from(&account),
        reach: Reach::Cluster,
        rules: rights(),
    });

    let ran = installation.check_as(&Identity::ServiceAccount(account, Binding::None), &[]);

    assert_eq!(ran.code, 0, "{}", ran.stdout);
    installation.cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_api_server_makes_nothing_good() {
    let installation = Installation::new().await;
    let nodes = Filter::new("list", "nodes");
    let faults = installation.cluster.faults();
    faults.answer(nodes, Answer::InternalError, Times::Always);

    let (code, found) = installation.found(&[]);

    assert_eq!(code, 2, "{found:?}");
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].0, "nodes-registered");
    installation.cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn before_an_installation_the_cluster_and_the_issuer_are_looked_at() {
    let cluster = Cluster::start(Options::default()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let installation = Installation { cluster, folder };

    let (code, found) = installation.found(&["--pre", "--issuer-name=nobody"]);

    let ids: Vec<&str> = found.iter().map(|(id, _)| id.as_str()).collect();
    let expected = [
        "certmanager-running",
        "certmanager-webhook",
        "issuer-there",
        "others-approve",
    ];
    assert_eq!(ids, expected);
    assert_eq!(code, 1);
    installation.cluster.shutdown().await;
}

#[test]
fn an_api_server_that_is_not_there_is_exit_code_2_with_the_cause() {
    let ran = run(&["check", "--server=http://127.0.0.1:1", "-o", "json"]);

    assert_eq!(ran.code, 2, "{}", ran.stderr);
    let found = bad(&ran);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0, "api-reachable");
    assert!(found[0].1.contains("refused"), "{found:?}");
}

#[test]
fn flags_that_are_wrong_are_told() {
    let ran = run(&["check", "--driver=A_B", "--wait=x", "-n", "A", "-o", "xml"]);

    assert_eq!(ran.code, 64);
    for flag in ["--driver", "--wait", "--namespace", "--output"] {
        assert!(ran.stderr.contains(flag), "{}", ran.stderr);
    }
}
