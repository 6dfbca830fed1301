//! `status` against whatever may answer on a socket. Against a driver it is tried in the flows,
//! which can mount.

use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::certificates::{Authority, SPIFFE_ID, Volume};
use crate::program::{Ran, run};

/// A socket with something behind it that answers one connection.
struct Fake {
    folder: TempDir,
}

impl Fake {
    fn new(answer: impl FnOnce(UnixStream) + Send + 'static) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("status.sock")).unwrap();
        // It ends with the program, which closes the connection, or with this process.
        std::thread::spawn(move || answer(listener.accept().unwrap().0));
        Self { folder }
    }

    /// Answers a whole request with these bytes and closes.
    fn saying(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::new(move |mut stream| {
            read_request(&mut stream);
            // Whoever has read enough may be gone.
            drop(stream.write_all(&answer));
        })
    }

    fn with(overview: &Value) -> Self {
        let body = overview.to_string();
        Self::saying(format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ))
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("status.sock")
    }

    fn status(&self, words: &[&str]) -> Ran {
        ask(&self.socket(), "status", words)
    }
}

fn ask(socket: &Path, command: &str, words: &[&str]) -> Ran {
    let socket = format!("--socket={}", socket.display());
    run(&[&[command, socket.as_str()][..], words].concat())
}

fn read_request(stream: &mut UnixStream) -> String {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        request.push(byte[0]);
    }
    String::from_utf8(request).unwrap()
}

fn overview() -> Value {
    json!({
        "driver": "spiffe.csi.cert-manager.io",
        "node": "node-1",
        "time": "2026-11-25T10:00:00Z",
        "registration": {"state": "registered"},
        "issuer": {"state": "known", "issuer": "ClusterIssuer.cert-manager.io/spiffe-ca"},
        "trustBundle": {"state": "read", "certificates": 2, "newerRefused": null},
        "events": {"sent": 3, "repeated": 1, "dropped": 0},
        "fileNames": {"certificate": "tls.crt", "key": "tls.key", "bundle": "ca.crt"},
        "volumesWithoutCertificate": 0,
        "volumes": [volume("shop", "web-0")],
    })
}

fn volume(namespace: &str, pod: &str) -> Value {
    json!({
        "volume": format!("csi-{pod}"),
        "namespace": namespace,
        "pod": pod,
        "serviceAccount": "web",
        "spiffeId": format!("spiffe://example.org/ns/{namespace}/sa/web"),
        "target": "/nonexistent/mount",
        "phase": "resting",
        "phaseUntil": "2026-11-25T10:20:00Z",
        "phaseSince": null,
        "valid": true,
        "notBefore": "2026-11-25T09:40:00Z",
        "usableUntil": "2026-11-25T10:40:30Z",
        "waitsFor": null,
        "lastFailure": null,
    })
}

fn waiting(namespace: &str, pod: &str, failure: &str) -> Value {
    let mut volume = volume(namespace, pod);
    for (key, value) in [
        ("phase", json!("retrying")),
        ("phaseUntil", json!("2026-11-25T10:00:40Z")),
        ("valid", json!(false)),
        ("notBefore", Value::Null),
        ("usableUntil", Value::Null),
        ("lastFailure", json!(failure)),
    ] {
        volume[key] = value;
    }
    volume
}

fn not_well(volumes: Value) -> Value {
    let mut overview = overview();
    overview["volumesWithoutCertificate"] = json!(1);
    overview["volumes"] = volumes;
    overview
}

#[test]
fn a_node_on_which_all_is_well_is_shown_as_a_table_and_exits_0() {
    let ran = Fake::with(&overview()).status(&[]);

    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert_eq!(
        ran.stdout,
        "\
no problems with spiffe.csi.cert-manager.io on node node-1

Time          2026-11-25T10:00:00Z
Registration  registered with the kubelet
Issuer        ClusterIssuer.cert-manager.io/spiffe-ca
Trust bundle  2 roots
Events        3 sent, 1 repeated, 0 lost
Volumes       1: 1 resting

PHASE    NAMESPACE  POD    SERVICE ACCOUNT  VALID  EXPIRES         NEXT STEP      DETAILS
resting  shop       web-0  web              yes    in 40 min 30 s  in 20 min 0 s
"
    );
}

#[test]
fn what_waits_comes_first_with_its_last_failure_and_exits_1() {
    let volumes = json!([volume("a", "good"), waiting("z", "bad", "no such issuer")]);

    let ran = Fake::with(&not_well(volumes)).status(&[]);

    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(
        lines[..2],
        [
            "problems with spiffe.csi.cert-manager.io on node node-1",
            "  - 1 volume has no valid certificate",
        ]
    );
    let rows = &lines[lines.len() - 2..];
    assert!(rows[0].starts_with("retrying  z          bad "), "{rows:?}");
    assert!(
        rows[0].ends_with("no     -               in 40 s        last failure: no such issuer"),
        "{rows:?}"
    );
    assert!(
        rows[1].starts_with("resting   a          good "),
        "{rows:?}"
    );
}

#[test]
fn a_volume_that_awaits_a_token_says_for_how_long() {
    let mut volume = volume("shop", "web-0");
    volume["phase"] = json!("awaiting-token");
    volume["phaseUntil"] = Value::Null;
    volume["phaseSince"] = json!("2026-11-25T09:47:30Z");
    let mut overview = overview();
    overview["volumes"] = json!([volume]);

    let ran = Fake::with(&overview).status(&[]);

    assert!(
        ran.stdout.ends_with("  for 12 min 30 s\n"),
        "{}",
        ran.stdout
    );
}

#[test]
fn json_has_the_drivers_answer_and_the_problems() {
    let volumes = json!([waiting("z", "bad", "no such issuer")]);
    let sent = not_well(volumes);

    let ran = Fake::with(&sent).status(&["-o", "json"]);

    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let mut printed: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        printed["problems"].take(),
        json!(["1 volume has no valid certificate"])
    );
    printed.as_object_mut().unwrap().remove("problems");
    assert_eq!(printed, sent);
}

#[test]
fn one_pod_is_judged_by_its_own_volumes() {
    let volumes = json!([volume("a", "good"), waiting("z", "bad", "no such issuer")]);
    for (pod, code, has) in [
        ("a/good", 0, "1: 1 resting"),
        ("z/bad", 1, "1 volume has no valid certificate"),
        ("z/good", 1, "the driver has no volume of the pod z/good"),
    ] {
        let pod = format!("--pod={pod}");

        let ran = Fake::with(&not_well(volumes.clone())).status(&[&pod]);

        assert_eq!(ran.code, code, "{pod}: {}{}", ran.stdout, ran.stderr);
        assert!(ran.stdout.contains(has), "{pod}: {}", ran.stdout);
    }
}

#[test]
fn everything_else_that_is_wrong_with_a_node_is_named() {
    let table = [
        (
            "/registration",
            json!({"state": "refused", "reason": "no such driver"}),
            "the kubelet refused the registration: no such driver",
        ),
        (
            "/registration",
            json!({"state": "not found by the kubelet yet"}),
            "the kubelet has not found the driver",
        ),
        (
            "/issuer",
            json!({"state": "missing", "reason": "name one"}),
            "no issuer: name one",
        ),
        (
            "/trustBundle",
            json!({"state": "unreadable", "reason": "no such file"}),
            "no trust bundle: no such file",
        ),
        (
            "/trustBundle/newerRefused",
            json!("not PEM"),
            "the trust bundle in use is out of date: not PEM",
        ),
    ];
    for (place, value, problem) in table {
        let mut overview = overview();
        *overview.pointer_mut(place).unwrap() = value;

        let ran = Fake::with(&overview).status(&[]);

        assert_eq!(ran.code, 1, "{problem}: {}", ran.stderr);
        assert!(ran.stdout.contains(problem), "{problem}: {}", ran.stdout);
    }
}

#[test]
fn what_a_stranger_wrote_does_not_control_the_terminal() {
    let hostile = "\u{1b}]0;title\u{7}\u{1b}[2J\u{9b}31m\u{202e}\r\nall is well";
    let mut overview = not_well(json!([waiting(hostile, hostile, hostile)]));
    overview["node"] = json!(hostile);
    overview["volumes"][0]["target"] = json!(hostile);
    for words in [&[][..], &["-o", "json"]] {
        let ran = Fake::with(&overview).status(words);

        assert_eq!(ran.code, 1, "{}", ran.stderr);
        assert!(is_harmless(&ran.stdout), "{:?}", ran.stdout);
    }
}

/// Whether a text has no more than lines in it.
fn is_harmless(text: &str) -> bool {
    !text
        .chars()
        .any(|one| (one.is_control() && one != '\n') || one == '\u{202e}')
}

#[test]
fn an_answer_that_is_none_is_one_line_of_error_and_exits_2() {
    let mut wrong = overview();
    wrong["volumes"] = json!([{"pod": "\u{1b}[31m"}]);
    let head = "HTTP/1.1 200 OK\r\n";
    let long = "x".repeat(1 << 20);
    let table: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", Vec::new()),
        ("no HTTP", b"\x1b[31mhello\r\n\r\n".to_vec()),
        ("zeros", vec![0; 1 << 20]),
        (
            "another status",
            b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_vec(),
        ),
        ("no JSON", format!("{head}\r\nhello").into()),
        (
            "another JSON",
            format!("{head}\r\n{{\"volumes\": \"\u{1b}[31m\"}}").into(),
        ),
        ("a wrong volume", format!("{head}\r\n{wrong}").into()),
        (
            "half an answer",
            format!("{head}content-length: 1000\r\n\r\n{{").into(),
        ),
        ("an endless head", format!("{head}a: {long}").into()),
        (
            "more than is read",
            format!("{head}\r\n{}", " ".repeat(17 << 20)).into(),
        ),
    ];
    for (name, answer) in table {
        let ran = Fake::saying(answer).status(&[]);

        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{name}");
        assert_eq!(ran.stderr.lines().count(), 1, "{name}: {}", ran.stderr);
        assert!(
            ran.stderr
                .starts_with("csi-driver-spiffe: asking the driver on "),
            "{name}: {}",
            ran.stderr
        );
        assert!(is_harmless(&ran.stderr), "{name}: {:?}", ran.stderr);
    }
}

#[test]
fn a_socket_that_is_silent_or_slow_is_left_after_ten_seconds() {
    let silent = Fake::new(|mut stream| {
        drop(stream.read_to_end(&mut Vec::new()));
    });
    let slow = Fake::new(|mut stream| {
        read_request(&mut stream);
        drop(stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n"));
        while stream.write_all(b" ").is_ok() {
            std::thread::park_timeout(Duration::from_millis(200));
        }
    });
    let begun = Instant::now();
    let runs = std::thread::scope(|scope| {
        let runs = [&silent, &slow].map(|fake| scope.spawn(|| fake.status(&[])));
        runs.map(|run| run.join().unwrap())
    });
    assert!(begun.elapsed() < Duration::from_secs(30));
    for ran in runs {
        assert_eq!(ran.code, 2, "{}", ran.stdout);
        assert!(
            ran.stderr.contains("no answer within 10 s"),
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn a_driver_that_is_not_there_exits_2_with_what_to_look_at() {
    let folder = tempfile::tempdir().unwrap();
    let absent = folder.path().join("absent/status.sock");
    let left = folder.path().join("left.sock");
    drop(UnixListener::bind(&left).unwrap());
    for (socket, advice) in [
        (&absent, "no driver keeps its records there"),
        (&left, "the driver that created it is no longer running"),
    ] {
        for (command, words) in [("status", &[][..]), ("inspect", &["--pod=a/b"])] {
            let ran = ask(socket, command, words);

            assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{command}");
            assert!(ran.stderr.contains(advice), "{}", ran.stderr);
            assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
        }
    }
}

#[test]
fn without_a_driver_as_process_1_the_socket_must_be_named() {
    for words in [&["status"][..], &["inspect", "--pod=a/b"]] {
        let ran = run(words);

        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{words:?}");
        assert!(ran.stderr.contains("or give --socket"), "{}", ran.stderr);
    }
}

#[test]
fn inspect_finds_the_volumes_of_a_pod_and_expects_their_identity() {
    let authority = Authority::new("roots");
    let (certificate, key) = authority.leaf(SPIFFE_ID, -1, 60);
    let place = Volume::empty()
        .with("svid.pem", &certificate, 0o440)
        .with("svid.key", &key, 0o440)
        .with("roots.pem", authority.pem(), 0o440);
    let mut volume = volume("sandbox", "web-0");
    volume["target"] = json!(place.path());
    volume["spiffeId"] = json!(SPIFFE_ID);
    let mut overview = overview();
    overview["fileNames"] =
        json!({"certificate": "svid.pem", "key": "svid.key", "bundle": "roots.pem"});
    overview["volumes"] = json!([self::volume("shop", "web-0"), volume]);
    let inspect = |overview: &Value, words: &[&str]| {
        ask(
            &Fake::with(overview).socket(),
            "inspect",
            &[&["--pod=sandbox/web-0"][..], words].concat(),
        )
    };

    let ran = inspect(&overview, &[]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.starts_with("valid SVID in "), "{}", ran.stdout);

    let others = "--expect-id=spiffe://example.org/ns/sandbox/sa/other";
    let ran = inspect(&overview, &[others]);
    assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);

    overview["volumes"][1]["spiffeId"] = json!("spiffe://example.org/ns/sandbox/sa/other");
    let ran = inspect(&overview, &["-o", "json"]);
    assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    let problem =
        format!("the SPIFFE ID is {SPIFFE_ID}, not spiffe://example.org/ns/sandbox/sa/other");
    assert_eq!(report["problems"], json!([problem]));

    overview["volumes"] = json!([]);
    let ran = inspect(&overview, &[]);
    assert_eq!(ran.code, 2, "{}{}", ran.stdout, ran.stderr);
    assert!(
        ran.stderr.contains("has no volume of the pod"),
        "{}",
        ran.stderr
    );
}
