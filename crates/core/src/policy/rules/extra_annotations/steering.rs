//! Annotations of a CertificateRequest that issuers are known to act on, with the place in their
//! source. Read on 2026-11-25; none were found in the issuers of Google CAS, step-ca, FreeIPA, AD
//! CS, AWS KMS, Cloudflare Origin CA, GlobalSign Atlas, Intel TCS and CMP, nor in cert-manager's CA
//! and Vault.
//!
//! A list of what is known is never complete: only a list of what the driver writes closes the
//! hole.

/// The issuer that obeys this key; None if none is known.
pub(super) fn obeyed_by(key: &str) -> Option<&'static str> {
    let by_prefix = PREFIXES.iter().find(|(prefix, _)| key.starts_with(prefix));
    let by_key = KEYS.iter().find(|(known, _)| key == *known);
    by_prefix.or(by_key).map(|(_, issuer)| *issuer)
}

/// Prefixes under which an issuer reads keys. Others under them may follow in its next version.
const PREFIXES: &[(&str, &str)] = &[
    // Authority, certificate profile, end entity and its profile: internal/ejbca/ejbca.go,
    // validate.
    ("ejbca-issuer.keyfactor.com/", "Keyfactor EJBCA"),
    // Template, enrollment pattern, authority, owner: internal/command/command.go.
    ("command-issuer.keyfactor.com/", "Keyfactor Command"),
    // Metadata fields of the certificate: there.
    (
        "metadata.command-issuer.keyfactor.com/",
        "Keyfactor Command",
    ),
    // custom-fields; pickup-id, by which the certificate of another order is collected:
    // pkg/controller/certificaterequests/venafi/venafi.go of cert-manager.
    ("venafi.cert-manager.io/", "Venafi"),
    // certificate-arn, by which a certificate that exists is handed out:
    // pkg/controllers/certificaterequest_controller.go.
    ("aws-privateca-issuer/", "AWS Private CA"),
    // request-id, the request whose certificate is handed out; certificate-id, which is copied to a
    // Certificate: internal/issuer/horizon/issuer.go.
    ("horizon.evertrust.io/", "EVERTRUST Horizon"),
    // certificate-uuid, the certificate that is renewed or handed out: internal/signer/signer.go.
    ("czertainly-issuer.czertainly.com/", "CZERTAINLY"),
    // certificate-request-id, the request whose certificate is handed out:
    // internal/controller/certificaterequest_controller.go.
    ("infisical-issuer.infisical.com/", "Infisical"),
];

/// Keys that cert-manager writes on the requests that it makes for Certificates. Those are in its
/// own name and get no identity, so on a request for one somebody else has written them.
const KEYS: &[(&str, &str)] = &[
    // The end entity (EJBCA), the pending order (NCM, pkg/provisioner/ncm.go), the Certificate that
    // is renewed and annotated (Horizon, CZERTAINLY), the one that is replaced (cert-manager's
    // ACME).
    (
        "cert-manager.io/certificate-name",
        "Keyfactor EJBCA, Nokia NCM, EVERTRUST Horizon, CZERTAINLY, ACME",
    ),
    // The Secret with the key that signs: pkg/controller/certificaterequests/selfsigned of
    // cert-manager.
    ("cert-manager.io/private-key-secret-name", "SelfSigned"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_every_key_that_issuers_obey_and_no_other() {
        for (key, issuer) in [
            (
                "ejbca-issuer.keyfactor.com/certificateAuthorityName",
                "EJBCA",
            ),
            ("ejbca-issuer.keyfactor.com/certificateProfileName", "EJBCA"),
            ("ejbca-issuer.keyfactor.com/endEntityProfileName", "EJBCA"),
            ("ejbca-issuer.keyfactor.com/endEntityName", "EJBCA"),
            (
                "command-issuer.keyfactor.com/certificateTemplate",
                "Command",
            ),
            (
                "command-issuer.keyfactor.com/certificateAuthorityLogicalName",
                "Command",
            ),
            (
                "command-issuer.keyfactor.com/enrollmentPatternId",
                "Command",
            ),
            ("metadata.command-issuer.keyfactor.com/Owner", "Command"),
            ("venafi.cert-manager.io/custom-fields", "Venafi"),
            ("venafi.cert-manager.io/pickup-id", "Venafi"),
            ("aws-privateca-issuer/certificate-arn", "AWS"),
            ("horizon.evertrust.io/request-id", "Horizon"),
            (
                "czertainly-issuer.czertainly.com/certificate-uuid",
                "CZERTAINLY",
            ),
            (
                "infisical-issuer.infisical.com/certificate-request-id",
                "Infisical",
            ),
            ("cert-manager.io/certificate-name", "EJBCA"),
            ("cert-manager.io/private-key-secret-name", "SelfSigned"),
        ] {
            let known = obeyed_by(key).unwrap_or_default();
            assert!(known.contains(issuer), "{key}: {known:?}");
        }
        for key in [
            "",
            "example.com/team",
            "ejbca-issuer.keyfactor.com",
            "x.ejbca-issuer.keyfactor.com/certificateProfileName",
            "cert-manager.io/certificate-revision",
            "cert-manager.io/certificate-names",
            "kubectl.kubernetes.io/last-applied-configuration",
        ] {
            assert_eq!(obeyed_by(key), None, "{key}");
        }
    }
}
