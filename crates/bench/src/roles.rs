//! Driver and approver as processes, and what proc(5) says of them.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::csi::Kubelet;
use crate::place::Place;
use crate::workloads::NODE;

/// A role that runs, and is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Role {
    name: &'static str,
    child: Child,
    id: u32,
}

/// What it uses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// Resident memory now, in MiB.
    pub(crate) memory: f64,
    /// The most that there was, in MiB.
    pub(crate) peak: f64,
    /// Processor time since the start.
    pub(crate) processor: Duration,
}

impl Role {
    /// Starts a driver in a mount namespace of its own.
    pub(crate) fn driver(
        binary: &Path,
        place: &Place,
        folder: &Path,
        kubelet: &Kubelet,
        lifetime: &str,
    ) -> Result<Self> {
        let mut command = Command::new("unshare");
        command.arg("--mount").arg(binary).args([
            "driver",
            &format!("--node-id={NODE}"),
            &format!("--data-root={}", folder.join("data").display()),
            &format!("--endpoint=unix://{}", kubelet.socket.display()),
            "--selinux-context=",
        ]);
        common(&mut command, place, "DRIVER_KUBECONFIG", lifetime)?;
        Self::start("driver", command, folder)
    }

    /// Starts an approver.
    pub(crate) fn approver(
        binary: &Path,
        place: &Place,
        folder: &Path,
        lifetime: &str,
    ) -> Result<Self> {
        let mut command = Command::new(binary);
        command.args([
            "approver",
            "--leader-election-namespace=csi-driver-spiffe-outside",
            "--readiness-probe-bind-address=0",
            "--metrics-bind-address=0",
        ]);
        common(&mut command, place, "APPROVER_KUBECONFIG", lifetime)?;
        Self::start("approver", command, folder)
    }

    fn start(name: &'static str, mut command: Command, folder: &Path) -> Result<Self> {
        let path = folder.join(format!("{name}.log"));
        let log = fs::File::options().create(true).append(true).open(&path);
        let log = log.with_context(|| format!("making {}", path.display()))?;
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true);
        let child = command
            .spawn()
            .with_context(|| format!("starting the {name}"))?;
        let id = child.id().context("it has ended")?;
        Ok(Self { name, child, id })
    }

    /// What it uses now.
    pub(crate) fn usage(&self) -> Result<Usage> {
        let read = |file: &str| {
            let path = format!("/proc/{}/{file}", self.id);
            fs::read_to_string(&path)
                .with_context(|| format!("reading {path} of the {}", self.name))
        };
        let status = read("status")?;
        let memory = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
            let kibibytes: f64 = kibibytes.context("no memory in its status")?.parse()?;
            anyhow::Ok(kibibytes / 1024.0)
        };
        Ok(Usage {
            memory: memory("VmRSS:")?,
            peak: memory("VmHWM:")?,
            processor: processor_time(&read("stat")?)?,
        })
    }

    /// Ends it, as the kubelet does.
    pub(crate) async fn end(mut self) -> Result<()> {
        let id = i32::try_from(self.id)?;
        if let Some(id) = rustix::process::Pid::from_raw(id) {
            rustix::process::kill_process(id, rustix::process::Signal::TERM)?;
        }
        let ended = timeout(Duration::from_secs(30), self.child.wait()).await;
        ended.with_context(|| format!("the {} does not end", self.name))??;
        Ok(())
    }

    /// Ends it without a word.
    pub(crate) async fn kill(mut self) -> Result<()> {
        self.child.kill().await?;
        Ok(())
    }
}

fn common(command: &mut Command, place: &Place, kubeconfig: &str, lifetime: &str) -> Result<()> {
    command
        .arg(format!(
            "--kubeconfig={}",
            place.kubeconfig(kubeconfig)?.display()
        ))
        .args([
            "--csi-driver-name=csi-driver-spiffe-outside.example.com",
            "--issuer-name=spiffe-ca",
            &format!("--certificate-request-duration={lifetime}"),
            "--log-level=0",
        ]);
    Ok(())
}

/// Fields 14 and 15 of proc(5)'s stat: user and system time, in ticks.
fn processor_time(stat: &str) -> Result<Duration> {
    let (_, fields) = stat.rsplit_once(") ").context("a stat without a name")?;
    let fields: Vec<&str> = fields.split(' ').collect();
    let ticks =
        |index: usize| -> Result<u64> { Ok(fields.get(index).context("a short stat")?.parse()?) };
    let total = ticks(11)? + ticks(12)?;
    Ok(Duration::from_millis(total * 1000 / TICKS_PER_SECOND))
}

/// `USER_HZ`, the same on every architecture that Linux runs on today.
const TICKS_PER_SECOND: u64 = 100;
