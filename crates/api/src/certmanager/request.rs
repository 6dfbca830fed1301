//! The object itself: what is requested and the result.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::CustomResource;
use serde::{Deserialize, Serialize};

use super::condition::CertificateRequestCondition;
use super::encoded::EncodedBytes;
use super::lenient::{self, null_is_empty};

/// What is requested. Immutable once created, enforced by cert-manager's webhook.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "cert-manager.io",
    version = "v1",
    kind = "CertificateRequest",
    plural = "certificaterequests",
    singular = "certificaterequest",
    shortname = "cr",
    shortname = "crs",
    category = "cert-manager",
    namespaced,
    status = "CertificateRequestStatus",
    schema = "disabled",
    derive = "Default",
    derive = "PartialEq",
    doc = "A request for one certificate, answered in its own status."
)]
#[serde(rename_all = "camelCase")]
pub struct CertificateRequestSpec {
    /// The requested lifetime, as Go writes durations; see [`crate::duration::GoDuration`]. Kept as
    /// text, because any text may be stored and the reader must cope with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<String>,
    /// The issuer that is to sign.
    pub issuer_ref: IssuerRef,
    /// The PKCS#10 certificate signing request, PEM.
    pub request: EncodedBytes,
    /// Whether the certificate may sign others; absent means no.
    #[serde(default, rename = "isCA", skip_serializing_if = "Option::is_none")]
    pub is_ca: Option<bool>,
    /// Key usages and extended key usages in cert-manager's words; see [`usage`]. Absent means
    /// digital signature and key encipherment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usages: Option<Vec<String>>,
    /// Who created the request. Written by cert-manager's webhook over whatever was sent.
    #[serde(
        default,
        deserialize_with = "null_is_empty",
        skip_serializing_if = "String::is_empty"
    )]
    pub username: String,
    /// The UID of that user; written by the webhook.
    #[serde(
        default,
        deserialize_with = "null_is_empty",
        skip_serializing_if = "String::is_empty"
    )]
    pub uid: String,
    /// The groups of that user; written by the webhook.
    #[serde(
        default,
        deserialize_with = "null_is_empty",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub groups: Vec<String>,
    /// What else the API server knew about that user, such as the pod that its token is bound to;
    /// written by the webhook.
    #[serde(
        default,
        deserialize_with = "null_is_empty",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub extra: BTreeMap<String, Vec<String>>,
}

/// Names an issuer. An absent or empty kind or group stands for the default, which the reader fills
/// in: `Issuer` and `cert-manager.io`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuerRef {
    /// The name of the issuer object.
    pub name: String,
    /// Its kind: `Issuer` (in the namespace of the request), `ClusterIssuer`, or a third-party
    /// kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Its API group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

/// The result of a request. Written by approvers and issuers through the status subresource.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificateRequestStatus {
    /// What has been decided and done so far.
    #[serde(
        default,
        deserialize_with = "null_is_empty",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub conditions: Vec<CertificateRequestCondition>,
    /// The certificate and its intermediates, PEM, leaf first. As the issuer wrote it; unchecked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<EncodedBytes>,
    /// Certificates near the top of the chain, PEM; with some issuers all intermediates. Never a
    /// trust bundle: it holds one root where a rotation needs two, and any issuer writes what it
    /// likes here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<EncodedBytes>,
    /// When the request failed; also absent if the stored text is not a time.
    #[serde(
        default,
        deserialize_with = "lenient::time",
        skip_serializing_if = "Option::is_none"
    )]
    pub failure_time: Option<Time>,
}

/// Key usages in cert-manager's words: the four of an SVID.
pub mod usage {
    /// Key usage `digitalSignature`.
    pub const DIGITAL_SIGNATURE: &str = "digital signature";
    /// Key usage `keyEncipherment`.
    pub const KEY_ENCIPHERMENT: &str = "key encipherment";
    /// Extended key usage `serverAuth`.
    pub const SERVER_AUTH: &str = "server auth";
    /// Extended key usage `clientAuth`.
    pub const CLIENT_AUTH: &str = "client auth";
}
