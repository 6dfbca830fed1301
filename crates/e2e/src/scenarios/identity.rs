//! A pod's identity, and how peers judge it.

use anyhow::{Result, ensure};
use serde_json::json;

use super::pods::{self, Pod, VOLUME, enroll};
use super::world::{World, spiffe_id};
use super::{Scenario, installation, scenario};
use crate::cluster::{self, Authority};

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
    let foreigner = foreigner(world)?;
    let client_id = spiffe_id("tls", "client");
    let server = pods::run_with(world, "tls", "server", "server", |pod| {
        pod["spec"]["containers"][0]["command"] =
            json!(["/bin/peer", "serve", VOLUME, ":8443", client_id]);
    })?;
    let client = pods::run(world, "tls", "client", "client")?;
    let stranger = pods::run(world, "tls", "stranger", "stranger")?;
    for pod in [&server, &client, &stranger, &foreigner] {
        pod.wait_ready(world)?;
    }
    let address = format!("{}:8443", server.address(world)?);
    let server_id = spiffe_id("tls", "server");
    let dial = |pod: &str, volume: &str, id: &str| {
        world.exec("tls", pod, &["/bin/peer", "dial", volume, &address, id])
    };
    // A container is ready once it runs, and listens a moment later.
    let answer = world.eventually("the server's answer", || dial("client", VOLUME, &server_id))?;
    ensure!(answer == format!("you are {client_id}"), "{answer}");
    ensure!(
        dial("client", VOLUME, &client_id).is_err(),
        "a client that expected somebody else was content"
    );
    for (pod, volume) in [
        ("stranger", VOLUME),
        ("foreigner", "/third"),
        ("foreigner", "/claimed"),
    ] {
        // What it hears in TLS 1.3 is either an error or nothing.
        let answer = dial(pod, volume, &server_id).unwrap_or_default();
        ensure!(
            answer.is_empty(),
            "{pod} with {volume} was answered: {answer}"
        );
    }
    world.eventually("three refusals in the server's log", || {
        let log = server.logs(world)?;
        ensure!(log.matches("refused").count() >= 3, "{log}");
        Ok(())
    })?;
    for pod in [server, client, stranger, foreigner] {
        pod.delete(world)?;
    }
    Ok(())
}

/// A pod with SVIDs that an authority of its own has signed: one of a third trust domain, one that
/// claims to be the client. It believes our roots, so what fails is the server's trust in it.
fn foreigner(world: &World) -> Result<Pod> {
    let authority = Authority::new("a third trust domain")?;
    let roots = cluster::spiffe_authority(&world.place)?.certificate;
    for (name, id) in [
        (
            "third",
            "spiffe://third.example/ns/tls/sa/client".to_owned(),
        ),
        ("claimed", spiffe_id("tls", "client")),
    ] {
        let leaf = authority.svid(&id)?;
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": name, "namespace": "tls"},
            "stringData": {"tls.crt": leaf.certificate, "tls.key": leaf.key, "ca.crt": roots},
        });
        world.kubectl.apply(&secret.to_string())?;
    }
    pods::run_with(world, "tls", "foreigner", "stranger", |pod| {
        let container = &mut pod["spec"]["containers"][0];
        container["command"] = json!(["/bin/sleep", "3600"]);
        container["volumeMounts"] = json!([
            {"name": "third", "mountPath": "/third"}, {"name": "claimed", "mountPath": "/claimed"},
        ]);
        pod["spec"]["volumes"] = json!([
            {"name": "third", "secret": {"secretName": "third"}},
            {"name": "claimed", "secret": {"secretName": "claimed"}},
        ]);
    })
}
