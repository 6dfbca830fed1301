//! What is accepted, and what becomes of it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use svid_approver::OrdinaryRequests;
use svid_core::policy::{Attestation, Credentials, ExtraAnnotations};
use svid_node::driver::RequestMode;
use svid_node::driver::VolumesPerPod;
use svid_node::driver::{AnchoringPolicy, KeyUsagePolicy};
use svid_node::driver::{FileMode, FileNames, RootContext};

use super::*;

#[test]
fn the_drivers_defaults_are_those_of_the_go_driver() {
    let role = driver(&[]);

    let configuration = role.configuration;
    let installation = configuration.installation;
    assert_eq!(
        installation.driver_name.as_str(),
        "spiffe.csi.cert-manager.io"
    );
    assert_eq!(installation.trust_domain.as_str(), "cluster.local");
    assert_eq!(installation.duration.to_string(), "1h0m0s");
    let issuer = configuration.issuer.unwrap();
    assert_eq!(issuer.name, "my-spiffe-ca");
    assert_eq!(issuer.kind, "ClusterIssuer");
    assert_eq!(issuer.group, "cert-manager.io");
    assert_eq!(configuration.runtime_issuance, None);
    assert_eq!(configuration.files, FileNames::default());
    assert_eq!(configuration.file_mode, FileMode::default());
    assert_eq!(
        configuration.root_context.as_ref().map(RootContext::as_str),
        Some("system_u:object_r:container_file_t:s0")
    );
    assert_eq!(role.logs.level, 1);
    assert_eq!(role.logs.format, LogFormat::Text);
    assert_eq!((role.servers.probes, role.servers.metrics), (None, None));
    assert_eq!(configuration.registration_dir, None);
    assert_eq!(configuration.source_ca_bundle, None);
    assert!(installation.extra_annotations.is_empty());
    assert_eq!(configuration.anchoring, AnchoringPolicy::Warn);
    assert_eq!(configuration.volumes_per_pod, VolumesPerPod::default());
    assert_eq!(configuration.key_usage, KeyUsagePolicy::Warn);
    assert_eq!(installation.requester, RequestMode::Pod);
    assert_eq!(role.connection, ConnectionArgs::default());
    assert_eq!(role.warnings, [""; 0]);
}

#[test]
fn the_approvers_defaults_are_those_of_the_go_approver() {
    let role = approver(&[]);

    let (ours, drivers) = (role.configuration, driver(&[]).configuration);
    assert_eq!(ours.driver_name, drivers.installation.driver_name);
    assert_eq!(ours.trust_domain, drivers.installation.trust_domain);
    assert_eq!(ours.certificate_duration, Duration::from_secs(3600));
    assert_eq!(ours.issuer, drivers.issuer);
    assert_eq!(ours.runtime_issuance, drivers.runtime_issuance);
    assert_eq!(ours.leader_election_namespace, "cert-manager");
    assert_eq!(role.servers.probes.unwrap().to_string(), ":6060");
    assert_eq!(role.servers.metrics.unwrap().to_string(), ":9402");
    assert_eq!(ours.ordinary_requests, OrdinaryRequests::LeaveAlone);
    assert!(matches!(
        ours.attestation,
        Attestation::PodToken(Credentials::Any)
    ));
    assert_eq!(*ours.extra_annotations, ExtraAnnotations::Unlisted);
}

#[test]
fn the_approver_lists_what_the_driver_writes_by_the_same_value() {
    for words in [
        &[EXTRA][..],
        &["--extra-certificate-request-annotations=a=b,c"],
        &["--extra-certificate-request-annotations=a=b,a=c,x=y"],
        &[
            "--extra-certificate-request-annotations=a=b",
            "--extra-certificate-request-annotations=a=c,d=e",
        ],
        &["--extra-certificate-request-annotations", "\"a=x,y\",c=d"],
        &["--extra-certificate-request-annotations=spiffe.csi.cert-manager.io/x=y,a=b"],
    ] {
        let (approver, driver) = (approver(words), driver(words));
        let listed = ExtraAnnotations::Listed {
            current: driver.configuration.installation.extra_annotations,
            former: Vec::new(),
        };
        assert_eq!(
            *approver.configuration.extra_annotations, listed,
            "{words:?}"
        );
        assert_eq!(approver.warnings, driver.warnings, "{words:?}");
    }
}

#[test]
fn each_former_value_is_a_set_of_its_own_and_an_empty_one_is_none() {
    const FORMER: &str = "--former-certificate-request-annotations=";
    let configuration = approver(&[
        EXTRA,
        FORMER,
        &format!("{FORMER}a=b,c=d"),
        &format!("{FORMER}a=e"),
    ])
    .configuration;
    let ExtraAnnotations::Listed { current, former } = &*configuration.extra_annotations else {
        panic!("{configuration:?}")
    };
    assert!(current.is_empty());
    let former: Vec<Vec<_>> = former
        .iter()
        .map(|set| {
            set.iter()
                .map(|(key, value)| format!("{key}={value}"))
                .collect()
        })
        .collect();
    assert_eq!(
        former,
        [
            &[][..],
            &["a=b".to_owned(), "c=d".to_owned()],
            &["a=e".to_owned()]
        ]
    );
}

/// As the chart has it where there are none.
const EXTRA: &str = "--extra-certificate-request-annotations=";

#[test]
fn the_driver_asks_itself_where_it_is_told_to_and_then_short_lifetimes_are_no_risk() {
    let args = driver(&["--certificate-request-duration=1m"]);
    assert_eq!(args.warnings.len(), 1);
    let words = [
        "--certificate-request-duration=1m",
        "--use-own-service-account",
    ];
    let args = driver(&words);
    assert_eq!(
        args.configuration.installation.requester,
        RequestMode::Driver
    );
    assert_eq!(args.warnings, [""; 0]);
}

#[test]
fn the_approver_takes_requests_from_the_driver_or_from_pods() {
    const DRIVER: &str = "--driver-service-account=system:serviceaccount:cert-manager:driver";
    let node = |words: &[&str]| match approver(words).configuration.attestation {
        Attestation::Node(attestation) => Some(attestation),
        Attestation::PodToken(_) => None,
    };
    let name = "--csi-driver-name=spiffe.example.org";
    let attestation = node(&["--use-own-service-account", DRIVER, name]).unwrap();
    assert_eq!(
        attestation.driver.username(),
        "system:serviceaccount:cert-manager:driver"
    );
    assert_eq!(attestation.csi_driver, "spiffe.example.org");
    let both = [
        "--use-own-service-account",
        "--require-pod-bound-token",
        DRIVER,
    ];
    assert!(node(&both).is_some(), "implied, so no contradiction");
    assert!(node(&[DRIVER]).is_none(), "without effect");
    assert!(matches!(
        approver(&["--require-pod-bound-token"])
            .configuration
            .attestation,
        Attestation::PodToken(Credentials::BoundToPod)
    ));
}

#[test]
fn the_arguments_of_the_go_drivers_chart_are_taken() {
    let args = driver(&[
        "--log-level=1",
        "--csi-driver-name=spiffe.csi.cert-manager.io",
        "--certificate-request-duration=1h",
        "--issuer-name=spiffe-ca",
        "--issuer-kind=ClusterIssuer",
        "--issuer-group=cert-manager.io",
        "--trust-domain=cluster.local",
        "--file-name-certificate=tls.crt",
        "--file-name-key=tls.key",
        "--file-name-ca=ca.crt",
        "--source-ca-bundle=",
        "--runtime-issuance-config-map-name=",
        "--runtime-issuance-config-map-namespace=cert-manager",
        "--use-own-service-account=false",
    ]);

    assert_eq!(args.configuration.runtime_issuance, None);
    assert_eq!(args.configuration.source_ca_bundle, None);
    approver(&[
        "--log-level=1",
        "--issuer-name=spiffe-ca",
        "--leader-election-namespace=cert-manager",
        "--metrics-bind-address=:9402",
        "--readiness-probe-bind-address=:6060",
        "--runtime-issuance-config-map-name=",
        "--runtime-issuance-config-map-namespace=cert-manager",
        "--auto-approve-non-spiffe=false",
    ]);
}

#[test]
fn every_driver_flag_reaches_its_value() {
    let args = driver(&[
        "--kubelet-registration-dir=/var/lib/kubelet/plugins_registry",
        "--health-address=:9809",
        "--metrics-bind-address=[::1]:9402",
        "--status-address=127.0.0.1:9810",
        "--csi-driver-name=other.example.com",
        "--trust-domain=example.org",
        "--certificate-request-duration=90m",
        "--issuer-name=ca",
        "--issuer-kind=VaultIssuer",
        "--issuer-group=issuers.example.com",
        "--runtime-issuance-config-map-name=issuer",
        "--runtime-issuance-config-map-namespace=spiffe",
        "--extra-certificate-request-annotations=a=b,c=d",
        "--extra-certificate-request-annotations=e=f",
        "--require-anchored-chain",
        "--require-key-usage",
        "--file-name-certificate=svid.pem",
        "--file-name-key=svid.key",
        "--file-name-ca=bundle.pem",
        "--file-mode=0400",
        "--selinux-context=",
        "--source-ca-bundle=roots/ca.pem",
        "--max-volumes-per-pod=3",
        "--log-format=json",
        "-v=4",
    ]);

    let folder = std::env::current_dir().unwrap();
    let configuration = args.configuration;
    let installation = configuration.installation;
    assert_eq!(installation.node_id.as_str(), "node-1");
    assert_eq!(configuration.data_root, folder.join("csi-data-dir"));
    assert_eq!(configuration.endpoint, folder.join("plugin/csi.sock"));
    assert_eq!(
        configuration.registration_dir.as_deref(),
        Some(Path::new("/var/lib/kubelet/plugins_registry"))
    );
    assert_eq!(args.servers.probes.unwrap().to_string(), ":9809");
    assert_eq!(args.servers.metrics.unwrap().to_string(), "[::1]:9402");
    assert_eq!(args.servers.status.unwrap().to_string(), "127.0.0.1:9810");
    assert_eq!(installation.driver_name.as_str(), "other.example.com");
    assert_eq!(installation.trust_domain.as_str(), "example.org");
    assert_eq!(installation.duration.to_string(), "1h30m0s");
    assert_eq!(configuration.issuer.unwrap().group, "issuers.example.com");
    let config_map = configuration.runtime_issuance.unwrap();
    assert_eq!(
        (config_map.namespace.as_str(), config_map.name.as_str()),
        ("spiffe", "issuer")
    );
    assert_eq!(installation.extra_annotations.len(), 3);
    assert_eq!(configuration.anchoring, AnchoringPolicy::Require);
    assert_eq!(configuration.key_usage, KeyUsagePolicy::Require);
    assert_eq!(
        configuration.files,
        FileNames::new("svid.pem", "svid.key", "bundle.pem").unwrap()
    );
    assert_eq!(configuration.file_mode.to_string(), "0400");
    assert_eq!(configuration.root_context, None);
    assert_eq!(
        configuration.source_ca_bundle,
        Some(folder.join("roots/ca.pem"))
    );
    assert_eq!(configuration.volumes_per_pod.to_string(), "3");
    assert_eq!((args.logs.level, args.logs.format), (4, LogFormat::Json));
}

#[test]
fn every_approver_flag_reaches_its_value() {
    let args = approver(&[
        "--auto-approve-non-spiffe",
        "--leader-election-namespace=spiffe",
        "--readiness-probe-bind-address=localhost:1",
        "--metrics-bind-address=0",
        "--driver-service-account=system:serviceaccount:cert-manager:driver",
        "--issuer-name=",
        "--runtime-issuance-config-map-name=issuer",
        "--runtime-issuance-config-map-namespace=spiffe",
    ]);

    let configuration = args.configuration;
    assert_eq!(configuration.ordinary_requests, OrdinaryRequests::Approve);
    assert_eq!(configuration.leader_election_namespace, "spiffe");
    assert_eq!(args.servers.probes.unwrap().to_string(), "localhost:1");
    assert_eq!(args.servers.metrics, None);
    assert_eq!(configuration.issuer, None);
}

#[test]
fn an_issuer_is_one_that_can_work() {
    type KindAndGroup = (&'static str, &'static str);
    let table: &[(&[&str], Option<KindAndGroup>)] = &[
        (
            &["--issuer-kind=Issuer"],
            Some(("Issuer", "cert-manager.io")),
        ),
        (&["--issuer-kind="], Some(("Issuer", "cert-manager.io"))),
        (
            &["--issuer-group="],
            Some(("ClusterIssuer", "cert-manager.io")),
        ),
        (
            &[
                "--issuer-kind=AWSPCAIssuer",
                "--issuer-group=awspca.cert-manager.io",
            ],
            Some(("AWSPCAIssuer", "awspca.cert-manager.io")),
        ),
        (&["--issuer-kind=AWSPCAIssuer"], None),
        (&["--issuer-kind=AWSPCAIssuer", "--issuer-group="], None),
        (
            &["--issuer-kind=Some-Issuer", "--issuer-group=example.com"],
            None,
        ),
    ];
    for (words, expected) in table {
        match expected {
            Some((kind, group)) => {
                let issuer = driver(words).configuration.issuer.unwrap();
                assert_eq!(
                    (issuer.kind.as_str(), issuer.group.as_str()),
                    (*kind, *group),
                    "{words:?}"
                );
            }
            None => assert_eq!(driver_problems(words).len(), 1, "{words:?}"),
        }
    }
}

#[test]
fn connection_flags_are_read_as_kubectl_reads_them() {
    let args = driver(&[
        "--kubeconfig=k",
        "--context=c",
        "--cluster=l",
        "--user=u",
        "-s",
        "https://host:6443",
        "--token=secret-token",
        "--certificate-authority=ca",
        "--client-certificate=crt",
        "--client-key=key",
        "--tls-server-name=Name",
        "--request-timeout=30",
        "--as=me",
        "--as-uid=1",
        "--as-group=g",
        "--as-group=h",
        "-n",
        "ns",
        "--cache-dir=x",
        "--disable-compression",
    ])
    .connection;

    assert_eq!(args.kubeconfig, Some(PathBuf::from("k")));
    assert_eq!(
        args.server.as_ref().unwrap().to_string(),
        "https://host:6443/"
    );
    assert_eq!(args.tls_server_name.as_deref(), Some("name"));
    assert_eq!(args.request_timeout, Some(Duration::from_secs(30)));
    assert_eq!(args.impersonation.as_ref().unwrap().groups, ["g", "h"]);
    assert!(!format!("{args:?}").contains("secret-token"), "{args:?}");
    for (text, expected) in [("0", None), ("0s", None), ("1m", Some(60)), ("5", Some(5))] {
        let word = format!("--request-timeout={text}");
        let expected = expected.map(Duration::from_secs);
        assert_eq!(
            driver(&[&word]).connection.request_timeout,
            expected,
            "{text}"
        );
    }
}

#[test]
fn what_will_not_do_what_is_hoped_is_warned_of() {
    let table: &[(&[&str], usize)] = &[
        (&["--certificate-request-duration=5m"], 0),
        (&["--certificate-request-duration=299s"], 1),
        (&["--file-mode=0444"], 1),
        (&["--require-anchored-chain"], 1),
        (
            &["--require-anchored-chain", "--source-ca-bundle=ca.pem"],
            0,
        ),
        (
            &["--extra-certificate-request-annotations=spiffe.csi.cert-manager.io/x=y"],
            1,
        ),
    ];
    for (words, count) in table {
        assert_eq!(driver(words).warnings.len(), *count, "{words:?}");
    }
}
