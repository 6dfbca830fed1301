//! What no API server holds, or nobody can be impersonated as.

use svid_core::identity::ServiceAccount;
use svid_core::policy::{DurationField, Request};

/// Why a request cannot be created as it is.
pub(super) fn obstacle(request: &Request) -> Option<&'static str> {
    let username = request.requester.username.as_str();
    if ServiceAccount::new(&request.namespace, "x").is_err() {
        return Some("no namespace can have this name");
    }
    if request.generation != Some(1) {
        return Some("the API server itself sets the generation");
    }
    let known = |usage: &String| USAGES.contains(&usage.as_str());
    if !request.usages.iter().flatten().all(known) {
        return Some("the schema lists the usages, and this is none of them");
    }
    if matches!(request.duration, DurationField::Malformed(_)) {
        return Some("cert-manager's own clients cannot read an object with this duration");
    }
    if request.issuer.name.is_empty() {
        return Some("an issuer has a name");
    }
    if !request.owners.is_empty() {
        return Some("what belongs to a Pod that is not there is collected as garbage");
    }
    if username.is_empty() || username.trim() != username || username.contains(char::is_control) {
        return Some("no HTTP header holds this user name as it is");
    }
    None
}

/// Every usage in cert-manager's schema (`KeyUsage` of `pkg/apis/certmanager/v1`).
const USAGES: &[&str] = &[
    "signing",
    "digital signature",
    "content commitment",
    "key encipherment",
    "key agreement",
    "data encipherment",
    "cert sign",
    "crl sign",
    "encipher only",
    "decipher only",
    "any",
    "server auth",
    "client auth",
    "code signing",
    "email protection",
    "s/mime",
    "ipsec end system",
    "ipsec tunnel",
    "ipsec user",
    "timestamping",
    "ocsp signing",
    "microsoft sgc",
    "netscape sgc",
];
