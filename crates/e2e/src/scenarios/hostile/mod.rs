//! What the editor of one namespace can store, and how fast everybody else's requests are decided
//! meanwhile.
//!
//! | file | what it owns |
//! | --- | --- |
//! | `objects` | the worst requests and pods that the API server takes |

mod objects;

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use self::objects::{FINALIZERS, Worst};
use super::decisions::{Decisions, within};
use super::installation::{self, OWN_ACCOUNT};
use super::pods::{self, allow, enroll, make_account};
use super::process::{APPROVER_PROBES_PORT, Process};
use super::requests::{self, disable_validation};
use super::world::{NAME, NAMESPACE, World};
use super::{Scenario, scenario};
use crate::cluster::Kubectl;

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        scenario(
            "a hundred of the worst requests delay nobody's decision and take no memory",
            requests,
        ),
        scenario(
            "pods with the worst metadata get their identities, and so do the pods beside them",
            worst_pods,
        ),
    ]
}

fn requests(world: &World) -> Result<()> {
    installation::install(world, &[])?;
    let editor = editor(world)?;
    enroll(world, "bystander", "web")?;
    let mut decisions = Decisions::watch(world, "bystander", "web")?;

    let approver = Watched::of(world)?;
    let worst = objects::requests(EDITED, "editor");
    let mut stored = Tally::default();
    for index in 0..GOOD {
        let end = |index| worst.len() * index / GOOD;
        let few = worst.get(end(index)..end(index + 1)).unwrap_or_default();
        stored.store(&editor, few)?;
        decisions.create(&format!("beside-{index}"), 1)?;
        approver.ensure_well()?;
    }
    within("requests beside them", &decisions.wait()?, SOON)?;
    stored.print("requests");
    ensure!(stored.taken >= ENOUGH, "only {} were taken", stored.taken);
    approver.print_peak("beside them")?;

    let approver_of = format!("deployment/{NAME}-approver");
    let restart = ["--namespace", NAMESPACE, "rollout", "restart", &approver_of];
    world.kubectl.run(&restart)?;
    installation::rolled_out(world)?;
    let approver = Watched::of(world)?;
    let started = Instant::now();
    world.eventually("the lease of the new pod", || {
        let leads = approver
            .process
            .metric("csi_driver_spiffe_approver_leader")?;
        ensure!(leads == 1.0, "it does not lead");
        Ok(())
    })?;
    eprintln!("it leads {:?} after its pod is ready", started.elapsed());
    decisions.create("after", GOOD)?;
    within("requests after a restart", &decisions.wait()?, SOON)?;
    approver.print_peak("after a restart")?;
    clear(world)?;
    world.end_namespace(EDITED)?;
    world.end_namespace("bystander")
}

fn worst_pods(world: &World) -> Result<()> {
    installation::install(world, &[OWN_ACCOUNT])?;
    let editor = editor(world)?;
    make_account(world, "bystander", "web")?;
    let approver = Watched::of(world)?;
    let mut stored = Tally::default();
    let worst = objects::pods(EDITED, "editor");
    stored.store(&editor, &worst)?;
    stored.print("pods");
    ensure!(
        stored.taken == worst.len(),
        "{} of {} were taken",
        stored.taken,
        worst.len()
    );
    pods::ready(world, "bystander", "web", "web")?;
    for name in stored.names {
        let pod = pods::Pod {
            namespace: EDITED.to_owned(),
            name,
        };
        pod.wait_ready(world)?;
    }
    approver.print_peak("beside the worst pods")?;
    world.end_namespace(EDITED)?;
    world.end_namespace("bystander")
}

/// Takes away the finalizers that nothing but the scenario would take away.
pub(super) fn clear(world: &World) -> Result<()> {
    let patch = json!({"metadata": {"finalizers": null}}).to_string();
    for name in FINALIZERS {
        match world.kubectl.run(&requests::patch(EDITED, name, &patch)) {
            Err(error) if !error.to_string().contains("not found") => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// kubectl as the editor of one namespace, who may create and patch requests there.
fn editor(world: &World) -> Result<Kubectl> {
    enroll(world, EDITED, "editor")?;
    // cert-manager would refuse the worst.
    disable_validation(world, EDITED)?;
    world.kubectl.run(&[
        "--namespace",
        EDITED,
        "create",
        "rolebinding",
        "edit",
        "--clusterrole=edit",
        "--serviceaccount=edited:editor",
    ])?;
    let verbs = ["patch", "create", "get"];
    let requests = ["certificaterequests"];
    allow(world, "requests", (EDITED, "editor"), &verbs, &requests)?;
    let token = world.token(EDITED, "editor", &[])?;
    world.bearer("editor", &token)
}

/// What the API server took of the worst objects.
#[derive(Debug, Default)]
struct Tally {
    taken: usize,
    names: Vec<String>,
    bytes: usize,
    refused: Vec<String>,
}

impl Tally {
    fn store(&mut self, editor: &Kubectl, worst: &[Worst]) -> Result<()> {
        let objects: Vec<String> = worst.iter().map(|one| one.object.to_string()).collect();
        let (created, said) = editor.create_each(&objects.concat(), &[])?;
        for (one, text) in worst.iter().zip(&objects) {
            let name = one.object["metadata"]["name"].as_str().unwrap_or_default();
            let is_created = created
                .lines()
                .any(|line| line.contains(&format!("/{name} ")));
            if !is_created {
                let why = said
                    .lines()
                    .find(|line| line.contains(name))
                    .unwrap_or(&said);
                self.refused.push(format!("{name}: {why:.300}"));
                continue;
            }
            if let Some(patch) = &one.patch
                && let Err(error) = self::patch(editor, &one.object, patch)
            {
                self.refused.push(format!("{name}: {error:.300}"));
                continue;
            }
            self.taken += 1;
            self.bytes += text.len()
                + one
                    .patch
                    .as_ref()
                    .map_or(0, |patch| patch.to_string().len());
            self.names.push(name.to_owned());
        }
        Ok(())
    }

    fn print(&self, what: &str) {
        let Self {
            taken,
            bytes,
            refused,
            ..
        } = self;
        eprintln!(
            "{taken} {what} of {} MiB in all were taken, {} refused",
            bytes >> 20,
            refused.len()
        );
        for refused in refused {
            eprintln!("  refused: {refused}");
        }
    }
}

/// A JSON patch, by the editor.
fn patch(editor: &Kubectl, object: &Value, patch: &Value) -> Result<()> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (kind, name) = (text(&object["kind"]), text(&object["metadata"]["name"]));
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(&file, patch.to_string())?;
    let file = format!("--patch-file={}", file.path().display());
    let words = [
        "--namespace",
        EDITED,
        "patch",
        &kind,
        &name,
        "--type=json",
        &file,
    ];
    editor.run(&words).map(drop)
}

/// The approver, which must bear everything.
struct Watched {
    process: Process,
    errors: f64,
}

impl Watched {
    fn of(world: &World) -> Result<Self> {
        let process = Process::of(world, &format!("{NAME}-approver"))?;
        let errors = process.metric(WATCH_ERRORS)?;
        Ok(Self { process, errors })
    }

    fn ensure_well(&self) -> Result<()> {
        self.process.get(APPROVER_PROBES_PORT, "/readyz")?;
        let errors = self.process.metric(WATCH_ERRORS)?;
        ensure!(
            errors == self.errors,
            "{} failures of a watch, {errors} now",
            self.errors
        );
        let peak = self.process.peak_memory()?;
        ensure!(peak < PEAK_KIB, "its memory has peaked at {peak} KiB");
        Ok(())
    }

    fn print_peak(&self, when: &str) -> Result<()> {
        self.ensure_well()?;
        let peak = self.process.peak_memory()?;
        eprintln!("the approver's memory has peaked at {peak} KiB {when}");
        Ok(())
    }
}

/// Of the editor.
const EDITED: &str = "edited";
const WATCH_ERRORS: &str = "csi_driver_spiffe_approver_watch_errors_total";
/// Right requests, beside the worst ones and after the restart.
const GOOD: usize = 20;
/// How many of the worst ones must have been accepted.
const ENOUGH: usize = 90;
/// The time in which a valid request is decided.
const SOON: Duration = Duration::from_secs(1);
/// The most memory that the approver may use.
const PEAK_KIB: u64 = 64 * 1024;
