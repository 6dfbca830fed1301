//! Every flag and every rule of `driver` and `approver`, through the whole command line.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::*;

const NEEDED: [&str; 3] = [
    "--node-id=node-1",
    "--data-root=csi-data-dir",
    "--endpoint=unix://plugin/csi.sock",
];

fn parse_words(words: &[&str]) -> Result<Command, NoFlags> {
    let program = std::iter::once("csi-driver-spiffe");
    parse(
        program
            .chain(words.iter().copied())
            .map(OsString::from)
            .collect(),
    )
}

fn problems_of(outcome: Result<Command, NoFlags>) -> Vec<String> {
    match outcome {
        Ok(_) => Vec::new(),
        Err(NoFlags::Wrong(problems)) => problems.iter().map(ToString::to_string).collect(),
        Err(other) => panic!("{other:?}"),
    }
}

/// What is wrong with `driver`, given what it needs and these flags.
fn driver_problems(words: &[&str]) -> Vec<String> {
    problems_of(parse_words(&[&["driver"][..], &NEEDED, words].concat()))
}

fn driver(words: &[&str]) -> DriverArgs {
    match parse_words(&[&["driver"][..], &NEEDED, words].concat()) {
        Ok(Command::Driver(args)) => *args,
        other => panic!("{words:?} gave {other:?}"),
    }
}

fn approver_problems(words: &[&str]) -> Vec<String> {
    problems_of(parse_words(&[&["approver"][..], words].concat()))
}

fn approver(words: &[&str]) -> ApproverArgs {
    match parse_words(&[&["approver"][..], words].concat()) {
        Ok(Command::Approver(args)) => *args,
        other => panic!("{words:?} gave {other:?}"),
    }
}

#[test]
fn the_drivers_defaults_are_those_of_the_go_driver() {
    let args = driver(&[]);

    assert_eq!(args.certificates.driver_name, "spiffe.csi.cert-manager.io");
    assert_eq!(args.certificates.trust_domain.as_str(), "cluster.local");
    assert_eq!(args.certificates.duration, Duration::from_secs(3600));
    let issuer = args.certificates.issuer.unwrap();
    assert_eq!(issuer.name, "my-spiffe-ca");
    assert_eq!(issuer.kind, "ClusterIssuer");
    assert_eq!(issuer.group, "cert-manager.io");
    assert_eq!(args.certificates.runtime_issuance, None);
    assert_eq!(args.file_names.certificate, "tls.crt");
    assert_eq!(args.file_names.key, "tls.key");
    assert_eq!(args.file_names.bundle, "ca.crt");
    assert_eq!(args.file_mode, 0o440);
    assert_eq!(args.logs.level, 1);
    assert_eq!(args.logs.format, LogFormat::Text);
    assert_eq!((args.health, args.metrics), (None, None));
    assert_eq!((args.registration_dir, args.source_ca_bundle), (None, None));
    assert!(args.extra_annotations.is_empty());
    assert!(!args.require_anchored_chain);
    assert_eq!(args.connection, ConnectionArgs::default());
    assert_eq!(args.warnings, [""; 0]);
}

#[test]
fn the_approvers_defaults_are_those_of_the_go_approver() {
    let args = approver(&[]);

    assert_eq!(args.certificates, driver(&[]).certificates);
    assert_eq!(args.lease_namespace, "cert-manager");
    assert_eq!(args.readiness.unwrap().to_string(), ":6060");
    assert_eq!(args.metrics.unwrap().to_string(), ":9402");
    assert!(!args.auto_approve_non_spiffe);
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

    assert_eq!(args.certificates.runtime_issuance, None);
    assert_eq!(args.source_ca_bundle, None);
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
        "--file-name-certificate=svid.pem",
        "--file-name-key=svid.key",
        "--file-name-ca=bundle.pem",
        "--file-mode=0400",
        "--source-ca-bundle=roots/ca.pem",
        "--log-format=json",
        "-v=4",
    ]);

    let folder = std::env::current_dir().unwrap();
    assert_eq!(args.node_id, "node-1");
    assert_eq!(args.data_root, folder.join("csi-data-dir"));
    assert_eq!(args.endpoint, folder.join("plugin/csi.sock"));
    assert_eq!(
        args.registration_dir.as_deref(),
        Some(Path::new("/var/lib/kubelet/plugins_registry"))
    );
    assert_eq!(args.health.unwrap().to_string(), ":9809");
    assert_eq!(args.metrics.unwrap().to_string(), "[::1]:9402");
    assert_eq!(args.certificates.driver_name, "other.example.com");
    assert_eq!(args.certificates.trust_domain.as_str(), "example.org");
    assert_eq!(args.certificates.duration, Duration::from_secs(5400));
    assert_eq!(
        args.certificates.issuer.unwrap().group,
        "issuers.example.com"
    );
    let config_map = args.certificates.runtime_issuance.unwrap();
    assert_eq!(
        (config_map.namespace.as_str(), config_map.name.as_str()),
        ("spiffe", "issuer")
    );
    assert_eq!(args.extra_annotations.len(), 3);
    assert!(args.require_anchored_chain);
    assert_eq!(args.file_names.bundle, "bundle.pem");
    assert_eq!(args.file_mode, 0o400);
    assert_eq!(args.source_ca_bundle, Some(folder.join("roots/ca.pem")));
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

    assert!(args.auto_approve_non_spiffe);
    assert_eq!(args.lease_namespace, "spiffe");
    assert_eq!(args.readiness.unwrap().to_string(), "localhost:1");
    assert_eq!(args.metrics, None);
    assert_eq!(args.certificates.issuer, None);
}

#[test]
fn each_wrong_value_is_told_with_its_flag() {
    let long = "a".repeat(257);
    let long_node = format!("--node-id={long}");
    let long_registration = format!("--kubelet-registration-dir=/{}", "d".repeat(90));
    let table: &[(&str, &str)] = &[
        ("--node-id=", "--node-id"),
        (&long_node, "--node-id"),
        ("--node-id=a\nb", "--node-id"),
        ("--data-root=", "--data-root"),
        ("--endpoint=", "--endpoint"),
        ("--endpoint=tcp://127.0.0.1:1", "--endpoint"),
        (&long_registration, "--kubelet-registration-dir"),
        ("--health-address=9809", "--health-address"),
        ("--metrics-bind-address=:x", "--metrics-bind-address"),
        ("--csi-driver-name=Upper.example", "--csi-driver-name"),
        ("--csi-driver-name=", "--csi-driver-name"),
        ("--trust-domain=", "--trust-domain"),
        ("--trust-domain=Example.org", "--trust-domain"),
        ("--trust-domain=spiffe://example.org", "--trust-domain"),
        (
            "--certificate-request-duration=0s",
            "--certificate-request-duration",
        ),
        (
            "--certificate-request-duration=-1h",
            "--certificate-request-duration",
        ),
        (
            "--certificate-request-duration=1d",
            "--certificate-request-duration",
        ),
        (
            "--certificate-request-duration=10ms",
            "--certificate-request-duration",
        ),
        ("--issuer-name=", "--issuer-name"),
        ("--issuer-name=a/b", "--issuer-name"),
        ("--issuer-kind=SelfSignedIssuer", "--issuer-kind"),
        ("--issuer-kind=issuer", "--issuer-kind"),
        ("--issuer-group=no group", "--issuer-group"),
        (
            "--runtime-issuance-config-map-name=a",
            "--runtime-issuance-config-map-namespace",
        ),
        (
            "--runtime-issuance-config-map-namespace=A",
            "--runtime-issuance-config-map-namespace",
        ),
        (
            "--extra-certificate-request-annotations=a",
            "--extra-certificate-request-annotations",
        ),
        (
            "--require-anchored-chain=perhaps",
            "--require-anchored-chain",
        ),
        ("--use-own-service-account", "--use-own-service-account"),
        ("--use-own-service-account=x", "--use-own-service-account"),
        ("--file-name-key=../tls.key", "--file-name-key"),
        ("--file-name-key=tls.crt", "--file-name-key"),
        ("--file-mode=0777", "--file-mode"),
        ("--log-level=x", "--log-level"),
        ("--log-level=-1", "--log-level"),
        ("--log-level=", "--log-level"),
        ("--log-format=xml", "--log-format"),
        ("--server=ftp://x", "--server"),
        ("--server=localhost:8080", "--server"),
        ("--server=https://user:pass@host", "--server"),
        ("--server=https://host/?a=b", "--server"),
        ("--tls-server-name=a b", "--tls-server-name"),
        (
            "--insecure-skip-tls-verify=maybe",
            "--insecure-skip-tls-verify",
        ),
        ("--disable-compression=maybe", "--disable-compression"),
        ("--request-timeout=soon", "--request-timeout"),
        ("--request-timeout=-1s", "--request-timeout"),
        ("--client-certificate=a.pem", "--client-certificate"),
        ("--client-key=a.pem", "--client-key"),
        ("--as-group=a", "--as-group"),
        ("--as-uid=a", "--as-uid"),
        ("--as=a\nb", "--as"),
    ];
    for (word, flag) in table {
        let problems = driver_problems(&[word]);
        assert_eq!(problems.len(), 1, "{word}: {problems:?}");
        let subject = problems[0].split(['=', ':']).next();
        assert_eq!(subject, Some(*flag), "{word}: {problems:?}");
        assert!(problems[0].contains("; allowed: "), "{problems:?}");
    }
    let table = [
        "--leader-election-namespace=",
        "--leader-election-namespace=a.b",
        "--readiness-probe-bind-address=x",
        "--metrics-bind-address=:9402:1",
        "--metrics-bind-address=:6060",
        "--auto-approve-non-spiffe=x",
        "--use-own-service-account=true",
        "--driver-service-account=me",
        "--trust-domain=A",
        "--issuer-name=",
        "-v=x",
        "--log-format=",
    ];
    for word in table {
        let problems = approver_problems(&[word]);
        assert_eq!(problems.len(), 1, "{word}: {problems:?}");
    }
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let problems = problems_of(parse_words(&[
        "driver",
        "--endpoint=tcp://x",
        "--unknown=1",
        "--trust-domain=A_B",
        "--certificate-request-duration=never",
        "--file-mode=0999",
        "--file-name-ca=tls.crt",
        "--log-format=xml",
        "stray",
        "--token=a b",
        "--metrics-bind-address",
    ]));

    let subjects: Vec<&str> = problems
        .iter()
        .filter_map(|line| line.split(['=', ':']).next())
        .collect();
    assert_eq!(
        subjects,
        [
            "--unknown",
            "argument",
            "--metrics-bind-address",
            "--node-id",
            "--data-root",
            "--endpoint",
            "--trust-domain",
            "--certificate-request-duration",
            "--file-name-ca",
            "--file-mode",
            "--token",
            "--log-format",
        ]
    );
}

#[test]
fn flags_that_exclude_each_other_are_told() {
    let table: &[&[&str]] = &[
        &["--health-address=:1", "--metrics-bind-address=:1"],
        &[
            "--insecure-skip-tls-verify",
            "--certificate-authority=ca.pem",
        ],
        &["--file-name-certificate=a", "--file-name-key=a"],
    ];
    for words in table {
        assert_eq!(driver_problems(words).len(), 1, "{words:?}");
    }
}

#[test]
fn an_issuer_is_one_that_can_work() {
    let table: &[(&[&str], Option<(&str, &str)>)] = &[
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
                let issuer = driver(words).certificates.issuer.unwrap();
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
fn a_wrong_token_is_not_repeated() {
    let problems = driver_problems(&["--token=very secret"]);

    assert_eq!(problems.len(), 1);
    assert!(!problems[0].contains("very"), "{problems:?}");
    assert!(!problems[0].contains("secret"), "{problems:?}");
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

#[test]
fn inspect_tells_all_that_is_wrong_too() {
    assert!(matches!(
        parse_words(&["inspect", "dir"]),
        Ok(Command::Inspect(_))
    ));
    assert!(matches!(
        parse_words(&["inspect", "dir", "-o", "json"]),
        Ok(Command::Inspect(_))
    ));
    let problems = problems_of(parse_words(&[
        "inspect",
        "dir",
        "--output=xml",
        "--file-name-key=a/b",
        "--keys",
        "second",
    ]));
    assert_eq!(problems.len(), 4, "{problems:?}");
    let problems = problems_of(parse_words(&["inspect"]));
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].contains("DIR"), "{problems:?}");
}
