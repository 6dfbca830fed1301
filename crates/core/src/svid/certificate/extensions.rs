//! The extensions of a certificate that matter here (RFC 5280, section 4.2).

use x509_parser::asn1_rs::{Oid, oid};
use x509_parser::extensions::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, GeneralName, InhibitAnyPolicy,
    KeyIdentifier, KeyUsage, NSCertType, PolicyConstraints, SubjectAlternativeName, X509Extension,
};
use x509_parser::oid_registry as oid;
use x509_parser::prelude::FromDer;

use super::names::{Name, NameConstraints};
use super::policies::{self, Policies};
use super::sequence;
use crate::text::excerpt;

/// What the extensions say, and what is wrong with them as such.
#[derive(Clone, Debug, Default)]
pub(in crate::svid) struct Extensions {
    pub(in crate::svid) basic_constraints: Option<BasicConstraints>,
    pub(in crate::svid) key_usage: Option<KeyUsage>,
    pub(in crate::svid) extended_key_usage: Option<Purposes>,
    pub(in crate::svid) subject_names: Option<SubjectNames>,
    pub(in crate::svid) name_constraints: NameConstraints,
    pub(in crate::svid) policies: Policies,
    /// Identifies the key of the certificate.
    pub(in crate::svid) key_id: Option<Vec<u8>>,
    /// Identifies the key of its issuer.
    pub(in crate::svid) issuer_key_id: Option<Vec<u8>>,
    /// The purposes in an obsolete extension, which OpenSSL honours in leaves.
    pub(in crate::svid) netscape_type: Option<Purposes>,
    pub(in crate::svid) faults: Vec<ExtensionFault>,
}

/// The two purposes of an SVID.
#[derive(Clone, Copy, Debug)]
pub(in crate::svid) struct Purposes {
    pub(in crate::svid) server: bool,
    pub(in crate::svid) client: bool,
    /// Every purpose, which says enough of an authority and too little of an SVID.
    pub(in crate::svid) any: bool,
}

/// The subject alternative name, in the order of the certificate.
#[derive(Clone, Debug)]
pub(in crate::svid) struct SubjectNames {
    pub(in crate::svid) critical: bool,
    /// The whole extension, to be compared.
    pub(in crate::svid) der: Vec<u8>,
    pub(in crate::svid) uris: Vec<String>,
    /// The kinds of the names that are not URIs.
    pub(in crate::svid) others: Vec<&'static str>,
    /// All of them, to be held against name constraints.
    pub(in crate::svid) all: Vec<Name>,
}

/// What is wrong with an extension, whatever it says; the OID in dots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::svid) enum ExtensionFault {
    /// It appears twice.
    Repeated(String),
    /// Its content is not what its OID announces.
    Malformed(String),
    /// Critical and unknown, so the certificate has to be refused.
    UnknownCritical(String),
    /// Critical, which it must not be.
    WronglyCritical(String),
    /// Of no use in the path of an SVID, and not ignored by others; with its name.
    Refused(String, &'static str),
}

impl Extensions {
    pub(super) fn read(list: &[X509Extension<'_>]) -> Self {
        let mut extensions = Self::default();
        for (index, extension) in list.iter().enumerate() {
            if list
                .iter()
                .take(index)
                .any(|other| other.oid == extension.oid)
            {
                extensions
                    .faults
                    .push(ExtensionFault::Repeated(dotted(extension)));
            } else {
                let added = admit(extension).and_then(|()| extensions.add(extension));
                extensions.faults.extend(added.err());
            }
        }
        extensions
    }

    fn add(&mut self, extension: &X509Extension<'_>) -> Result<(), ExtensionFault> {
        let name = &extension.oid;
        if *name == oid::OID_X509_EXT_BASIC_CONSTRAINTS {
            self.basic_constraints = Some(content(extension)?);
        } else if *name == oid::OID_X509_EXT_KEY_USAGE {
            self.key_usage = Some(content(extension)?);
        } else if *name == oid::OID_X509_EXT_EXTENDED_KEY_USAGE {
            let usage: ExtendedKeyUsage<'_> = content(extension)?;
            self.extended_key_usage = Some(Purposes {
                server: usage.server_auth,
                client: usage.client_auth,
                any: usage.any,
            });
        } else if *name == oid::OID_X509_EXT_SUBJECT_ALT_NAME {
            self.subject_names = Some(SubjectNames::read(extension)?);
        } else if *name == oid::OID_X509_EXT_NAME_CONSTRAINTS {
            let read = NameConstraints::read(extension.value);
            self.name_constraints = read.ok_or_else(|| malformed(extension))?;
        } else if *name == oid::OID_X509_EXT_SUBJECT_KEY_IDENTIFIER {
            let id: KeyIdentifier<'_> = content(extension)?;
            self.key_id = Some(id.0.to_vec());
        } else if *name == oid::OID_X509_EXT_AUTHORITY_KEY_IDENTIFIER {
            let id: AuthorityKeyIdentifier<'_> = content(extension)?;
            self.issuer_key_id = id.key_identifier.map(|id| id.0.to_vec());
        } else if *name == oid::OID_X509_EXT_CERT_TYPE {
            let purposes: NSCertType = content(extension)?;
            self.netscape_type = Some(Purposes {
                server: purposes.ssl_server(),
                client: purposes.ssl_client(),
                any: false,
            });
        } else if !self.add_policies(extension)?
            && extension.critical
            && !INFORMATION.contains(name)
        {
            return Err(ExtensionFault::UnknownCritical(dotted(extension)));
        }
        Ok(())
    }

    /// Takes an extension about policies; false if it is another.
    fn add_policies(&mut self, extension: &X509Extension<'_>) -> Result<bool, ExtensionFault> {
        let name = &extension.oid;
        if *name == oid::OID_X509_EXT_CERTIFICATE_POLICIES {
            let read = policies::read_policies(extension.value);
            self.policies.issued_under = Some(read.ok_or_else(|| malformed(extension))?);
        } else if *name == oid::OID_X509_EXT_POLICY_MAPPINGS {
            let read = policies::read_mappings(extension.value);
            self.policies.mappings = read.ok_or_else(|| malformed(extension))?;
        } else if *name == oid::OID_X509_EXT_POLICY_CONSTRAINTS {
            let constraints: PolicyConstraints = content(extension)?;
            self.policies.require_explicit = constraints.require_explicit_policy;
            self.policies.inhibit_mapping = constraints.inhibit_policy_mapping;
        } else if *name == oid::OID_X509_EXT_INHIBIT_ANY_POLICY {
            let inhibit: InhibitAnyPolicy = content(extension)?;
            self.policies.inhibit_any = Some(inhibit.skip_certs);
        } else {
            return Ok(false);
        }
        Ok(true)
    }
}

impl SubjectNames {
    fn read(extension: &X509Extension<'_>) -> Result<Self, ExtensionFault> {
        let names: SubjectAlternativeName<'_> = content(extension)?;
        let (mut uris, mut others) = (Vec::new(), Vec::new());
        for name in &names.general_names {
            match uri(name) {
                Ok(uri) => uris.push(uri.to_owned()),
                Err(kind) => others.push(kind),
            }
        }
        Ok(Self {
            critical: extension.critical,
            der: extension.value.to_vec(),
            uris,
            others,
            all: names.general_names.iter().map(Name::of).collect(),
        })
    }
}

/// The OID of an extension, as in `2.5.29.19`.
fn dotted(extension: &X509Extension<'_>) -> String {
    excerpt(&extension.oid.to_id_string())
}

/// Looks at what others hold against an extension before they read it.
fn admit(extension: &X509Extension<'_>) -> Result<(), ExtensionFault> {
    let name = &extension.oid;
    if let Some((_, known_as)) = REFUSED.iter().find(|(refused, _)| refused == name) {
        return Err(ExtensionFault::Refused(dotted(extension), known_as));
    }
    if extension.critical && NEVER_CRITICAL.contains(name) {
        return Err(ExtensionFault::WronglyCritical(dotted(extension)));
    }
    let is_list = |content| sequence::sequences(content).all(|item| item.is_some());
    if LISTS.contains(name) && !sequence::content(extension.value).is_some_and(is_list) {
        return Err(malformed(extension));
    }
    Ok(())
}

/// Reads the content of an extension, all of it.
fn content<'a, T>(extension: &X509Extension<'a>) -> Result<T, ExtensionFault>
where
    T: FromDer<'a, x509_parser::error::X509Error>,
{
    match T::from_der(extension.value) {
        Ok(([], content)) => Ok(content),
        _ => Err(malformed(extension)),
    }
}

fn malformed(extension: &X509Extension<'_>) -> ExtensionFault {
    ExtensionFault::Malformed(dotted(extension))
}

/// The URI, or what else the name is.
fn uri<'a>(name: &GeneralName<'a>) -> Result<&'a str, &'static str> {
    match name {
        GeneralName::URI(uri) => Ok(uri),
        GeneralName::DNSName(_) => Err("DNS name"),
        GeneralName::IPAddress(_) => Err("IP address"),
        GeneralName::RFC822Name(_) => Err("e-mail address"),
        GeneralName::DirectoryName(_) => Err("directory name"),
        GeneralName::OtherName(..)
        | GeneralName::X400Address(_)
        | GeneralName::EDIPartyName(_)
        | GeneralName::RegisteredID(_)
        | GeneralName::Invalid(..) => Err("name of an unusual kind"),
    }
}

/// Where to find revocation lists, and what a responder may do: nothing here goes by them, so they
/// may be critical and are not read. Go refuses a critical OCSP no-check, OpenSSL does not.
const INFORMATION: [Oid<'static>; 2] = [
    oid::OID_X509_EXT_CRL_DISTRIBUTION_POINTS,
    oid!(1.3.6.1.5.5.7.48.1.5),
];

/// Lists that are read no further than that: whatever else is there, Go cannot parse the
/// certificate (crypto/x509, parser.go of Go 1.26), nor OpenSSL the first.
const LISTS: [Oid<'static>; 2] = [
    oid::OID_X509_EXT_CRL_DISTRIBUTION_POINTS,
    oid::OID_PKIX_AUTHORITY_INFO_ACCESS,
];

/// What RFC 5280, sections 4.2.1.1, 4.2.1.2 and 4.2.2.1, wants not to be critical. If it is, Go
/// cannot parse the certificate (crypto/x509, parser.go of Go 1.26), and OpenSSL calls it an
/// unhandled critical extension (`X509_supported_extension` of 3.0.19).
const NEVER_CRITICAL: [Oid<'static>; 3] = [
    oid::OID_X509_EXT_AUTHORITY_KEY_IDENTIFIER,
    oid::OID_X509_EXT_SUBJECT_KEY_IDENTIFIER,
    oid::OID_PKIX_AUTHORITY_INFO_ACCESS,
];

/// What OpenSSL acts on, critical or not, while Go ignores it (tried with 3.0.19 and Go 1.26): a
/// proxy certificate (RFC 3820) with an alternative name, or that is a CA, is invalid to it; the
/// resources of a leaf (RFC 3779) have to be in every certificate above it, the root included.
/// Those of an authority alone harm nobody, but belong to the registries of the Internet.
const REFUSED: [(Oid<'static>, &str); 3] = [
    (oid!(1.3.6.1.5.5.7.1.14), "proxyCertInfo"),
    (oid!(1.3.6.1.5.5.7.1.7), "IP address blocks"),
    (oid!(1.3.6.1.5.5.7.1.8), "AS identifiers"),
];
