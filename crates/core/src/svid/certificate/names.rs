//! The names in a certificate, and the constraints that an authority puts on them (RFC 5280,
//! section 4.2.1.10).

use x509_parser::asn1_rs::Any;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer as _;

use super::sequence;

/// One name of a certificate, or one that constrains names of its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::svid) enum Name {
    Uri(String),
    Dns(String),
    Email(String),
    /// An address, or an address and its mask.
    Ip(Vec<u8>),
    /// The relative distinguished names, each in DER.
    Directory(Vec<Vec<u8>>),
    /// A kind that nothing here compares, by its tag.
    Other(u32),
}

/// The name constraints of an authority.
#[derive(Clone, Debug, Default)]
pub(in crate::svid) struct NameConstraints {
    /// With none of a kind, every name of this kind is permitted.
    permitted: Vec<Name>,
    excluded: Vec<Name>,
}

impl Name {
    /// Takes a name out of a certificate.
    pub(super) fn of(name: &GeneralName<'_>) -> Self {
        match name {
            GeneralName::URI(uri) => Self::Uri((*uri).to_owned()),
            GeneralName::DNSName(host) => Self::Dns((*host).to_owned()),
            GeneralName::RFC822Name(mailbox) => Self::Email((*mailbox).to_owned()),
            GeneralName::IPAddress(bytes) => Self::Ip(bytes.to_vec()),
            GeneralName::DirectoryName(name) => Self::directory(name.as_raw()),
            GeneralName::OtherName(..) => Self::Other(0),
            GeneralName::X400Address(_) => Self::Other(3),
            GeneralName::EDIPartyName(_) => Self::Other(5),
            GeneralName::RegisteredID(_) => Self::Other(8),
            GeneralName::Invalid(tag, _) => Self::Other(tag.0),
        }
    }

    /// Takes a distinguished name in DER.
    pub(super) fn directory(der: &[u8]) -> Self {
        let content = Any::from_der(der).map(|(_, name)| name.data);
        Self::Directory(elements(content.unwrap_or_default()).unwrap_or_default())
    }

    /// Whether a name falls under this constraint; nothing if the two are of different kinds.
    fn covers(&self, name: &Self) -> Option<bool> {
        Some(match (self, name) {
            (Self::Uri(constraint), Self::Uri(uri)) => covers_host(constraint, host(uri)),
            (Self::Dns(constraint), Self::Dns(host)) => covers_domain(constraint, host),
            (Self::Email(constraint), Self::Email(mailbox)) => covers_mailbox(constraint, mailbox),
            (Self::Ip(constraint), Self::Ip(address)) => covers_address(constraint, address),
            (Self::Directory(constraint), Self::Directory(name)) => name.starts_with(constraint),
            _ => return None,
        })
    }

    /// Whether a name must not be below this constraint, read in whichever way reaches further;
    /// nothing if the two are of different kinds.
    ///
    /// RFC 5280, section 4.2.1.10, has "example.org" for that host alone where it constrains URIs
    /// and mailboxes, and OpenSSL (3.0.19, crypto/x509/v3_ncons.c) reads it so. To Go (1.26,
    /// crypto/x509/constraints.go) it is every host below it too, as for DNS names. A permitted
    /// "example.org" is read as RFC 5280 says, which both take.
    fn excludes(&self, name: &Self) -> Option<bool> {
        match (self, name) {
            (Self::Uri(constraint), Self::Uri(uri)) => Some(covers_domain(constraint, host(uri))),
            (Self::Email(constraint), Self::Email(mailbox)) if !constraint.contains('@') => {
                let (_, host) = mailbox.rsplit_once('@').unwrap_or(("", mailbox));
                Some(covers_domain(constraint, host))
            }
            _ => self.covers(name),
        }
    }

    /// Whether both are of one kind.
    fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Other(one), Self::Other(other)) => one == other,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }
}

impl NameConstraints {
    /// Reads the extension; nothing if it is damaged, empty, or has the bounds that RFC 5280 rules
    /// out.
    pub(super) fn read(der: &[u8]) -> Option<Self> {
        let mut read = Self::default();
        for list in sequence::values(sequence::content(der)?) {
            let list = list?;
            let names = subtrees(list.data)?;
            match list.tag().0 {
                0 if read.permitted.is_empty() && read.excluded.is_empty() => {
                    read.permitted = names;
                }
                1 if read.excluded.is_empty() => {
                    read.excluded = names;
                }
                _ => return None,
            }
        }
        let says_something = !read.permitted.is_empty() || !read.excluded.is_empty();
        says_something.then_some(read)
    }

    /// Whether a certificate with this name may be issued. A name of a kind that cannot be compared
    /// is not permitted once there is a constraint of its kind.
    pub(in crate::svid) fn permit(&self, name: &Name) -> bool {
        let excluded = self.excluded.iter().filter(|other| other.is_like(name));
        if excluded
            .map(|other| other.excludes(name))
            .any(|excludes| excludes != Some(false))
        {
            return false;
        }
        let mut permitted = self
            .permitted
            .iter()
            .filter(|other| other.is_like(name))
            .peekable();
        permitted.peek().is_none() || permitted.any(|other| other.covers(name) == Some(true))
    }
}

/// The bases of the subtrees.
fn subtrees(list: &[u8]) -> Option<Vec<Name>> {
    let mut names = Vec::new();
    for subtree in sequence::sequences(list) {
        // Behind the base stand bounds, which have to have their defaults and so are not written.
        let Ok(([], base)) = Any::from_der(subtree?) else {
            return None;
        };
        let base = GeneralName::try_from(base).ok()?;
        if let GeneralName::Invalid(..) = base {
            return None;
        }
        names.push(Name::of(&base));
    }
    (!names.is_empty()).then_some(names)
}

/// The DER of each value in a row.
fn elements(mut content: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut elements = Vec::new();
    while !content.is_empty() {
        let (rest, _) = Any::from_der(content).ok()?;
        elements.push(content.get(..content.len() - rest.len())?.to_vec());
        content = rest;
    }
    Some(elements)
}

/// The host of a URI; of a SPIFFE ID, the trust domain.
fn host(uri: &str) -> &str {
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    rest.split_once('/').map_or(rest, |(host, _)| host)
}

/// Nothing covers everything, as others read it, since RFC 5280 does not say; ".example.org" is
/// every host below example.org, "example.org" that host alone.
fn covers_host(constraint: &str, host: &str) -> bool {
    let (constraint, host) = (constraint.to_ascii_lowercase(), host.to_ascii_lowercase());
    constraint.is_empty()
        || host == constraint
        || (constraint.starts_with('.') && host.ends_with(&constraint))
}

/// "example.org" is that host and every one below it.
fn covers_domain(constraint: &str, host: &str) -> bool {
    covers_host(constraint, host)
        || covers_host(&format!(".{}", constraint.trim_start_matches('.')), host)
}

/// A mailbox is itself alone; otherwise the constraint is on its host.
fn covers_mailbox(constraint: &str, mailbox: &str) -> bool {
    let (local, host) = mailbox.rsplit_once('@').unwrap_or(("", mailbox));
    match constraint.rsplit_once('@') {
        Some((wanted, domain)) => wanted == local && domain.eq_ignore_ascii_case(host),
        None => covers_host(constraint, host),
    }
}

fn covers_address(constraint: &[u8], address: &[u8]) -> bool {
    let (network, mask) = constraint.split_at(constraint.len() / 2);
    let bytes = network.iter().zip(mask).zip(address);
    network.len() == address.len()
        && mask.len() == address.len()
        && bytes
            .into_iter()
            .all(|((network, mask), byte)| network & mask == byte & mask)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_constraint_covers_what_rfc_5280_says() {
        let ip = |bytes: &[u8]| Name::Ip(bytes.to_vec());
        let dns = |name: &str| Name::Dns(name.to_owned());
        let mail = |name: &str| Name::Email(name.to_owned());
        let uri = |name: &str| Name::Uri(name.to_owned());
        let directory =
            |parts: &[&[u8]]| Name::Directory(parts.iter().map(|p| p.to_vec()).collect());
        let table = [
            (dns("a.org"), dns("A.org"), Some(true)),
            (dns("a.org"), dns("x.a.org"), Some(true)),
            (dns("a.org"), dns("xa.org"), Some(false)),
            (dns(""), dns("b"), Some(true)),
            (uri("a.org"), uri("spiffe://a.org/x"), Some(true)),
            (uri("a.org"), uri("spiffe://x.a.org/x"), Some(false)),
            (uri(".a.org"), uri("spiffe://x.a.org/x"), Some(true)),
            (mail("a.org"), mail("x@A.org"), Some(true)),
            (mail("y@a.org"), mail("x@a.org"), Some(false)),
            (mail(".a.org"), mail("x@b.a.org"), Some(true)),
            (
                ip(&[10, 0, 0, 0, 255, 0, 0, 0]),
                ip(&[10, 1, 2, 3]),
                Some(true),
            ),
            (
                ip(&[10, 0, 0, 0, 255, 0, 0, 0]),
                ip(&[11, 1, 2, 3]),
                Some(false),
            ),
            (ip(&[10, 0, 0, 0, 255, 0, 0, 0]), ip(&[10; 16]), Some(false)),
            (directory(&[b"o"]), directory(&[b"o", b"cn"]), Some(true)),
            (directory(&[b"o"]), directory(&[b"cn", b"o"]), Some(false)),
            (dns("a.org"), uri("spiffe://a.org/x"), None),
            (Name::Other(0), Name::Other(0), None),
        ];
        for (constraint, name, covers) in table {
            assert_eq!(constraint.covers(&name), covers, "{constraint:?} {name:?}");
        }
    }

    #[test]
    fn an_excluded_host_excludes_what_is_below_it_in_uris_and_mailboxes() {
        let uri = |name: &str| Name::Uri(name.to_owned());
        let mail = |name: &str| Name::Email(name.to_owned());
        let table = [
            (uri("a.org"), uri("spiffe://a.org/x"), true),
            (uri("A.org"), uri("spiffe://x.a.org/x"), true),
            (uri("a.org"), uri("spiffe://xa.org/x"), false),
            (uri("x.a.org"), uri("spiffe://a.org/x"), false),
            (uri(".a.org"), uri("spiffe://x.a.org/x"), true),
            (uri(".a.org"), uri("spiffe://a.org/x"), false),
            (mail("a.org"), mail("x@b.a.org"), true),
            (mail("a.org"), mail("x@ba.org"), false),
            (mail("x@a.org"), mail("x@a.org"), true),
            (mail("x@a.org"), mail("x@b.a.org"), false),
        ];
        for (constraint, name, excludes) in table {
            let constraints = NameConstraints {
                permitted: vec![],
                excluded: vec![constraint],
            };
            assert_eq!(
                constraints.permit(&name),
                !excludes,
                "{constraints:?} {name:?}"
            );
        }
    }

    #[test]
    fn a_name_that_cannot_be_compared_is_not_permitted_below_a_constraint_of_its_kind() {
        let constraints = |permitted: Vec<Name>, excluded| NameConstraints {
            permitted,
            excluded,
        };
        let name = Name::Other(0);
        assert!(!constraints(vec![name.clone()], vec![]).permit(&name));
        assert!(!constraints(vec![], vec![name.clone()]).permit(&name));
        assert!(constraints(vec![Name::Other(8)], vec![Name::Other(5)]).permit(&name));
    }

    #[test]
    fn bounds_and_emptiness_are_damage() {
        use crate::der::{SEQUENCE, tlv};
        let base = tlv(0x86, b"a.org");
        let good = tlv(SEQUENCE, &base);
        let bounded = tlv(SEQUENCE, &[base.clone(), tlv(0x80, &[1])].concat());
        let table = [
            (tlv(0xa0, &good), true),
            ([tlv(0xa0, &good), tlv(0xa1, &good)].concat(), true),
            (tlv(0xa0, &bounded), false),
            (tlv(0xa0, &[]), false),
            (tlv(0xa2, &good), false),
            ([tlv(0xa1, &good), tlv(0xa0, &good)].concat(), false),
            (vec![], false),
        ];
        for (content, is_good) in table {
            let read = NameConstraints::read(&tlv(SEQUENCE, &content));
            assert_eq!(read.is_some(), is_good, "{content:?}");
        }
    }
}
