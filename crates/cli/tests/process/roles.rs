use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::documented;
use crate::program::{Running, run};

/// A server that nobody has: the port is reserved and refuses connections.
const NOBODY: &str = "--server=http://127.0.0.1:1";

fn fetch(address: &str, path: &str) -> String {
    let mut connection = TcpStream::connect(address).unwrap();
    write!(
        connection,
        "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer
}

/// The address that a line of the log says.
fn address(line: &str) -> String {
    let line: Value = serde_json::from_str(line).unwrap();
    line["address"].as_str().unwrap().to_owned()
}

#[test]
fn the_approver_lives_without_an_api_server_and_ends_on_sigterm() {
    let mut approver = Running::start(&[
        "approver",
        NOBODY,
        "--readiness-probe-bind-address=127.0.0.1:0",
        "--metrics-bind-address=127.0.0.1:0",
        "--log-format=json",
    ]);
    let probes = address(&approver.wait_for_line("--readiness-probe-bind-address"));
    let metrics = address(&approver.wait_for_line("--metrics-bind-address"));
    approver.wait_for_line("starting the approver");

    assert!(fetch(&probes, "/healthz").starts_with("HTTP/1.1 200 "));
    assert!(fetch(&probes, "/readyz").starts_with("HTTP/1.1 503 "));
    let scrape = fetch(&metrics, "/metrics");
    assert!(scrape.contains("csi_driver_spiffe_build_info{version="));
    assert_eq!(documented::differences(&scrape, "Approver"), [""; 0]);
    approver.signal(Signal::TERM);

    assert_eq!(approver.exit_code(), 0);
}

#[test]
fn a_port_that_is_taken_is_told_by_its_flag_and_exits_1() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let word = format!("--metrics-bind-address={}", taken.local_addr().unwrap());

    let ran = run(&[
        "approver",
        NOBODY,
        "--readiness-probe-bind-address=0",
        "-v=0",
        &word,
    ]);

    assert_eq!(ran.code, 1);
    assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
    assert!(
        ran.stderr.contains(&format!("listening on {word}: ")),
        "{}",
        ran.stderr
    );
}

#[test]
fn no_cluster_at_all_is_told_with_what_to_do() {
    let ran = run(&[
        "approver",
        "--readiness-probe-bind-address=",
        "--metrics-bind-address=",
    ]);

    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr.contains("give --kubeconfig or --server"),
        "{}",
        ran.stderr
    );
}

#[test]
fn both_roles_write_no_core_dump() {
    let folder = tempfile::tempdir().unwrap();
    for role in roles(&folder) {
        let mut running = Running::start(&words(&role));
        running.wait_for_line("listening");

        let limits = running.core_file_size();

        assert_eq!(limits, ("0".to_owned(), "0".to_owned()), "{role:?}");
    }
}

#[test]
fn both_roles_raise_the_soft_limit_of_open_files_to_the_hard_one() {
    let folder = tempfile::tempdir().unwrap();
    for role in roles(&folder) {
        let mut running = Running::start_with_open_files(64, &words(&role));
        running.wait_for_line("listening");

        let (soft, hard) = running.open_files();

        assert_eq!(soft, hard, "{role:?}");
        assert_ne!(soft, "64", "{role:?}");
    }
}

/// How driver and approver are started, with a port that says that they have begun.
fn roles(folder: &TempDir) -> [Vec<String>; 2] {
    let at = |name: &str| folder.path().join(name).display().to_string();
    let endpoint = format!("--endpoint=unix://{}", at("csi.sock"));
    let data = format!("--data-root={}", at("data"));
    let driver = ["driver", "--node-id=n", &endpoint, &data];
    let approver = ["approver", "--readiness-probe-bind-address=0"];
    [&driver[..], &approver].map(|role| {
        let words = [role, &[NOBODY, "--metrics-bind-address=127.0.0.1:0"]].concat();
        words.into_iter().map(ToOwned::to_owned).collect()
    })
}

fn words(role: &[String]) -> Vec<&str> {
    role.iter().map(String::as_str).collect()
}
