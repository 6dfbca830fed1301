use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use crate::certificates::{Authority, SPIFFE_ID, Volume};
use crate::program::{Ran, Running, run};

fn inspect(volume: &Volume, words: &[&str]) -> Ran {
    let path = volume.path().to_str().unwrap();
    run(&[&["inspect", path][..], words].concat())
}

fn json(volume: &Volume) -> (i32, Value) {
    let ran = inspect(volume, &["--output=json"]);
    (ran.code, serde_json::from_str(&ran.stdout).unwrap())
}

#[test]
fn a_good_svid_is_described_and_exits_0() {
    let ran = inspect(&Volume::good(), &[]);

    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.starts_with("valid SVID in "), "{}", ran.stdout);
    for text in [
        SPIFFE_ID,
        "CN=roots",
        "ECDSA P-256, matches the key file",
        "the chain leads to the trust bundle",
        "the certificate, signed by CN=roots (a root of the trust bundle)",
        "\nTime left    ",
        "tls.key  0440  owner ",
    ] {
        assert!(ran.stdout.contains(text), "{text}: {}", ran.stdout);
    }
    assert!(
        !ran.stdout.contains('\u{1b}'),
        "colour without a terminal: {}",
        ran.stdout
    );
}

#[test]
fn json_says_the_same_to_programs() {
    let (code, answer) = json(&Volume::good());

    assert_eq!(code, 0);
    assert_eq!(answer["good"], true);
    assert_eq!(answer["problems"], Value::Array(Vec::new()));
    assert_eq!(answer["spiffe_id"], SPIFFE_ID);
    assert_eq!(answer["key_matches"], true);
    assert_eq!(answer["anchored"], true);
    assert_eq!(answer["files"][1]["name"], "tls.key");
    assert_eq!(answer["files"][1]["mode"], "0440");
    let left = answer["seconds_left"].as_i64().unwrap();
    assert!((3500..=3600).contains(&left), "{left}");
    assert_eq!(answer["chain"].as_array().unwrap().len(), 1);
}

#[test]
fn what_is_not_good_exits_1_and_says_why() {
    let authority = Authority::new("roots");
    let (certificate, key) = authority.leaf(SPIFFE_ID, -1, 60);
    let (expired, expired_key) = authority.leaf(SPIFFE_ID, -60, -1);
    let (early, early_key) = authority.leaf(SPIFFE_ID, 30, 60);
    let (web, web_key) = authority.leaf("https://example.org/", -1, 60);
    let other_roots = Authority::new("others");
    let table: Vec<(&str, Volume, &str)> = vec![
        ("no files", Volume::empty(), "there is no tls.crt"),
        (
            "no key",
            Volume::good().without("tls.key"),
            "there is no tls.key",
        ),
        (
            "readable by all",
            Volume::good().with("tls.key", &key, 0o444),
            "the private key is world-readable",
        ),
        (
            "writable by all",
            Volume::good().with("tls.crt", &certificate, 0o442),
            "tls.crt is world-writable",
        ),
        (
            "expired",
            Volume::good()
                .with("tls.crt", &expired, 0o440)
                .with("tls.key", &expired_key, 0o440),
            "expired",
        ),
        (
            "not yet valid",
            Volume::good()
                .with("tls.crt", &early, 0o440)
                .with("tls.key", &early_key, 0o440),
            "the certificate is not valid before",
        ),
        (
            "another key",
            Volume::good().with("tls.key", &key, 0o440),
            "does not belong to the certificate",
        ),
        (
            "no SPIFFE ID",
            Volume::good()
                .with("tls.crt", &web, 0o440)
                .with("tls.key", &web_key, 0o440),
            "SPIFFE ID",
        ),
        (
            "other roots",
            Volume::good().with("ca.crt", other_roots.pem(), 0o440),
            "does not lead to the trust bundle",
        ),
        (
            "not PEM",
            Volume::good().with("tls.crt", "garbage", 0o440),
            "tls.crt",
        ),
        (
            "bad bundle",
            Volume::good().with("ca.crt", "", 0o440),
            "bundle",
        ),
    ];
    for (name, volume, reason) in table {
        let ran = inspect(&volume, &[]);
        assert_eq!(ran.code, 1, "{name}: {}", ran.stdout);
        assert!(
            ran.stdout.starts_with("not a valid SVID in "),
            "{name}: {}",
            ran.stdout
        );
        if name != "not PEM" {
            let problems: String = ran
                .stdout
                .lines()
                .filter(|line| line.starts_with("  - "))
                .collect();
            assert!(problems.contains(reason), "{name}: {}", ran.stdout);
        }
        let (code, answer) = json(&volume);
        assert_eq!((code, &answer["good"]), (1, &Value::Bool(false)), "{name}");
        assert!(!answer["problems"].as_array().unwrap().is_empty(), "{name}");
    }
}

#[test]
fn a_volume_without_a_trust_bundle_is_good_and_that_is_remarked() {
    let ran = inspect(&Volume::good().without("ca.crt"), &[]);

    assert_eq!(ran.code, 0, "{}", ran.stdout);
    assert!(ran.stdout.contains("there is no ca.crt"), "{}", ran.stdout);
}

#[test]
fn the_key_is_never_printed() {
    let authority = Authority::new("roots");
    let (certificate, key) = authority.leaf(SPIFFE_ID, -1, 60);
    let secret: Vec<&str> = key.lines().filter(|line| !line.starts_with('-')).collect();
    // Also not where the user mixed up the files.
    let volumes = [
        Volume::good().with("tls.key", &key, 0o440),
        Volume::empty()
            .with("tls.crt", &key, 0o440)
            .with("tls.key", &certificate, 0o440),
        Volume::good().with("ca.crt", &key, 0o440),
        Volume::good().with("tls.key", &format!("{key}garbage"), 0o440),
    ];
    for volume in volumes {
        for words in [&[][..], &["-o", "json"]] {
            let ran = inspect(&volume, words);
            for line in &secret {
                assert!(
                    !ran.stdout.contains(line) && !ran.stderr.contains(line),
                    "{}",
                    ran.stdout
                );
            }
            assert!(!ran.stdout.contains("PRIVATE KEY-"), "{}", ran.stdout);
        }
    }
}

#[test]
fn other_file_names_are_looked_for_on_request() {
    let authority = Authority::new("roots");
    let (certificate, key) = authority.leaf(SPIFFE_ID, -1, 60);
    let volume = Volume::empty()
        .with("svid.pem", &certificate, 0o440)
        .with("svid_key.pem", &key, 0o440)
        .with("bundle.pem", authority.pem(), 0o440);

    let words = [
        "--file-name-certificate=svid.pem",
        "--file-name-key",
        "svid_key.pem",
        "--file-name-ca=bundle.pem",
    ];

    assert_eq!(inspect(&volume, &words).code, 0);
    assert_eq!(inspect(&volume, &[]).code, 1);
}

#[test]
fn what_is_no_folder_of_files_neither_hangs_nor_fills_the_memory() {
    let volume = Volume::good().without("tls.key");
    let pipe = volume.path().join("tls.key");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        0o600.into(),
        0,
    )
    .unwrap();
    let ran = inspect(&volume, &[]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stdout
            .contains("tls.key cannot be read: not a regular file"),
        "{}",
        ran.stdout
    );

    let volume = Volume::good().without("ca.crt");
    symlink("/dev/zero", volume.path().join("ca.crt")).unwrap();
    assert_eq!(inspect(&volume, &[]).code, 1);

    let volume = Volume::good().with("tls.crt", &"x".repeat(2 << 20), 0o440);
    let ran = inspect(&volume, &[]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stdout.contains("larger than 1048576 bytes"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_folder_that_is_not_there_is_one_line_of_error_and_exits_2() {
    for path in ["/nonexistent/volume", "/dev/null"] {
        let ran = run(&["inspect", path]);
        assert_eq!(ran.code, 2);
        assert_eq!(ran.stdout, "");
        assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
        assert!(
            ran.stderr
                .starts_with(&format!("csi-driver-spiffe: looking at {path}")),
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn a_file_that_the_system_does_not_let_us_read_is_not_a_bad_svid() {
    let unreadable = |volume: Volume| {
        let path = volume.path().join("ca.crt");
        // A regular file that root may open and nobody may read at its beginning.
        symlink("/proc/self/mem", path).unwrap();
        volume
    };
    let volume = unreadable(Volume::good().without("ca.crt"));
    let (code, answer) = json(&volume);
    assert_eq!((code, &answer["good"]), (2, &Value::Bool(false)));
    let problem = answer["problems"][0].as_str().unwrap();
    assert!(problem.starts_with("ca.crt cannot be read: "), "{answer}");

    let volume = unreadable(Volume::empty());
    assert_eq!(inspect(&volume, &[]).code, 1, "what is seen is bad enough");
}

#[test]
fn an_expected_identity_and_an_expected_rest_of_the_lifetime_are_asked_for() {
    let others = "--expect-id=spiffe://example.org/ns/sandbox/sa/other";
    let own = format!("--expect-id={SPIFFE_ID}");
    for (words, code, problem) in [
        (&[own.as_str(), "--min-left=59m"][..], 0, ""),
        (&[others][..], 1, "the SPIFFE ID is spiffe://example.org/"),
        (
            &["--min-left=2h"][..],
            1,
            "must be valid for at least 7200 s more",
        ),
    ] {
        let ran = inspect(&Volume::good(), words);

        assert_eq!(ran.code, code, "{words:?}: {}", ran.stdout);
        assert!(ran.stdout.contains(problem), "{words:?}: {}", ran.stdout);
    }
}

#[test]
fn a_watch_tells_what_changes_and_ends_with_the_last_verdict() {
    let volume = Volume::good();
    let path = volume.path().to_str().unwrap().to_owned();
    let (mut watch, output) =
        Running::start_with_output(&["inspect", &path, "--watch", "--output=json"]);
    let mut reports = serde_json::Deserializer::from_reader(output).into_iter::<Value>();
    let mut next = || reports.next().unwrap().unwrap();

    assert_eq!(next()["good"], true);
    let begun = Instant::now();
    // An event that changes nothing: the next report is about the one after it.
    let volume = volume.with("other", "x", 0o440);
    let volume = volume.without("tls.key");
    let broken = next();
    assert_eq!(broken["problems"][0], "there is no tls.key", "{broken}");
    let authority = Authority::new("roots");
    let (certificate, key) = authority.leaf(SPIFFE_ID, -1, 60);
    // Replaced as a whole, so that there is one state to see.
    let other = Volume::good();
    std::fs::write(other.path().join("tls.crt"), &certificate).unwrap();
    std::fs::rename(other.path().join("tls.crt"), volume.path().join("tls.crt")).unwrap();
    assert_ne!(next()["serial"], broken["serial"]);
    let volume = volume
        .with("ca.crt", authority.pem(), 0o440)
        .with("tls.key", &key, 0o440);
    while next()["good"] != true {}
    // It looks once a minute without an event, too.
    assert!(begun.elapsed() < Duration::from_secs(30));

    watch.signal(Signal::TERM);
    assert_eq!(watch.exit_code(), 0);
    drop(volume);
}

#[test]
fn a_watch_of_what_is_not_good_ends_with_1_and_of_nothing_with_2() {
    let volume = Volume::empty();
    let path = volume.path().to_str().unwrap().to_owned();
    let words = ["inspect", &path, "--watch", "-o", "json"];
    let (mut watch, output) = Running::start_with_output(&words);
    let mut reports = serde_json::Deserializer::from_reader(output).into_iter::<Value>();
    assert_eq!(reports.next().unwrap().unwrap()["good"], false);
    watch.signal(Signal::INT);
    assert_eq!(watch.exit_code(), 1);

    let (mut watch, output) = Running::start_with_output(&words);
    let mut reports = serde_json::Deserializer::from_reader(output).into_iter::<Value>();
    reports.next().unwrap().unwrap();
    drop(volume);
    assert_eq!(watch.exit_code(), 2);
    let ran = run(&words);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains(&path), "{}", ran.stderr);
}
