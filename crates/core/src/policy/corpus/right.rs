//! Requests that must be approved.

use super::{Case, Craft, RIGHT_ID, Signer, around, eku, extension, general_name, san};
use crate::identity::SpiffeId;
use crate::policy::request::{IssuerReference, Request};
use crate::svid::{CertificateSigningRequest, PrivateKey};

/// Every right form: each allowed key, each allowed extension and order, each form that the Go
/// driver's versions send, and what other libraries write.
pub(in crate::policy) fn right() -> Vec<Case> {
    let mut cases = Cases::default();
    cases.keys();
    cases.extensions();
    cases.objects();
    cases.libraries();
    cases.0
}

#[derive(Default)]
struct Cases(Vec<Case>);

impl Cases {
    fn add(&mut self, name: &str, request: Request) {
        self.0.push(Case {
            name: name.to_owned(),
            request,
            breaks: None,
        });
    }

    fn keys(&mut self) {
        for (name, signer) in [
            ("P-256", Signer::p256()),
            ("P-384", Signer::p384()),
            ("P-521", Signer::p521()),
            ("Ed25519", Signer::ed25519()),
            ("RSA 2048", Signer::rsa2048()),
            ("RSA 4096", Signer::rsa4096()),
        ] {
            self.add(name, around(Craft::with(signer).pem()));
        }
    }

    fn extensions(&mut self) {
        const KU: &str = "2.5.29.15";
        const EKU: &str = "2.5.29.37";
        const BC: &str = "2.5.29.19";
        let name = |critical| san(critical, &[general_name(0x86, RIGHT_ID.as_bytes())]);
        let usage = || extension(KU, true, &[0x03, 0x02, 0x05, 0xa0]);
        let server_client = || eku(&["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);
        let client_server = || eku(&["1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.1"]);
        for (what, extensions) in [
            ("name not critical", vec![name(false)]),
            ("name critical", vec![name(true)]),
            ("with key usage", vec![name(true), usage()]),
            (
                "as cert-manager's library writes it",
                vec![
                    usage(),
                    extension(EKU, false, &client_server()),
                    name(false),
                ],
            ),
            (
                "usages after the name",
                vec![
                    name(false),
                    usage(),
                    extension(EKU, false, &server_client()),
                ],
            ),
            (
                "with basic constraints",
                vec![
                    extension(BC, true, &[0x30, 0x00]),
                    usage(),
                    extension(EKU, true, &server_client()),
                    name(true),
                ],
            ),
        ] {
            self.add(what, around(Craft::new().extensions(&extensions).pem()));
        }
    }

    fn objects(&mut self) {
        let right = || around(Craft::new().pem());
        let mut reordered = right();
        reordered
            .usages
            .iter_mut()
            .for_each(|usages| usages.reverse());
        self.add("usages in another order", reordered);

        let mut unknown_groups = right();
        unknown_groups.requester.groups.clear();
        self.add("requester without groups", unknown_groups);

        let text = String::from_utf8(Craft::new().pem())
            .unwrap()
            .replace("\r\n", "\n");
        for (what, pem) in [
            ("lines end in CR LF", text.replace('\n', "\r\n")),
            ("lines end in LF", text.clone()),
            ("no line end at the end", text.trim_end().to_owned()),
        ] {
            self.add(what, around(pem.into_bytes()));
        }

        let mut defaults = right();
        defaults.issuer = IssuerReference::new("spiffe-ca", "ClusterIssuer", "");
        self.add("issuer without its group", defaults);
    }

    /// What the driver itself sends, and what other libraries make of the same wish.
    fn libraries(&mut self) {
        let key = PrivateKey::generate().unwrap();
        let id = SpiffeId::parse(RIGHT_ID).unwrap();
        let csr = CertificateSigningRequest::build(&key, &id).unwrap();
        self.add("our own driver", around(csr.to_pem().as_bytes().to_vec()));
        for (what, algorithm) in [
            ("rcgen, P-256", &rcgen::PKCS_ECDSA_P256_SHA256),
            ("rcgen, P-384", &rcgen::PKCS_ECDSA_P384_SHA384),
            ("rcgen, Ed25519", &rcgen::PKCS_ED25519),
        ] {
            let mut params = rcgen::CertificateParams::default();
            params.distinguished_name = rcgen::DistinguishedName::new();
            params.subject_alt_names = vec![rcgen::SanType::URI(
                rcgen::string::Ia5String::try_from(RIGHT_ID).unwrap(),
            )];
            let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
            let pem = params.serialize_request(&key).unwrap().pem().unwrap();
            self.add(what, around(pem.into_bytes()));
        }
        for (name, pem) in FOREIGN {
            self.add(name, around(pem.to_vec()));
        }
    }
}

macro_rules! foreign {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_bytes!(concat!("foreign/", $name, ".pem")))),+]
    };
}

/// Made by the programs beside them.
const FOREIGN: &[(&str, &[u8])] = foreign![
    "go-cert-manager-client-server",
    "go-cert-manager-server-client",
    "go-driver-ed25519",
    "go-driver-p256",
    "go-driver-p384",
    "go-driver-p521",
    "go-driver-rsa2048",
    "go-driver-rsa3072",
    "openssl-ed25519",
    "openssl-p256",
    "openssl-p384-sha256",
    "openssl-p521-sha512",
    "openssl-rsa4096-sha384",
];
