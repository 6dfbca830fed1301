//! kubectl on the cluster, as the administrator or with a token.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use anyhow::{Context as _, Result, bail};

use super::build::Tools;
use super::place::Place;
use crate::command;

/// kubectl with one kubeconfig.
#[derive(Clone, Debug)]
pub(crate) struct Kubectl {
    program: PathBuf,
    kubeconfig: PathBuf,
}

impl Kubectl {
    /// As the administrator.
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

    /// Runs to the end and gives what was printed, even by a command that fails after it.
    pub(crate) fn printed(&self, words: &[&str]) -> Result<String> {
        let output = self.command(words).output().context("starting kubectl")?;
        let printed = String::from_utf8_lossy(&output.stdout);
        if printed.trim().is_empty() {
            bail!(
                "kubectl: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(printed.trim().to_owned())
    }

    /// Makes the objects of a text as they are in it.
    pub(crate) fn apply(&self, objects: &str) -> Result<()> {
        let words = ["apply", "--server-side", "--force-conflicts", "-f", "-"];
        feed(self.command(&words), objects).map(drop)
    }

    /// Creates the objects of a text, with more arguments, and gives what was printed. Fails where
    /// one exists.
    pub(crate) fn create(&self, objects: &str, words: &[&str]) -> Result<String> {
        feed(
            self.command(&[&["create", "-f", "-"], words].concat()),
            objects,
        )
    }

    /// Creates of the objects of a text those that the API server takes, with more arguments. Gives
    /// what was printed of them, and what was said of the others.
    pub(crate) fn create_each(&self, objects: &str, words: &[&str]) -> Result<(String, String)> {
        let create = ["create", "--validate=false", "-f", "-"];
        let output = output(self.command(&[&create, words].concat()), objects)?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        Ok((text(&output.stdout), text(&output.stderr)))
    }

    /// A token of a service account; `words` as `kubectl create token` takes them.
    pub(crate) fn token(&self, namespace: &str, account: &str, words: &[&str]) -> Result<String> {
        let create = ["--namespace", namespace, "create", "token", account];
        self.run(&[&create, words].concat())
    }

    /// Starts it, for what it prints on and on.
    pub(crate) fn start(&self, words: &[&str]) -> Result<Child> {
        let mut command = self.command(words);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command.spawn().context("starting kubectl")
    }

    /// The same program with another kubeconfig.
    pub(super) fn with_kubeconfig(&self, kubeconfig: PathBuf) -> Self {
        Self {
            program: self.program.clone(),
            kubeconfig,
        }
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
fn feed(command: Command, text: &str) -> Result<String> {
    let output = output(command, text)?;
    if !output.status.success() {
        bail!(
            "kubectl: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// What kubectl makes of a text on its standard input.
fn output(mut command: Command, text: &str) -> Result<Output> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("starting kubectl")?;
    let mut input = child.stdin.take().context("writing to kubectl")?;
    // It may say more than a pipe holds before it has read everything.
    let (written, output) = std::thread::scope(|scope| {
        let writer = scope.spawn(move || input.write_all(text.as_bytes()));
        let output = child.wait_with_output();
        (writer.join(), output)
    });
    let output = output.context("waiting for kubectl")?;
    match written {
        Ok(Err(error)) if output.status.success() => Err(error).context("writing to kubectl"),
        // Its own words say why it stopped reading.
        _ => Ok(output),
    }
}
