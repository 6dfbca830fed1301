//! Running the binary, with nothing of this machine's Kubernetes in its environment.

use std::io::{BufRead as _, BufReader};
use std::os::fd::OwnedFd;
use std::process::{Child, ChildStderr, ChildStdout, Command, Output, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};

pub(crate) fn program(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_csi-driver-spiffe"));
    command
        .args(words)
        .env_remove("KUBECONFIG")
        .env_remove("KUBERNETES_SERVICE_HOST")
        .env("HOME", "/nonexistent")
        .stdin(Stdio::null());
    command
}

/// What a run to the end gave.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().expect("an exit code, not a signal"),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

pub(crate) fn run(words: &[&str]) -> Ran {
    program(words).output().unwrap().into()
}

/// A program that runs; killed when dropped.
pub(crate) struct Running {
    child: Child,
    log: BufReader<ChildStderr>,
}

impl Running {
    pub(crate) fn start(words: &[&str]) -> Self {
        Self::spawn(program(words))
    }

    /// Starts it, to be read while it runs.
    pub(crate) fn start_with_output(words: &[&str]) -> (Self, ChildStdout) {
        let mut command = program(words);
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = child.unwrap();
        let output = child.stdout.take().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        (Self { child, log }, output)
    }

    /// Starts it with a soft limit of open files.
    pub(crate) fn start_with_open_files(limit: u32, words: &[&str]) -> Self {
        let program = program(words);
        let mut shell = Command::new("sh");
        shell
            .arg("-c")
            .arg(format!("ulimit -Sn {limit} && exec \"$0\" \"$@\""))
            .arg(program.get_program())
            .args(program.get_args())
            .stdin(Stdio::null());
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        Self::spawn(shell)
    }

    fn spawn(mut program: Command) -> Self {
        let mut child = program
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        Self { child, log }
    }

    /// Reads the log up to the first line with this text.
    pub(crate) fn wait_for_line(&mut self, text: &str) -> String {
        let mut seen = String::new();
        loop {
            let mut line = String::new();
            let count = self.log.read_line(&mut line).unwrap();
            assert_ne!(count, 0, "the log ended without {text:?}:\n{seen}");
            if line.contains(text) {
                return line;
            }
            seen.push_str(&line);
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.id(), signal).unwrap();
    }

    /// Soft and hard limit of open files, as the kernel says.
    pub(crate) fn open_files(&self) -> (String, String) {
        self.limits("Max open files")
    }

    /// Soft and hard limit of the size of a core dump, as the kernel says.
    pub(crate) fn core_file_size(&self) -> (String, String) {
        self.limits("Max core file size")
    }

    fn limits(&self, name: &str) -> (String, String) {
        let path = format!("/proc/{}/limits", self.id());
        let limits = std::fs::read_to_string(path).unwrap();
        let line = limits.lines().find_map(|line| line.strip_prefix(name));
        let mut words = line.unwrap().split_whitespace().map(ToOwned::to_owned);
        (words.next().unwrap(), words.next().unwrap())
    }

    /// Waits for the end, at most 40 s: the grace period and room for a slow machine.
    pub(crate) fn exit_code(&mut self) -> i32 {
        let process = pidfd_open(self.id(), PidfdFlags::empty()).unwrap();
        assert!(ends(&process, 40), "it does not end");
        let status = self.child.wait().unwrap();
        status.code().expect("an exit code, not a signal")
    }

    fn id(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.child.kill().unwrap();
            self.child.wait().unwrap();
        }
    }
}

/// Whether a process ends within so many seconds.
pub(crate) fn ends(process: &OwnedFd, seconds: i64) -> bool {
    let limit = Timespec {
        tv_sec: seconds,
        tv_nsec: 0,
    };
    let mut ends = [PollFd::new(process, PollFlags::IN)];
    poll(&mut ends, Some(&limit)) == Ok(1)
}
