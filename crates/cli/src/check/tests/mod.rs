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
    outcome(&world, check).found.join("\n")
}

/// What comes of a check.
fn outcome(world: &Snapshot, check: Check) -> Outcome {
    let mut outcomes = judge(world).into_iter();
    outcomes.find(|outcome| outcome.check == check).unwrap()
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
    let table: &[(Check, Break)] = &[
        (Check::KubernetesVersion, |world| {
            world.version = forbidden();
        }),
        (Check::CertManagerKinds, |world| {
            world.certmanager.kinds = forbidden();
        }),
        (Check::CertManagerRunning, |world| {
            world.certmanager.controllers = forbidden();
        }),
        (Check::CertManagerWebhook, |world| {
            world.certmanager.mutating = forbidden();
        }),
        (Check::CertManagerWebhook, |world| {
            world.certmanager.validating = forbidden();
        }),
        (Check::Installed, |world| world.release = forbidden()),
        (Check::IssuerThere, |world| {
            world.issuance.cluster_issuers = forbidden();
        }),
        (Check::IssuerSecretShared, |world| {
            world.issuance.issuers = forbidden();
        }),
        (Check::OthersApprove, |world| {
            world.deciders.policies = forbidden();
        }),
        (Check::OthersApprove, |world| {
            world.deciders.bindings = forbidden();
        }),
        (Check::CsiDriverFields, |world| {
            world.csi_driver = forbidden();
        }),
        (Check::NodesRegistered, |world| world.nodes = forbidden()),
        (Check::NodesRegistered, |world| {
            world.csi_nodes = forbidden();
        }),
        (Check::PodsWaiting, |world| world.pods = forbidden()),
        (Check::RequestsUndecided, |world| world.pods = forbidden()),
        (Check::DriverRolledOut, |world| world.pods = forbidden()),
        (Check::Quota, |world| {
            world.quotas = world::all(serde_json::json!([{}]));
            world.pods = forbidden();
        }),
        (Check::IssuerThere, |world| {
            of_namespaces(world);
            world.pods = forbidden();
        }),
        (Check::ApproverRights, |world| {
            of_namespaces(world);
            world.pods = forbidden();
        }),
        (Check::ApproverLeads, |world| world.lease = forbidden()),
        (Check::DriverRights, |world| {
            world.rights.driver[0].allowed = forbidden();
        }),
        (Check::ApproverRights, |world| {
            world.rights.approver[0].allowed = forbidden();
        }),
        (Check::ApproverRights, |world| {
            world.rights.signer[1].allowed = forbidden();
        }),
        (Check::WorkloadRights, |world| {
            world.rights.workloads[0].allowed = forbidden();
        }),
        (Check::WorkloadRights, |world| {
            world.rights.workloads_left_out = 1;
        }),
        (Check::OthersApprove, |world| {
            world.deciders.policies = Ok(Vec::new());
            world.deciders.others.clear();
            world.deciders.others_left_out = 1;
        }),
        (Check::PodSecurity, |world| world.namespaces = forbidden()),
        (Check::LimitRange, |world| world.limit_ranges = forbidden()),
        (Check::Quota, |world| world.quotas = forbidden()),
        (Check::DriverCreated, |world| world.events = forbidden()),
        (Check::RequestsUndecided, |world| {
            world.requests = forbidden();
        }),
    ];
    for (row, (check, breaks)) in table.iter().enumerate() {
        let mut world = world();
        breaks(&mut world);
        let outcome = outcome(&world, *check);
        assert_eq!(outcome.grade, Grade::Unseen, "row {row}: {outcome:?}");
    }
}

/// Has the world an issuer in each namespace.
fn of_namespaces(world: &mut Snapshot) {
    world.issuance.issuer = Some(IssuerReference::new("web", "Issuer", "cert-manager.io"));
}
