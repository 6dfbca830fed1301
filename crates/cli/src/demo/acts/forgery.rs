//! Owns the act in which a pod requests an identity that is not its own.

use anyhow::Context as _;
use kube::api::{ObjectMeta, PostParams};
use kube::config::AuthInfo;
use kube::{Api, Client, Config};
use serde_json::{Value, json};
use svid_api::annotation::IDENTITY;
use svid_api::bounded::Text;
use svid_api::certmanager::{
    CertificateRequest, CertificateRequestSpec, EncodedBytes, IssuerRef, Progress, StoredRequest,
    usage,
};
use svid_core::svid::{CertificateSigningRequest, PrivateKey};
use svid_devcluster::{Binding, Identity, ServiceAccountName, resource};

use crate::demo::actor::Actor;
use crate::demo::stage::{LIFETIME, LIMIT, NAMESPACE, Stage};
use crate::demo::timeline::Timeline;
use crate::demo::unmet::Unexpected;

/// Requests a certificate of the server with the client's credentials.
///
/// # Errors
/// The request is not denied, or something was signed.
pub(in crate::demo) async fn play(
    [client, server]: &[Actor; 2],
    stage: &Stage,
    timeline: &mut Timeline,
) -> anyhow::Result<()> {
    timeline.act(
        "One pod asks for the other's identity",
        &[
            "Every pod may create certificate requests, so any pod can ask for anything. The \
             approver compares",
            "what is requested with the requester, whom the API server recorded and nobody can \
             change.",
        ],
    )?;
    timeline.note(&format!(
        "with the token of pod {}, a request is created for {}",
        client.pod.name(),
        server.identity
    ))?;
    let api = requests_as(client, stage).await?;
    let forged = forge(client, server)?;
    let created = api.create(&PostParams::default(), &forged).await;
    let created = created.context("creating the forged request")?;
    timeline.note(&format!(
        "the API server recorded the requester: {}",
        created.spec.username
    ))?;
    let denied = async {
        let decided = |request: &Value| is_named(request, NAME) && decision(request).is_some();
        let requests = &resource::CERTIFICATE_REQUESTS;
        let objects = stage.cluster.objects();
        let decided = objects
            .wait_for(requests, Some(NAMESPACE), LIMIT, decided)
            .await?;
        let decided: StoredRequest = serde_json::from_value(Value::clone(&decided))?;
        Ok(decided)
    };
    let decided = timeline
        .wait("waiting for the approver", LIMIT, String::new, denied)
        .await?;
    let Progress::Denied(condition) = decided.progress() else {
        let seen = format!("{:?}", decided.progress());
        return Err(Unexpected::new("the forged request to be denied", seen).into());
    };
    let message = condition.message.as_ref().map_or("", Text::beginning);
    timeline.seen(&format!("denied: {message}"))?;
    if decided
        .status
        .as_ref()
        .is_some_and(|status| status.certificate.is_some())
    {
        return Err(Unexpected::new("nothing to be signed", "a certificate").into());
    }
    let objects = stage.cluster.objects();
    objects.delete(&resource::CERTIFICATE_REQUESTS, NAMESPACE, NAME)?;
    timeline.proved("a request for somebody else's identity is denied, and nothing is signed")
}

/// A client that the API server takes for the pod.
async fn requests_as(actor: &Actor, stage: &Stage) -> anyhow::Result<Api<CertificateRequest>> {
    let account = ServiceAccountName::new(NAMESPACE, actor.name);
    let bound = Binding::Pod(actor.pod.name().to_owned());
    let token = stage
        .cluster
        .token(&Identity::ServiceAccount(account, bound))?;
    let mut config = Config::new(stage.cluster.url().parse().context("reading our own URL")?);
    config.auth_info = AuthInfo {
        token: token.map(Into::into),
        ..AuthInfo::default()
    };
    Ok(Api::namespaced(Client::try_from(config)?, NAMESPACE))
}

/// What the driver would send for this pod, but with the other pod's identity.
fn forge(actor: &Actor, victim: &Actor) -> anyhow::Result<CertificateRequest> {
    let key = PrivateKey::generate()?;
    let request = CertificateSigningRequest::build(&key, &victim.identity)?;
    let identity = (IDENTITY.to_owned(), victim.identity.to_string());
    let usages = [
        usage::DIGITAL_SIGNATURE,
        usage::KEY_ENCIPHERMENT,
        usage::SERVER_AUTH,
        usage::CLIENT_AUTH,
    ];
    let (name, uid) = (actor.pod.name(), actor.pod.uid());
    let owner = json!([{"apiVersion": "v1", "kind": "Pod", "name": name, "uid": uid}]);
    let owner = serde_json::from_value(owner).context("naming the pod as the owner")?;
    Ok(CertificateRequest {
        metadata: ObjectMeta {
            name: Some(NAME.to_owned()),
            annotations: Some([identity].into()),
            owner_references: Some(owner),
            ..ObjectMeta::default()
        },
        spec: CertificateRequestSpec {
            duration: Some(format!("{}s", LIFETIME.as_secs())),
            issuer_ref: IssuerRef {
                name: "spiffe-ca".to_owned(),
                kind: Some("ClusterIssuer".to_owned()),
                group: Some("cert-manager.io".to_owned()),
            },
            request: EncodedBytes::encode(request.to_pem()),
            is_ca: Some(false),
            usages: Some(usages.map(str::to_owned).to_vec()),
            ..CertificateRequestSpec::default()
        },
        status: None,
    })
}

fn is_named(object: &Value, name: &str) -> bool {
    object.pointer("/metadata/name").and_then(Value::as_str) == Some(name)
}

/// The first condition, which is the approver's.
fn decision(request: &Value) -> Option<&Value> {
    request.pointer("/status/conditions/0")
}

const NAME: &str = "forged";
