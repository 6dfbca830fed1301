//! Any signing request in a valid object: the approver's policy.
//!
//! Promises: it answers; a denial is short printable ASCII; what it approves, two X.509 libraries
//! read as the expected name, one URI and an empty subject, and the driver's own reader as signed
//! by its key, in either mode. As an ordinary request, what is approved has no SPIFFE name in
//! either library.
//!
//! A fuzzer cannot sign. So the first byte says what the rest is: a whole request, or a part of one
//! that is completed and signed here, so that parsing has to refuse it and not the signature check.

use svid_core::der::{self, tlv};
use svid_core::policy::{
    Approval, Decision, Denial, IssuerReference, OrdinaryDecision, OrdinaryRequest, PodEvidence,
    Policy, evaluate, evaluate_ordinary,
};
use svid_core::svid::{CertificateSigningRequest, decode_pem};
use svid_corpus::craft::{Craft, Signer, attribute, extension, extension_request, to_pem};
use svid_corpus::hostile::hostile;
use svid_corpus::right::right;
use svid_corpus::{CSI_DRIVER, VALID_ID, World, around, by_driver, node_attested, owner, policy};

use crate::reading::{Reading, by_x509_cert, by_x509_parser};

pub fn csr(data: &[u8]) {
    let Some((form, rest)) = data.split_first() else {
        return;
    };
    let der = complete(*form, rest);
    let pem = to_pem(&der);
    match evaluate(&policy(), &around(pem.clone())) {
        Decision::Approve(approval) => assert_right(&approval, &der, &pem),
        Decision::Deny(denial) => assert_told(&denial),
        Decision::Inquire(_) => unreachable!("the requester is the proof"),
        Decision::LeaveAlone => unreachable!("it names our issuer"),
    }
    by_node(&der, &pem);
    ordinary(&der, pem);
}

/// The same signing request, sent by the driver for a pod of the right identity.
fn by_node(der: &[u8], pem: &[u8]) {
    let policy = Policy {
        attestation: node_attested(),
        ..policy()
    };
    let request = by_driver(pem.to_vec());
    let pod = PodEvidence {
        namespace: request.namespace.clone(),
        name: owner().name,
        uid: owner().uid,
        node: "node-1".to_owned(),
        service_account: "api".to_owned(),
        is_mirror: false,
        csi_drivers: vec![CSI_DRIVER.to_owned()],
        phase: "Running".to_owned(),
    };
    match evaluate(&policy, &request) {
        Decision::Inquire(inquiry) => match inquiry.conclude(Some(&pod)) {
            Ok(approval) => assert_right(&approval, der, pem),
            Err(denial) => assert_told(&denial),
        },
        Decision::Deny(denial) => assert_told(&denial),
        Decision::Approve(_) => unreachable!("a Pod has to be read"),
        Decision::LeaveAlone => unreachable!("it names our issuer"),
    }
}

/// What was approved is read as the right identity and nothing else, by everybody.
fn assert_right(approval: &Approval, der: &[u8], pem: &[u8]) {
    assert_eq!(approval.spiffe_id().as_str(), VALID_ID);
    let expected = Reading {
        subject_is_empty: true,
        uris: vec![VALID_ID.to_owned()],
        strangers: 0,
    };
    assert_eq!(by_x509_parser(der).as_ref(), Some(&expected));
    assert_eq!(by_x509_cert(der).as_ref(), Some(&expected));
    assert!(CertificateSigningRequest::parse_pem(pem).is_ok());
}

fn ordinary(der: &[u8], csr_pem: Vec<u8>) {
    let issuer = IssuerReference::new("web-ca", "", "");
    match evaluate_ordinary(&[policy().issuer], &OrdinaryRequest { csr_pem, issuer }) {
        OrdinaryDecision::Approve(_) => {
            for reading in [by_x509_parser(der), by_x509_cert(der)]
                .into_iter()
                .flatten()
            {
                let is_spiffe = |uri: &String| uri.to_ascii_lowercase().starts_with("spiffe:");
                assert!(!reading.uris.iter().any(is_spiffe), "{:?}", reading.uris);
            }
        }
        OrdinaryDecision::Deny(denial) => assert_told(&denial),
    }
}

fn assert_told(denial: &Denial) {
    let message = denial.message();
    assert!(message.len() <= Denial::MAX_MESSAGE_BYTES);
    assert!(!message.is_empty() && !denial.violations().is_empty());
    let printable = |c: char| c == ' ' || c.is_ascii_graphic();
    assert!(message.chars().all(printable), "{message:?}");
}

/// A key whose signatures are the same each time, so that a finding can be repeated.
fn signer() -> &'static Signer {
    Signer::fixed_ed25519()
}

fn complete(form: u8, rest: &[u8]) -> Vec<u8> {
    let craft = Craft::with(signer());
    match form {
        WHOLE => rest.to_vec(),
        SIGNED_PART => craft.signed(rest),
        ATTRIBUTES => craft.attributes(vec![rest.to_vec()]).der(),
        EXTENSIONS => craft.extensions(&[rest.to_vec()]).der(),
        NAMES => {
            let names = extension("2.5.29.17", true, &tlv(der::SEQUENCE, rest));
            craft.extensions(&[names]).der()
        }
        URI => {
            let names = extension("2.5.29.17", true, &der::one_uri(rest));
            craft.extensions(&[names]).der()
        }
        SUBJECT => craft.subject(rest.to_vec()).der(),
        KEY => craft.spki(rest.to_vec()).der(),
        ALGORITHM => craft.algorithm(rest).der(),
        VALUES => {
            let request = attribute("1.2.840.113549.1.9.14", &[rest.to_vec()]);
            craft.attributes(vec![request]).der()
        }
        _ => craft.signed(&der::sequence(&[rest])),
    }
}

/// Every request of the corpora, and the parts of a right one.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let world = World::default();
    let cases = right(&world).into_iter().chain(hostile(&world));
    let whole = cases.filter_map(|case| {
        let block = decode_pem(&case.request.csr_pem).ok()?.into_iter().next()?;
        Some((WHOLE, block.der.to_vec()))
    });
    let craft = Craft::with(signer());
    let parts = [
        (SIGNED_PART, craft.info()),
        (ATTRIBUTES, extension_request(&[Craft::right_san()])),
        (EXTENSIONS, Craft::right_san()),
        (NAMES, tlv(der::URI, VALID_ID.as_bytes())),
        (URI, VALID_ID.as_bytes().to_vec()),
        (SUBJECT, vec![0x30, 0x00]),
        (KEY, signer().spki()),
        (ALGORITHM, signer().algorithm()),
        (VALUES, tlv(der::SEQUENCE, &Craft::right_san())),
    ];
    whole
        .chain(parts)
        .map(|(form, rest)| [vec![form], rest].concat())
        .collect()
}

/// The rest is a whole request.
const WHOLE: u8 = b'w';
/// The rest is what is signed.
const SIGNED_PART: u8 = b's';
/// The rest is the attributes.
const ATTRIBUTES: u8 = b'a';
/// The rest is the extensions.
const EXTENSIONS: u8 = b'e';
/// The rest is the names within subjectAltName.
const NAMES: u8 = b'n';
/// The rest is the one URI.
const URI: u8 = b'u';
/// The rest is the subject.
const SUBJECT: u8 = b'c';
/// The rest is the public key.
const KEY: u8 = b'k';
/// The rest is the name of the signature's algorithm.
const ALGORITHM: u8 = b'g';
/// The rest is the values of the extension request.
const VALUES: u8 = b'v';

#[cfg(test)]
mod tests {
    use super::*;

    /// Else the fuzzer would start where nothing is ever approved, and its promises say nothing.
    #[test]
    fn the_parts_of_a_right_request_are_completed_to_one_that_is_approved() {
        let parts = seeds().into_iter().filter(|seed| seed[0] != WHOLE);
        let mut count = 0;
        for part in parts {
            let der = complete(part[0], &part[1..]);
            let decision = evaluate(&policy(), &around(to_pem(&der)));
            let form = char::from(part[0]);
            assert!(
                matches!(decision, Decision::Approve(_)),
                "{form}: {decision:?}"
            );
            count += 1;
        }
        assert_eq!(count, 9);
    }
}
