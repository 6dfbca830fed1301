//! Owns a mutually authenticated connection of two parties over TCP, as two workloads would make
//! it.
//!
//! Must not know where certificates come from. Invariant: TLS 1.3, each side verifies the other's
//! chain against the roots from its own volume and takes the peer's name from its certificate
//! alone.

mod exchange;
#[cfg(test)]
mod tests;
mod verifier;

use std::sync::Arc;

use anyhow::Context as _;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use svid_core::identity::SpiffeId;

use super::actor::FileSet;
pub(super) use exchange::{End, Meeting, meet};
use verifier::PeerVerifier;

/// One side: what it presents, what it trusts, and the peer that it wants to meet.
pub(super) struct Party {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    verifier: Arc<PeerVerifier>,
    provider: Arc<CryptoProvider>,
}

impl Party {
    /// Reads the files of a volume.
    ///
    /// # Errors
    /// They are not PEM.
    pub(super) fn new(files: &FileSet, wants: &SpiffeId) -> anyhow::Result<Self> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        for root in CertificateDer::pem_slice_iter(&files.roots) {
            roots.add(root.context("reading the roots")?)?;
        }
        Ok(Self {
            chain: CertificateDer::pem_slice_iter(&files.chain)
                .collect::<Result<_, _>>()
                .context("reading the certificate chain")?,
            key: PrivateKeyDer::from_pem_slice(&files.key).context("reading the private key")?,
            verifier: Arc::new(PeerVerifier::new(roots, wants, &provider)?),
            provider,
        })
    }

    fn server(self) -> anyhow::Result<Arc<ServerConfig>> {
        let config = ServerConfig::builder_with_provider(self.provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_client_cert_verifier(self.verifier)
            .with_single_cert(self.chain, self.key)?;
        Ok(Arc::new(config))
    }

    fn client(self) -> anyhow::Result<Arc<ClientConfig>> {
        let config = ClientConfig::builder_with_provider(self.provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(self.verifier)
            .with_client_auth_cert(self.chain, self.key)?;
        Ok(Arc::new(config))
    }
}
