//! A pod's token on a request of another pod, or of something else.

use svid_core::policy::{Owner, Rule};

use crate::case::Cases;
use crate::{POD_NAME, POD_UID, claims, owner};

impl Cases<'_> {
    pub(super) fn owners(&mut self) {
        let right = owner;
        let named = |name: &str| Owner {
            name: name.to_owned(),
            ..right()
        };
        let known = |uid: &str| Owner {
            uid: uid.to_owned(),
            ..right()
        };
        let of = |api_version: &str, kind: &str| Owner {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            ..right()
        };
        for (what, rule, owners) in [
            ("another pod", Rule::PodToken, vec![named("api-8")]),
            ("a later pod of the name", Rule::PodToken, vec![known("x")]),
            (
                "a ReplicaSet",
                Rule::Owner,
                vec![of("apps/v1", "ReplicaSet")],
            ),
            ("a pod in lower case", Rule::Owner, vec![of("v1", "pod")]),
            ("a Pod of a group", Rule::Owner, vec![of("a.b/v1", "Pod")]),
            ("a Pod of v2", Rule::Owner, vec![of("v2", "Pod")]),
            ("a Pod of no version", Rule::Owner, vec![of("", "Pod")]),
            ("a path", Rule::Owner, vec![named("../secrets/x")]),
            ("a query", Rule::Owner, vec![named("a?b")]),
            ("dots", Rule::Owner, vec![named("..")]),
            ("upper case", Rule::Owner, vec![named("Api-7")]),
            ("a pod without a name", Rule::Owner, vec![named("")]),
            ("a pod without a UID", Rule::Owner, vec![known("")]),
            ("nobody", Rule::Owner, vec![]),
            ("a pod twice", Rule::Owner, vec![right(), right()]),
            ("two pods", Rule::Owner, vec![right(), named("api-8")]),
            ("another pod first", Rule::Owner, vec![named("b"), right()]),
        ] {
            self.object(format!("a pod's token, owned by {what}"), rule, |request| {
                request.owners = owners;
                request.requester.extra = claims();
            });
        }
    }

    /// Claims of a pod that the API server never writes.
    pub(super) fn claims(&mut self) {
        for claim in [POD_NAME, POD_UID] {
            let values: [Option<&[&str]>; 5] = [
                None,
                Some(&[]),
                Some(&[""]),
                Some(&["api-7", "api-7"]),
                Some(&["api-7", "api-8"]),
            ];
            for values in values {
                let name = format!("a token whose {claim} is {values:?}");
                self.object(name, Rule::PodToken, |request| {
                    let own = |all: &[&str]| all.iter().map(|&one| one.to_owned()).collect();
                    request.owners = vec![owner()];
                    request.requester.extra = claims();
                    request.requester.extra.remove(claim);
                    let said = values.map(|all| (claim.to_owned(), own(all)));
                    request.requester.extra.extend(said);
                });
            }
        }
    }
}
