//! The shape of a request.

use std::collections::BTreeMap;

use aws_lc_rs::digest;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use svid_api::annotation::{IDENTITY, NODE_ID_HASH, VOLUME_ID_HASH, identifier_hash};
use svid_api::certmanager::{
    CertificateRequest, CertificateRequestSpec, EncodedBytes, IssuerRef, StoredRequest, usage,
};
use svid_core::identity::SpiffeId;
use svid_core::policy::IssuerReference;
use svid_core::svid::{CertificateSigningRequest, CsrError, KeyError, PrivateKey, PublicKey};

use crate::credential::RequestMode;
use crate::installation::Installation;
use crate::spec::VolumeSpec;

/// A new key and the request for its certificate. A key serves one attempt.
#[derive(Debug)]
pub struct NewRequest {
    /// The key, which leaves this process only into the volume.
    pub key: PrivateKey,
    /// The identity that is requested.
    pub spiffe_id: SpiffeId,
    /// The issuer that it is requested from.
    pub issuer: IssuerReference,
    /// The object as it is sent.
    pub object: CertificateRequest,
    /// The request's name, derived from volume and key, so that a request whose create was answered
    /// but the answer lost can be found.
    pub name: String,
}

/// Why no request could be made.
#[derive(Debug, thiserror::Error)]
pub enum NewRequestError {
    /// The key could not be made.
    #[error("creating a key: {0}")]
    Key(#[from] KeyError),
    /// The signing request could not be made.
    #[error("creating the certificate signing request: {0}")]
    Csr(#[from] CsrError),
}

impl NewRequest {
    /// Makes a new key and the request for `spec`.
    ///
    /// # Errors
    /// If the key or the signing request cannot be made.
    pub fn new(
        spec: &VolumeSpec,
        issuer: &IssuerReference,
        installation: &Installation,
    ) -> Result<Self, NewRequestError> {
        let key = PrivateKey::generate()?;
        let spiffe_id =
            SpiffeId::for_service_account(&installation.trust_domain, &spec.service_account);
        let csr = CertificateSigningRequest::build(&key, &spiffe_id)?;
        let name = request_name(spec, key.public_key());
        let object = CertificateRequest {
            metadata: metadata(spec, &name, &spiffe_id, installation),
            spec: CertificateRequestSpec {
                duration: Some(installation.duration.to_string()),
                issuer_ref: IssuerRef {
                    name: issuer.name.clone(),
                    kind: Some(issuer.kind.clone()),
                    group: Some(issuer.group.clone()),
                },
                request: EncodedBytes::encode(csr.to_pem()),
                is_ca: Some(false),
                usages: Some(USAGES.map(str::to_owned).to_vec()),
                ..CertificateRequestSpec::default()
            },
            status: None,
        };
        Ok(Self {
            key,
            spiffe_id,
            issuer: issuer.clone(),
            object,
            name,
        })
    }

    /// Whether an object with our name is the request that we sent: it has our key and, if requests
    /// are made with the pods' tokens, was created by the pod's service account. The user name
    /// under which the API server knows the driver itself is not known here; the key was made for
    /// this attempt and has left this process in this request alone.
    pub fn recognises(
        &self,
        found: &StoredRequest,
        spec: &VolumeSpec,
        requester: RequestMode,
    ) -> bool {
        let Some(Ok(pem)) = found.spec.request.as_ref().map(EncodedBytes::decode) else {
            return false;
        };
        let is_requester = match requester {
            RequestMode::Pod => {
                found.spec.username.whole() == Some(&*spec.service_account.username())
            }
            RequestMode::Driver => true,
        };
        is_requester
            && CertificateSigningRequest::parse_pem(&pem)
                .is_ok_and(|request| request.public_key() == self.key.public_key())
    }
}

/// Labels, annotations and owner as the Go driver writes them, so that whatever finds its requests
/// finds ours. The label hashes are short: nothing may be deleted by them alone.
fn metadata(
    spec: &VolumeSpec,
    name: &str,
    spiffe_id: &SpiffeId,
    installation: &Installation,
) -> ObjectMeta {
    let mut annotations = installation.extra_annotations.clone();
    annotations.insert(IDENTITY.to_owned(), spiffe_id.to_string());
    let labels = BTreeMap::from([
        (
            NODE_ID_HASH.to_owned(),
            identifier_hash(installation.node_id.as_str()),
        ),
        (
            VOLUME_ID_HASH.to_owned(),
            identifier_hash(spec.volume.as_str()),
        ),
    ]);
    ObjectMeta {
        name: Some(name.to_owned()),
        namespace: Some(spec.service_account.namespace().to_owned()),
        annotations: Some(annotations),
        labels: Some(labels),
        owner_references: Some(vec![OwnerReference {
            api_version: "v1".to_owned(),
            kind: "Pod".to_owned(),
            name: spec.pod.name.clone(),
            uid: spec.pod.uid.clone(),
            ..OwnerReference::default()
        }]),
        ..ObjectMeta::default()
    }
}

/// `POD-HASH`: the pod's name for readability, 128 bits of hash for uniqueness.
fn request_name(spec: &VolumeSpec, key: &PublicKey) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(spec.volume.as_str().as_bytes());
    context.update(&[0]);
    context.update(key.as_der());
    let hash = context.finish();
    let suffix: String = hash
        .as_ref()
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let pod: String = spec.pod.name.chars().take(POD_NAME_CHARS).collect();
    format!("{}-{suffix}", pod.trim_end_matches(['-', '.']))
}

/// With the hash it stays below the 253 characters of a Kubernetes name.
const POD_NAME_CHARS: usize = 200;

/// In the Go driver's order.
const USAGES: [&str; 4] = [
    usage::DIGITAL_SIGNATURE,
    usage::KEY_ENCIPHERMENT,
    usage::SERVER_AUTH,
    usage::CLIENT_AUTH,
];

#[cfg(test)]
mod tests {
    use svid_core::identity::ServiceAccount;

    use super::*;
    use crate::installation;
    use crate::spec::{Pod, TargetPath, VolumeId};

    fn spec(pod: &str) -> VolumeSpec {
        VolumeSpec {
            volume: VolumeId::parse("csi-1").unwrap(),
            target: TargetPath::parse("/t/mount").unwrap(),
            pod: Pod {
                name: pod.to_owned(),
                uid: "u-1".to_owned(),
            },
            service_account: ServiceAccount::new("sandbox", "web").unwrap(),
            fs_group: None,
        }
    }

    fn installation() -> Installation {
        Installation {
            extra_annotations: BTreeMap::from([("team".to_owned(), "a".to_owned())]),
            ..installation::fixture()
        }
    }

    fn issuer() -> IssuerReference {
        IssuerReference {
            name: "spiffe-ca".to_owned(),
            kind: "ClusterIssuer".to_owned(),
            group: "cert-manager.io".to_owned(),
        }
    }

    #[test]
    fn a_request_carries_identity_owner_labels_and_the_administrators_annotations() {
        let request = NewRequest::new(&spec("pod-1"), &issuer(), &installation()).unwrap();
        let metadata = &request.object.metadata;
        let annotations = metadata.annotations.as_ref().unwrap();
        assert_eq!(
            annotations[IDENTITY],
            "spiffe://example.org/ns/sandbox/sa/web"
        );
        assert_eq!(annotations["team"], "a");
        let labels = metadata.labels.as_ref().unwrap();
        assert_eq!(labels[NODE_ID_HASH], identifier_hash("node-1"));
        assert_eq!(labels[VOLUME_ID_HASH], identifier_hash("csi-1"));
        let owner = &metadata.owner_references.as_ref().unwrap()[0];
        assert_eq!((owner.kind.as_str(), owner.uid.as_str()), ("Pod", "u-1"));
        let spec = &request.object.spec;
        assert_eq!(spec.duration.as_deref(), Some("1h0m0s"));
        assert_eq!(spec.usages.as_ref().unwrap().len(), 4);
        assert_eq!(spec.is_ca, Some(false));
        assert!(spec.username.is_empty());
    }

    #[test]
    fn every_attempt_has_a_key_and_a_name_of_its_own() {
        let one = NewRequest::new(&spec("pod-1"), &issuer(), &installation()).unwrap();
        let two = NewRequest::new(&spec("pod-1"), &issuer(), &installation()).unwrap();
        assert_ne!(one.name, two.name);
        assert_ne!(one.key.public_key(), two.key.public_key());
        assert_eq!(one.name, request_name(&spec("pod-1"), one.key.public_key()));
    }

    #[test]
    fn names_fit_kubernetes_whatever_the_pods_name() {
        for pod in ["a", &"x".repeat(253), &format!("{}-.-", "y".repeat(197))] {
            let request = NewRequest::new(&spec(pod), &issuer(), &installation()).unwrap();
            assert!(request.name.len() <= 253);
            assert!(
                ServiceAccount::new("n", &request.name).is_ok(),
                "{}",
                request.name
            );
        }
    }

    #[test]
    fn only_our_own_request_is_recognised_after_a_lost_answer() {
        let request = NewRequest::new(&spec("pod-1"), &issuer(), &installation()).unwrap();
        let other = NewRequest::new(&spec("pod-1"), &issuer(), &installation()).unwrap();
        let is_ours = |request: &NewRequest, found: &CertificateRequest, requester| {
            let found = serde_json::to_value(found).unwrap();
            let found = serde_json::from_value(found).unwrap();
            request.recognises(&found, &spec("pod-1"), requester)
        };
        let mut found = request.object.clone();
        assert!(
            !is_ours(&request, &found, RequestMode::Pod),
            "made by nobody"
        );
        found.spec.username = "system:serviceaccount:sandbox:web".to_owned();
        for requester in [RequestMode::Pod, RequestMode::Driver] {
            assert!(is_ours(&request, &found, requester));
            assert!(!is_ours(&other, &found, requester), "another key");
        }
        found.spec.username = "system:serviceaccount:cert-manager:driver".to_owned();
        assert!(!is_ours(&request, &found, RequestMode::Pod), "not the pod");
        assert!(is_ours(&request, &found, RequestMode::Driver));
        found.spec.request = EncodedBytes::from("?".to_owned());
        assert!(!is_ours(&request, &found, RequestMode::Driver), "no base64");
    }
}
