//! Running the demo with a folder for temporary files of its own, and looking at what it leaves there.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tempfile::TempDir;

/// A demo that runs; ended when dropped.
pub(crate) struct Demo {
    child: Child,
    output: BufReader<ChildStdout>,
    seen: String,
    folder: TempDir,
}

/// What a run to the end gave.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// Names that are left in the folder for temporary files.
    pub(crate) left: Vec<String>,
}

impl Demo {
    pub(crate) fn start(words: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let errors = File::create(folder.path().join(ERRORS)).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_csi-driver-spiffe"))
            .arg("demo")
            .args(words)
            .env("TMPDIR", folder.path())
            .stdin(Stdio::null())
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
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
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

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(pid(&self.child.id().to_string()), signal).unwrap();
    }

    /// Kills it, without a chance to tidy up.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn end(mut self) -> Ran {
        self.output.read_to_string(&mut self.seen).unwrap();
        let status = self.child.wait().unwrap();
        Ran {
            code: status.code().expect("an exit code, not a signal"),
            stdout: std::mem::take(&mut self.seen),
            stderr: self.errors(),
            left: names(self.folder.path()),
        }
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
pub(crate) fn pid(text: &str) -> Pid {
    let digits = text.split(|character: char| !character.is_ascii_digit());
    let id = digits.into_iter().next().unwrap().parse().unwrap();
    Pid::from_raw(id).unwrap()
}

pub(crate) fn is_there(process: Pid) -> bool {
    test_kill_process(process).is_ok()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name != ERRORS).collect()
}

const ERRORS: &str = "stderr";
