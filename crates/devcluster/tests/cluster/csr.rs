//! Certificate signing requests as a driver makes them.

use std::str::FromStr;

use p256::ecdsa::{DerSignature, SigningKey};
use p256::elliptic_curve::Generate;
use x509_cert::builder::Builder;
use x509_cert::der::EncodePem;
use x509_cert::der::asn1::Ia5String;
use x509_cert::der::pem::LineEnding;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::name::Name;
use x509_cert::request::RequestBuilder;

/// An empty subject and one URI SAN.
pub(crate) fn for_uri(uri: &str) -> String {
    build("", uri, &SigningKey::generate())
}

/// A subject as well.
pub(crate) fn with_subject(subject: &str, uri: &str) -> String {
    build(subject, uri, &SigningKey::generate())
}

fn build(subject: &str, uri: &str, key: &SigningKey) -> String {
    let subject = match subject {
        "" => Name::default(),
        text => Name::from_str(text).expect("subject"),
    };
    let mut builder = RequestBuilder::new(subject).expect("builder");
    let uri = Ia5String::new(uri).expect("URI");
    let names = SubjectAltName(vec![GeneralName::UniformResourceIdentifier(uri)]);
    builder.add_extension(&names).expect("SAN");
    let request = builder.build::<_, DerSignature>(key).expect("CSR");
    request.to_pem(LineEnding::LF).expect("PEM")
}
