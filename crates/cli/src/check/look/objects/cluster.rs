//! Nodes, namespaces and what is set up for the whole cluster.

use std::collections::BTreeMap;

use serde::Deserialize;
use svid_api::bounded::{Few, Text};
use svid_client::watch::Versioned;

use super::{Condition, Metadata, Nothing, Object, null_is_empty};

/// core/v1 Node.
pub(crate) type Node = Object<NodeSpec, NodeStatus>;
/// storage.k8s.io/v1 CSINode.
pub(crate) type CsiNode = Object<CsiNodeSpec>;
/// storage.k8s.io/v1 CSIDriver.
pub(crate) type CsiDriver = Object<CsiDriverSpec>;
/// core/v1 Namespace, of which only the labels are read.
pub(crate) type Namespace = Object<Nothing>;
/// coordination.k8s.io/v1 Lease.
pub(crate) type Lease = Object<LeaseSpec>;
/// core/v1 LimitRange.
pub(crate) type LimitRange = Object<LimitRangeSpec>;
/// core/v1 ResourceQuota.
pub(crate) type ResourceQuota = Object<QuotaSpec, QuotaStatus>;
/// admissionregistration.k8s.io/v1 ValidatingAdmissionPolicy.
pub(crate) type Policy = Object<PolicySpec, PolicyStatus>;
/// admissionregistration.k8s.io/v1 ValidatingAdmissionPolicyBinding.
pub(crate) type Binding = Object<BindingSpec>;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct NodeSpec {
    pub(crate) unschedulable: bool,
    pub(crate) taints: Few<Taint, 16>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Taint {
    pub(crate) key: Text<320>,
    pub(crate) effect: Text<32>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct NodeStatus {
    pub(crate) conditions: Few<Condition, 32>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct CsiNodeSpec {
    #[serde(deserialize_with = "null_is_empty")]
    pub(crate) drivers: Few<RegisteredDriver, 256>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RegisteredDriver {
    pub(crate) name: Text<256>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct CsiDriverSpec {
    pub(crate) pod_info_on_mount: bool,
    pub(crate) requires_republish: bool,
    pub(crate) volume_lifecycle_modes: Few<Text<32>, 8>,
    pub(crate) token_requests: Few<TokenRequest, 16>,
    pub(crate) service_account_token_in_secrets: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TokenRequest {
    pub(crate) audience: Text<256>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct LeaseSpec {
    pub(crate) holder_identity: Text<256>,
    /// Seconds.
    pub(crate) lease_duration_seconds: i64,
    pub(crate) renew_time: Option<Text<64>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct LimitRangeSpec {
    #[serde(deserialize_with = "null_is_empty")]
    pub(crate) limits: Few<LimitRangeItem, 16>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct LimitRangeItem {
    #[serde(rename = "type")]
    pub(crate) kind: Text<32>,
    pub(crate) default: Memory,
}

/// The one quantity that is read of several.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Memory {
    pub(crate) memory: Option<Text<64>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct QuotaSpec {
    pub(crate) scopes: Few<Text<64>, 8>,
    pub(crate) scope_selector: ScopeSelector,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ScopeSelector {
    pub(crate) match_expressions: Few<ScopeExpression, 8>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ScopeExpression {
    pub(crate) scope_name: Text<64>,
    pub(crate) operator: Text<32>,
    pub(crate) values: Few<Text<256>, 32>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct QuotaStatus {
    pub(crate) hard: PodCount,
    pub(crate) used: PodCount,
}

/// How many pods a quota allows, in its two spellings.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PodCount {
    pub(crate) pods: Option<Text<32>>,
    #[serde(rename = "count/pods")]
    pub(crate) count: Option<Text<32>>,
}

impl PodCount {
    /// `None`: pods are not counted.
    pub(crate) fn number(&self) -> Option<u64> {
        let text = self.pods.as_ref().or(self.count.as_ref())?;
        text.whole()?.parse().ok()
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct PolicySpec {
    pub(crate) match_conditions: Few<MatchCondition, 16>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct MatchCondition {
    pub(crate) expression: Text<16384>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct PolicyStatus {
    pub(crate) type_checking: TypeChecking,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct TypeChecking {
    pub(crate) expression_warnings: Few<ExpressionWarning, 4>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ExpressionWarning {
    pub(crate) warning: Text<512>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct BindingSpec {
    pub(crate) policy_name: Text<256>,
    pub(crate) validation_actions: Few<Text<16>, 4>,
}

/// core/v1 ConfigMap.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ConfigMap {
    pub(crate) data: BTreeMap<String, String>,
    /// Keys only.
    pub(crate) binary_data: BTreeMap<String, serde::de::IgnoredAny>,
}

/// events.k8s.io/v1 Event.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Event {
    pub(crate) metadata: Metadata,
    pub(crate) regarding: Regarding,
    pub(crate) reason: Text<128>,
    pub(crate) note: Text<1024>,
    pub(crate) event_time: Option<Text<64>>,
    pub(crate) series: Series,
    pub(crate) deprecated_last_timestamp: Option<Text<64>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Series {
    pub(crate) last_observed_time: Option<Text<64>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Regarding {
    pub(crate) uid: Text<64>,
}

impl Event {
    /// When it was seen last.
    pub(crate) fn last(&self) -> Option<jiff::Timestamp> {
        super::time(self.series.last_observed_time.as_ref())
            .or_else(|| super::time(self.deprecated_last_timestamp.as_ref()))
            .or_else(|| super::time(self.event_time.as_ref()))
            .or_else(|| super::time(self.metadata.creation_timestamp.as_ref()))
    }
}

impl Versioned for Event {
    fn resource_version(&self) -> &str {
        &self.metadata.resource_version
    }
}

/// A webhook configuration of admissionregistration.k8s.io/v1, of either kind.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Webhooks {
    pub(crate) metadata: Metadata,
    #[serde(deserialize_with = "null_is_empty")]
    pub(crate) webhooks: Few<Webhook, 64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Webhook {
    #[serde(deserialize_with = "null_is_empty")]
    pub(crate) rules: Few<WebhookRule, 16>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct WebhookRule {
    pub(crate) api_groups: Few<Text<256>, 16>,
    pub(crate) resources: Few<Text<128>, 32>,
}

impl Webhooks {
    /// Whether they are called for CertificateRequests.
    pub(crate) fn are_for_requests(&self) -> bool {
        let mut rules = self.webhooks.kept.iter().flat_map(|one| &one.rules.kept);
        rules.any(|rule| {
            let of_group = |group: &Text<256>| group.beginning() == "cert-manager.io";
            let of_requests = |plural: &Text<128>| {
                matches!(plural.beginning(), "certificaterequests" | "*" | "*/*")
            };
            rule.api_groups.kept.iter().any(of_group) && rule.resources.kept.iter().any(of_requests)
        })
    }
}

impl Versioned for Webhooks {
    fn resource_version(&self) -> &str {
        &self.metadata.resource_version
    }
}
