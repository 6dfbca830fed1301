//! Decides on requests that have nothing to do with SPIFFE, if the administrator asks for it
//! (`--auto-approve-non-spiffe`).
//!
//! With cert-manager's own approver disabled, another one has to approve the remaining requests. A
//! request without the identity annotation must not become an SVID anyway: one that contains a
//! SPIFFE name, or that is for an issuer whose certificates are trusted as SVIDs, is denied.
//!
//! These requests may contain anything else, so they are parsed leniently; but if the bytes mention
//! a SPIFFE name and can be parsed in more than one way, the request is denied.

use super::csr::{AlternativeNames, Csr, EXTENSION_REQUEST, NameKind, SUBJECT_ALTERNATIVE_NAME};
use super::decision::{Denial, Rule, Violation};
use super::pem;
use super::request::IssuerReference;
use crate::text::quote;

/// A request without the identity annotation.
#[derive(Clone, Debug)]
pub struct OrdinaryRequest {
    /// The signing request as PEM text (base64 already taken off).
    pub csr_pem: Vec<u8>,
    /// `spec.issuerRef`, normalised.
    pub issuer: IssuerReference,
}

/// The answer to a request without the identity annotation.
#[derive(Debug)]
#[must_use]
pub enum OrdinaryDecision {
    /// It is unrelated to SPIFFE.
    Approve(OrdinaryApproval),
    /// It would yield an SVID that bypasses the policy.
    Deny(Denial),
}

/// Proof that a request is unrelated to SPIFFE. Only [`evaluate_ordinary`] makes one.
#[derive(Debug)]
pub struct OrdinaryApproval(());

/// Decides on one request without the identity annotation.
///
/// `spiffe_issuers` are all issuers whose certificates anybody may take for SVIDs: the current one
/// and every earlier one. A request for one of them is denied whatever it contains, including
/// requests for a CA (`isCA`): an intermediate of theirs could issue any identity.
pub fn evaluate_ordinary(
    spiffe_issuers: &[IssuerReference],
    request: &OrdinaryRequest,
) -> OrdinaryDecision {
    let mut violations = Vec::new();
    if spiffe_issuers.contains(&request.issuer) {
        violations.push(Violation::new(
            Rule::OrdinaryIssuer,
            "this issuer signs SPIFFE identities only; requests for it need the identity \
             annotation",
        ));
    }
    violations.extend(no_spiffe_name(&request.csr_pem).err());
    match Denial::of(violations) {
        None => OrdinaryDecision::Approve(OrdinaryApproval(())),
        Some(denial) => OrdinaryDecision::Deny(denial),
    }
}

fn no_spiffe_name(csr_pem: &[u8]) -> Result<(), Violation> {
    let unreadable = |text: String| Violation::new(Rule::Encoding, text);
    let der = pem::decode_leniently(csr_pem).map_err(|error| unreadable(error.to_string()))?;
    let csr = Csr::parse(&der).map_err(|error| unreadable(error.to_string()))?;
    for name in csr
        .alternative_names()
        .filter_map(|found| found.names)
        .flatten()
    {
        if name.kind == NameKind::Uri && is_spiffe(name.bytes) {
            let uri = quote(name.bytes);
            return Err(Violation::new(
                Rule::OrdinaryName,
                format!(
                    "the CSR contains the SPIFFE ID {uri} but the request lacks the identity \
                     annotation"
                ),
            ));
        }
    }
    let mut values = csr
        .extensions()
        .filter(|extension| extension.oid == SUBJECT_ALTERNATIVE_NAME)
        .map(|extension| extension.value);
    if values.any(has_hidden_text) {
        return Err(Violation::new(
            Rule::OrdinaryName,
            "the CSR's subjectAltName is not valid DER: parsers disagree on which names it \
             contains",
        ));
    }
    if mentions_spiffe(csr.der()) && !is_plain(&csr) {
        return Err(Violation::new(
            Rule::OrdinaryName,
            "the CSR mentions a SPIFFE ID and can be parsed in more than one way",
        ));
    }
    Ok(())
}

/// Whether the scheme is `spiffe`, as the most lenient URI parser would find it.
fn is_spiffe(uri: &[u8]) -> bool {
    let start = uri
        .iter()
        .position(u8::is_ascii_graphic)
        .unwrap_or(uri.len());
    let uri = uri.get(start..).unwrap_or_default();
    uri.get(..SCHEME.len())
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case(SCHEME))
}

fn mentions_spiffe(bytes: &[u8]) -> bool {
    bytes
        .windows(SCHEME.len())
        .any(|window| window.eq_ignore_ascii_case(SCHEME))
}

/// Whether the value of a subjectAltName cannot be parsed or contains a string in constructed form:
/// DER requires names that are strings or bytes to be primitive (X.690, 8.21 and 10.2), but OpenSSL
/// reassembles the parts and Go skips them.
fn has_hidden_text(value: &[u8]) -> bool {
    use x509_parser::asn1_rs::{Any, FromDer};
    let Ok(([], list)) = Any::from_der(value) else {
        return true;
    };
    let mut left = list.data;
    while !left.is_empty() {
        let Ok((rest, name)) = Any::from_der(left) else {
            return true;
        };
        if PRIMITIVE_NAMES.contains(&name.tag().0) && name.header.is_constructed() {
            return true;
        }
        left = rest;
    }
    false
}

/// Whether every parser finds the same names: at most one extension request with one value, at most
/// one subjectAltName, and that one readable.
fn is_plain(csr: &Csr<'_>) -> bool {
    let mut requests = csr
        .attributes()
        .iter()
        .filter(|attribute| attribute.oid == EXTENSION_REQUEST);
    let one_request = match (requests.next(), requests.next()) {
        (None, _) => true,
        (Some(only), None) => holds_one_value(only.value),
        (Some(_), Some(_)) => false,
    };
    let has_another_request = csr
        .attributes()
        .iter()
        .any(|attribute| attribute.oid.to_id_string() == MICROSOFT_EXTENSION_REQUEST);
    let names: Vec<AlternativeNames<'_>> = csr.alternative_names().collect();
    let one_reading = match names.as_slice() {
        [] => true,
        [only] => only
            .names
            .as_ref()
            .is_some_and(|names| names.iter().all(|name| name.kind != NameKind::Unexpected)),
        [_, _, ..] => false,
    };
    one_request && one_reading && !has_another_request
}

/// Whether a SET, given with its header, holds exactly one element.
fn holds_one_value(set: &[u8]) -> bool {
    use x509_parser::asn1_rs::{Any, FromDer};
    let Ok(([], set)) = Any::from_der(set) else {
        return false;
    };
    matches!(Any::from_der(set.data), Ok(([], _)))
}

/// rfc822Name, dNSName, uniformResourceIdentifier, iPAddress and registeredID (RFC 5280, 4.2.1.6).
const PRIMITIVE_NAMES: [u32; 5] = [1, 2, 6, 7, 8];
/// szOID_CERT_EXTENSIONS: some readers take extensions from it as from PKCS #9's.
const MICROSOFT_EXTENSION_REQUEST: &str = "1.3.6.1.4.1.311.2.1.14";
const SCHEME: &[u8] = b"spiffe:";
