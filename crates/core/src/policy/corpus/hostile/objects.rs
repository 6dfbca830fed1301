//! Right signing requests in wrong objects.

use super::super::RIGHT_ID;
use super::Cases;
use crate::policy::decision::Rule;
use crate::policy::request::DurationField;

impl Cases {
    pub(super) fn usages(&mut self) {
        let [ds, ke, sa, ca] = [
            "digital signature",
            "key encipherment",
            "server auth",
            "client auth",
        ];
        for (what, usages) in [
            ("none", vec![]),
            ("without server auth", vec![ds, ke, ca]),
            ("without client auth", vec![ds, ke, sa]),
            ("without digital signature", vec![ke, sa, ca]),
            ("without key encipherment", vec![ds, sa, ca]),
            ("doubled", vec![ds, ke, sa, ca, ca]),
            ("doubled in place of one", vec![ds, ke, sa, sa]),
            (
                "signing in place of digital signature",
                vec!["signing", ke, sa, ca],
            ),
            ("with cert sign", vec![ds, ke, sa, ca, "cert sign"]),
            ("with crl sign", vec![ds, ke, sa, ca, "crl sign"]),
            ("with any", vec![ds, ke, sa, ca, "any"]),
            ("with code signing", vec![ds, ke, sa, ca, "code signing"]),
            ("in upper case", vec!["DIGITAL SIGNATURE", ke, sa, ca]),
            ("with an empty one", vec![ds, ke, sa, ca, ""]),
        ] {
            self.object(format!("usages: {what}"), Rule::Usages, |request| {
                request.usages = Some(usages.into_iter().map(str::to_owned).collect());
            });
        }
        self.object("usages: absent", Rule::Usages, |request| {
            request.usages = None;
        });
    }

    pub(super) fn durations(&mut self) {
        const HOUR: i64 = 3_600_000_000_000;
        for (what, duration) in [
            ("a nanosecond more", DurationField::Nanoseconds(HOUR + 1)),
            ("a nanosecond less", DurationField::Nanoseconds(HOUR - 1)),
            ("ninety days", DurationField::Nanoseconds(2160 * HOUR)),
            ("negative", DurationField::Nanoseconds(-HOUR)),
            ("zero", DurationField::Nanoseconds(0)),
            ("the longest", DurationField::Nanoseconds(i64::MAX)),
            ("absent", DurationField::Absent),
            (
                "malformed",
                DurationField::Malformed("99999999999999999999h".to_owned()),
            ),
            (
                "a day, which Go does not know",
                DurationField::Malformed("1d".to_owned()),
            ),
        ] {
            self.object(format!("duration: {what}"), Rule::Duration, |request| {
                request.duration = duration;
            });
        }
    }

    pub(super) fn requesters(&mut self) {
        for username in [
            "",
            "admin",
            "system:admin",
            "system:node:n1",
            "system:serviceaccount:payments",
            "system:serviceaccount:payments:",
            "system:serviceaccount::api",
            "system:serviceaccount:payments:api:x",
            "system:serviceaccount:payments:api ",
            "system:serviceaccount:payments/x:api",
            "system:serviceaccount:payments:a/pi",
            "system:serviceaccount:payments:../api",
            "system:serviceaccount:payments:API",
            "system:serviceaccount:Payments:api",
            "system:serviceaccount:payments:\u{430}pi",
            "system:serviceaccount:payments:api\0",
            "system:serviceaccounts:payments:api",
            "SYSTEM:SERVICEACCOUNT:payments:api",
            "oidc:system:serviceaccount:payments:api",
        ] {
            self.object(
                format!("requester {username:?}"),
                Rule::Requester,
                |request| {
                    request.requester.username = username.to_owned();
                },
            );
        }
        for username in [
            "system:serviceaccount:payments:api2",
            "system:serviceaccount:payments:ap",
            "system:serviceaccount:payments:api.x",
            "system:serviceaccount:payments2:api",
            "system:serviceaccount:payment:api",
            "system:serviceaccount:api:payments",
        ] {
            self.object(
                format!("replayed by {username}"),
                Rule::Identity,
                |request| {
                    request.requester.username = username.to_owned();
                },
            );
        }
    }

    pub(super) fn objects(&mut self) {
        for namespace in [
            "",
            "default",
            "payments2",
            "payment",
            "Payments",
            "payments ",
        ] {
            self.object(
                format!("in namespace {namespace:?}"),
                Rule::Namespace,
                |request| {
                    request.namespace = namespace.to_owned();
                },
            );
        }
        for generation in [None, Some(0), Some(2), Some(-1), Some(i64::MAX)] {
            self.object(
                format!("generation {generation:?}"),
                Rule::Generation,
                |request| {
                    request.generation = generation;
                },
            );
        }
        for annotation in [
            "",
            "x",
            "spiffe://cluster.local/ns/payments/sa/API",
            &format!("{RIGHT_ID}/"),
        ] {
            self.object(
                format!("annotation {annotation:?}"),
                Rule::Annotation,
                |request| {
                    request.identity_annotation = annotation.to_owned();
                },
            );
        }
        self.object("isCA", Rule::CertificateAuthority, |request| {
            request.is_ca = true;
        });
    }
}
