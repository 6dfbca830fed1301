//! One condition of a `CertificateRequest`.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde::{Deserialize, Serialize};

use super::lenient;

/// One condition of a request, set by the component entitled to do so.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificateRequestCondition {
    /// What is stated; see [`condition_type`].
    #[serde(rename = "type")]
    pub type_: String,
    /// Whether it holds.
    pub status: ConditionStatus,
    /// The cause in one word for machines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The cause in words for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// When `status` last changed; also absent if the stored text is not a time.
    #[serde(
        default,
        deserialize_with = "lenient::time",
        skip_serializing_if = "Option::is_none"
    )]
    pub last_transition_time: Option<Time>,
    /// The generation of the request that the statement is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
}

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConditionStatus {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// Not known; every word that is not one of the three is read as this.
    #[default]
    #[serde(other)]
    Unknown,
}

/// The types of condition that cert-manager defines for a request.
pub mod condition_type {
    /// An approver approved the request; final.
    pub const APPROVED: &str = "Approved";
    /// An approver denied the request; final.
    pub const DENIED: &str = "Denied";
    /// The issuer's statement; its reason is one of [`super::ready_reason`].
    pub const READY: &str = "Ready";
    /// The request itself is malformed and will never be worked on; final.
    pub const INVALID_REQUEST: &str = "InvalidRequest";
    /// All of them.
    pub const ALL: [&str; 4] = [APPROVED, DENIED, READY, INVALID_REQUEST];
}

/// The reasons that cert-manager gives in the condition `Ready`.
pub mod ready_reason {
    /// The issuer is still working.
    pub const PENDING: &str = "Pending";
    /// The issuer gave up; final.
    pub const FAILED: &str = "Failed";
    /// The certificate is in the status; final.
    pub const ISSUED: &str = "Issued";
    /// The request was denied; final.
    pub const DENIED: &str = "Denied";
}
