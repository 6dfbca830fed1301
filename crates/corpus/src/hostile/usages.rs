//! Valid signing requests with other usages or another lifetime.

use svid_core::policy::{DurationField, Rule};

use crate::case::Cases;

impl Cases<'_> {
    pub(super) fn usages(&mut self) {
        let [ds, ke, sa, ca] = crate::USAGES;
        let rule = Rule::Usages;
        for (what, usages) in [
            ("none", vec![]),
            ("one", vec![ds]),
            ("without server auth", vec![ds, ke, ca]),
            ("without client auth", vec![ds, ke, sa]),
            ("without digital signature", vec![ke, sa, ca]),
            ("without key encipherment", vec![ds, sa, ca]),
            ("cert-manager's defaults", vec![ds, ke]),
            ("doubled", vec![ds, ke, sa, ca, ca]),
            ("doubled in place of one", vec![ds, ke, sa, sa]),
            ("all doubled", vec![ds, ke, sa, ca, ds, ke, sa, ca]),
            (
                "signing in place of digital signature",
                vec!["signing", ke, sa, ca],
            ),
            ("in upper case", vec!["DIGITAL SIGNATURE", ke, sa, ca]),
            ("in Go's words", vec!["UsageDigitalSignature", ke, sa, ca]),
            (
                "with a space at the end",
                vec!["digital signature ", ke, sa, ca],
            ),
            ("with two spaces", vec!["digital  signature", ke, sa, ca]),
            ("with an empty one", vec![ds, ke, sa, ca, ""]),
            (
                "as one text",
                vec!["digital signature,key encipherment,server auth,client auth"],
            ),
            (
                "with a look-alike letter",
                vec![ds, ke, sa, "\u{441}lient auth"],
            ),
        ] {
            self.object(format!("usages: {what}"), rule, |request| {
                request.usages = Some(usages.into_iter().map(str::to_owned).collect());
            });
        }
        for extra in EXTRA_USAGES {
            self.object(format!("usages: with {extra}"), rule, |request| {
                request
                    .usages
                    .iter_mut()
                    .for_each(|usages| usages.push((*extra).to_owned()));
            });
        }
        self.object("usages: absent", rule, |request| request.usages = None);
    }

    pub(super) fn durations(&mut self) {
        const HOUR: i64 = 3_600_000_000_000;
        let malformed = |text: &str| DurationField::Malformed(text.to_owned());
        for (what, duration) in [
            ("a nanosecond more", DurationField::Nanoseconds(HOUR + 1)),
            ("a nanosecond less", DurationField::Nanoseconds(HOUR - 1)),
            (
                "a second more",
                DurationField::Nanoseconds(HOUR + 1_000_000_000),
            ),
            ("an hour as seconds", DurationField::Nanoseconds(3600)),
            ("ninety days", DurationField::Nanoseconds(2160 * HOUR)),
            ("ten years", DurationField::Nanoseconds(87_600 * HOUR)),
            ("negative", DurationField::Nanoseconds(-HOUR)),
            ("zero", DurationField::Nanoseconds(0)),
            ("the longest", DurationField::Nanoseconds(i64::MAX)),
            ("the shortest", DurationField::Nanoseconds(i64::MIN)),
            ("absent", DurationField::Absent),
            ("malformed", malformed("99999999999999999999h")),
            ("a day, which Go does not know", malformed("1d")),
            ("empty", malformed("")),
            ("without a unit", malformed("3600")),
            ("with a space", malformed("1 h")),
        ] {
            self.object(format!("duration: {what}"), Rule::Duration, |request| {
                request.duration = duration;
            });
        }
    }
}

/// What else cert-manager knows (`pkg/apis/certmanager/v1`, `KeyUsage`).
const EXTRA_USAGES: &[&str] = &[
    "signing",
    "content commitment",
    "data encipherment",
    "key agreement",
    "cert sign",
    "crl sign",
    "encipher only",
    "decipher only",
    "any",
    "code signing",
    "email protection",
    "s/mime",
    "ipsec end system",
    "ipsec tunnel",
    "ipsec user",
    "timestamping",
    "ocsp signing",
    "microsoft sgc",
    "netscape sgc",
];
