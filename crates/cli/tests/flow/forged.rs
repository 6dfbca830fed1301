//! Requests that no driver made, by whoever has a token.

use kube::api::{ObjectMeta, PostParams};
use kube::config::AuthInfo;
use kube::{Api, Client, Config};
use serde_json::{Value, from_value, json};
use svid_api::annotation::IDENTITY;
use svid_api::certmanager::{CertificateRequest, CertificateRequestSpec, EncodedBytes, usage};
use svid_core::identity::SpiffeId;
use svid_core::svid::{CertificateSigningRequest, PrivateKey};
use svid_devcluster::Identity;

use crate::world::World;

/// What a request asks for, and in whose name.
pub(crate) struct Forged<'a> {
    pub(crate) name: &'a str,
    /// Name and UID of the Pod that it says it is for.
    pub(crate) owner: Option<(&'a str, &'a str)>,
    /// Whose identity, in the namespace `sandbox`.
    pub(crate) account: &'a str,
}

/// Creates a request that is right but for what is forged, and gives the approver's condition.
pub(crate) async fn decided(world: &World, by: &Identity, forged: Forged<'_>) -> Value {
    let mut config = Config::new(world.cluster.url().parse().unwrap());
    config.auth_info = AuthInfo {
        token: world.cluster.token(by).unwrap().map(Into::into),
        ..AuthInfo::default()
    };
    let client = Client::try_from(config).unwrap();
    let api: Api<CertificateRequest> = Api::namespaced(client, "sandbox");
    let request = request(&forged);
    api.create(&PostParams::default(), &request).await.unwrap();
    let is_decided = |one: &Value| {
        one["metadata"]["name"] == forged.name && one["status"]["conditions"][0].is_object()
    };
    world.wait_for_request(is_decided).await["status"]["conditions"][0].clone()
}

fn request(forged: &Forged<'_>) -> CertificateRequest {
    let id = format!("spiffe://example.org/ns/sandbox/sa/{}", forged.account);
    let key = PrivateKey::generate().unwrap();
    let csr = CertificateSigningRequest::build(&key, &SpiffeId::parse(&id).unwrap()).unwrap();
    let owners = forged.owner.map(|(name, uid)| {
        from_value(json!([{"apiVersion": "v1", "kind": "Pod", "name": name, "uid": uid}])).unwrap()
    });
    let usages = [
        usage::DIGITAL_SIGNATURE,
        usage::KEY_ENCIPHERMENT,
        usage::SERVER_AUTH,
        usage::CLIENT_AUTH,
    ];
    let issuer = json!({"name": "spiffe-ca", "kind": "ClusterIssuer", "group": "cert-manager.io"});
    CertificateRequest {
        metadata: ObjectMeta {
            name: Some(forged.name.to_owned()),
            annotations: Some([(IDENTITY.to_owned(), id)].into()),
            owner_references: owners,
            ..ObjectMeta::default()
        },
        spec: CertificateRequestSpec {
            duration: Some("1h".to_owned()),
            issuer_ref: from_value(issuer).unwrap(),
            request: EncodedBytes::encode(csr.to_pem()),
            usages: Some(usages.map(str::to_owned).to_vec()),
            ..CertificateRequestSpec::default()
        },
        status: None,
    }
}
