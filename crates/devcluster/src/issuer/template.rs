//! From an approved request to a signed leaf, the way cert-manager does it, or with one thing
//! wrong.
//!
//! pkg/util/pki/certificatetemplate.go: subject and SAN extension are copied as they came, the SAN
//! is critical exactly if the subject is empty; key usages, extended key usages and basic
//! constraints come from the specification; the leaf begins now and is not capped to its CA.

use std::time::Duration;

use jiff::Timestamp;
use p256::ecdsa::SigningKey;
use p256::elliptic_curve::Generate;
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::certificate::TbsCertificate;
use x509_cert::der::asn1::{Ia5String, OctetString};
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, SubjectAltName};
use x509_cert::ext::{Extension, Extensions, ToExtension};
use x509_cert::name::Name;
use x509_cert::spki::SubjectPublicKeyInfoRef;

use super::agreement;
use super::authority::{self, Authority, AuthorityError};
use super::csr::{CertificateSigningRequest, SUBJECT_ALT_NAME};
use super::specification::{RequestSpec, SigningError, Usages};
use crate::clock;
use crate::faults::Lie;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Issued {
    /// Leaf and intermediates, PEM.
    pub(super) certificate: String,
    /// The top of the chain, PEM.
    pub(super) authority: String,
}

pub(super) fn issue(
    authority: &Authority,
    foreign: &Authority,
    csr: &CertificateSigningRequest,
    spec: &RequestSpec,
    now: Timestamp,
    lie: Option<&Lie>,
) -> Result<Issued, SigningError> {
    let usages = agreement::check(csr, spec)?;
    let authority = match lie {
        Some(Lie::ForeignAuthority) => foreign,
        _ => authority,
    };
    let intermediates = authority.intermediates_pem()?;
    let leaf = match lie {
        Some(Lie::Garbage) => "this is no certificate\n".to_owned(),
        _ => sign_leaf(authority, csr, spec, usages, now, lie)?,
    };
    let certificate = match lie {
        Some(Lie::Garbage) => leaf,
        _ => leaf + &intermediates,
    };
    Ok(Issued {
        certificate,
        authority: authority.root_pem()?,
    })
}

fn sign_leaf(
    authority: &Authority,
    csr: &CertificateSigningRequest,
    spec: &RequestSpec,
    usages: Usages,
    now: Timestamp,
    lie: Option<&Lie>,
) -> Result<String, SigningError> {
    let profile = LeafProfile {
        issuer: authority.name().clone(),
        subject: csr.subject().clone(),
        names: names(csr, lie)?,
        is_ca: spec.is_ca || lie == Some(&Lie::CertificateAuthority),
        usages,
    };
    let start = match lie {
        Some(Lie::NotYetValid(ahead)) => clock::after(now, *ahead),
        Some(Lie::Expired) => now
            .checked_sub(jiff::SignedDuration::from_hours(2))
            .unwrap_or(Timestamp::MIN),
        _ => now,
    };
    let end = match lie {
        Some(Lie::Expired) => clock::after(start, Duration::from_secs(3600)),
        _ => clock::after(start, spec.duration),
    };
    let key = match lie {
        Some(Lie::OtherKey) => authority::spki(&SigningKey::generate())?,
        _ => csr.public_key().clone(),
    };
    let stranger = SigningKey::generate();
    let signer = match lie {
        Some(Lie::BrokenChain) => &stranger,
        _ => authority.signing_key(),
    };
    let validity = authority::validity(start, end)?;
    let leaf = authority::sign(profile, validity, key, signer)?;
    Ok(authority::pem(&leaf)?)
}

/// The SAN extension: the requester's bytes, unless the lie is about them.
fn names(
    csr: &CertificateSigningRequest,
    lie: Option<&Lie>,
) -> Result<Option<Extension>, AuthorityError> {
    let asked = csr.names().cloned();
    let uri = |text: &str| Ia5String::new(text).map(GeneralName::UniformResourceIdentifier);
    let added = match lie {
        Some(Lie::NoIdentity) => return Ok(None),
        Some(Lie::OtherIdentity(id)) => return Ok(Some(extension(vec![uri(id)?])?)),
        Some(Lie::SecondIdentity(id)) => uri(id)?,
        Some(Lie::DnsName(name)) => GeneralName::DnsName(Ia5String::new(name)?),
        _ => return Ok(asked),
    };
    let mut names = match &asked {
        None => Vec::new(),
        Some(asked) => SubjectAltName::from_der(asked.extn_value.as_bytes())?.0,
    };
    names.push(added);
    Ok(Some(extension(names)?))
}

fn extension(names: Vec<GeneralName>) -> Result<Extension, x509_cert::der::Error> {
    Ok(Extension {
        extn_id: SUBJECT_ALT_NAME,
        critical: true,
        extn_value: OctetString::new(SubjectAltName(names).to_der()?)?,
    })
}

struct LeafProfile {
    issuer: Name,
    subject: Name,
    names: Option<Extension>,
    is_ca: bool,
    usages: Usages,
}

impl BuilderProfile for LeafProfile {
    fn get_issuer(&self, _subject: &Name) -> Name {
        self.issuer.clone()
    }

    fn get_subject(&self) -> Name {
        self.subject.clone()
    }

    fn build_extensions(
        &self,
        subject: SubjectPublicKeyInfoRef<'_>,
        issuer: SubjectPublicKeyInfoRef<'_>,
        tbs: &TbsCertificate,
    ) -> x509_cert::builder::Result<Extensions> {
        let constraints = BasicConstraints {
            ca: self.is_ca,
            path_len_constraint: None,
        };
        let mut extensions = authority::identifiers(tbs, subject, issuer)?;
        extensions.push((true, &self.usages.bits).to_extension(tbs.subject(), &[])?);
        if !self.usages.extended.is_empty() {
            let extended = ExtendedKeyUsage(self.usages.extended.clone());
            extensions.push((false, &extended).to_extension(tbs.subject(), &[])?);
        }
        extensions.push((true, &constraints).to_extension(tbs.subject(), &[])?);
        extensions.extend(self.names.clone().map(|names| Extension {
            critical: self.subject.is_empty(),
            ..names
        }));
        Ok(extensions)
    }
}
