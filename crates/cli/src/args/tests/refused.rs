//! What is refused, and what is reported.

use super::*;

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
        ("--use-own-service-account=x", "--use-own-service-account"),
        ("--file-name-key=../tls.key", "--file-name-key"),
        ("--file-name-key=tls.crt", "--file-name-key"),
        ("--file-name-key=a\\b", "--file-name-key"),
        ("--file-mode=0777", "--file-mode"),
        ("--selinux-context=a\"b", "--selinux-context"),
        ("--max-volumes-per-pod=0", "--max-volumes-per-pod"),
        ("--max-volumes-per-pod=many", "--max-volumes-per-pod"),
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
    let long_value = format!(
        "--extra-certificate-request-annotations=a={}",
        "x".repeat(4097)
    );
    let entries: Vec<String> = (0..32).map(|at| format!("a{at}=x")).collect();
    let many = format!(
        "--extra-certificate-request-annotations={}",
        entries.join(",")
    );
    let table = [
        "--leader-election-namespace=",
        "--leader-election-namespace=a.b",
        "--readiness-probe-bind-address=x",
        "--metrics-bind-address=:9402:1",
        "--metrics-bind-address=:6060",
        "--auto-approve-non-spiffe=x",
        "--use-own-service-account=true",
        "--use-own-service-account=x",
        "--require-pod-bound-token=x",
        "--driver-service-account=me",
        "--driver-service-account=cert-manager/driver",
        "--driver-service-account=system:serviceaccount:cert-manager:",
        "--extra-certificate-request-annotations=a",
        "--former-certificate-request-annotations=",
        &long_value,
        &many,
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
fn a_wrong_token_is_not_repeated() {
    let problems = driver_problems(&["--token=very secret"]);

    assert_eq!(problems.len(), 1);
    assert!(!problems[0].contains("very"), "{problems:?}");
    assert!(!problems[0].contains("secret"), "{problems:?}");
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
