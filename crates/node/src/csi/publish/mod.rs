//! Reading a NodePublishVolume request: once and in full, before anything is done.
//!
//! Owns the rules of the volume context. Pure but for one line at debug. The keys
//! `csi.storage.k8s.io/*` come from the kubelet if the CSIDriver object says `podInfoOnMount`;
//! everything else in the context, and those keys if it does not, is what the pod's author wrote.
//! So the token decides: its claims must equal the pod info, whoever wrote either, and a forged
//! entry gains nothing. In node-attested mode there is no token; the kubelet chose the target path,
//! so the UID in it is trusted, and the approver checks everything else against the Pod with that
//! UID.
//! Invariant: a [`PublishRequest`] was checked against every rule here; an error text names the CSI
//! field and never holds a token.

mod error;
mod fs_group;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::Timestamp;
use svid_api::csi::v1::volume_capability::{AccessType, MountVolume};
use svid_api::csi::v1::{NodePublishVolumeRequest, VolumeCapability};
use svid_core::identity::ServiceAccount;
use svid_core::names::is_subdomain;

pub use error::PublishRequestError;

use super::token::{self, Bearer};
use crate::credential::{Credential, PodToken, RequestMode};
use crate::installation::Installation;
use crate::spec::{Pod, PodError, PublishRequest, TargetPath, VolumeId, VolumeSpec};

/// Reads a request. Unknown keys in the volume context, mount flags and the file system type have
/// no effect.
///
/// # Errors
/// The first rule that the request breaks.
pub fn parse(
    request: &NodePublishVolumeRequest,
    installation: &Installation,
    now: Timestamp,
) -> Result<PublishRequest, PublishRequestError> {
    let volume = VolumeId::parse(&request.volume_id)?;
    let target = TargetPath::parse(&request.target_path)?;
    let mount = mount_of(request.volume_capability.as_ref())?;
    let context = VolumeContext::take(&request.volume_context, installation)?;
    if !request.readonly {
        return Err(PublishRequestError::Writable);
    }
    if context.0.get(EPHEMERAL_KEY).map(String::as_str) != Some("true") {
        return Err(PublishRequestError::NotEphemeral {
            driver: installation.driver_name.clone(),
        });
    }
    let (pod, service_account) = context.pod()?;
    target_is_of(&target, &pod, installation.requester)?;
    let fs_group = fs_group::choose(context.0, mount)?;
    let credential = match installation.requester {
        RequestMode::Pod => {
            let token = token_of(request, installation, &pod, &service_account, now)?;
            Credential::Pod(token)
        }
        RequestMode::Driver => Credential::Driver,
    };
    Ok(PublishRequest {
        spec: VolumeSpec {
            volume,
            target,
            pod,
            service_account,
            fs_group,
        },
        credential,
    })
}

/// Whether the target is in this pod's folder, as far as the path shows it.
///
/// The path is the kubelet's own, whatever the CSIDriver object says. If no token shows whose
/// volume it is, the UID in the path does: it has to be there, and the approver compares it, with
/// the name, namespace and service account around it, with the Pod itself.
fn target_is_of(
    target: &TargetPath,
    pod: &Pod,
    requester: RequestMode,
) -> Result<(), PublishRequestError> {
    match (target.pod_uid(), requester) {
        (Some(found), _) if found == pod.uid => Ok(()),
        (Some(found), _) => Err(PublishRequestError::TargetOfAnotherPod {
            found: found.to_owned(),
            expected: pod.uid.clone(),
        }),
        (None, RequestMode::Pod) => Ok(()),
        (None, RequestMode::Driver) => Err(PublishRequestError::TargetOfNoPod),
    }
}

/// The pod's name as the kubelet sent it, for logs, if it is valid.
pub(super) fn pod_for_logs(request: &NodePublishVolumeRequest) -> Option<(&str, &str)> {
    let legal = |key| {
        request
            .volume_context
            .get(key)
            .filter(|value| is_subdomain(value))
    };
    Some((legal(NAMESPACE_KEY)?, legal(POD_NAME_KEY)?))
}

fn mount_of(capability: Option<&VolumeCapability>) -> Result<&MountVolume, PublishRequestError> {
    let capability = capability.ok_or(PublishRequestError::NoCapability)?;
    match &capability.access_type {
        Some(AccessType::Mount(mount)) => {
            if !mount.mount_flags.is_empty() {
                tracing::debug!("volume_capability.mount.mount_flags are ignored");
            }
            Ok(mount)
        }
        Some(AccessType::Block(_)) => Err(PublishRequestError::Block),
        None => Err(PublishRequestError::NoAccessType),
    }
}

/// The token, from `secrets` before the context: a user can put an entry with that key into the
/// context but not into `secrets`, since no key of a Secret may contain a `/` (KEP-5538).
fn token_of(
    request: &NodePublishVolumeRequest,
    installation: &Installation,
    pod: &Pod,
    service_account: &ServiceAccount,
    now: Timestamp,
) -> Result<PodToken, PublishRequestError> {
    let sources = [
        ("secrets", &request.secrets),
        ("volume_context", &request.volume_context),
    ];
    let found = sources.into_iter().find_map(|(field, map)| {
        Some((field, map.get(TOKENS_KEY).filter(|text| !text.is_empty())?))
    });
    let Some((field, json)) = found else {
        return Err(PublishRequestError::NoToken {
            driver: installation.driver_name.clone(),
        });
    };
    let bearer = Bearer {
        namespace: service_account.namespace(),
        service_account: service_account.name(),
        pod_name: &pod.name,
        pod_uid: &pod.uid,
    };
    token::parse(json, &bearer, now).map_err(|reason| PublishRequestError::Token { field, reason })
}

/// The volume context, of an acceptable size.
struct VolumeContext<'a>(&'a BTreeMap<String, String>, &'a Installation);

impl<'a> VolumeContext<'a> {
    fn take(
        map: &'a BTreeMap<String, String>,
        installation: &'a Installation,
    ) -> Result<Self, PublishRequestError> {
        let length = map.iter().map(|(key, value)| key.len() + value.len()).sum();
        if length > CONTEXT_LIMIT {
            return Err(PublishRequestError::ContextTooLong {
                length,
                limit: CONTEXT_LIMIT,
            });
        }
        Ok(Self(map, installation))
    }

    fn pod(&self) -> Result<(Pod, ServiceAccount), PublishRequestError> {
        let name = self.pod_info(POD_NAME_KEY)?;
        let namespace = self.pod_info(NAMESPACE_KEY)?;
        let uid = self.pod_info(POD_UID_KEY)?;
        let account = self.pod_info(SERVICE_ACCOUNT_KEY)?;
        let service_account = ServiceAccount::new(namespace, account)?;
        let pod = Pod::new(name.to_owned(), uid.to_owned()).map_err(|error| match error {
            PodError::Name { value } => PublishRequestError::PodName { value },
            PodError::Uid { value } => PublishRequestError::PodUid { value },
        })?;
        Ok((pod, service_account))
    }

    fn pod_info(&self, key: &'static str) -> Result<&'a str, PublishRequestError> {
        match self.0.get(key).map(String::as_str) {
            None | Some("") => Err(PublishRequestError::NoPodInfo {
                key,
                driver: self.1.driver_name.clone(),
            }),
            Some(value) => Ok(value),
        }
    }
}

/// Where the kubelet puts tokens, in `secrets` or in the volume context.
pub(super) const TOKENS_KEY: &str = "csi.storage.k8s.io/serviceAccount.tokens";
const EPHEMERAL_KEY: &str = "csi.storage.k8s.io/ephemeral";
const NAMESPACE_KEY: &str = "csi.storage.k8s.io/pod.namespace";
const POD_NAME_KEY: &str = "csi.storage.k8s.io/pod.name";
const POD_UID_KEY: &str = "csi.storage.k8s.io/pod.uid";
const SERVICE_ACCOUNT_KEY: &str = "csi.storage.k8s.io/serviceAccount.name";

/// Bytes, keys and values together. The kubelet's own entries come to under 2000, most of it the
/// token; nothing that we define needs more than a line.
const CONTEXT_LIMIT: usize = 64 * 1024;
