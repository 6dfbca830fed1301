//! Writes signing requests byte by byte, valid by default, and signs whatever results, which no
//! certificate library would do.
//!
//! The DER encoder is the policy's own; the requests of other libraries (`right/libraries`), which
//! must be approved as well, show that the two do not share a mistake.

mod pieces;
mod signer;

pub use pieces::{
    attribute, eku, extension, extension_request, general_name, name, oid, rdn, san, utf8,
};
pub use signer::Signer;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use svid_core::der::{self, tlv};

/// The identity that every request of the corpora may have, in the default world.
pub const VALID_ID: &str = "spiffe://cluster.local/ns/payments/sa/api";

/// A signing request in the making.
#[derive(Clone)]
pub struct Craft {
    signer: &'static Signer,
    version: Vec<u8>,
    subject: Vec<u8>,
    spki: Vec<u8>,
    attributes: Vec<Vec<u8>>,
    algorithm: Vec<u8>,
}

impl Default for Craft {
    fn default() -> Self {
        Self::new()
    }
}

impl Craft {
    /// A valid request for [`VALID_ID`] on an ECDSA P-256 key.
    pub fn new() -> Self {
        Self::with(Signer::p256())
    }

    /// A valid request for [`VALID_ID`] on another key.
    pub fn with(signer: &'static Signer) -> Self {
        Self {
            signer,
            version: vec![0x02, 0x01, 0x00],
            subject: name(&[]),
            spki: signer.spki(),
            attributes: vec![extension_request(&[Self::right_san()])],
            algorithm: signer.algorithm(),
        }
    }

    /// The extension that a valid request holds, critical.
    pub fn right_san() -> Vec<u8> {
        san(true, &[general_name(der::URI, VALID_ID.as_bytes())])
    }

    pub fn version(mut self, version: &[u8]) -> Self {
        self.version = version.to_vec();
        self
    }

    /// Names another subject, any bytes.
    pub fn subject(mut self, subject: Vec<u8>) -> Self {
        self.subject = subject;
        self
    }

    /// Names another key, whatever the signature is made with.
    pub fn spki(mut self, spki: Vec<u8>) -> Self {
        self.spki = spki;
        self
    }

    pub fn attributes(mut self, attributes: Vec<Vec<u8>>) -> Self {
        self.attributes = attributes;
        self
    }

    /// Has one extension request with these extensions.
    pub fn extensions(self, extensions: &[Vec<u8>]) -> Self {
        self.attributes(vec![extension_request(extensions)])
    }

    /// Names this algorithm, whatever the signature is made with.
    pub fn algorithm(mut self, algorithm: &[u8]) -> Self {
        self.algorithm = algorithm.to_vec();
        self
    }

    /// The part that is to be signed.
    pub fn info(&self) -> Vec<u8> {
        let attributes = tlv(der::ATTRIBUTES, &self.attributes.concat());
        der::sequence(&[&self.version, &self.subject, &self.spki, &attributes])
    }

    /// Signs any bytes in place of the request's own.
    pub fn signed(&self, info: &[u8]) -> Vec<u8> {
        let signature = der::bit_string(&self.signer.sign(info));
        der::sequence(&[info, &self.algorithm, &signature])
    }

    /// Signs with RSA and a longer hash, and says so.
    #[must_use]
    pub fn signed_by_rsa(&self, hash_bits: usize) -> Vec<u8> {
        let name = match hash_bits {
            384 => "1.2.840.113549.1.1.12",
            _ => "1.2.840.113549.1.1.13",
        };
        let info = self.info();
        let algorithm = der::sequence(&[&oid(name), &[0x05, 0x00]]);
        let signature = self.signer.sign_by_rsa(hash_bits, &info).unwrap();
        der::sequence(&[&info, &algorithm, &der::bit_string(&signature)])
    }

    pub fn der(&self) -> Vec<u8> {
        self.signed(&self.info())
    }

    pub fn pem(&self) -> Vec<u8> {
        to_pem(&self.der())
    }
}

/// Any bytes as the PEM of a signing request.
pub fn to_pem(der: &[u8]) -> Vec<u8> {
    armor("CERTIFICATE REQUEST", der).into_bytes()
}

/// Puts any bytes into one block of PEM.
pub fn armor(label: &str, der: &[u8]) -> String {
    let mut pem = format!("-----BEGIN {label}-----\n");
    for line in STANDARD.encode(der).as_bytes().chunks(64) {
        pem.push_str(str::from_utf8(line).unwrap());
        pem.push('\n');
    }
    pem + &format!("-----END {label}-----\n")
}
