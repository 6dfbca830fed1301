//! Every check: on a world in which all is well, and on one in which that thing is broken.

mod cluster;
mod printed;
mod release;
mod roots;
mod workloads;
mod world;

use super::catalogue::Check;
use super::judge::judge;
use super::outcome::{Grade, Outcome};
use super::snapshot::{Seen, Snapshot, Unseen};
use svid_client::ApiError;
use svid_core::policy::IssuerReference;
use world::world;

/// A way to break a world.
type Break = fn(&mut Snapshot);

/// What is broken, how, and what is then not good.
type Case<'a> = (&'a str, Break, &'a [(Check, Grade)]);

/// What is not good after a world was broken, in the order of the catalogue.
fn found(breaks: Break) -> Vec<(Check, Grade)> {
    let mut world = world();
    breaks(&mut world);
    let outcomes = judge(&world);
    let mut bad: Vec<_> = outcomes
        .into_iter()
        .filter(|outcome| outcome.grade > Grade::Good)
        .map(|outcome| (outcome.check, outcome.grade))
        .collect();
    bad.sort();
    bad
}

fn assert_found(table: &[Case<'_>]) {
    for (name, breaks, expected) in table {
        assert_eq!(found(*breaks), *expected, "{name}");
    }
}

/// What a check says after a world was broken.
fn said(check: Check, breaks: Break) -> String {
    let mut world = world();
    breaks(&mut world);
    let outcomes: Vec<Outcome> = judge(&world);
    let outcome = outcomes.iter().find(|outcome| outcome.check == check);
    outcome.unwrap().found.join("\n")
}

/// What a caller without rights sees.
fn forbidden<T>() -> Seen<T> {
    let error = ApiError::Forbidden("no".to_owned());
    Err(Unseen::new("list things".to_owned(), &error))
}

#[test]
fn where_all_is_well_every_check_of_an_installation_is_good() {
    let outcomes = judge(&world());

    let bad: Vec<_> = outcomes
        .iter()
        .filter(|outcome| outcome.grade != Grade::Good)
        .collect();
    assert!(bad.is_empty(), "{bad:#?}");
    let made: Vec<Check> = outcomes.iter().map(|outcome| outcome.check).collect();
    let missing: Vec<_> = Check::ALL
        .iter()
        .filter(|check| !made.contains(check))
        .collect();
    assert_eq!(missing, [&Check::MayInstall], "only before an installation");
}

#[test]
fn before_an_installation_what_the_chart_needs_is_looked_at() {
    let mut world = world();
    world.is_before = true;
    world.rights.installer[0].allowed = Ok(false);

    let outcomes = judge(&world);

    let (made, bad): (Vec<_>, Vec<_>) = (
        outcomes.iter().map(|outcome| outcome.check).collect(),
        outcomes
            .iter()
            .filter(|outcome| outcome.grade == Grade::Error)
            .map(|outcome| outcome.check)
            .collect(),
    );
    assert_eq!(bad, [Check::MayInstall]);
    assert!(made.contains(&Check::IssuerReady) && made.contains(&Check::PodSecurity));
    assert!(!made.contains(&Check::Installed) && !made.contains(&Check::RootsThere));
}

#[test]
fn what_may_not_be_read_is_never_good() {
    let table: &[(&str, Break, Check)] = &[
        (
            "version",
            |world| world.version = forbidden(),
            Check::KubernetesVersion,
        ),
        (
            "kinds",
            |world| world.certmanager.kinds = forbidden(),
            Check::CertManagerKinds,
        ),
        (
            "controllers",
            |world| world.certmanager.controllers = forbidden(),
            Check::CertManagerRunning,
        ),
        (
            "mutating",
            |world| world.certmanager.mutating = forbidden(),
            Check::CertManagerWebhook,
        ),
        (
            "validating",
            |world| world.certmanager.validating = forbidden(),
            Check::CertManagerWebhook,
        ),
        (
            "release",
            |world| world.release = forbidden(),
            Check::Installed,
        ),
        (
            "cluster issuers",
            |world| world.issuance.cluster_issuers = forbidden(),
            Check::IssuerThere,
        ),
        (
            "issuers",
            |world| world.issuance.issuers = forbidden(),
            Check::IssuerSecretShared,
        ),
        (
            "policies",
            |world| world.deciders.policies = forbidden(),
            Check::OthersApprove,
        ),
        (
            "bindings",
            |world| world.deciders.bindings = forbidden(),
            Check::OthersApprove,
        ),
        (
            "csidriver",
            |world| world.csi_driver = forbidden(),
            Check::CsiDriverFields,
        ),
        (
            "nodes",
            |world| world.nodes = forbidden(),
            Check::NodesRegistered,
        ),
        (
            "csinodes",
            |world| world.csi_nodes = forbidden(),
            Check::NodesRegistered,
        ),
        ("pods", |world| world.pods = forbidden(), Check::PodsWaiting),
        (
            "lease",
            |world| world.lease = forbidden(),
            Check::ApproverLeads,
        ),
        (
            "driver's rights",
            |world| world.rights.driver[0].allowed = forbidden(),
            Check::DriverRights,
        ),
        (
            "approver's rights",
            |world| world.rights.approver[0].allowed = forbidden(),
            Check::ApproverRights,
        ),
        (
            "signer",
            |world| world.rights.signer[1].allowed = forbidden(),
            Check::ApproverRights,
        ),
        (
            "workloads' rights",
            |world| world.rights.workloads[0].allowed = forbidden(),
            Check::WorkloadRights,
        ),
        (
            "some accounts",
            |world| world.rights.workloads_left_out = 1,
            Check::WorkloadRights,
        ),
        (
            "some controllers of cert-manager",
            |world| {
                world.deciders.policies = Ok(Vec::new());
                world.deciders.others.clear();
                world.deciders.others_left_out = 1;
            },
            Check::OthersApprove,
        ),
        (
            "namespaces",
            |world| world.namespaces = forbidden(),
            Check::PodSecurity,
        ),
        (
            "limits",
            |world| world.limit_ranges = forbidden(),
            Check::LimitRange,
        ),
        ("quotas", |world| world.quotas = forbidden(), Check::Quota),
        (
            "events",
            |world| world.events = forbidden(),
            Check::DriverCreated,
        ),
        (
            "requests",
            |world| world.requests = forbidden(),
            Check::RequestsUndecided,
        ),
    ];
    let pods: &[(Check, Break)] = &[
        (Check::RequestsUndecided, |_| {}),
        (Check::DriverRolledOut, |_| {}),
        (Check::Quota, |world| {
            world.quotas = world::all(serde_json::json!([{}]));
        }),
        (Check::IssuerThere, of_namespaces),
        (Check::ApproverRights, of_namespaces),
    ];
    for (check, breaks) in pods {
        let mut world = world();
        breaks(&mut world);
        world.pods = forbidden();
        let outcomes = judge(&world);
        let outcome = outcomes.iter().find(|one| one.check == *check).unwrap();
        assert_eq!(outcome.grade, Grade::Unseen, "{check:?} without pods");
    }
    for (name, breaks, check) in table {
        let found = found(*breaks);
        assert!(
            found.contains(&(*check, Grade::Unseen)),
            "{name}: {found:?}"
        );
    }
}

/// Has the world an issuer in each namespace.
fn of_namespaces(world: &mut Snapshot) {
    world.issuance.issuer = Some(IssuerReference::new("web", "Issuer", "cert-manager.io"));
}
