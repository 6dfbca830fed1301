//! A certification authority: a root, and perhaps an intermediate that signs in its place.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use p256::ecdsa::{DerSignature, SigningKey};
use p256::elliptic_curve::Generate;
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::builder::{Builder, CertificateBuilder};
use x509_cert::certificate::{Certificate, TbsCertificate};
use x509_cert::der::asn1::{GeneralizedTime, UtcTime};
use x509_cert::der::pem::LineEnding;
use x509_cert::der::{DateTime, EncodePem};
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, KeyUsage, KeyUsages, SubjectKeyIdentifier,
};
use x509_cert::ext::{Extension, Extensions, ToExtension};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{SubjectPublicKeyInfoOwned, SubjectPublicKeyInfoRef};
use x509_cert::time::{Time, Validity};

use crate::{chance, clock};

/// Why a certificate could not be made.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    #[error("could not encode a certificate")]
    Encoding(#[from] x509_cert::der::Error),
    #[error("could not build a certificate")]
    Building(#[from] x509_cert::builder::Error),
    /// The public key could not be encoded.
    #[error("could not encode a public key")]
    Key(#[from] x509_cert::spki::Error),
    /// The time cannot be written in a certificate.
    #[error("could not write the time {0} in a certificate")]
    Time(Timestamp),
}

/// A root and the intermediate that signs leaves, with their keys. Certificates are public; the
/// keys never leave it.
#[derive(Clone)]
pub(super) struct Authority {
    root: Level,
    intermediate: Level,
}

#[derive(Clone)]
struct Level {
    key: SigningKey,
    certificate: Certificate,
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Authority({})",
            self.root.certificate.tbs_certificate().subject()
        )
    }
}

impl Authority {
    /// Makes a CA of this common name that is good from an hour ago, and for a year from now.
    ///
    /// # Errors
    /// If the name is not a legal common name or the time cannot be encoded.
    pub(super) fn generate(name: &str, now: Timestamp) -> Result<Self, AuthorityError> {
        let start = now
            .checked_sub(jiff::SignedDuration::from_hours(1))
            .unwrap_or(Timestamp::MIN);
        let validity = validity(start, clock::after(now, LIFETIME))?;
        let root_name = Name::from_str(&format!("CN={name} root"))?;
        let key = SigningKey::generate();
        let profile = AuthorityProfile {
            subject: root_name.clone(),
            issuer: root_name.clone(),
            below: 1,
        };
        let certificate = sign(profile, validity, spki(&key)?, &key)?;
        let root = Level { key, certificate };
        let key = SigningKey::generate();
        let profile = AuthorityProfile {
            subject: Name::from_str(&format!("CN={name} intermediate"))?,
            issuer: root_name,
            below: 0,
        };
        let certificate = sign(profile, validity, spki(&key)?, &root.key)?;
        let intermediate = Level { key, certificate };
        Ok(Self { root, intermediate })
    }

    /// The root certificate, PEM: what a verifier is to trust.
    ///
    /// # Errors
    /// If the certificate cannot be encoded, which does not happen to one that was made here.
    pub(super) fn root_pem(&self) -> Result<String, AuthorityError> {
        pem(&self.root.certificate)
    }

    /// The intermediate between a leaf and the root, PEM.
    pub(super) fn intermediates_pem(&self) -> Result<String, AuthorityError> {
        pem(&self.intermediate.certificate)
    }

    pub(super) fn signing_key(&self) -> &SigningKey {
        &self.intermediate.key
    }

    /// The name that leaves have as issuer.
    pub(super) fn name(&self) -> &Name {
        self.intermediate.certificate.tbs_certificate().subject()
    }
}

/// Signs a certificate of any profile.
pub(super) fn sign(
    profile: impl BuilderProfile,
    validity: Validity,
    key: SubjectPublicKeyInfoOwned,
    signer: &SigningKey,
) -> Result<Certificate, AuthorityError> {
    let serial = SerialNumber::new(&chance::serial())?;
    let builder = CertificateBuilder::new(profile, serial, validity, key)?;
    Ok(builder.build::<_, DerSignature>(signer)?)
}

/// A period in whole seconds, written as RFC 5280 4.1.2.5 wants it.
pub(super) fn validity(from: Timestamp, to: Timestamp) -> Result<Validity, AuthorityError> {
    Ok(Validity::new(time(from)?, time(to)?))
}

/// The public half of a key, as certificates hold it.
pub(super) fn spki(key: &SigningKey) -> Result<SubjectPublicKeyInfoOwned, AuthorityError> {
    Ok(SubjectPublicKeyInfoOwned::from_key(key.verifying_key())?)
}

/// Subject and authority key identifiers.
pub(super) fn identifiers(
    tbs: &TbsCertificate,
    subject: SubjectPublicKeyInfoRef<'_>,
    issuer: SubjectPublicKeyInfoRef<'_>,
) -> x509_cert::builder::Result<Extensions> {
    let none: &[Extension] = &[];
    Ok(vec![
        SubjectKeyIdentifier::try_from(subject)?.to_extension(tbs.subject(), none)?,
        AuthorityKeyIdentifier::try_from(issuer)?.to_extension(tbs.subject(), none)?,
    ])
}

fn time(at: Timestamp) -> Result<Time, AuthorityError> {
    let impossible = || AuthorityError::Time(at);
    let seconds = u64::try_from(at.as_second()).ok().ok_or_else(impossible)?;
    let date = DateTime::from_unix_duration(Duration::from_secs(seconds))?;
    if date.year() < 2050 {
        Ok(Time::UtcTime(UtcTime::from_date_time(date)?))
    } else {
        Ok(Time::GeneralTime(GeneralizedTime::from_date_time(date)))
    }
}

struct AuthorityProfile {
    subject: Name,
    issuer: Name,
    /// How many CAs may stand below.
    below: u8,
}

impl BuilderProfile for AuthorityProfile {
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
            ca: true,
            path_len_constraint: Some(self.below),
        };
        let usage = KeyUsage(KeyUsages::KeyCertSign | KeyUsages::CRLSign);
        let mut extensions = identifiers(tbs, subject, issuer)?;
        extensions.push((true, &constraints).to_extension(tbs.subject(), &[])?);
        extensions.push((true, &usage).to_extension(tbs.subject(), &[])?);
        Ok(extensions)
    }
}

pub(super) fn pem(certificate: &Certificate) -> Result<String, AuthorityError> {
    Ok(certificate.to_pem(LineEnding::LF)?)
}

/// For how long a CA is good.
const LIFETIME: Duration = Duration::from_secs(365 * 24 * 3600);
