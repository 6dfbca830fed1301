//! The extensions of a certificate that matter here (RFC 5280, section 4.2).

use x509_parser::extensions::{
    BasicConstraints, ExtendedKeyUsage, GeneralName, GeneralSubtree, KeyUsage, NameConstraints,
    SubjectAlternativeName, X509Extension,
};
use x509_parser::oid_registry as oid;
use x509_parser::prelude::FromDer;

use crate::text::excerpt;

/// What the extensions say, and what is wrong with them as such.
#[derive(Clone, Debug, Default)]
pub(in crate::svid) struct Extensions {
    pub(in crate::svid) basic_constraints: Option<BasicConstraints>,
    pub(in crate::svid) key_usage: Option<KeyUsage>,
    pub(in crate::svid) extended_key_usage: Option<Purposes>,
    pub(in crate::svid) subject_names: Option<SubjectNames>,
    pub(in crate::svid) uri_constraints: UriConstraints,
    pub(in crate::svid) faults: Vec<ExtensionFault>,
}

/// The two purposes of an SVID.
#[derive(Clone, Copy, Debug)]
pub(in crate::svid) struct Purposes {
    pub(in crate::svid) server: bool,
    pub(in crate::svid) client: bool,
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
}

/// The name constraints on URIs: hosts, or whole domains if they begin with a dot.
///
/// The other kinds are not kept: an SVID has no name of theirs but its subject, which is empty.
#[derive(Clone, Debug, Default)]
pub(in crate::svid) struct UriConstraints {
    /// With none, everything is permitted.
    permitted: Vec<String>,
    excluded: Vec<String>,
}

/// What is wrong with an extension, whatever it says; the OID in dots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::svid) enum ExtensionFault {
    /// It stands there twice.
    Repeated(String),
    /// Its content is not what its OID announces.
    Malformed(String),
    /// Critical and unknown, so the certificate has to be refused.
    UnknownCritical(String),
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
                extensions.faults.push(ExtensionFault::Repeated(excerpt(
                    &extension.oid.to_id_string(),
                )));
            } else if let Err(fault) = extensions.add(extension) {
                extensions.faults.push(fault);
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
            });
        } else if *name == oid::OID_X509_EXT_SUBJECT_ALT_NAME {
            self.subject_names = Some(SubjectNames::read(extension)?);
        } else if *name == oid::OID_X509_EXT_NAME_CONSTRAINTS {
            self.uri_constraints = UriConstraints::read(&content(extension)?);
        } else if extension.critical && !LEFT_TO_RELYING_PARTIES.contains(name) {
            return Err(ExtensionFault::UnknownCritical(excerpt(
                &name.to_id_string(),
            )));
        }
        Ok(())
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
        })
    }
}

impl UriConstraints {
    fn read(constraints: &NameConstraints<'_>) -> Self {
        let uris = |subtrees: &Option<Vec<GeneralSubtree<'_>>>| {
            let subtrees = subtrees.iter().flatten();
            subtrees
                .filter_map(|subtree| uri(&subtree.base).ok().map(str::to_owned))
                .collect()
        };
        Self {
            permitted: uris(&constraints.permitted_subtrees),
            excluded: uris(&constraints.excluded_subtrees),
        }
    }

    /// Whether a certificate for a URI with this host may be issued; RFC 5280, section 4.2.1.10.
    pub(in crate::svid) fn permit(&self, host: &str) -> bool {
        let covers = |constraint: &String| {
            let (host, constraint) = (host.to_ascii_lowercase(), constraint.to_ascii_lowercase());
            // Nothing covers everything, as others read it, since RFC 5280 does not say;
            // ".example.org" is every host below example.org, "example.org" that host alone.
            constraint.is_empty()
                || host == constraint
                || (constraint.starts_with('.') && host.ends_with(&constraint))
        };
        !self.excluded.iter().any(covers)
            && (self.permitted.is_empty() || self.permitted.iter().any(covers))
    }
}

/// Reads the content of an extension, all of it.
fn content<'a, T>(extension: &X509Extension<'a>) -> Result<T, ExtensionFault>
where
    T: FromDer<'a, x509_parser::error::X509Error>,
{
    match T::from_der(extension.value) {
        Ok(([], content)) => Ok(content),
        _ => Err(ExtensionFault::Malformed(excerpt(
            &extension.oid.to_id_string(),
        ))),
    }
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

/// Certificate policies restrict what a relying party may conclude, and are left to it; they are
/// known, so they may be critical.
const LEFT_TO_RELYING_PARTIES: [x509_parser::der_parser::oid::Oid<'static>; 4] = [
    oid::OID_X509_EXT_CERTIFICATE_POLICIES,
    oid::OID_X509_EXT_POLICY_MAPPINGS,
    oid::OID_X509_EXT_POLICY_CONSTRAINTS,
    oid::OID_X509_EXT_INHIBIT_ANY_POLICY,
];
