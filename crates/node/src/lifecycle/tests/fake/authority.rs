//! An authority that signs what it is asked to, or something else.

use std::time::SystemTime;

use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DnType,
    ExtendedKeyUsagePurpose as Purpose, IsCa, Issuer, KeyPair, KeyUsagePurpose as Usage, SanType,
};

/// What is wrong with a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Fault {
    /// Nothing.
    None,
    /// Another key than the request's.
    WrongKey,
    /// Another SPIFFE ID than the request's.
    OtherIdentity,
    /// No SPIFFE ID.
    NoIdentity,
    /// A second name.
    SecondName,
    /// It expired a minute ago.
    Expired,
    /// It may sign others.
    Authority,
    /// It is not signed by the certificate above it.
    BrokenLink,
    /// It begins this much later than now.
    Begins(SignedDuration),
    /// It begins this much earlier than now, and ends as if it did not.
    DatedBack(SignedDuration),
    /// It lasts this long, whatever was requested.
    Lasts(SignedDuration),
    /// It begins this much earlier than now, and ends this much later, whatever was requested.
    DatedBackAndLasts(SignedDuration, SignedDuration),
    /// It has no key usage.
    NoKeyUsage,
    /// An authority below ours signed it, which follows it; see [`super::requests`] for where.
    ByIntermediate,
    /// It is not a certificate.
    Garbage,
    /// Empty PEM.
    NoCertificate,
}

/// A certificate authority.
pub(in super::super) struct Authority {
    params: CertificateParams,
    key: KeyPair,
    pem: String,
}

impl Authority {
    pub(in super::super) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![Usage::KeyCertSign, Usage::CrlSign];
        params.not_before = time("2000-01-01T00:00:00Z".parse().unwrap()).into();
        params.not_after = time("2100-01-01T00:00:00Z".parse().unwrap()).into();
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { params, key, pem }
    }

    pub(in super::super) fn pem(&self) -> &str {
        &self.pem
    }

    /// Answers a request at `now` with a certificate for `lifetime`, which has this fault.
    pub(in super::super) fn sign(
        &self,
        request: &str,
        (now, lifetime): (Timestamp, SignedDuration),
        fault: Fault,
    ) -> String {
        let mut asked = CertificateSigningRequestParams::from_pem(request).unwrap();
        let params = &mut asked.params;
        params.key_usages = vec![Usage::DigitalSignature, Usage::KeyEncipherment];
        params.extended_key_usages = vec![Purpose::ServerAuth, Purpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        let (mut begins, mut ends) = (now, now + lifetime);
        let other = |uri: &str| SanType::URI(uri.try_into().unwrap());
        let stranger = KeyPair::generate().unwrap();
        let issuer = Issuer::from_params(&self.params, &self.key);
        match fault {
            Fault::None | Fault::WrongKey | Fault::BrokenLink | Fault::ByIntermediate => {}
            Fault::NoKeyUsage => params.key_usages.clear(),
            Fault::OtherIdentity => {
                params.subject_alt_names = vec![other("spiffe://example.org/ns/sandbox/sa/boss")];
            }
            Fault::NoIdentity => params.subject_alt_names.clear(),
            Fault::SecondName => params
                .subject_alt_names
                .push(other("spiffe://example.org/ns/sandbox/sa/boss")),
            Fault::Expired => {
                begins = now - SignedDuration::from_hours(2);
                ends = now - SignedDuration::from_mins(1);
            }
            Fault::Authority => params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained),
            Fault::Begins(later) => (begins, ends) = (begins + later, ends + later),
            Fault::DatedBack(earlier) => begins -= earlier,
            Fault::Lasts(length) => ends = begins + length,
            Fault::DatedBackAndLasts(earlier, length) => {
                (begins, ends) = (now - earlier, now + length);
            }
            Fault::Garbage => return "-----BEGIN CERTIFICATE-----\nAAAA\n".to_owned(),
            Fault::NoCertificate => return "\n".to_owned(),
        }
        params.not_before = time(begins).into();
        params.not_after = time(ends).into();
        match fault {
            Fault::WrongKey => params.signed_by(&stranger, &issuer).unwrap().pem(),
            Fault::BrokenLink => {
                let liar = Issuer::from_params(&self.params, &stranger);
                let leaf = asked.signed_by(&liar).unwrap().pem();
                format!("{leaf}{}", self.pem)
            }
            Fault::ByIntermediate => {
                let mut below = self.params.clone();
                below
                    .distinguished_name
                    .push(DnType::OrganizationName, "below");
                let own = below.signed_by(&stranger, &issuer).unwrap().pem();
                let below = Issuer::from_params(&below, &stranger);
                format!("{}{own}", asked.signed_by(&below).unwrap().pem())
            }
            Fault::None
            | Fault::NoKeyUsage
            | Fault::OtherIdentity
            | Fault::NoIdentity
            | Fault::SecondName
            | Fault::Expired
            | Fault::Authority
            | Fault::Begins(_)
            | Fault::DatedBack(_)
            | Fault::Lasts(_)
            | Fault::DatedBackAndLasts(..)
            | Fault::Garbage
            | Fault::NoCertificate => asked.signed_by(&issuer).unwrap().pem(),
        }
    }
}

/// Certificates have no fractions of a second.
fn time(at: Timestamp) -> SystemTime {
    Timestamp::from_second(at.as_second()).unwrap().into()
}
