//! The promises of the embedded API server, checked on the real one by the same functions.
//!
//! What this cluster cannot keep is left out by name, with the reason.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures::FutureExt as _;
use kube::config::{AuthInfo, KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use svid_contract::{Contract, Server, contracts, rbac};

use super::world::World;
use super::{Scenario, installation, scenario};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![scenario(
        "the real API server keeps every promise that the embedded one is held to",
        every_promise_is_kept,
    )]
}

fn every_promise_is_kept(world: &World) -> Result<()> {
    // They are Kubernetes' and cert-manager's: our admission policies must not keep them instead.
    installation::uninstall(world)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("starting an event loop")?;
    let broken = runtime.block_on(broken_promises(world))?;
    ensure!(broken.is_empty(), "not kept: {}", broken.join(", "));
    Ok(())
}

/// The names of those that are not kept; what was expected is in the output.
async fn broken_promises(world: &World) -> Result<Vec<&'static str>> {
    let server = server(world).await?;
    let mut broken = Vec::new();
    let mut kept = 0;
    for contract in contracts() {
        if NOT_ON_THIS_CLUSTER.contains(&contract.name()) {
            continue;
        }
        if is_kept(contract, &server).await {
            kept += 1;
        } else {
            broken.push(contract.name());
        }
    }
    eprint!("{kept} promises, ");
    Ok(broken)
}

async fn is_kept(contract: Contract, server: &Server) -> bool {
    let check = AssertUnwindSafe(contract.check(server)).catch_unwind();
    matches!(tokio::time::timeout(LONGEST, check).await, Ok(Ok(())))
}

async fn server(world: &World) -> Result<Server> {
    let path = world.place.administrator();
    let kubeconfig = Kubeconfig::read_from(&path).context("reading the kubeconfig")?;
    let options = KubeConfigOptions::default();
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &options).await?;
    // What the server answers, not what it answers after a while.
    config.default_retry = false;
    let administrator = Client::try_from(config.clone())?;
    #[expect(
        clippy::expect_used,
        reason = "the same configuration, with other credentials, has just made a client"
    )]
    let bearer = move |token: Option<&str>| {
        let mut config = config.clone();
        config.auth_info = AuthInfo::default();
        config.auth_info.token = token.map(|token| token.to_owned().into());
        Client::try_from(config).expect("a client with a bearer token")
    };
    Ok(Server::new(
        administrator.clone(),
        bearer,
        rbac(administrator),
    ))
}

/// Longer than any promise may be waited for.
const LONGEST: Duration = Duration::from_secs(60);

/// What is left out, and why.
const NOT_ON_THIS_CLUSTER: &[&str] = &[
    // Debian's etcd cannot report progress, without which the API server sends no bookmarks and
    // refuses a watch from version 0.
    "a_watch_from_version_0_begins_with_the_present",
    "a_watch_ends_by_its_timeout_and_bookmarks_come_to_those_who_ask",
    // A server that is minutes old still knows its first version.
    "a_version_that_is_too_old_is_410_in_the_stream",
];
