//! Programs that keep running after this one has ended.
//!
//! Invariant: a program is recorded, with its pid and start time, as soon as it runs. A pid alone
//! may be another process's by the time `down` comes.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::place::{self, Place};
use crate::wait::pause;
pub(crate) use crate::wait::wait;

/// Starts a program unless it runs already; its output goes to its log.
pub(super) fn start(place: &Place, name: &str, command: &mut Command) -> Result<()> {
    if runs(place, name) {
        return Ok(());
    }
    println!("starting {name}");
    let path = place.log(name);
    let log = File::create(&path).with_context(|| format!("making {}", path.display()))?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(log.try_clone().context("sharing a log")?)
        .stderr(log)
        .process_group(0)
        .spawn()
        .with_context(|| format!("starting {name}"))?;
    let id = child.id();
    let started = start_time(id).unwrap_or_default();
    place::write(&record(place, name), &format!("{id} {started}\n"))?;
    // Wrong flags end a program at once.
    pause(Duration::from_millis(100));
    if let Ok(Some(status)) = child.try_wait() {
        bail!("{name} ended at once with {status}; see {}", path.display());
    }
    Ok(())
}

/// Whether a program that was started runs still.
pub(super) fn runs(place: &Place, name: &str) -> bool {
    running(place, name).is_some()
}

/// Ends a program: asks, waits at most `patience`, kills. One that does not run is forgotten.
pub(super) fn stop(place: &Place, name: &str, patience: Duration) -> Result<()> {
    if let Some(id) = running(place, name) {
        println!("ending {name}");
        signal(id, "TERM")?;
        let end = Instant::now() + patience;
        while running(place, name).is_some() {
            if Instant::now() > end {
                signal(id, "KILL")?;
            }
            pause(Duration::from_millis(50));
        }
    }
    let record = record(place, name);
    if record.exists() {
        fs::remove_file(&record).with_context(|| format!("removing {}", record.display()))?;
    }
    Ok(())
}

/// Sends a signal to a process that may be gone already.
pub(super) fn signal(id: u32, name: &str) -> Result<()> {
    Command::new("kill")
        .args([format!("-{name}"), id.to_string()])
        .stderr(Stdio::null())
        .status()
        .with_context(|| format!("sending SIG{name}"))?;
    Ok(())
}

/// The names of the programs that were started and not ended.
pub(super) fn recorded(place: &Place) -> Result<Vec<String>> {
    let folder = place.state.join("processes");
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let reading = || format!("reading {}", folder.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).with_context(reading)? {
        let name = entry.with_context(reading)?.file_name();
        names.push(name.to_string_lossy().into_owned());
    }
    Ok(names)
}

fn running(place: &Place, name: &str) -> Option<u32> {
    let text = fs::read_to_string(record(place, name)).ok()?;
    let (id, started) = text.trim().split_once(' ')?;
    let id = id.parse().ok()?;
    (start_time(id)? == started).then_some(id)
}

/// Field 22 of proc(5)'s stat; None for a process that is gone or waits to be.
fn start_time(id: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = fields.split(' ').collect();
    let alive = !matches!(fields.first(), Some(&("Z" | "X")));
    fields
        .get(19)
        .filter(|_| alive)
        .map(|&time| time.to_owned())
}

fn record(place: &Place, name: &str) -> PathBuf {
    place.state.join("processes").join(name)
}

/// For a program to serve, which takes seconds on an idle machine.
pub(super) const LIMIT: Duration = Duration::from_secs(120);
