//! Valid signing requests in objects that belong to somebody else, or were changed.

use svid_core::policy::Rule;

use crate::case::{Cases, Expect};
use crate::craft::extension;

impl Cases<'_> {
    /// Requesters that are not service accounts.
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
            "system:serviceaccount:payments:..",
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

    /// A valid request, sent again by another service account.
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

    pub(super) fn objects(&mut self) {
        for namespace in [
            "",
            "other",
            "api",
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
        for generation in [
            None,
            Some(0),
            Some(2),
            Some(-1),
            Some(i64::MAX),
            Some(i64::MIN),
        ] {
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
