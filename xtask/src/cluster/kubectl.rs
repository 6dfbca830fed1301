//! The administrator's hand in the cluster.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use super::build::Tools;
use super::place::Place;

/// kubectl as the administrator.
#[derive(Clone, Debug)]
pub(super) struct Kubectl {
    program: PathBuf,
    kubeconfig: PathBuf,
}

impl Kubectl {
    pub(super) fn new(place: &Place, tools: &Tools) -> Self {
        Self {
            program: tools.kubernetes.join("kubectl"),
            kubeconfig: place.administrator(),
        }
    }

    /// Runs to the end and gives what was printed.
    pub(super) fn run(&self, words: &[&str]) -> Result<String> {
        let output = self.command(words).output().context("starting kubectl")?;
        if !output.status.success() {
            let error = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            bail!("kubectl {}: {error}", words.join(" "));
        }
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// Makes the objects of a text as they are in it.
    pub(super) fn apply(&self, objects: &str) -> Result<()> {
        let words = ["apply", "--server-side", "--force-conflicts", "-f", "-"];
        let mut child = self
            .command(&words)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("starting kubectl")?;
        let mut input = child.stdin.take().context("writing to kubectl")?;
        input
            .write_all(objects.as_bytes())
            .context("writing to kubectl")?;
        drop(input);
        let output = child.wait_with_output().context("waiting for kubectl")?;
        if !output.status.success() {
            bail!(
                "kubectl apply: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(())
    }

    pub(super) fn apply_files(&self, path: &Path) -> Result<()> {
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
