//! The shape of a request.

use std::collections::BTreeMap;

use aws_lc_rs::digest;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use svid_api::annotation::{IDENTITY, NODE_ID_HASH, VOLUME_ID_HASH, identifier_hash};
use svid_api::certmanager::{
    CertificateRequest, CertificateRequestSpec, EncodedBytes, IssuerRef, StoredRequest, usage,
};
use svid_api::duration::GoDuration;
use svid_core::identity::{SpiffeId, TrustDomain};
use svid_core::policy::IssuerReference;
use svid_core::svid::{CertificateSigningRequest, CsrError, KeyError, PrivateKey, PublicKey};

use crate::credential::Requester;
use crate::wish::Wish;

/// What every request of this driver has in common.
#[derive(Clone, Debug)]
pub struct RequestSettings {
    /// The trust domain of every SPIFFE ID.
    pub trust_domain: TrustDomain,
    /// The lifetime that is asked for.
    pub duration: GoDuration,
    /// Who creates the requests.
    pub requester: Requester,
    /// The node's name, for the label that says where a request comes from.
    pub node_id: String,
    /// Annotations that the administrator wants on every request.
    pub extra_annotations: BTreeMap<String, String>,
}

/// A new key and the request for its certificate. A key serves one attempt.
#[derive(Debug)]
pub struct Attempt {
    /// The key, which never leaves this process but into the volume.
    pub key: PrivateKey,
    /// The identity that is asked for.
    pub spiffe_id: SpiffeId,
    /// The issuer that is asked.
    pub issuer: IssuerReference,
    /// The request as it is sent.
    pub request: CertificateRequest,
    /// The request's name, derived from volume and key: a create whose answer was lost finds it.
    pub name: String,
}

/// Why no attempt could be prepared.
#[derive(Debug, thiserror::Error)]
pub enum AttemptError {
    /// No key.
    #[error("making a key: {0}")]
    Key(#[from] KeyError),
    /// No signing request.
    #[error("making the certificate signing request: {0}")]
    Csr(#[from] CsrError),
}

impl Attempt {
    /// Makes a new key and the request for `wish`.
    ///
    /// # Errors
    /// When the key or the signing request cannot be made.
    pub fn new(
        wish: &Wish,
        issuer: &IssuerReference,
        settings: &RequestSettings,
    ) -> Result<Self, AttemptError> {
        let key = PrivateKey::generate()?;
        let spiffe_id =
            SpiffeId::for_service_account(&settings.trust_domain, &wish.service_account);
        let csr = CertificateSigningRequest::build(&key, &spiffe_id)?;
        let name = request_name(wish, key.public_key());
        let request = CertificateRequest {
            metadata: metadata(wish, &name, &spiffe_id, settings),
            spec: CertificateRequestSpec {
                duration: Some(settings.duration.to_string()),
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
            request,
            name,
        })
    }

    /// Whether an object of our name is the request that we sent: our key, and made by the pod's
    /// service account where requests are made with the pods' tokens. Under which name the API
    /// server knows the driver itself is not known here; the key was made for this attempt and has
    /// left this process in this request alone.
    pub fn recognises(&self, found: &StoredRequest, wish: &Wish, requester: Requester) -> bool {
        let Some(Ok(pem)) = found.spec.request.as_ref().map(EncodedBytes::decode) else {
            return false;
        };
        let is_requester = match requester {
            Requester::Pod => {
                found.spec.username.whole() == Some(&*wish.service_account.username())
            }
            Requester::Driver => true,
        };
        is_requester
            && CertificateSigningRequest::parse_pem(&pem)
                .is_ok_and(|request| request.public_key() == self.key.public_key())
    }
}

/// Labels, annotations and owner as the Go driver writes them, so that what finds its requests
/// finds ours. The label hashes are short: nothing may be deleted by them alone.
fn metadata(
    wish: &Wish,
    name: &str,
    spiffe_id: &SpiffeId,
    settings: &RequestSettings,
) -> ObjectMeta {
    let mut annotations = settings.extra_annotations.clone();
    annotations.insert(IDENTITY.to_owned(), spiffe_id.to_string());
    let labels = BTreeMap::from([
        (NODE_ID_HASH.to_owned(), identifier_hash(&settings.node_id)),
        (
            VOLUME_ID_HASH.to_owned(),
            identifier_hash(wish.volume.as_str()),
        ),
    ]);
    ObjectMeta {
        name: Some(name.to_owned()),
        namespace: Some(wish.service_account.namespace().to_owned()),
        annotations: Some(annotations),
        labels: Some(labels),
        owner_references: Some(vec![OwnerReference {
            api_version: "v1".to_owned(),
            kind: "Pod".to_owned(),
            name: wish.pod.name.clone(),
            uid: wish.pod.uid.clone(),
            ..OwnerReference::default()
        }]),
        ..ObjectMeta::default()
    }
}

/// `POD-HASH`: the pod for whoever lists requests, 128 bits of hash for being the only one.
fn request_name(wish: &Wish, key: &PublicKey) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(wish.volume.as_str().as_bytes());
    context.update(&[0]);
    context.update(key.as_der());
    let hash = context.finish();
    let suffix: String = hash
        .as_ref()
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let pod: String = wish.pod.name.chars().take(POD_NAME_CHARS).collect();
    format!("{}-{suffix}", pod.trim_end_matches(['-', '.']))
}

/// With the hash it stays under the 253 of a Kubernetes name.
const POD_NAME_CHARS: usize = 200;

/// As the Go driver orders them.
const USAGES: [&str; 4] = [
    usage::DIGITAL_SIGNATURE,
    usage::KEY_ENCIPHERMENT,
    usage::SERVER_AUTH,
    usage::CLIENT_AUTH,
];

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use svid_core::identity::ServiceAccount;

    use super::*;
    use crate::wish::{Pod, TargetPath, VolumeId};

    fn wish(pod: &str) -> Wish {
        Wish {
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

    fn settings() -> RequestSettings {
        RequestSettings {
            trust_domain: TrustDomain::parse("example.org").unwrap(),
            duration: GoDuration::try_from(Duration::from_secs(3600)).unwrap(),
            requester: Requester::Pod,
            node_id: "node-1".to_owned(),
            extra_annotations: BTreeMap::from([("team".to_owned(), "a".to_owned())]),
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
        let attempt = Attempt::new(&wish("pod-1"), &issuer(), &settings()).unwrap();
        let metadata = &attempt.request.metadata;
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
        let spec = &attempt.request.spec;
        assert_eq!(spec.duration.as_deref(), Some("1h0m0s"));
        assert_eq!(spec.usages.as_ref().unwrap().len(), 4);
        assert_eq!(spec.is_ca, Some(false));
        assert!(spec.username.is_empty());
    }

    #[test]
    fn every_attempt_has_a_key_and_a_name_of_its_own() {
        let one = Attempt::new(&wish("pod-1"), &issuer(), &settings()).unwrap();
        let two = Attempt::new(&wish("pod-1"), &issuer(), &settings()).unwrap();
        assert_ne!(one.name, two.name);
        assert_ne!(one.key.public_key(), two.key.public_key());
        assert_eq!(one.name, request_name(&wish("pod-1"), one.key.public_key()));
    }

    #[test]
    fn names_fit_kubernetes_whatever_the_pods_name() {
        for pod in ["a", &"x".repeat(253), &format!("{}-.-", "y".repeat(197))] {
            let attempt = Attempt::new(&wish(pod), &issuer(), &settings()).unwrap();
            assert!(attempt.name.len() <= 253);
            assert!(
                ServiceAccount::new("n", &attempt.name).is_ok(),
                "{}",
                attempt.name
            );
        }
    }

    #[test]
    fn only_our_own_request_is_recognised_after_a_lost_answer() {
        let attempt = Attempt::new(&wish("pod-1"), &issuer(), &settings()).unwrap();
        let other = Attempt::new(&wish("pod-1"), &issuer(), &settings()).unwrap();
        let is_ours = |attempt: &Attempt, found: &CertificateRequest, requester| {
            let found = serde_json::to_value(found).unwrap();
            let found = serde_json::from_value(found).unwrap();
            attempt.recognises(&found, &wish("pod-1"), requester)
        };
        let mut found = attempt.request.clone();
        assert!(!is_ours(&attempt, &found, Requester::Pod), "made by nobody");
        found.spec.username = "system:serviceaccount:sandbox:web".to_owned();
        for requester in [Requester::Pod, Requester::Driver] {
            assert!(is_ours(&attempt, &found, requester));
            assert!(!is_ours(&other, &found, requester), "another key");
        }
        found.spec.username = "system:serviceaccount:cert-manager:driver".to_owned();
        assert!(!is_ours(&attempt, &found, Requester::Pod), "not the pod");
        assert!(is_ours(&attempt, &found, Requester::Driver));
        found.spec.request = EncodedBytes::from("?".to_owned());
        assert!(!is_ours(&attempt, &found, Requester::Driver), "no base64");
    }
}
