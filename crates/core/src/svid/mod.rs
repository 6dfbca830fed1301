//! The parts of an X.509-SVID: the key, the request for it, the chain that an issuer returned, and
//! the roots it leads to.
//!
//! Owns every rule by which key material and certificates are made or trusted: the X509-SVID
//! specification (sections 2 to 5) and, below it, RFC 5280. It must not know where bytes come from
//! or go to: no file, no Kubernetes object, no clock.
//!
//! Invariant: a value of one of these types was checked when it was created. In particular an
//! [`X509Svid`] exists only if the chain is the one that was requested, so code that publishes one
//! need not check it again.

mod bundle;
mod certificate;
mod chain;
mod csr;
pub mod examine;
mod key;
mod signature;

pub use crate::armor::{ArmorError, Block as PemBlock, decode as decode_pem};
pub use bundle::{BundleError, TrustBundle};
pub use chain::{
    Anchoring, ChainError, EndsFirst, Expectation, Gap, PathPosition, StartOfValidity, Window,
    X509Svid,
};
pub use csr::{CertificateSigningRequest, CsrError};
pub use key::{KeyError, PrivateKey, PublicKey};
