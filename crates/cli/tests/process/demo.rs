//! The demo as a user meets it: run as a program, by whoever runs the tests.
//!
//! Where mount namespaces are forbidden these tests fail, with the advice that the demo gives.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};

use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, test_kill_process};
use tempfile::TempDir;

use crate::program::{Ran, ends, program};

/// What a user is promised to see.
const STATEMENTS: &[&str] = &[
    "each pod has a key, and a certificate with its own SPIFFE ID",
    "server sees spiffe://example.org/ns/sandbox/sa/client",
    "client sees spiffe://example.org/ns/sandbox/sa/server",
    "as a client it is refused by the server: invalid peer certificate: UnknownIssuer",
    "as a server it is refused by the client: invalid peer certificate: UnknownIssuer",
    "denied: the CSR's URI name \"spiffe://example.org/ns/sandbox/sa/server\" must be the requester's SPIFFE ID",
    "client has a new certificate",
    "server has a new certificate",
    "a valid certificate every time",
    "no mount, key, record or request is left of them",
    "driver and approver ended when they were asked to",
    "Seen in",
];

/// The processes of approver and driver, once they run.
fn roles(demo: &mut Demo) -> [Pid; 2] {
    let line = demo.wait_for("approver (pid ");
    let (_, driver) = line.split_once("driver (pid ").unwrap();
    [pid(&line), pid(driver)]
}

#[test]
fn everything_is_seen_and_nothing_is_left() {
    let mut demo = Demo::start(&[]);
    let roles = roles(&mut demo);
    let (ran, left) = demo.end();

    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let mut rest = ran.stdout.as_str();
    for statement in STATEMENTS {
        // In any order the two renewals, in this order the rest.
        assert!(
            ran.stdout.contains(statement),
            "no {statement:?}:\n{}",
            ran.stdout
        );
        if !statement.contains("a new certificate") {
            let found = rest.split_once(statement);
            rest = found.expect(statement).1;
        }
    }
    assert_eq!(ran.stderr, "");
    assert_eq!(left, [""; 0]);
    assert!(!roles.into_iter().any(is_there));
    assert!(!ran.stdout.contains('\x1b'), "colour in a pipe");
    assert!(!ran.stdout.contains("PRIVATE KEY"));
}

#[test]
fn it_can_be_kept_and_looked_at_from_outside_until_ctrl_c() {
    let mut demo = Demo::start(&["--keep"]);
    let volume = demo.wait_for("volume of client: ");
    let kubeconfig = demo.wait_for("kubeconfig: ");
    demo.wait_for("log of the approver: ");

    let certificate = std::fs::read_to_string(format!("{volume}/tls.crt")).unwrap();
    assert!(certificate.starts_with("-----BEGIN CERTIFICATE-----"));
    let kubeconfig = std::fs::read_to_string(kubeconfig).unwrap();
    assert!(kubeconfig.contains("server: \"http://127.0.0.1:"));
    demo.signal(Signal::INT);
    let (ran, left) = demo.end();

    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("Seen in"));
    assert_eq!(left, [""; 0]);
}

#[test]
fn ctrl_c_in_the_middle_leaves_no_process_and_no_file() {
    for before in ["", "runs as service account", "watching"] {
        let mut demo = Demo::start(&[]);
        let roles = roles(&mut demo);
        demo.wait_for(before);
        demo.signal(Signal::INT);
        let (ran, left) = demo.end();

        assert_eq!(ran.code, 1, "{}", ran.stdout);
        assert!(ran.stderr.contains("ended by SIGINT"), "{}", ran.stderr);
        assert_eq!(left, [""; 0]);
        assert!(!roles.into_iter().any(is_there));
    }
}

#[test]
fn a_role_that_dies_is_told_with_the_end_of_its_log() {
    let mut demo = Demo::start(&[]);
    let [approver, driver] = roles(&mut demo);
    demo.wait_for("Certificates are renewed");
    kill_process(driver, Signal::KILL).unwrap();
    let (ran, left) = demo.end();

    assert_eq!(ran.code, 1, "{}", ran.stdout);
    assert!(ran.stdout.contains("!!  the driver ended unexpectedly"));
    assert!(ran.stdout.contains("The last lines of the driver's log"));
    assert!(ran.stdout.contains("registered with the kubelet"));
    assert!(ran.stderr.contains("the driver ended unexpectedly"));
    assert_eq!(left, [""; 0]);
    assert!(!is_there(approver));
}

#[test]
fn killed_itself_it_takes_the_roles_with_it() {
    let mut demo = Demo::start(&[]);
    let roles = roles(&mut demo);
    demo.wait_for("runs as service account");
    let handles = roles.map(|role| pidfd_open(role, PidfdFlags::empty()).unwrap());
    demo.kill();

    for role in &handles {
        assert!(ends(role, 10), "it outlives the demo");
    }
}

/// A demo that runs; ended when dropped.
struct Demo {
    child: Child,
    output: BufReader<ChildStdout>,
    seen: String,
    folder: TempDir,
}

impl Demo {
    fn start(words: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let errors = File::create(folder.path().join(ERRORS)).unwrap();
        let mut child = program(&[&["demo"][..], words].concat())
            .env("TMPDIR", folder.path())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self {
            child,
            output,
            seen: String::new(),
            folder,
        }
    }

    /// Reads up to the first line with this text, and returns what follows the text.
    fn wait_for(&mut self, text: &str) -> String {
        loop {
            let mut line = String::new();
            if self.output.read_line(&mut line).unwrap() == 0 {
                panic!("ended without {text:?}:\n{}{}", self.seen, self.errors());
            }
            self.seen.push_str(&line);
            if let Some((_, rest)) = line.split_once(text) {
                return rest.trim_end().to_owned();
            }
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(pid(&self.child.id().to_string()), signal).unwrap();
    }

    /// Kills it, without a chance to tidy up.
    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for the end, and gives the names that are left in the folder for temporary files.
    fn end(mut self) -> (Ran, Vec<String>) {
        self.output.read_to_string(&mut self.seen).unwrap();
        let status = self.child.wait().unwrap();
        let ran = Ran {
            code: status.code().expect("an exit code, not a signal"),
            stdout: std::mem::take(&mut self.seen),
            stderr: self.errors(),
        };
        (ran, names(self.folder.path()))
    }

    fn errors(&self) -> String {
        std::fs::read_to_string(self.folder.path().join(ERRORS)).unwrap()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // So that it can remove its folder.
            self.signal(Signal::TERM);
            self.child.wait().unwrap();
        }
    }
}

/// The process id at the beginning of a text.
fn pid(text: &str) -> Pid {
    let digits = text.split(|character: char| !character.is_ascii_digit());
    let id = digits.into_iter().next().unwrap().parse().unwrap();
    Pid::from_raw(id).unwrap()
}

fn is_there(process: Pid) -> bool {
    test_kill_process(process).is_ok()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name != ERRORS).collect()
}

const ERRORS: &str = "stderr";
