//! The bytes are those that we would have encoded ourselves.
//!
//! Stops: everything that two parsers may read differently: non-minimal or indefinite lengths,
//! bytes after or between structures, an explicitly encoded default, a second value in an
//! attribute, a name with an unusual tag, unused bits. What the other rules understood is encoded
//! again in the one way that DER allows, and must yield the same bytes. So every byte of an
//! approved request is accounted for. Allowed: what common libraries produce (Go, OpenSSL, aws-lc,
//! Java). Refused: the same request in BER, or with `critical FALSE` written out. Source: X.690
//! sections 10 and 11.

use x509_parser::extensions::X509Extension;

use super::key::AllowedKey;
use super::{Rule, RuleResult, broken, subject};
use crate::algorithms::SignatureAlgorithm;
use crate::der;
use crate::identity::SpiffeId;
use crate::policy::csr::{Csr, SUBJECT_ALTERNATIVE_NAME};

/// Encodes the whole signing request again for the expected identity and compares.
///
/// The key, the signature and the order of the extensions are the requester's; the name is not
/// taken from the request at all.
pub(in crate::policy) fn check(csr: &Csr<'_>, expected: &SpiffeId) -> RuleResult {
    if rewrite(csr, expected).is_some_and(|written| written == csr.der()) {
        return Ok(());
    }
    broken(
        Rule::Canonical,
        "the CSR contains bytes that belong to none of its fields, or is not DER; create it with \
         a common library and only the fields that an SVID needs",
    )
}

/// None where something was not understood.
fn rewrite(csr: &Csr<'_>, expected: &SpiffeId) -> Option<Vec<u8>> {
    let key = AllowedKey::read(csr).ok()?;
    let algorithm = SignatureAlgorithm::read(csr.signature_algorithm())?;
    let extensions: Vec<Vec<u8>> = csr
        .extensions()
        .map(|extension| rewrite_extension(extension, expected))
        .collect();
    let request = der::sequence(&[
        EXTENSION_REQUEST,
        &der::tlv(der::SET, &der::tlv(der::SEQUENCE, &extensions.concat())),
    ]);
    let info = der::sequence(&[
        VERSION,
        subject::EMPTY,
        &key.to_der(),
        &der::tlv(der::ATTRIBUTES, &request),
    ]);
    let signature = der::bit_string(&csr.signature().data);
    Some(der::sequence(&[&info, &algorithm.to_der(), &signature]))
}

/// The values of the other extensions were compared byte for byte by the extensions rule.
fn rewrite_extension(extension: &X509Extension<'_>, expected: &SpiffeId) -> Vec<u8> {
    let name = expected.as_str().as_bytes();
    let value = if extension.oid == SUBJECT_ALTERNATIVE_NAME {
        der::one_uri(name)
    } else {
        extension.value.to_vec()
    };
    let critical = if extension.critical {
        der::tlv(der::BOOLEAN, &[0xff])
    } else {
        Vec::new()
    };
    der::sequence(&[
        &der::oid(extension.oid.as_bytes()),
        &critical,
        &der::tlv(der::OCTET_STRING, &value),
    ])
}

/// `INTEGER 0`: v1.
const VERSION: &[u8] = &[0x02, 0x01, 0x00];
/// `OBJECT IDENTIFIER extensionRequest`.
const EXTENSION_REQUEST: &[u8] = &[
    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x0e,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::svid::{CertificateSigningRequest, PrivateKey};

    #[test]
    fn refuses_another_name_even_where_no_other_rule_is_asked() {
        let [ours, other] = ["api", "other"].map(|account| {
            SpiffeId::parse(&format!("spiffe://cluster.local/ns/payments/sa/{account}")).unwrap()
        });
        let request = CertificateSigningRequest::build(&PrivateKey::generate().unwrap(), &ours);
        let request = request.unwrap();
        let csr = Csr::parse(request.as_der()).unwrap();
        assert_eq!(check(&csr, &ours), Ok(()));
        assert!(check(&csr, &other).is_err());
    }
}
