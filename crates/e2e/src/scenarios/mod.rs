//! The product as an administrator installs it, on the real cluster: `cargo xtask e2e [FILTER]`.
//!
//! Owns what is shown there: the chart installed by Helm, the image run by the kubelet, pods that
//! mount the volume. What pods see is checked by `cluster/peer`, with go-spiffe and Go's standard
//! library. Knows nothing of the product's code. Invariant: a scenario leaves the cluster as it
//! found it, and a failed one prints pods, Events and both logs.

#![expect(
    clippy::indexing_slicing,
    reason = "an object of the API, indexed by a name that it has not, gives null"
)]

mod accounts;
mod annotations;
mod approver;
mod attested;
mod bundle;
mod corpora;
mod decisions;
mod exclusive;
mod hostile;
mod identity;
mod installation;
mod issuer;
mod looking;
mod lost;
mod misconfiguration;
mod neighbours;
mod pods;
mod policies;
mod process;
mod promises;
mod readers;
mod registration;
mod release;
mod renewal;
mod report;
mod requester;
mod requests;
mod runtime_issuer;
mod strangers;
mod upgrade;
mod volume;
mod world;

use anyhow::Result;
use libtest_mimic::{Arguments, Trial};

use crate::cluster;
use world::World;

/// Runs every scenario whose name holds the filter, one after the other.
///
/// # Errors
/// When the cluster or the image is not available, or a scenario fails.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let words = std::iter::once("e2e".to_owned()).chain(arguments.iter().cloned());
    let mut arguments = Arguments::from_iter(words);
    // They share one installation.
    arguments.test_threads = Some(1);
    let world = World::prepare()?;
    clear(&world)?;
    let scenarios = [
        promises::scenarios(),
        identity::scenarios(),
        volume::scenarios(),
        approver::scenarios(),
        policies::scenarios(),
        annotations::scenarios(),
        accounts::scenarios(),
        requester::scenarios(),
        exclusive::scenarios(),
        runtime_issuer::scenarios(),
        neighbours::scenarios(),
        attested::scenarios(),
        corpora::scenarios(),
        hostile::scenarios(),
        strangers::scenarios(),
        looking::scenarios(),
        lost::scenarios(),
        issuer::scenarios(),
        bundle::scenarios(),
        misconfiguration::scenarios(),
        registration::scenarios(),
        renewal::scenarios(),
        upgrade::scenarios(),
        release::scenarios(),
    ];
    let trials = scenarios.into_iter().flatten().map(|scenario| {
        let world = world.clone();
        Trial::test(scenario.name, move || {
            let result = (scenario.run)(&world);
            result.map_err(|error| {
                // Here, where the views belong to it, and once more at the end.
                eprintln!("{error:#}");
                report::print(&world);
                if let Err(error) = clear(&world) {
                    eprintln!("clearing up: {error:#}");
                }
                format!("{error:#}").into()
            })
        })
    });
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    anyhow::ensure!(!conclusion.has_failed(), "scenarios failed");
    Ok(())
}

/// Takes away what scenarios left, whole or broken off: all that can be, whatever stays.
fn clear(world: &World) -> Result<()> {
    cluster::end_silence();
    let steps = [
        |world: &World| cluster::end_built_in_approver(&world.place),
        |world: &World| cluster::end_registry(&world.place),
        requester::clear,
        neighbours::clear,
        policies::clear,
        corpora::clear,
        hostile::clear,
        restore_issuer,
        pods::clear,
    ];
    let errors = steps.iter().filter_map(|step| step(world).err());
    let errors: Vec<String> = errors.map(|error| format!("{error:#}")).collect();
    anyhow::ensure!(errors.is_empty(), "{}", errors.join("\n"));
    Ok(())
}

fn restore_issuer(world: &World) -> Result<()> {
    let authority = cluster::spiffe_authority(&world.place)?;
    world.kubectl.apply(&authority.cluster_issuer("spiffe-ca"))
}

/// Something that must be seen.
struct Scenario {
    /// A sentence.
    name: &'static str,
    run: fn(&World) -> Result<()>,
}

const fn scenario(name: &'static str, run: fn(&World) -> Result<()>) -> Scenario {
    Scenario { name, run }
}
