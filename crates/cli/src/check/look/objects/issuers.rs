//! cert-manager's own issuers.

use serde::Deserialize;
use serde::de::IgnoredAny;
use svid_api::bounded::{Few, Text};
use svid_api::certmanager::{EncodedBytes, condition_type};
use svid_core::policy::IssuerReference;

use super::{Condition, Object};

/// cert-manager.io/v1 Issuer or ClusterIssuer.
pub(crate) type Issuer = Object<IssuerSpec, IssuerStatus>;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct IssuerSpec {
    pub(crate) ca: Option<CaIssuer>,
    pub(crate) vault: Option<IgnoredAny>,
    pub(crate) self_signed: Option<IgnoredAny>,
    pub(crate) acme: Option<IgnoredAny>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct CaIssuer {
    pub(crate) secret_name: Text<256>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct IssuerStatus {
    pub(crate) conditions: Few<Condition, 16>,
}

impl Issuer {
    /// `Ok` if it is Ready, else what it says instead.
    pub(crate) fn ready(&self) -> Result<(), &str> {
        let mut conditions = self.status.conditions.kept.iter();
        match conditions.find(|condition| condition.kind.beginning() == "Ready") {
            Some(condition) if condition.status.beginning() == "True" => Ok(()),
            Some(condition) => Err(condition.message.beginning()),
            None => Err("cert-manager has not looked at it yet"),
        }
    }
}

/// cert-manager.io/v1 CertificateRequest.
pub(crate) type CertificateRequest = Object<RequestSpec, RequestStatus>;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RequestSpec {
    pub(crate) issuer_ref: IssuerRef,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct IssuerRef {
    pub(crate) name: Text<256>,
    pub(crate) kind: Text<256>,
    pub(crate) group: Text<256>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RequestStatus {
    pub(crate) conditions: Few<Condition, 16>,
    pub(crate) certificate: Option<EncodedBytes>,
}

impl CertificateRequest {
    /// The issuer that is to sign, with cert-manager's defaults written out.
    pub(crate) fn issuer(&self) -> IssuerReference {
        let IssuerRef { name, kind, group } = &self.spec.issuer_ref;
        IssuerReference::new(name.beginning(), kind.beginning(), group.beginning())
    }

    /// Whether somebody has approved or denied it.
    pub(crate) fn is_decided(&self) -> bool {
        let mut conditions = self.status.conditions.kept.iter();
        conditions.any(|condition| {
            let kind = condition.kind.beginning();
            let is_decision = kind == condition_type::APPROVED || kind == condition_type::DENIED;
            is_decision && condition.status.beginning() == "True"
        })
    }
}
