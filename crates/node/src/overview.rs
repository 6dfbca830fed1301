//! The driver's status, as `/status` sends it and its clients read it.
//!
//! Owns the format for both ends. Must not know how it is determined or sent. Invariant: contains
//! no secrets; and every text in it is a [`Line`], so untrusted text cannot control the reader's
//! terminal, even if the sender is not this program.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use svid_core::text::one_line;

/// What a driver is doing.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Overview {
    /// The driver's name.
    pub driver: Line,
    /// The node's name.
    pub node: Line,
    /// When this was written, by the driver's clock.
    pub time: Timestamp,
    /// The state of the registration with the kubelet.
    pub registration: KubeletRegistration,
    /// The issuer that certificates are requested from.
    pub issuer: IssuerStatus,
    /// The roots that volumes get.
    pub trust_bundle: TrustBundleStatus,
    /// Events that were sent, repeated or lost.
    pub events: Events,
    /// The names of the files in every volume.
    pub file_names: FileNamesShown,
    /// How many volumes show no valid certificate.
    pub volumes_without_certificate: usize,
    /// Every volume.
    pub volumes: Vec<VolumeOverview>,
}

/// The state of the driver's registration with the kubelet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state")]
pub enum KubeletRegistration {
    /// We do not register ourselves.
    #[serde(rename = "left to a sidecar")]
    Sidecar,
    /// The kubelet has not called yet.
    #[serde(rename = "not found by the kubelet yet")]
    Unheard,
    /// Pods that use the driver can be started on this node.
    #[serde(rename = "registered")]
    Registered,
    /// It tries again.
    #[serde(rename = "refused")]
    Refused {
        /// In the kubelet's words.
        reason: Line,
    },
}

/// The issuer that certificates are requested from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state")]
pub enum IssuerStatus {
    /// This one.
    #[serde(rename = "known")]
    Known {
        /// `KIND.GROUP/NAME`.
        issuer: Line,
    },
    /// The ConfigMap has not been read yet.
    #[serde(rename = "not read yet")]
    NotYetRead {
        /// Why.
        reason: Line,
    },
    /// None is named.
    #[serde(rename = "missing")]
    Missing {
        /// What to do about it.
        reason: Line,
    },
}

/// The roots that volumes get.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all_fields = "camelCase")]
pub enum TrustBundleStatus {
    /// Volumes get none.
    #[serde(rename = "no source")]
    NoSource,
    /// The file could never be used.
    #[serde(rename = "unreadable")]
    Unreadable {
        /// Why.
        reason: Line,
    },
    /// These are in use.
    #[serde(rename = "read")]
    Read {
        /// How many.
        certificates: usize,
        /// Why the file, as it stands now, was refused; None if it was not.
        newer_refused: Option<Line>,
    },
}

/// Events that were sent, repeated or lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Events {
    /// The API server accepted them.
    pub sent: u64,
    /// Not sent, since the same was sent a short time before.
    pub repeated: u64,
    /// Lost.
    pub dropped: u64,
}

/// The names of the files in every volume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileNamesShown {
    /// Of the certificate and its intermediates.
    pub certificate: Line,
    /// Of the private key.
    pub key: Line,
    /// Of the trust roots.
    pub bundle: Line,
}

/// What one volume is doing.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VolumeOverview {
    /// The kubelet's name for it.
    pub volume: Line,
    /// The pod's namespace.
    pub namespace: Line,
    /// The pod's name.
    pub pod: Line,
    /// The service account that the pod runs as.
    pub service_account: Line,
    /// The SPIFFE ID that its certificates are for.
    pub spiffe_id: Line,
    /// The folder with the files, on the node and in the driver's container.
    pub target: Line,
    /// What its task is doing, in one word.
    pub phase: Line,
    /// When the phase ends: at the latest, or at the earliest for one that rests.
    pub phase_until: Option<Timestamp>,
    /// When the phase began, for one that waits for a token. Older drivers do not say.
    pub phase_since: Option<Timestamp>,
    /// Whether the pod sees a certificate that is valid now.
    pub valid: bool,
    /// From when on that certificate is valid.
    pub not_before: Option<Timestamp>,
    /// Until when its whole chain is valid.
    pub usable_until: Option<Timestamp>,
    /// What a pending request waits for.
    pub waits_for: Option<Line>,
    /// Why the last attempt failed; None after a success.
    pub last_failure: Option<Line>,
}

impl Overview {
    /// How many volumes are in each phase.
    pub fn phases(&self) -> BTreeMap<&str, usize> {
        let mut phases = BTreeMap::new();
        for volume in &self.volumes {
            *phases.entry(volume.phase.as_str()).or_default() += 1;
        }
        phases
    }
}

/// Text on one line, of at most [`Line::LONGEST`] bytes, with a space for every character that does
/// not show.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String")]
pub struct Line(String);

impl Line {
    /// The longest of them, a path, fits.
    pub const LONGEST: usize = 4096;

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<T: AsRef<str> + ?Sized> From<&T> for Line {
    fn from(text: &T) -> Self {
        Self(one_line(text.as_ref(), Self::LONGEST))
    }
}

impl From<String> for Line {
    fn from(text: String) -> Self {
        Self::from(&text)
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_sender_writes_into_a_text_does_not_reach_the_terminal() {
        let text = "a\u{1b}[2J\u{7}b\nc\u{9b}31m\u{202e}d";
        let sent = serde_json::json!({"state": "refused", "reason": text});

        let KubeletRegistration::Refused { reason } = serde_json::from_value(sent).unwrap() else {
            panic!("another state");
        };

        assert_eq!(reason.as_str(), "a [2J b c 31m d");
        let long = serde_json::Value::String("x".repeat(1 << 20));
        let long: Line = serde_json::from_value(long).unwrap();
        assert_eq!(long.as_str().len(), Line::LONGEST);
    }

    #[test]
    fn states_are_told_apart_by_their_words() {
        let bundle = TrustBundleStatus::Read {
            certificates: 2,
            newer_refused: None,
        };
        assert_eq!(
            serde_json::to_value(bundle).unwrap(),
            serde_json::json!({"state": "read", "certificates": 2, "newerRefused": null})
        );
        for (registration, state) in [
            (KubeletRegistration::Sidecar, "left to a sidecar"),
            (KubeletRegistration::Unheard, "not found by the kubelet yet"),
            (KubeletRegistration::Registered, "registered"),
        ] {
            assert_eq!(
                serde_json::to_value(registration).unwrap(),
                serde_json::json!({"state": state})
            );
        }
    }
}
