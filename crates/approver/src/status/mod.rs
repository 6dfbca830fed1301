//! A decision as a cert-manager condition, and the one call that writes it.
//!
//! The only mapping from the policy's results to conditions. Invariant: a condition is created from
//! the policy's own proof ([`Approval`], [`OrdinaryApproval`] or [`Denial`]) and written to exactly
//! the version of the object that the policy judged: the PATCH contains its resourceVersion, and
//! the API server answers 409 if there is a newer one.

use jiff::{Timestamp, Unit};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::Resource;
use kube::api::{Patch, PatchParams};
use serde_json::json;
use svid_api::certmanager::{
    CertificateRequest, CertificateRequestCondition, ConditionStatus, StoredRequest, condition_type,
};
use svid_client::call::CALL_LIMIT;
use svid_client::{ApiClient, ApiError};
use svid_core::policy::{Approval, Denial, OrdinaryApproval};

use crate::metrics::DecisionOutcome;

#[cfg(test)]
mod tests;

/// A decision that may be written. Made from what the policy answered and nothing else.
#[derive(Clone, Debug)]
pub(crate) struct StatusUpdate {
    outcome: DecisionOutcome,
    message: String,
}

impl StatusUpdate {
    /// The request may have the identity that it asks for.
    pub(crate) fn approve(approval: &Approval) -> Self {
        Self {
            outcome: DecisionOutcome::Approved,
            message: format!("approved for {}", approval.spiffe_id()),
        }
    }

    /// The request may not have the identity that it asks for.
    pub(crate) fn deny(denial: &Denial) -> Self {
        Self {
            outcome: DecisionOutcome::Denied,
            message: denial.message(),
        }
    }

    /// The request has nothing to do with SPIFFE.
    pub(crate) fn approve_ordinary(_proof: &OrdinaryApproval) -> Self {
        Self {
            outcome: DecisionOutcome::OrdinaryApproved,
            message: "approved: not a request for a SPIFFE identity".to_owned(),
        }
    }

    /// The request would make an SVID without asking for one.
    pub(crate) fn deny_ordinary(denial: &Denial) -> Self {
        Self {
            outcome: DecisionOutcome::OrdinaryDenied,
            message: denial.message(),
        }
    }

    /// How the decision is counted.
    pub(crate) fn outcome(&self) -> DecisionOutcome {
        self.outcome
    }

    /// The message for the requester.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// The condition that says so.
    pub(crate) fn condition(&self, now: Timestamp) -> CertificateRequestCondition {
        let type_ = match self.outcome {
            DecisionOutcome::Approved | DecisionOutcome::OrdinaryApproved => {
                condition_type::APPROVED
            }
            DecisionOutcome::Denied | DecisionOutcome::OrdinaryDenied => condition_type::DENIED,
        };
        CertificateRequestCondition {
            type_: type_.to_owned(),
            status: ConditionStatus::True,
            reason: Some(REASON.to_owned()),
            message: Some(self.message.clone()),
            // Whole seconds, as Kubernetes writes them; a time that cannot be rounded is kept.
            last_transition_time: Some(Time(now.round(Unit::Second).unwrap_or(now))),
            observed_generation: None,
        }
    }
}

/// One version of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ObjectVersion {
    /// The object's namespace.
    pub(crate) namespace: String,
    /// The object's name.
    pub(crate) name: String,
    /// Its `metadata.resourceVersion`.
    pub(crate) resource_version: String,
}

/// How much of the path to the conditions exists in an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Conditions {
    /// No status.
    NoStatus,
    /// A status without a list of conditions.
    NoList,
    /// A list, perhaps an empty one.
    List,
}

impl Conditions {
    /// Looks at an object.
    pub(crate) fn of(object: &StoredRequest) -> Self {
        match &object.status {
            None => Self::NoStatus,
            Some(status) if status.conditions.is_none() => Self::NoList,
            Some(_) => Self::List,
        }
    }
}

/// Writes a decision to the version of the object that was judged.
///
/// A JSON patch (RFC 6902) adds the one condition: existing conditions need not be known, and the
/// response, most of which others have written, is not read.
///
/// # Errors
/// [`ApiError::Conflict`] when the object is no longer that version: judge it again.
pub(crate) async fn write(
    client: &ApiClient,
    version: &ObjectVersion,
    conditions: Conditions,
    condition: &CertificateRequestCondition,
) -> Result<(), ApiError> {
    let operations = body(&version.resource_version, conditions, condition);
    let patch = serde_json::from_value(operations)
        .map(Patch::<()>::Json)
        .map_err(kube::core::request::Error::SerializeBody);
    let params = PatchParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    };
    let url = CertificateRequest::url_path(&(), Some(&version.namespace));
    let request = patch.and_then(|patch| {
        kube::core::Request::new(url).patch_subresource("status", &version.name, &params, &patch)
    });
    client.send(request, CALL_LIMIT).await
}

/// Reads the object as it is now; None when it is gone.
///
/// # Errors
/// It could not be read.
pub(crate) async fn read(
    client: &ApiClient,
    namespace: &str,
    name: &str,
) -> Result<Option<StoredRequest>, ApiError> {
    let url = CertificateRequest::url_path(&(), Some(namespace));
    client.find(&url, name, CALL_LIMIT).await
}

fn body(
    resource_version: &str,
    conditions: Conditions,
    condition: &CertificateRequestCondition,
) -> serde_json::Value {
    let add = match conditions {
        Conditions::NoStatus => {
            json!({"op": "add", "path": "/status", "value": {"conditions": [condition]}})
        }
        Conditions::NoList => {
            json!({"op": "add", "path": "/status/conditions", "value": [condition]})
        }
        Conditions::List => {
            json!({"op": "add", "path": "/status/conditions/-", "value": condition})
        }
    };
    // A version that is no longer the object's makes the write a conflict.
    json!([
        {"op": "replace", "path": "/metadata/resourceVersion", "value": resource_version},
        add,
    ])
}

/// The reason in our conditions, which marks them as ours. It is the Go driver's, whatever the name
/// of the CSI driver.
pub(crate) const REASON: &str = "spiffe.csi.cert-manager.io";
/// Names us in `metadata.managedFields`.
const FIELD_MANAGER: &str = "csi-driver-spiffe-approver";
