//! Whether the API server answers, reported by the only code that may do so.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::{Request, Response, StatusCode};
use kube::Client;
use kube::client::Body;
use svid_api::certmanager::CertificateRequest;
use svid_client::ApiClient;
use tower::service_fn;

use crate::credential::Credential;
use crate::issuance::{ApiHealth, Calls, KubernetesRequests, Requests as _};

/// A connection to an API server that can be cut.
pub(in super::super) struct Line {
    health: ApiHealth,
    is_cut: Arc<AtomicBool>,
    requests: KubernetesRequests,
}

impl Line {
    pub(in super::super) fn new() -> Self {
        let health = ApiHealth::default();
        let is_cut = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&is_cut);
        let server = service_fn(move |_request: Request<Body>| {
            let is_cut = seen.load(Ordering::SeqCst);
            async move {
                if is_cut {
                    return Err("no route to host");
                }
                let mut answer = Response::new(Body::empty());
                *answer.status_mut() = StatusCode::NOT_FOUND;
                Ok(answer)
            }
        });
        let client = ApiClient::new(Client::new(server, "default"));
        Self {
            requests: KubernetesRequests::new(client.clone(), client, health.clone()),
            is_cut,
            health,
        }
    }

    pub(in super::super) fn health(&self) -> ApiHealth {
        self.health.clone()
    }

    /// Reports to the health that the line is cut, or is restored.
    pub(in super::super) async fn cut(&self, is_cut: bool) {
        self.report(Calls::Looks, is_cut).await;
        self.report(Calls::Deletes, is_cut).await;
    }

    /// Reports to the health that calls of one kind fail, or work.
    pub(in super::super) async fn report(&self, calls: Calls, is_cut: bool) {
        self.is_cut.store(is_cut, Ordering::SeqCst);
        let object = CertificateRequest::new("any", Default::default());
        let requests = &self.requests;
        let error = match calls {
            Calls::Creates => requests.create(&Credential::Driver, &object).await.err(),
            Calls::Looks => requests.read("n", "any").await.err(),
            Calls::Deletes => requests.delete("n", "any").await.err(),
        };
        assert!(error.is_some());
    }
}
