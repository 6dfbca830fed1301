//! Requests for other issuers: not this approver's to decide, so neither approved nor denied, valid
//! or not.

use svid_core::policy::{DurationField, IssuerReference};

use crate::World;
use crate::case::{Case, Cases, Expect};

/// Every request that must be left alone.
#[must_use]
pub fn foreigners(world: &World) -> Vec<Case> {
    let mut cases = Cases::new(world);
    let ours = world.issuer();
    let (name, kind, group) = (ours.name.as_str(), ours.kind.as_str(), ours.group.as_str());
    let other_kind = if kind == "Issuer" {
        "ClusterIssuer"
    } else {
        "Issuer"
    };
    let longer = format!("{name}2");
    let shorter = name.get(..name.len() - 1).unwrap_or_default();
    let [upper, spaced] = [name.to_uppercase(), format!("{name} ")];
    let [lower_kind, spaced_kind] = [kind.to_lowercase(), format!("{kind} ")];
    let [upper_group, dotted_group] = [group.to_uppercase(), format!("{group}.")];
    for (what, name, kind, group) in [
        ("another name", "other", kind, group),
        ("a longer name", &longer, kind, group),
        ("a shorter name", shorter, kind, group),
        ("the name in upper case", &upper, kind, group),
        ("the name and a space", &spaced, kind, group),
        ("no name", "", kind, group),
        ("another kind", name, other_kind, group),
        ("a kind in lower case", name, &lower_kind, group),
        ("a kind and a space", name, &spaced_kind, group),
        ("another group", name, kind, "example.org"),
        ("a group in upper case", name, kind, &upper_group),
        ("a group with a dot at its end", name, kind, &dotted_group),
    ] {
        let issuer = IssuerReference::new(name, kind, group);
        let mut right = world.around(world.craft().pem());
        right.issuer = issuer.clone();
        cases.add(format!("issuer: {what}"), Expect::LeaveAlone, right);

        let mut wrong = world.around(b"garbage".to_vec());
        wrong.issuer = issuer;
        wrong.usages = None;
        wrong.duration = DurationField::Absent;
        wrong.is_ca = true;
        wrong.identity_annotation.push('x');
        cases.add(
            format!("issuer: {what}, all else wrong"),
            Expect::LeaveAlone,
            wrong,
        );
    }
    cases.finish()
}
