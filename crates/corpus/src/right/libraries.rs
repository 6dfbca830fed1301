//! What the driver itself sends, and the same request as other libraries encode it.

use svid_core::identity::SpiffeId;
use svid_core::svid::{CertificateSigningRequest, PrivateKey};

use crate::case::Cases;

impl Cases<'_> {
    pub(super) fn libraries(&mut self) {
        let identity = self.world.identity();
        let key = PrivateKey::generate().unwrap();
        let id = SpiffeId::parse(&identity).unwrap();
        let csr = CertificateSigningRequest::build(&key, &id).unwrap();
        self.right("our own driver", csr.to_pem().as_bytes().to_vec());
        for (what, algorithm) in [
            ("rcgen, P-256", &rcgen::PKCS_ECDSA_P256_SHA256),
            ("rcgen, P-384", &rcgen::PKCS_ECDSA_P384_SHA384),
            ("rcgen, Ed25519", &rcgen::PKCS_ED25519),
        ] {
            let mut params = rcgen::CertificateParams::default();
            params.distinguished_name = rcgen::DistinguishedName::new();
            params.subject_alt_names = vec![rcgen::SanType::URI(
                rcgen::string::Ia5String::try_from(identity.as_str()).unwrap(),
            )];
            let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
            let pem = params.serialize_request(&key).unwrap().pem().unwrap();
            self.right(what, pem.into_bytes());
        }
    }

    /// Made by Go, cert-manager and OpenSSL, by the programs beside them.
    pub(super) fn programs(&mut self) {
        for (name, pem) in FOREIGN {
            self.right(*name, pem.to_vec());
        }
    }
}

macro_rules! foreign {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_bytes!(concat!("foreign/", $name, ".pem")))),+]
    };
}

const FOREIGN: &[(&str, &[u8])] = foreign![
    "cert-manager-ecdsa256",
    "cert-manager-ecdsa256-basic",
    "cert-manager-ecdsa256-sha512",
    "cert-manager-ecdsa256-sha512-basic",
    "cert-manager-ecdsa384",
    "cert-manager-ecdsa384-basic",
    "cert-manager-ecdsa521",
    "cert-manager-ecdsa521-basic",
    "cert-manager-ed25519",
    "cert-manager-ed25519-basic",
    "cert-manager-ed25519-usages",
    "cert-manager-ed25519-usages-basic",
    "cert-manager-rsa2048",
    "cert-manager-rsa2048-basic",
    "cert-manager-rsa3072",
    "cert-manager-rsa3072-basic",
    "cert-manager-rsa4096",
    "cert-manager-rsa4096-basic",
    "go-cert-manager-client-server",
    "go-cert-manager-client-server-basic",
    "go-cert-manager-client-server-uris",
    "go-cert-manager-server-client",
    "go-cert-manager-server-client-basic",
    "go-cert-manager-server-client-uris",
    "go-driver-ed25519",
    "go-driver-p256",
    "go-driver-p384",
    "go-driver-p521",
    "go-driver-rsa2048",
    "go-driver-rsa3072",
    "go-driver-rsa4096",
    "go-p256-sha384",
    "go-p256-sha512",
    "go-p384-sha256",
    "go-p384-sha512",
    "go-p521-sha256",
    "go-p521-sha384",
    "go-rsa2048-sha384",
    "go-rsa2048-sha512",
    "openssl-ed25519",
    "openssl-name-critical-p256",
    "openssl-name-p256",
    "openssl-name-rsa3072",
    "openssl-p256",
    "openssl-p256-sha512",
    "openssl-p384-sha256",
    "openssl-p384-sha512",
    "openssl-p521-sha256",
    "openssl-p521-sha512",
    "openssl-rsa2048",
    "openssl-rsa2560-sha512",
    "openssl-rsa4096-sha384",
];
