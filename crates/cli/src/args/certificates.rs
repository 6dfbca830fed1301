//! Owns what driver and approver must agree on: trust domain, lifetime, issuer, driver name.
//!
//! Must not know who uses it. Invariant: an issuer that is named is one that can work; without one
//! there is a runtime `ConfigMap` to name it.

use std::time::Duration;

use svid_api::duration::GoDuration;
use svid_client::issuer::ConfigMapName;
use svid_core::identity::TrustDomain;
use svid_core::names::{DriverName, check_label, check_subdomain};
use svid_core::policy::IssuerReference;

use super::flags::CertificateFlags;
use super::problem::{Problems, Wrong};
use super::values;

/// What [`CertificateFlags`] say, for both configurations.
#[derive(Debug)]
pub(super) struct Certificates {
    pub(super) driver_name: DriverName,
    pub(super) trust_domain: TrustDomain,
    /// Lifetime that is requested for certificates, at least a second.
    pub(super) duration: Duration,
    /// The same value, as Go writes it.
    pub(super) go_duration: GoDuration,
    /// `None`: only the runtime `ConfigMap` names one.
    pub(super) issuer: Option<IssuerReference>,
    pub(super) runtime_issuance: Option<ConfigMapName>,
}

impl Certificates {
    /// Checks all values. `None`: at least one problem was noted.
    pub(super) fn from_flags(flags: &CertificateFlags, problems: &mut Problems) -> Option<Self> {
        let driver_name = problems.check(
            "--csi-driver-name",
            &flags.csi_driver_name,
            DriverName::parse,
        );
        let trust_domain = problems.check("--trust-domain", &flags.trust_domain, trust_domain);
        let lifetime = problems.check(
            "--certificate-request-duration",
            &flags.certificate_request_duration,
            lifetime,
        );
        let runtime_issuance = config_map(flags, problems);
        let issuer = issuer(flags, problems);
        let (issuer, runtime_issuance) = (issuer?, runtime_issuance?);
        if issuer.is_none() && runtime_issuance.is_none() {
            let allowed =
                "the name of an issuer; may be empty only with --runtime-issuance-config-map-name";
            problems.add("--issuer-name", "", Wrong::new("is empty", allowed));
            return None;
        }
        let (go_duration, duration) = lifetime?;
        Some(Self {
            driver_name: driver_name?,
            trust_domain: trust_domain?,
            duration,
            go_duration,
            issuer,
            runtime_issuance,
        })
    }
}

fn trust_domain(text: &str) -> Result<TrustDomain, Wrong> {
    TrustDomain::parse(text).map_err(|error| {
        let allowed = "1 to 255 lower case letters, digits, ., - and _, such as cluster.local";
        Wrong::new(error.to_string(), allowed)
    })
}

/// A certificate's times are whole seconds (RFC 5280, 4.1.2.5), so a lifetime is at least one.
fn lifetime(text: &str) -> Result<(GoDuration, Duration), Wrong> {
    let (go_duration, duration) = values::duration(text)?;
    if duration < Duration::from_secs(1) {
        return Err(Wrong::new(
            "is shorter than any certificate's lifetime can be",
            "one second or more, such as 1h",
        ));
    }
    Ok((go_duration, duration))
}

/// The Go driver's chart always sets the namespace and leaves the name empty if there is no
/// `ConfigMap`, so a namespace alone is valid, and means none.
fn config_map(flags: &CertificateFlags, problems: &mut Problems) -> Option<Option<ConfigMapName>> {
    let (name, namespace) = (
        &flags.runtime_issuance_config_map_name,
        &flags.runtime_issuance_config_map_namespace,
    );
    let namespace_flag = "--runtime-issuance-config-map-namespace";
    if namespace.is_empty() && !name.is_empty() {
        let allowed =
            "the namespace of the ConfigMap that --runtime-issuance-config-map-name names";
        problems.add(namespace_flag, namespace, Wrong::new("is empty", allowed));
    }
    let namespace = problems.check_optional(namespace_flag, namespace, check_label);
    let name_flag = "--runtime-issuance-config-map-name";
    let name = problems.check_optional(name_flag, name, check_subdomain);
    match (namespace?, name?) {
        (Some(namespace), Some(name)) => Some(Some(ConfigMapName { namespace, name })),
        (None, Some(_)) => None,
        (_, None) => Some(None),
    }
}

fn issuer(flags: &CertificateFlags, problems: &mut Problems) -> Option<Option<IssuerReference>> {
    let name = problems.check_optional("--issuer-name", &flags.issuer_name, check_subdomain);
    let group = problems.check_optional("--issuer-group", &flags.issuer_group, check_subdomain);
    // cert-manager reads an empty group as its own.
    let of_cert_manager = match &group {
        Some(Some(group)) => group == CERT_MANAGER,
        Some(None) | None => true,
    };
    let kind = problems.check_optional("--issuer-kind", &flags.issuer_kind, |text| {
        kind(text, of_cert_manager)
    });
    let (name, kind, group) = (name?, kind?.unwrap_or_default(), group?.unwrap_or_default());
    Some(name.map(|name| IssuerReference::new(&name, &kind, &group)))
}

fn kind(text: &str, of_cert_manager: bool) -> Result<String, Wrong> {
    if of_cert_manager && !matches!(text, "Issuer" | "ClusterIssuer") {
        return Err(Wrong::new(
            "is not a kind of issuer in the group cert-manager.io",
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
        "is not a valid kind of Kubernetes object",
        "1 to 63 letters and digits, beginning with a letter",
    ))
}

const CERT_MANAGER: &str = "cert-manager.io";
