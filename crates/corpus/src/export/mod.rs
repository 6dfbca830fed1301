//! The corpora as objects for a real API server: what to create, as whom, and what must become of
//! it.
//!
//! Owns the wire form of a case and the reasons why an API server cannot hold one. Knows no client:
//! the client that creates the objects impersonates their requesters, as the API server and
//! cert-manager's webhook fill in who created an object. The webhook may refuse a hostile object at
//! once (it verifies the signature of the signing request, and compares its extensions with the
//! usages); that is as good as a denial.

mod creatable;
mod wire;

use serde_json::{Value, json};
use svid_core::policy::{Decision, Requester, evaluate};

use crate::foreigners::foreigners;
use crate::hostile::hostile;
use crate::right::right;
use crate::{Case, Expect, World};

#[derive(Clone, Debug)]
pub struct Export {
    pub name: String,
    /// What must become of it.
    pub expect: Expect,
    /// What the approver writes when it denies the object, word for word; else empty.
    pub message: String,
    /// The user that creates it.
    pub requester: Requester,
    /// Why it cannot be created as it is; None where it can.
    pub obstacle: Option<&'static str>,
    pub object: Value,
}

impl Export {
    /// The object as the API server and cert-manager's webhook complete it.
    #[must_use]
    pub fn stored(&self) -> Value {
        let mut object = self.object.clone();
        object["metadata"]["generation"] = json!(1);
        object["metadata"]["uid"] = json!("u");
        object["metadata"]["resourceVersion"] = json!("7");
        object["spec"]["username"] = json!(self.requester.username);
        object["spec"]["uid"] = json!(self.requester.uid);
        object["spec"]["groups"] = json!(self.requester.groups);
        object["spec"]["extra"] = json!(self.requester.extra);
        object
    }

    /// One line of JSON, without a line break.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let expect = match self.expect {
            Expect::Approve => "approve",
            Expect::Deny(_) => "deny",
            Expect::LeaveAlone => "leave",
        };
        let rule = match self.expect {
            Expect::Deny(rule) => Some(format!("{rule:?}")),
            Expect::Approve | Expect::LeaveAlone => None,
        };
        json!({
            "name": self.name,
            "expect": expect,
            "rule": rule,
            "message": self.message,
            "username": self.requester.username,
            "uid": self.requester.uid,
            "groups": self.requester.groups,
            "extra": self.requester.extra,
            "creatable": self.obstacle.is_none(),
            "obstacle": self.obstacle,
            "object": self.object,
        })
    }
}

/// Every case of the three corpora, and those that differ on the wire only. Each object has a name
/// of its own.
#[must_use]
pub fn exports(world: &World) -> Vec<Export> {
    let cases = [right(world), hostile(world), foreigners(world)].concat();
    let mut exports: Vec<_> = cases.iter().map(|case| export(world, case)).collect();
    exports.extend(wire::variants(world));
    for (number, export) in exports.iter_mut().enumerate() {
        export.object["metadata"]["name"] = json!(format!("corpus-{number:04}"));
    }
    exports
}

fn export(world: &World, case: &Case) -> Export {
    let message = match evaluate(&world.policy(), &case.request) {
        Decision::Deny(denial) => denial.message(),
        Decision::Approve(_) | Decision::Inquire(_) | Decision::LeaveAlone => String::new(),
    };
    Export {
        name: case.name.clone(),
        expect: case.expect,
        message,
        requester: case.request.requester.clone(),
        obstacle: creatable::obstacle(&case.request),
        object: wire::object(&case.request),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn most_cases_can_be_created_and_all_have_names_of_their_own() {
        let exports = exports(&World::default());
        let creatable = exports.iter().filter(|export| export.obstacle.is_none());
        let (mut right, mut hostile, mut foreign) = (0, 0, 0);
        for export in creatable {
            match export.expect {
                Expect::Approve => right += 1,
                Expect::Deny(_) => hostile += 1,
                Expect::LeaveAlone => foreign += 1,
            }
            let is_denied = matches!(export.expect, Expect::Deny(_));
            assert_eq!(is_denied, !export.message.is_empty(), "{}", export.name);
        }
        assert!(
            right >= 90 && hostile >= 400 && foreign >= 20,
            "{right} {hostile} {foreign}"
        );
        let names: BTreeSet<_> = exports.iter().map(|export| &export.name).collect();
        assert_eq!(names.len(), exports.len());
    }

    #[test]
    fn every_right_object_can_be_created_but_those_of_a_pod() {
        for export in exports(&World::default()) {
            let owners = export.object["metadata"]["ownerReferences"].as_array();
            if export.expect == Expect::Approve && owners.is_none_or(Vec::is_empty) {
                assert_eq!(export.obstacle, None, "{}", export.name);
            }
        }
    }
}
