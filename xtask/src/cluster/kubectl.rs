//! The administrator's hand in the cluster.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use super::build::Tools;
use super::place::{API_PORT, Place, SERVICE_ADDRESS};
use crate::command;

/// kubectl as the administrator.
#[derive(Clone, Debug)]
pub(crate) struct Kubectl {
    program: PathBuf,
    kubeconfig: PathBuf,
}

impl Kubectl {
    pub(crate) fn new(place: &Place, tools: &Tools) -> Self {
        Self {
            program: tools.kubernetes.join("kubectl"),
            kubeconfig: place.administrator(),
        }
    }

    /// Runs to the end and gives what was printed.
    pub(crate) fn run(&self, words: &[&str]) -> Result<String> {
        Ok(command::text(&mut self.command(words))?.trim().to_owned())
    }

    /// Makes the objects of a text as they are in it.
    pub(crate) fn apply(&self, objects: &str) -> Result<()> {
        feed(
            self.command(&["apply", "--server-side", "--force-conflicts", "-f", "-"]),
            objects,
        )
    }

    /// Creates the objects of a text with nothing but this token.
    pub(crate) fn create_with_token(&self, token: &str, objects: &str) -> Result<()> {
        let mut command = Command::new(&self.program);
        // The administrator's certificate would win over a token.
        command
            .args(["--kubeconfig=/dev/null", "--server"])
            .arg(format!("https://{SERVICE_ADDRESS}:{API_PORT}"))
            .arg("--certificate-authority")
            .arg(self.kubeconfig.with_file_name("ca.crt"))
            .arg(format!("--token={token}"))
            .args(["create", "-f", "-"]);
        feed(command, objects)
    }

    pub(crate) fn apply_files(&self, path: &Path) -> Result<()> {
        let path = path.display().to_string();
        self.run(&["apply", "--server-side", "--force-conflicts", "-f", &path])?;
        Ok(())
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg("--kubeconfig")
            .arg(&self.kubeconfig)
            .args(words);
        command
    }
}

/// Runs kubectl with a text on its standard input. Errors leave out the arguments: one may be a
/// token.
fn feed(mut command: Command, text: &str) -> Result<()> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .context("starting kubectl")?;
    let mut input = child.stdin.take().context("writing to kubectl")?;
    input
        .write_all(text.as_bytes())
        .context("writing to kubectl")?;
    drop(input);
    let output = child.wait_with_output().context("waiting for kubectl")?;
    if !output.status.success() {
        bail!(
            "kubectl: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(())
}
