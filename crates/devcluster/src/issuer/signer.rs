//! One issuer and its CAs: the one that signs, those that signed before, a foreign one for lies.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::authority::{Authority, AuthorityError};
use super::csr::CertificateSigningRequest;
use super::reference::IssuerReference;
use super::specification::{RequestSpec, SigningError};
use super::template::{self, Issued};
use crate::clock::Clock;
use crate::faults::Lie;

/// A CA issuer of the cluster. Clones are the same issuer.
#[derive(Clone)]
pub struct Issuer {
    reference: IssuerReference,
    clock: Clock,
    keys: Arc<Mutex<Keys>>,
}

struct Keys {
    /// The CA that signs, after all that signed before it.
    authorities: Vec<Authority>,
    current: Authority,
    foreign: Authority,
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Issuer({})", self.reference.name)
    }
}

impl Issuer {
    pub(crate) fn new(reference: IssuerReference, clock: Clock) -> Result<Self, AuthorityError> {
        let now = clock.now();
        let current = Authority::generate("cluster", now)?;
        let foreign = Authority::generate("foreign", now)?;
        Ok(Self {
            reference,
            clock,
            keys: Arc::new(Mutex::new(Keys {
                authorities: vec![current.clone()],
                current,
                foreign,
            })),
        })
    }

    pub fn reference(&self) -> &IssuerReference {
        &self.reference
    }

    /// Puts a new CA in the place of the present one. What was issued stays as it is.
    ///
    /// # Errors
    /// If the CA cannot be made.
    pub fn rotate(&self) -> Result<(), AuthorityError> {
        let mut keys = self.lock();
        let name = format!("cluster {}", keys.authorities.len() + 1);
        let next = Authority::generate(&name, self.clock.now())?;
        keys.authorities.push(next.clone());
        keys.current = next;
        Ok(())
    }

    /// The root of the CA that signs now, PEM.
    ///
    /// # Errors
    /// If a certificate cannot be encoded.
    pub fn trust_bundle_pem(&self) -> Result<String, AuthorityError> {
        self.lock().current.root_pem()
    }

    /// The roots of every CA that ever signed, oldest first, PEM: the bundle for a rotation.
    ///
    /// # Errors
    /// If a certificate cannot be encoded.
    pub fn all_roots_pem(&self) -> Result<String, AuthorityError> {
        let keys = self.lock();
        keys.authorities.iter().map(Authority::root_pem).collect()
    }

    /// The root of the CA that signs for [`crate::Lie::ForeignAuthority`], PEM.
    ///
    /// # Errors
    /// If a certificate cannot be encoded.
    pub fn foreign_root_pem(&self) -> Result<String, AuthorityError> {
        self.lock().foreign.root_pem()
    }

    /// Signs outside the cluster, for tests that need a certificate of this CA or of the foreign
    /// one without a CertificateRequest: the answer is leaf and intermediates, PEM.
    ///
    /// # Errors
    /// If the CSR is not sound or the certificate cannot be made.
    pub fn sign_directly(
        &self,
        csr_pem: &[u8],
        duration: Duration,
        signer: Signer,
    ) -> Result<String, DirectError> {
        let csr = CertificateSigningRequest::parse(csr_pem)
            .map_err(|error| DirectError(error.to_string()))?;
        let spec = RequestSpec {
            duration,
            usages: SVID_USAGES.iter().map(|&usage| usage.to_owned()).collect(),
            is_ca: false,
        };
        let lie = match signer {
            Signer::Own => None,
            Signer::Foreign => Some(Lie::ForeignAuthority),
        };
        self.sign(&csr, &spec, lie.as_ref())
            .map(|issued| issued.certificate)
            .map_err(|error| DirectError(error.to_string()))
    }

    pub(super) fn sign(
        &self,
        csr: &CertificateSigningRequest,
        spec: &RequestSpec,
        lie: Option<&Lie>,
    ) -> Result<Issued, SigningError> {
        let keys = self.lock();
        let now = self.clock.now();
        template::issue(&keys.current, &keys.foreign, csr, spec, now, lie)
    }

    fn lock(&self) -> MutexGuard<'_, Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which CA signs directly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signer {
    Own,
    Foreign,
}

#[derive(Debug, thiserror::Error)]
#[error("could not sign: {0}")]
pub struct DirectError(String);

const SVID_USAGES: &[&str] = &[
    "digital signature",
    "key encipherment",
    "server auth",
    "client auth",
];
