//! Owns what driver and approver must agree on: trust domain, lifetime, issuer, driver name.
//!
//! Must not know who uses it. Invariant: an issuer that is named is one that can work; without one there
//! is a runtime `ConfigMap` to name it.

use std::time::Duration;

use svid_client::issuer::ConfigMapName;
use svid_core::identity::{DriverName, TrustDomain, check_label, check_subdomain};
use svid_core::policy::IssuerReference;

use super::flags::CertificateFlags;
use super::problem::{Problems, Wrong};
use super::values;

/// The checked values of [`CertificateFlags`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CertificateArgs {
    pub(crate) driver_name: DriverName,
    pub(crate) trust_domain: TrustDomain,
    /// Lifetime that certificates are asked for, at least a second.
    pub(crate) duration: Duration,
    /// `None`: only the runtime `ConfigMap` names one.
    pub(crate) issuer: Option<IssuerReference>,
    pub(crate) runtime_issuance: Option<ConfigMapName>,
}

impl CertificateArgs {
    /// Checks all values. `None`: at least one problem was noted.
    pub(crate) fn from_flags(flags: &CertificateFlags, problems: &mut Problems) -> Option<Self> {
        let driver_name = problems.check(
            "--csi-driver-name",
            &flags.csi_driver_name,
            DriverName::parse,
        );
        let trust_domain = problems.check("--trust-domain", &flags.trust_domain, trust_domain);
        let duration = problems.check(
            "--certificate-request-duration",
            &flags.certificate_request_duration,
            lifetime,
        );
        let runtime_issuance = config_map(flags, problems);
        let issuer = issuer(flags, problems);
        let (issuer, runtime_issuance) = (issuer?, runtime_issuance?);
        if issuer.is_none() && runtime_issuance.is_none() {
            let allowed =
                "the name of an issuer; empty only with --runtime-issuance-config-map-name";
            problems.add("--issuer-name", "", Wrong::new("is empty", allowed));
            return None;
        }
        Some(Self {
            driver_name: driver_name?,
            trust_domain: trust_domain?,
            duration: duration?,
            issuer,
            runtime_issuance,
        })
    }
}

fn trust_domain(text: &str) -> Result<TrustDomain, Wrong> {
    TrustDomain::parse(text).map_err(|error| {
        let allowed = "1 to 255 lower case letters, digits, ., - and _, as in cluster.local";
        Wrong::new(error.to_string(), allowed)
    })
}

/// A certificate's times are whole seconds (RFC 5280, 4.1.2.5), so nothing below one is a lifetime.
fn lifetime(text: &str) -> Result<Duration, Wrong> {
    let duration = values::duration(text)?;
    if duration < Duration::from_secs(1) {
        return Err(Wrong::new(
            "is no lifetime",
            "one second or more, such as 1h",
        ));
    }
    Ok(duration)
}

/// The Go driver's chart gives the namespace always and the name empty where there is no `ConfigMap`,
/// so a namespace alone is right, and means none.
fn config_map(flags: &CertificateFlags, problems: &mut Problems) -> Option<Option<ConfigMapName>> {
    let name = &flags.runtime_issuance_config_map_name;
    let namespace = &flags.runtime_issuance_config_map_namespace;
    let namespace_flag = "--runtime-issuance-config-map-namespace";
    let checked_namespace = if namespace.is_empty() && !name.is_empty() {
        let allowed =
            "the namespace of the ConfigMap that --runtime-issuance-config-map-name names";
        problems.add(namespace_flag, namespace, Wrong::new("is empty", allowed));
        None
    } else if namespace.is_empty() {
        Some(String::new())
    } else {
        problems.check(namespace_flag, namespace, check_label)
    };
    if name.is_empty() {
        return checked_namespace.map(|_unused| None);
    }
    let name = problems.check("--runtime-issuance-config-map-name", name, check_subdomain);
    Some(Some(ConfigMapName {
        namespace: checked_namespace?,
        name: name?,
    }))
}

fn issuer(flags: &CertificateFlags, problems: &mut Problems) -> Option<Option<IssuerReference>> {
    let name = match flags.issuer_name.as_str() {
        "" => Some(None),
        name => problems
            .check("--issuer-name", name, check_subdomain)
            .map(Some),
    };
    let group = problems.check("--issuer-group", &flags.issuer_group, |text| match text {
        // cert-manager reads an empty group and kind this way, so they are compared this way.
        "" => Ok(CERT_MANAGER.to_owned()),
        _ => check_subdomain(text),
    });
    let own_group = group.as_deref().is_none_or(|group| group == CERT_MANAGER);
    let kind = problems.check("--issuer-kind", &flags.issuer_kind, |text| match text {
        "" => Ok("Issuer".to_owned()),
        _ => kind(text, own_group),
    });
    let (name, kind, group) = (name?, kind?, group?);
    Some(name.map(|name| IssuerReference { name, kind, group }))
}

fn kind(text: &str, of_cert_manager: bool) -> Result<String, Wrong> {
    if of_cert_manager && !matches!(text, "Issuer" | "ClusterIssuer") {
        return Err(Wrong::new(
            "is no kind of issuer in group cert-manager.io",
            "Issuer or ClusterIssuer, or the --issuer-group that the kind belongs to",
        ));
    }
    let starts = text
        .bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_alphabetic());
    let inner = |byte: u8| byte.is_ascii_alphanumeric();
    if starts && text.len() <= 63 && text.bytes().all(inner) {
        return Ok(text.to_owned());
    }
    Err(Wrong::new(
        "is not the kind of a Kubernetes object",
        "1 to 63 letters and digits, a letter first",
    ))
}

const CERT_MANAGER: &str = "cert-manager.io";
