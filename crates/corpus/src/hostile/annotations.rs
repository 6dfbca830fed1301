//! Right signing requests in objects with annotations that are not the administrator's.

use svid_core::policy::Rule;

use crate::case::Cases;

impl Cases<'_> {
    pub(super) fn annotations(&mut self) {
        for (key, value) in FURTHER {
            let name = format!("annotation {key} beside the identity");
            self.object(name, Rule::ExtraAnnotations, |request| {
                let value = Some((*value).to_owned());
                request.annotations.read.insert((*key).to_owned(), value);
            });
        }
        let listed = self.world.annotations().read;
        for (key, value) in &listed {
            let value = value.as_deref().unwrap_or_default();
            for (what, changed) in [
                ("without", None),
                ("with nothing in", Some(String::new())),
                ("with more in", Some(format!("{value}x"))),
                ("with a space in", Some(format!("{value} "))),
                ("in upper case in", Some(value.to_uppercase())),
            ] {
                let name = format!("{what} the administrator's annotation {key}");
                self.object(name, Rule::ExtraAnnotations, |request| {
                    match changed {
                        None => request.annotations.read.remove(key),
                        changed => request.annotations.read.insert(key.clone(), changed),
                    };
                });
            }
        }
    }
}

/// What issuers obey, and what nobody has listed.
const FURTHER: &[(&str, &str)] = &[
    (
        "ejbca-issuer.keyfactor.com/certificateAuthorityName",
        "CorporateRootCA",
    ),
    ("ejbca-issuer.keyfactor.com/certificateProfileName", "SUBCA"),
    ("ejbca-issuer.keyfactor.com/endEntityProfileName", "any"),
    ("ejbca-issuer.keyfactor.com/endEntityName", "admin"),
    (
        "command-issuer.keyfactor.com/certificateTemplate",
        "SubordinateCA",
    ),
    (
        "command-issuer.keyfactor.com/certificateAuthorityLogicalName",
        "Root",
    ),
    ("command-issuer.keyfactor.com/enrollmentPatternId", "1"),
    ("metadata.command-issuer.keyfactor.com/Owner", "somebody"),
    (
        "venafi.cert-manager.io/custom-fields",
        "[{\"name\": \"a\", \"value\": \"b\"}]",
    ),
    ("venafi.cert-manager.io/pickup-id", "\\VED\\Policy\\another"),
    (
        "aws-privateca-issuer/certificate-arn",
        "arn:aws:acm-pca:eu-west-1:0:certificate-authority/a/certificate/b",
    ),
    ("horizon.evertrust.io/request-id", "64"),
    ("czertainly-issuer.czertainly.com/certificate-uuid", "8a8a"),
    (
        "infisical-issuer.infisical.com/certificate-request-id",
        "8a8a",
    ),
    ("cert-manager.io/certificate-name", "another"),
    ("cert-manager.io/certificate-revision", "1"),
    ("cert-manager.io/private-key-secret-name", "another"),
    ("spiffe.csi.cert-manager.io/further", "x"),
    (
        "spiffe.csi.cert-manager.io/Identity",
        "spiffe://cluster.local/ns/payments/sa/admin",
    ),
    ("example.org/team", "blue"),
    ("kubectl.kubernetes.io/restartedAt", "2026-11-24T00:00:00Z"),
    ("a", ""),
];
