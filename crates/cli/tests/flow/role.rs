//! Driver or approver as a program that runs.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Output, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::sync::watch;

/// A program that runs; killed when dropped.
pub(crate) struct Role {
    name: &'static str,
    child: Child,
    log: watch::Receiver<Vec<String>>,
    reader: Option<JoinHandle<()>>,
}

/// Whose mounts a program shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Housing {
    /// Ours.
    Host,
    /// A mount namespace of its own, which goes with it: what it mounts in a shared place is seen
    /// by us, and nothing else.
    Container,
    /// The same, and the program is process 1 of a namespace of processes, as in a cluster. It is
    /// only killed: whoever waits for it out here passes no signal on.
    Pod,
}

impl Role {
    pub(crate) fn start(name: &'static str, housing: Housing, words: &[String]) -> Self {
        let binary = env!("CARGO_BIN_EXE_csi-driver-spiffe");
        let mut command = match housing {
            Housing::Host => Command::new(binary),
            Housing::Container => unshare(&[], binary),
            Housing::Pod => {
                let own = ["--pid", "--fork", "--mount-proc", "--kill-child"];
                unshare(&own, binary)
            }
        };
        let mut child = command
            .arg(name)
            .args(words)
            .arg("--log-format=json")
            .env_remove("KUBECONFIG")
            .env_remove("KUBERNETES_SERVICE_HOST")
            .env("HOME", "/nonexistent")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (sender, log) = watch::channel(Vec::new());
        let reader = std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                sender.send_modify(|log| log.push(line));
            }
        });
        Self {
            name,
            child,
            log,
            reader: Some(reader),
        }
    }

    /// Starts a command of the same program where it runs, as `kubectl exec` does.
    pub(crate) fn exec(&self, words: &[&str]) -> Output {
        let id = self.child.id();
        let children = format!("/proc/{id}/task/{id}/children");
        let children = std::fs::read_to_string(children).unwrap();
        let mut command = Command::new("nsenter");
        command
            .args(["--mount", "--pid", "--target", children.trim()])
            .arg(env!("CARGO_BIN_EXE_csi-driver-spiffe"))
            .args(words);
        command.output().unwrap()
    }

    /// Waits for a line of the log with this text.
    pub(crate) async fn wait_for_line(&self, text: &str) -> Value {
        let mut log = self.log.clone();
        let found = |log: &Vec<String>| log.iter().any(|line| line.contains(text));
        let waited = tokio::time::timeout(Duration::from_secs(30), log.wait_for(found)).await;
        let Ok(Ok(lines)) = waited else {
            panic!("the {} does not say {text:?}", self.name);
        };
        let line = lines.iter().find(|line| line.contains(text)).unwrap();
        serde_json::from_str(line).unwrap()
    }

    /// All it has said so far.
    pub(crate) fn log(&self) -> String {
        self.log.borrow().join("\n")
    }

    /// Ends it as a node does that loses power, for this process.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ends it as Kubernetes does, and gives its exit code.
    pub(crate) fn terminate(mut self) -> i32 {
        self.end()
    }

    /// Ends it as Kubernetes does, and gives every line that it has written.
    pub(crate) fn terminate_and_tell(mut self) -> Vec<String> {
        assert_eq!(self.end(), 0);
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        self.log.borrow().clone()
    }

    fn end(&mut self) -> i32 {
        let id = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(id, Signal::TERM).unwrap();
        let status = self.child.wait().unwrap();
        status.code().expect("an exit code, not a signal")
    }
}

fn unshare(more: &[&str], binary: &str) -> Command {
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "--propagation", "unchanged"])
        .args(more)
        .arg(binary);
    command
}

impl Drop for Role {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.child.kill().unwrap();
            self.child.wait().unwrap();
        }
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        if std::thread::panicking() {
            eprintln!("--- log of the {}\n{}", self.name, self.log());
        }
    }
}
