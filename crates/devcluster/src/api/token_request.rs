//! `serviceaccounts/NAME/token`: TokenRequest (authentication.k8s.io/v1).

use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Problem;
use super::asked::{Call, specification};
use super::shared::Shared;
use crate::auth::{Binding, MintError, ServiceAccountName, TokenSpec};
use crate::clock;
use crate::resource::SERVICE_ACCOUNTS;
use crate::store::{Key, meta};

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    audiences: Option<Vec<String>>,
    expiration_seconds: Option<u64>,
    bound_object_ref: Option<Reference>,
}

#[derive(Debug, Deserialize)]
struct Reference {
    kind: String,
    name: String,
    #[serde(default)]
    uid: String,
}

/// Makes a token, bound to the pod that the request names.
pub(super) fn create(shared: &Shared, call: &Call) -> Result<Response, Problem> {
    let key = call.target.key().ok_or(Problem::NoSuchPath)?;
    let mut body = call.object()?;
    let spec: Option<Spec> = specification(&body)?;
    let spec = spec.unwrap_or_default();
    let seconds = spec.expiration_seconds.unwrap_or(3600);
    if !(600..=1 << 32).contains(&seconds) {
        return Err(invalid(
            &key,
            "spec.expirationSeconds",
            "may not specify a duration less than 10 minutes or larger than 2^32 seconds",
        ));
    }
    let (binding, uid) = match spec.bound_object_ref {
        None => (Binding::None, String::new()),
        Some(reference) if reference.kind == "Pod" => (Binding::Pod(reference.name), reference.uid),
        Some(_) => {
            return Err(invalid(
                &key,
                "spec.boundObjectRef.kind",
                "only Pod is supported",
            ));
        }
    };
    let audiences = spec.audiences.unwrap_or_default();
    let token = TokenSpec {
        service_account: ServiceAccountName::new(&key.namespace, &key.name),
        binding,
        // The empty audience of a CSIDriver's tokenRequests stands for the API server.
        audiences: audiences
            .into_iter()
            .filter(|name| !name.is_empty())
            .collect(),
        lifetime: Duration::from_secs(seconds),
    };
    let uid = (!uid.is_empty()).then_some(uid.as_str());
    let minted = shared
        .tokens
        .sign(&token, uid)
        .map_err(|error| refusal(&key, &error))?;
    meta::field(&mut body, "status").extend([
        ("token".to_owned(), minted.token.into()),
        (
            "expirationTimestamp".to_owned(),
            clock::seconds(minted.expires).into(),
        ),
    ]);
    meta::metadata(&mut body).extend([
        ("name".to_owned(), Value::from(key.name)),
        ("namespace".to_owned(), Value::from(key.namespace)),
    ]);
    if let Some(fields) = body.as_object_mut() {
        fields.insert("kind".to_owned(), json!("TokenRequest"));
        fields.insert("apiVersion".to_owned(), json!("authentication.k8s.io/v1"));
    }
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

fn invalid(key: &Key, field: &'static str, why: &str) -> Problem {
    Problem::Invalid {
        resource: &SERVICE_ACCOUNTS,
        name: key.name.clone(),
        field,
        why: why.to_owned(),
    }
}

fn refusal(key: &Key, error: &MintError) -> Problem {
    match error {
        MintError::NoServiceAccount(_) => Problem::NotFound(key.clone()),
        MintError::NoPod { namespace, name } => {
            Problem::NotFound(Key::new(&crate::resource::PODS, namespace, name))
        }
        MintError::OtherPod { .. } => Problem::Conflict {
            key: key.clone(),
            why: error.to_string(),
        },
        MintError::OtherServiceAccount { .. } => {
            invalid(key, "spec.boundObjectRef.name", &error.to_string())
        }
    }
}
