//! Who a pod is, and what others make of it.

use anyhow::{Result, ensure};
use serde_json::json;

use super::pods::{self, VOLUME, enroll, spiffe_id};
use super::world::World;
use super::{Scenario, installation, scenario};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        scenario(
            "pods get valid SVIDs of their service account, each with a key of its own",
            identity,
        ),
        scenario(
            "pods do mutual TLS by their SPIFFE IDs, and others are refused",
            mutual_tls,
        ),
    ]
}

fn identity(world: &World) -> Result<()> {
    installation::install(world, &[])?;
    enroll(world, "identity", "web")?;
    let one = pods::run(world, "identity", "one", "web")?;
    let two = pods::run(world, "identity", "two", "web")?;
    one.wait_ready(world)?;
    two.wait_ready(world)?;
    let (first, second) = (one.look(world)?, two.look(world)?);
    ensure!(first.id() == spiffe_id("identity", "web"), "{first:?}");
    ensure!(second.id() == first.id(), "{second:?}");
    ensure!(first.key() != second.key(), "one key for two pods");
    one.delete(world)?;
    two.delete(world)
}

fn mutual_tls(world: &World) -> Result<()> {
    installation::install(world, &[])?;
    for account in ["server", "client", "stranger"] {
        enroll(world, "tls", account)?;
    }
    let client_id = spiffe_id("tls", "client");
    let server = pods::run_with(world, "tls", "server", "server", |pod| {
        pod["spec"]["containers"][0]["command"] =
            json!(["/bin/peer", "serve", VOLUME, ":8443", client_id]);
    })?;
    let client = pods::run(world, "tls", "client", "client")?;
    let stranger = pods::run(world, "tls", "stranger", "stranger")?;
    for pod in [&server, &client, &stranger] {
        pod.wait_ready(world)?;
    }
    let address = format!("{}:8443", server.address(world)?);
    let server_id = spiffe_id("tls", "server");
    let dial =
        |pod: &str, id: &str| world.exec("tls", pod, &["/bin/peer", "dial", VOLUME, &address, id]);
    let answer = dial("client", &server_id)?;
    ensure!(answer == format!("you are {client_id}"), "{answer}");
    ensure!(
        dial("client", &client_id).is_err(),
        "a client that expected somebody else was content"
    );
    let answer = dial("stranger", &server_id);
    ensure!(
        answer.as_deref().map_or(true, str::is_empty),
        "a stranger was answered: {answer:?}"
    );
    let log = server.logs(world)?;
    ensure!(log.contains("refused"), "{log}");
    for pod in [server, client, stranger] {
        pod.delete(world)?;
    }
    Ok(())
}
