//! How long the approver takes to decide, as a watch of the API server reports it.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::Child;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::pods::OURS;
use super::requests::right;
use super::world::{LIMIT, World};
use crate::cluster::Kubectl;

/// Creates valid requests of one account, and sees when each is decided.
pub(super) struct Decisions {
    workload: Kubectl,
    /// What every request is but for its name.
    request: Value,
    watch: Child,
    lines: Receiver<(Instant, String)>,
    requests: BTreeMap<String, Seen>,
}

#[derive(Debug)]
struct Seen {
    created: Instant,
    decided: Option<Instant>,
}

impl Decisions {
    /// Begins to watch, and waits until a first request has been decided.
    pub(super) fn watch(world: &World, namespace: &str, account: &str) -> Result<Self> {
        let mut request = right(namespace, account, "")?;
        request["metadata"]["labels"] = json!({OURS: "timed"});
        let token = world.token(namespace, account, &[])?;
        let columns = r#"jsonpath={.metadata.name} {.status.conditions[*].type}{"\n"}"#;
        let get = [
            "--namespace",
            namespace,
            "get",
            "certificaterequests",
            "-l",
            OURS,
        ];
        let mut watch = world
            .kubectl
            .start(&[&get[..], &["--watch", "-o", columns]].concat())?;
        let output = watch.stdout.take().context("reading from kubectl")?;
        let (sender, lines) = channel();
        // It ends with kubectl, or with the receiver.
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send((Instant::now(), line)).is_err() {
                    return;
                }
            }
        });
        let mut decisions = Self {
            workload: world.bearer(account, &token)?,
            request,
            watch,
            lines,
            requests: BTreeMap::new(),
        };
        // What is created before the watch is open cannot be timed.
        decisions.create("first", 1)?;
        decisions.wait()?;
        Ok(decisions)
    }

    /// Creates this many requests, one after another.
    pub(super) fn create(&mut self, name: &str, count: usize) -> Result<()> {
        let mut objects = String::new();
        for index in 0..count {
            let name = format!("{name}-{index}");
            self.request["metadata"]["name"] = json!(name);
            objects.push_str(&self.request.to_string());
            let now = Instant::now();
            let seen = Seen {
                created: now,
                decided: None,
            };
            self.requests.insert(name, seen);
        }
        self.workload.create(&objects, &["--validate=false"])?;
        Ok(())
    }

    /// Waits until each is approved, forgets them, and gives the times since their creation, the
    /// longest last.
    pub(super) fn wait(&mut self) -> Result<Vec<Duration>> {
        let end = Instant::now() + LIMIT;
        while self.requests.values().any(|seen| seen.decided.is_none()) {
            let left = end.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left);
            let (at, line) =
                line.with_context(|| format!("not all are decided: {:?}", self.requests))?;
            self.read(at, &line)?;
        }
        let requests = std::mem::take(&mut self.requests);
        let mut times: Vec<Duration> = requests
            .values()
            .filter_map(|seen| Some(seen.decided?.duration_since(seen.created)))
            .collect();
        times.sort();
        Ok(times)
    }

    /// Each version of a request is a line: its name, and the types of its conditions.
    fn read(&mut self, at: Instant, line: &str) -> Result<()> {
        let (name, conditions) = line.split_once(' ').unwrap_or((line, ""));
        let Some(seen) = self.requests.get_mut(name) else {
            return Ok(());
        };
        ensure!(!conditions.contains("Denied"), "{name} was denied");
        if conditions.contains("Approved") {
            seen.decided.get_or_insert(at);
        } else if seen.decided.is_none() {
            seen.created = at;
        }
        Ok(())
    }
}

impl Drop for Decisions {
    fn drop(&mut self) {
        drop(self.watch.kill());
        drop(self.watch.wait());
    }
}

/// Says how long they took, and fails if the longest took more than `limit`.
pub(super) fn within(what: &str, times: &[Duration], limit: Duration) -> Result<()> {
    let middle = times.get(times.len() / 2).context("nothing was timed")?;
    let longest = times.last().context("nothing was timed")?;
    eprintln!(
        "{what}: {} in {middle:?}, the longest in {longest:?}",
        times.len()
    );
    ensure!(
        *longest <= limit,
        "{what} took {longest:?}, which is more than {limit:?}"
    );
    Ok(())
}
