//! What two X.509 libraries read in one signing request, neither of them through our code.

use x509_cert::der::asn1::SetOfVec;
use x509_cert::der::{Decode as _, Encode as _};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName as CertName;
use x509_cert::request::CertReq;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::FromDer as _;

/// The names in a signing request, as one library reads them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    /// Whether the subject is an empty sequence.
    pub(crate) subject_is_empty: bool,
    /// Every URI of every subjectAltName.
    pub(crate) uris: Vec<String>,
    /// How many names there are of any other kind.
    pub(crate) strangers: usize,
}

/// Reads with x509-parser. None where it reads no request.
pub(crate) fn by_x509_parser(der: &[u8]) -> Option<Reading> {
    let (_, request) = X509CertificationRequest::from_der(der).ok()?;
    let mut reading = Reading {
        subject_is_empty: request
            .certification_request_info
            .subject
            .iter_rdn()
            .next()
            .is_none(),
        uris: Vec::new(),
        strangers: 0,
    };
    for extension in request.requested_extensions().into_iter().flatten() {
        if let ParsedExtension::SubjectAlternativeName(names) = extension {
            for name in &names.general_names {
                if let GeneralName::URI(uri) = name {
                    reading.uris.push((*uri).to_owned());
                } else {
                    reading.strangers += 1;
                }
            }
        }
    }
    Some(reading)
}

/// Reads with x509-cert. None where it reads no request.
pub(crate) fn by_x509_cert(der: &[u8]) -> Option<Reading> {
    let info = CertReq::from_der(der).ok()?.info;
    let mut reading = Reading {
        subject_is_empty: info.subject.is_empty(),
        uris: Vec::new(),
        strangers: 0,
    };
    for attribute in info.attributes.iter() {
        if attribute.oid.to_string() != "1.2.840.113549.1.9.14" {
            continue;
        }
        let values: &SetOfVec<_> = &attribute.values;
        for value in values.iter() {
            let extensions = Vec::<Extension>::from_der(&value.to_der().ok()?).ok()?;
            for extension in extensions {
                if extension.extn_id.to_string() == "2.5.29.17" {
                    reading.add(extension.extn_value.as_bytes())?;
                }
            }
        }
    }
    Some(reading)
}

impl Reading {
    fn add(&mut self, names: &[u8]) -> Option<()> {
        for name in SubjectAltName::from_der(names).ok()?.0 {
            if let CertName::UniformResourceIdentifier(uri) = name {
                self.uris.push(uri.to_string());
            } else {
                self.strangers += 1;
            }
        }
        Some(())
    }
}
