//! Any text where PEM is expected: the approver's reader of signing requests, and the driver's of
//! keys, certificates and bundles.
//!
//! Promises: both answer; what either accepts can be written again and is read the same; what the
//! approver's strict reader accepts, the driver's and x509-parser's read as the same one block.

use svid_core::policy::{IssuerReference, OrdinaryRequest, decode_request_pem, evaluate_ordinary};
use svid_core::svid::examine::{Files, examine};
use svid_core::svid::{CertificateSigningRequest, PublicKey, TrustBundle, decode_pem};
use svid_corpus::World;
use svid_corpus::craft::{armor, to_pem};
use svid_corpus::hostile::hostile;
use svid_corpus::right::right;

use crate::assert_tellable;

pub fn pem(data: &[u8]) {
    request(data);
    blocks(data);
    if let Ok(bundle) = TrustBundle::parse_pem(data) {
        let again = TrustBundle::parse_pem(bundle.to_pem().as_bytes()).unwrap();
        assert_eq!(again, bundle);
        assert_eq!(again.to_pem(), bundle.to_pem());
    }
    for error in [
        CertificateSigningRequest::parse_pem(data)
            .err()
            .map(|error| error.to_string()),
        PublicKey::from_pkcs8_pem(data)
            .err()
            .map(|error| error.to_string()),
    ] {
        assert_tellable(&error.unwrap_or_default(), 500);
    }
    let files = Files {
        chain_pem: data,
        key_pem: Some(data),
        bundle_pem: Some(data),
    };
    let _examination = examine(&files, jiff::Timestamp::UNIX_EPOCH);
    let issuer = IssuerReference::new("web-ca", "", "");
    let csr_pem = data.to_vec();
    let _decision = evaluate_ordinary(&[], &OrdinaryRequest { csr_pem, issuer });
}

/// The strict reader.
fn request(text: &[u8]) {
    match decode_request_pem(text) {
        Ok(der) => {
            assert_eq!(decode_request_pem(&to_pem(&der)).as_ref(), Ok(&der));
            // The library wants the block to begin its line.
            let theirs = x509_parser::pem::Pem::iter_from_buffer(text.trim_ascii());
            let theirs: Vec<_> = theirs.map(Result::unwrap).collect();
            assert_eq!(theirs.len(), 1);
            assert_eq!(theirs[0].contents, der);
            let ours = decode_pem(text).unwrap();
            assert_eq!(ours.len(), 1);
            assert_eq!(ours[0].label, "CERTIFICATE REQUEST");
            assert_eq!(*ours[0].der, der);
        }
        Err(error) => assert_tellable(&error.to_string(), 200),
    }
}

/// The reader that ignores what stands around blocks.
fn blocks(text: &[u8]) {
    match decode_pem(text) {
        Ok(blocks) => {
            let written: Vec<String> = blocks
                .iter()
                .map(|block| armor(block.label, &block.der))
                .collect();
            let written = written.concat();
            let again = decode_pem(written.as_bytes()).unwrap();
            assert_eq!(again.len(), blocks.len());
            for (again, block) in again.iter().zip(&blocks) {
                assert_eq!((again.label, &*again.der), (block.label, &*block.der));
            }
        }
        Err(error) => assert_tellable(&error.to_string(), 200),
    }
}

/// The texts of the corpora, as they are.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let key = svid_core::svid::PrivateKey::generate().unwrap();
    let world = World::default();
    let cases = right(&world).into_iter().chain(hostile(&world));
    cases
        .map(|case| case.request.csr_pem)
        .chain([
            key.to_pkcs8_pem().as_bytes().to_vec(),
            authority().into_bytes(),
            b"note\n-----BEGIN A B-----\r\nAQ\r\nID\r\n-----END A B-----\r\n-----BEGIN -----\n-----END -----".to_vec(),
        ])
        .collect()
}

/// A certificate that may stand in a bundle.
fn authority() -> String {
    let mut parameters = rcgen::CertificateParams::default();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    parameters.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
    let key = rcgen::KeyPair::generate().unwrap();
    parameters.self_signed(&key).unwrap().pem()
}
