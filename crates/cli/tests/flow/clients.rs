//! Independent readers of what a pod sees: the `spiffe` crate and rustls.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, RootCertStore, ServerConfig,
    ServerConnection, SignatureScheme,
};
use spiffe::X509Svid;

/// Reads the SVID as the `spiffe` crate does.
pub(crate) fn svid(volume: &Path) -> X509Svid {
    let chain = certificates(&volume.join("tls.crt"));
    let chain: Vec<u8> = chain.iter().flat_map(|one| one.to_vec()).collect();
    X509Svid::parse_from_der(&chain, key(volume).secret_der()).unwrap()
}

pub(crate) fn identity(volume: &Path) -> String {
    svid(volume).spiffe_id().to_string()
}

/// The text of one of a pod's files.
pub(crate) fn text(volume: &Path, file: &str) -> String {
    fs::read_to_string(volume.join(file)).unwrap()
}

/// A TLS 1.3 handshake of two pods, each with what its own volume holds; gives the identities that
/// the client and the server saw.
pub(crate) fn handshake(client: &Path, server: &Path) -> Result<(String, String), Error> {
    let server_name = ServerName::try_from("ignored.invalid").unwrap();
    let mut client = ClientConnection::new(client_config(client), server_name)?;
    let mut server = ServerConnection::new(server_config(server))?;
    while client.is_handshaking() || server.is_handshaking() {
        let mut flight = Vec::new();
        client.write_tls(&mut flight).unwrap();
        server.read_tls(&mut flight.as_slice()).unwrap();
        server.process_new_packets()?;
        let mut flight = Vec::new();
        server.write_tls(&mut flight).unwrap();
        client.read_tls(&mut flight.as_slice()).unwrap();
        client.process_new_packets()?;
    }
    let seen = |certificates: Option<&[CertificateDer<'_>]>| name(&certificates.unwrap()[0]);
    Ok((
        seen(client.peer_certificates()),
        seen(server.peer_certificates()),
    ))
}

/// The SPIFFE ID in a certificate, as rustls hands it over: by its bytes, since the chain was
/// verified before.
fn name(certificate: &CertificateDer<'_>) -> String {
    let bytes = certificate.as_ref();
    let start = bytes.windows(9).position(|window| window == b"spiffe://");
    let start = start.expect("a SPIFFE ID");
    let length = usize::from(bytes[start - 1]);
    String::from_utf8(bytes[start..start + length].to_vec()).unwrap()
}

fn client_config(volume: &Path) -> Arc<ClientConfig> {
    let verifier = ChainVerifier {
        roots: roots(volume),
        provider: provider(),
    };
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_client_auth_cert(certificates(&volume.join("tls.crt")), key(volume))
        .unwrap();
    Arc::new(config)
}

fn server_config(volume: &Path) -> Arc<ServerConfig> {
    let verifier = WebPkiClientVerifier::builder_with_provider(roots(volume), provider());
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(certificates(&volume.join("tls.crt")), key(volume))
        .unwrap();
    Arc::new(config)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn certificates(path: &Path) -> Vec<CertificateDer<'static>> {
    let found = CertificateDer::pem_file_iter(path).unwrap();
    found.map(Result::unwrap).collect()
}

fn key(volume: &Path) -> PrivateKeyDer<'static> {
    PrivateKeyDer::from_pem_file(volume.join("tls.key")).unwrap()
}

fn roots(volume: &Path) -> Arc<RootCertStore> {
    let mut store = RootCertStore::empty();
    for root in certificates(&volume.join("ca.crt")) {
        store.add(root).unwrap();
    }
    Arc::new(store)
}

/// Verifies the chain and leaves the name to whoever asks for it: an SVID has no DNS name.
#[derive(Debug)]
struct ChainVerifier {
    roots: Arc<RootCertStore>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for ChainVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        verify_server_cert_signed_by_trust_anchor(
            &ParsedCertificate::try_from(end_entity)?,
            &self.roots,
            intermediates,
            now,
            self.provider.signature_verification_algorithms.all,
        )?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
