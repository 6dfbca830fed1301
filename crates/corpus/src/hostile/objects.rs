//! Right signing requests in objects that are another's, or were changed.

use svid_core::policy::{Owner, Rule};

use crate::case::{Cases, Expect};
use crate::craft::extension;

impl Cases<'_> {
    /// Requesters that are no service account.
    pub(super) fn strangers(&mut self) {
        for username in [
            "",
            "admin",
            "system:admin",
            "system:anonymous",
            "system:node:n1",
            "system:kube-controller-manager",
            "system:serviceaccount",
            "system:serviceaccount:",
            "system:serviceaccount:::",
            "system:serviceaccount:payments",
            "system:serviceaccount:payments:",
            "system:serviceaccount::api",
            "system:serviceaccount:payments:api:",
            "system:serviceaccount:payments:api:x",
            "system:serviceaccount:x:payments:api",
            "system:serviceaccount:payments::api",
            "system:serviceaccount:payments:api ",
            "system:serviceaccount: payments:api",
            "system:serviceaccount:payments/x:api",
            "system:serviceaccount:payments/sa/api:x",
            "system:serviceaccount:payments:a/pi",
            "system:serviceaccount:payments:../api",
            "system:serviceaccount:payments:API",
            "system:serviceaccount:Payments:api",
            "system:serviceaccount:payments:\u{430}pi",
            "system:serviceaccount:payments:api\0",
            "system:serviceaccount:payments:api\n",
            "system:serviceaccount:payments:.api",
            "system:serviceaccount:payments:api.",
            "system:serviceaccount:payments:a..pi",
            "system:serviceaccount:pay.ments:api",
            "system:serviceaccounts:payments:api",
            "SYSTEM:SERVICEACCOUNT:payments:api",
            "serviceaccount:payments:api",
            "oidc:system:serviceaccount:payments:api",
            "spiffe://cluster.local/ns/payments/sa/api",
        ] {
            let here = self.world.here(username);
            let name = format!("requester {username:?}");
            self.object(name, Rule::Requester, |request| {
                request.requester.username = here;
            });
        }
        let long = self.world.here("system:serviceaccount:payments:") + &"a".repeat(254);
        self.object("requester of 254 letters", Rule::Requester, |request| {
            request.requester.username = long;
        });
    }

    /// A right request, sent anew by another service account.
    pub(super) fn replays(&mut self) {
        for (namespace, account) in [
            ("payments", "api2"),
            ("payments", "ap"),
            ("payments", "api.x"),
            ("payments", "x.api"),
            ("payments", "x-api"),
            ("payments", "default"),
            ("payments", "payments"),
            ("payments2", "api"),
            ("payment", "api"),
            ("x-payments", "api"),
            ("other", "api"),
            ("api", "payments"),
        ] {
            let username = format!(
                "system:serviceaccount:{}:{account}",
                self.world.namespace_like(namespace)
            );
            let name = format!("replayed by {namespace}:{account}");
            self.object(name, Rule::Identity, |request| {
                request.requester.username.clone_from(&username);
            });
            let namespace_of_account = self.world.namespace_like(namespace);
            let name = format!("replayed by {namespace}:{account} from its own namespace");
            let mut request = self.world.around(self.world.craft().pem());
            request.requester.username = username;
            request.namespace = namespace_of_account;
            self.add(name, Expect::Deny(Rule::Identity), request);
        }
    }

    /// A pod's token on a request of another pod, or of something else.
    pub(super) fn owners(&mut self) {
        let changes: [(&str, Rule, fn(&mut Owner)); 8] = [
            ("another pod", Rule::PodToken, |owner| owner.name.push('8')),
            ("a later pod of the name", Rule::PodToken, |owner| {
                owner.uid.push('8')
            }),
            ("a ReplicaSet", Rule::Owner, |owner| {
                owner.kind = "ReplicaSet".to_owned()
            }),
            ("a pod in lower case", Rule::Owner, |owner| {
                owner.kind = "pod".to_owned()
            }),
            ("a Pod of another group", Rule::Owner, |owner| {
                owner.api_version = "example.org/v1".to_owned();
            }),
            ("a path", Rule::Owner, |owner| {
                owner.name = "../secrets/x".to_owned()
            }),
            ("a pod without a name", Rule::Owner, |owner| {
                owner.name.clear()
            }),
            ("a pod without a UID", Rule::Owner, |owner| {
                owner.uid.clear()
            }),
        ];
        for (what, rule, change) in changes {
            self.object(format!("a pod's token, owned by {what}"), rule, |request| {
                let mut owner = crate::owner();
                change(&mut owner);
                request.owners = vec![owner];
                request.requester.extra = crate::claims();
            });
        }
        for (what, owners) in [
            ("nobody", vec![]),
            ("two pods", vec![crate::owner(), crate::owner()]),
        ] {
            self.object(
                format!("a pod's token, owned by {what}"),
                Rule::Owner,
                |request| {
                    request.owners = owners;
                    request.requester.extra = crate::claims();
                },
            );
        }
        for claim in [crate::POD_NAME, crate::POD_UID] {
            for values in [&[][..], &[""], &["api-7", "api-7"], &["api-7", "api-8"]] {
                let name = format!("a token whose {claim} is {values:?}");
                self.object(name, Rule::PodToken, |request| {
                    let values = values.iter().map(|&value| value.to_owned()).collect();
                    request.owners = vec![crate::owner()];
                    request.requester.extra = crate::claims();
                    request.requester.extra.insert(claim.to_owned(), values);
                });
            }
            self.object(
                format!("a token without {claim}"),
                Rule::PodToken,
                |request| {
                    request.owners = vec![crate::owner()];
                    request.requester.extra = crate::claims();
                    request.requester.extra.remove(claim);
                },
            );
        }
    }

    pub(super) fn objects(&mut self) {
        for namespace in [
            "",
            "other",
            "payments2",
            "payment",
            "x-payments",
            "Payments",
            "payments ",
            "payments.x",
        ] {
            let here = self.world.namespace_like(namespace);
            let name = format!("in namespace {namespace:?}");
            self.object(name, Rule::Namespace, |request| request.namespace = here);
        }
        for generation in [None, Some(0), Some(2), Some(-1), Some(i64::MAX)] {
            let name = format!("generation {generation:?}");
            self.object(name, Rule::Generation, |request| {
                request.generation = generation;
            });
        }
        for annotation in [
            "",
            "x",
            "spiffe://cluster.local/ns/payments/sa/api/",
            "spiffe://cluster.local/ns/payments/sa/API",
            "spiffe://cluster.local/ns/payments/sa/api2",
            "spiffe://cluster.local/ns/payments/sa/admin",
            "spiffe://cluster.local/ns/payments2/sa/api",
            "spiffe://example.org/ns/payments/sa/api",
            "SPIFFE://cluster.local/ns/payments/sa/api",
            "spiffe://CLUSTER.LOCAL/ns/payments/sa/api",
            "spiffe://cluster.local/ns/payments/sa/api ",
            " spiffe://cluster.local/ns/payments/sa/api",
            "spiffe://cluster.local/ns/payments/sa/api\n",
            "spiffe://cluster.local/ns/payments/sa/api\0",
            "spiffe://cluster.local/ns/payments/sa/\u{430}pi",
            "spiffe://cluster.local/ns/payments/sa/%61pi",
            "system:serviceaccount:payments:api",
        ] {
            let here = self.world.here(annotation);
            let name = format!("annotation {annotation:?}");
            self.object(name, Rule::Annotation, |request| {
                request.identity_annotation = here;
            });
        }
        let rule = Rule::CertificateAuthority;
        self.object("isCA", rule, |request| request.is_ca = true);
        self.object("isCA with the usages of an authority", rule, |request| {
            request.is_ca = true;
            request.usages = Some(vec!["cert sign".to_owned(), "crl sign".to_owned()]);
        });
        let authority = extension("2.5.29.19", true, &[0x30, 3, 1, 1, 0xff]);
        let extensions = [self.world.right_san(), authority];
        let pem = self.world.craft().extensions(&extensions).pem();
        self.object("isCA with the extension that says so", rule, |request| {
            request.is_ca = true;
            request.csr_pem = pem;
        });
    }
}
