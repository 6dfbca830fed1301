//! The calls over HTTP.

use std::time::Duration;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::unfold;
use http::HeaderValue;
use http::header::AUTHORIZATION;
use kube::Resource as _;
use kube::api::{DeleteParams, GetParams, PostParams};
use kube::core::Request as Target;
use svid_api::certmanager::{CertificateRequest, StoredRequest};
use svid_client::call::CALL_LIMIT;
use svid_client::watch::{self, Selection};
use svid_client::{ApiClient, ApiError, token};

use super::{ApiHealth, Calls, RequestChanges, Requests};
use crate::credential::{Credential, PodToken};

/// CertificateRequests on the cluster's API server.
///
/// Creates with a pod's token travel on a separate connection pool without credentials; everything
/// else has the driver's own credentials, in node-attested mode creates too. The two pools share no
/// connection, so the driver's credentials are never sent by mistake where a pod's belong.
#[derive(Clone)]
pub struct KubernetesRequests {
    driver: ApiClient,
    anonymous: ApiClient,
    health: ApiHealth,
}

impl KubernetesRequests {
    /// Calls with the driver's own credentials go to `driver`; `anonymous` reaches the same
    /// cluster and sends no credentials.
    pub fn new(driver: ApiClient, anonymous: ApiClient, health: ApiHealth) -> Self {
        Self {
            driver,
            anonymous,
            health,
        }
    }

    fn note<T>(&self, calls: Calls, result: Result<T, ApiError>) -> Result<T, ApiError> {
        self.health.note(calls, &result);
        result
    }
}

impl Requests for KubernetesRequests {
    fn create<'a>(
        &'a self,
        credential: &'a Credential,
        request: &'a CertificateRequest,
    ) -> BoxFuture<'a, Result<StoredRequest, ApiError>> {
        Box::pin(async move {
            let namespace = request.metadata.namespace.as_deref().unwrap_or_default();
            let mut call = serde_json::to_vec(request)
                .map_err(kube::core::request::Error::SerializeBody)
                .and_then(|body| target(namespace).create(&PostParams::default(), body));
            let client = match credential {
                Credential::Pod(token) => {
                    let bearer = bearer(token)?;
                    if let Ok(call) = &mut call {
                        call.headers_mut().insert(AUTHORIZATION, bearer);
                    }
                    &self.anonymous
                }
                Credential::Driver => &self.driver,
            };
            self.note(Calls::Creates, client.call(call, CREATE_LIMIT).await)
        })
    }

    fn read<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
    ) -> BoxFuture<'a, Result<StoredRequest, ApiError>> {
        let call = target(namespace).get(name, &GetParams::default());
        Box::pin(async move { self.note(Calls::Looks, self.driver.call(call, CALL_LIMIT).await) })
    }

    fn follow<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
        version: &'a str,
    ) -> BoxFuture<'a, Result<RequestChanges, ApiError>> {
        Box::pin(async move {
            let selection = Selection::named(target(namespace).url_path, name);
            let opened = watch::open(&self.driver, &selection, version).await;
            let changes = self.note(Calls::Looks, opened)?;
            let changes = unfold(changes, |mut changes| async move {
                let change = changes.next().await.transpose()?;
                Some((change, changes))
            });
            Ok(changes.boxed())
        })
    }

    fn delete<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        let call = target(namespace).delete(name, &DeleteParams::default());
        Box::pin(async move { self.note(Calls::Deletes, self.driver.send(call, CALL_LIMIT).await) })
    }
}

fn target(namespace: &str) -> Target {
    Target::new(CertificateRequest::url_path(&(), Some(namespace)))
}

fn bearer(token: &PodToken) -> Result<HeaderValue, ApiError> {
    token::bearer(token.secret.as_bytes()).map_err(|_bytes| {
        ApiError::Unauthorized("it contains bytes that cannot be part of a token".to_owned())
    })
}

/// For a create: longer than the 30 s that a webhook may take (cert-manager's have them), so that
/// the API server says which one did not answer. Shorter than a publish waits.
const CREATE_LIMIT: Duration = Duration::from_secs(35);
