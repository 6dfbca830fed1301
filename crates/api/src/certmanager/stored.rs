//! A `CertificateRequest` as it is read: only the fields that this project uses, and no more of
//! them than may matter.
//!
//! A user who may create requests controls nearly all of an object: `managedFields` and annotations
//! of hundreds of KiB, lists of a hundred thousand usages. None of that is ever decoded. The limits
//! are far above every valid request, and a truncated value violates the same rule as the whole.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};

use super::annotations::StoredAnnotations;
use super::condition::{ConditionStatus, condition_type};
use super::encoded::EncodedBytes;
use super::lenient::null_is_empty;
use crate::bounded::{Few, Text};

/// One version of a request, as the API server stores it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct StoredRequest {
    /// Which object it is, and whose.
    #[serde(deserialize_with = "null_is_empty")]
    pub metadata: StoredMetadata,
    /// What is requested.
    #[serde(deserialize_with = "null_is_empty")]
    pub spec: StoredSpec,
    /// The result; None if nobody has written a status yet.
    pub status: Option<StoredStatus>,
}

/// See [`StoredRequest`].
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StoredMetadata {
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
    /// Distinguishes it from an earlier object of the same name.
    pub uid: String,
    /// The version.
    pub resource_version: String,
    /// 1 as long as the specification is the one that was created.
    pub generation: Option<i64>,
    /// Whether somebody has deleted it.
    #[serde(rename = "deletionTimestamp", deserialize_with = "is_there")]
    pub is_being_deleted: bool,
    /// The annotations.
    #[serde(deserialize_with = "null_is_empty")]
    pub annotations: StoredAnnotations,
    /// The owners with which it is deleted.
    #[serde(deserialize_with = "null_is_empty")]
    pub owner_references: Few<StoredOwner, MOST_OWNERS>,
}

/// See [`StoredRequest`].
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StoredOwner {
    /// `apiVersion` of the owner.
    pub api_version: Text<MOST_NAME>,
    /// Its kind.
    pub kind: Text<MOST_NAME>,
    /// Its name.
    pub name: Text<MOST_NAME>,
    /// Its UID.
    pub uid: Text<MOST_NAME>,
}

/// See [`StoredRequest`]; the fields are those of [`super::CertificateRequestSpec`].
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StoredSpec {
    /// The requested lifetime.
    pub duration: Option<Text<MOST_NAME>>,
    /// The issuer that is to sign.
    pub issuer_ref: StoredIssuerRef,
    /// The signing request.
    pub request: Option<EncodedBytes>,
    /// Whether the certificate may sign others.
    #[serde(rename = "isCA")]
    pub is_ca: Option<bool>,
    /// Key usages in cert-manager's words.
    pub usages: Option<Few<Text<MOST_NAME>, MOST_USAGES>>,
    /// Who created the request.
    #[serde(deserialize_with = "null_is_empty")]
    pub username: Text<MOST_USERNAME>,
    /// What the API server knew about that user, as far as it matters.
    #[serde(deserialize_with = "null_is_empty")]
    pub extra: StoredExtra,
}

/// See [`StoredRequest`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct StoredIssuerRef {
    /// The name of the issuer object.
    pub name: Text<MOST_NAME>,
    /// Its kind.
    pub kind: Option<Text<MOST_NAME>>,
    /// Its API group.
    pub group: Option<Text<MOST_NAME>>,
}

/// The claims about a pod and its node (`k8s.io/apiserver/pkg/authentication/serviceaccount`); None
/// if the token had no such claim.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct StoredExtra {
    /// The name of the pod that the token is bound to.
    #[serde(
        rename = "authentication.kubernetes.io/pod-name",
        deserialize_with = "claim"
    )]
    pub pod_name: Option<ClaimValues>,
    /// That pod's UID.
    #[serde(
        rename = "authentication.kubernetes.io/pod-uid",
        deserialize_with = "claim"
    )]
    pub pod_uid: Option<ClaimValues>,
    /// The node that this pod was on when the token was issued.
    #[serde(
        rename = "authentication.kubernetes.io/node-name",
        deserialize_with = "claim"
    )]
    pub node_name: Option<ClaimValues>,
    /// That node's UID.
    #[serde(
        rename = "authentication.kubernetes.io/node-uid",
        deserialize_with = "claim"
    )]
    pub node_uid: Option<ClaimValues>,
}

/// The values of one claim; a token that the API server has issued has one.
pub type ClaimValues = Few<Text<MOST_NAME>, 2>;

/// See [`StoredRequest`].
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StoredStatus {
    /// What has been decided and done so far; None if the list itself is missing.
    pub conditions: Option<StoredConditions>,
    /// The certificate and its intermediates, PEM, leaf first. As the issuer wrote it; unchecked.
    pub certificate: Option<EncodedBytes>,
    /// Further authorities, PEM; see [`super::CertificateRequestStatus`].
    pub ca: Option<EncodedBytes>,
}

/// The conditions of the types that cert-manager defines, each at most once; others are skipped.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StoredConditions(Vec<StoredCondition>);

/// See [`super::CertificateRequestCondition`].
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct StoredCondition {
    /// What is stated; see [`condition_type`].
    #[serde(rename = "type")]
    pub type_: Text<MOST_NAME>,
    /// Whether it holds.
    pub status: ConditionStatus,
    /// The cause in one word for machines.
    pub reason: Option<Text<MOST_NAME>>,
    /// The cause in words for people.
    pub message: Option<Text<MOST_MESSAGE>>,
}

impl StoredRequest {
    /// Returns the conditions.
    #[must_use]
    pub fn conditions(&self) -> &[StoredCondition] {
        self.status
            .as_ref()
            .and_then(|status| status.conditions.as_ref())
            .map_or(&[], |conditions| &conditions.0)
    }

    /// Returns the condition of this type that holds, if one does.
    #[must_use]
    pub fn holding(&self, type_: &str) -> Option<&StoredCondition> {
        self.conditions()
            .iter()
            .find(|condition| condition.is(type_) && condition.status == ConditionStatus::True)
    }

    /// Returns whether an approver approved the request.
    #[must_use]
    pub fn is_approved(&self) -> bool {
        self.holding(condition_type::APPROVED).is_some()
    }

    /// Returns the issuer's statement on the request, whether it holds or not.
    #[must_use]
    pub fn ready(&self) -> Option<&StoredCondition> {
        self.conditions()
            .iter()
            .find(|condition| condition.is(condition_type::READY))
    }
}

impl StoredCondition {
    /// Returns whether the condition is of this type.
    #[must_use]
    pub fn is(&self, type_: &str) -> bool {
        self.type_.whole() == Some(type_)
    }
}

impl<'de> Deserialize<'de> for StoredConditions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ConditionsVisitor)
    }
}

struct ConditionsVisitor;

impl<'de> Visitor<'de> for ConditionsVisitor {
    type Value = StoredConditions;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of conditions")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut conditions: A) -> Result<Self::Value, A::Error> {
        let mut kept: Vec<StoredCondition> = Vec::new();
        while let Some(condition) = conditions.next_element::<StoredCondition>()? {
            let is_known = condition_type::ALL.iter().any(|known| condition.is(known));
            // Not the first so many: a decision could stand behind them.
            if is_known && kept.iter().all(|it| it.type_ != condition.type_) {
                kept.push(condition);
            }
        }
        Ok(StoredConditions(kept))
    }
}

/// Whether there is anything but `null`.
fn is_there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Option::<IgnoredAny>::deserialize(deserializer).map(|found| found.is_some())
}

/// A claim that is present without any value is not an absent claim.
fn claim<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ClaimValues>, D::Error> {
    Option::<ClaimValues>::deserialize(deserializer).map(|found| Some(found.unwrap_or_default()))
}

/// Names, kinds, groups, UIDs, reasons: Kubernetes allows 253 bytes, and a denial quotes 120.
const MOST_NAME: usize = 256;
/// A service account's name with its namespace and prefix has at most 339.
const MOST_USERNAME: usize = 512;
/// The approver's longest denial is 1 KiB; issuers say a little more.
const MOST_MESSAGE: usize = 4096;
/// A valid request has four; of more than that, one is unknown or a duplicate.
const MOST_USAGES: usize = 16;
/// A valid request has one.
const MOST_OWNERS: usize = 16;
