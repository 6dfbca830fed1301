//! The processing of one request: authentication, routing, authorisation, then its handler.

use axum::body::Bytes;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{Method, header};

use super::asked::{Call, Done, forbidden};
use super::log::LogEntry;
use super::route::{Query, Verb};
use super::shared::Shared;
use super::target::{Subresource, Target};
use super::{Problem, access_review, discovery, fault, read, token_request, watch, write};
use crate::auth::{Authenticated, Question, User};
use crate::connection::Sever;
use crate::faults::{Answer, Asked};

/// Answers one request: authenticates, parses and logs it, injects a fault if one is set,
/// authorises it and carries it out.
pub(super) async fn respond(
    shared: &Shared,
    sever: &Sever,
    parts: Parts,
    body: Bytes,
) -> Result<Response, Problem> {
    let (token, path) = credentials(&parts);
    let user = authenticate(shared, token, path)?;
    if parts.method == Method::GET
        && let Some(document) = discovery::document(path, host(&parts))
    {
        return Ok(axum::Json(document).into_response());
    }
    let target = Target::parse(path).ok_or(Problem::NoSuchPath)?;
    let query = Query::parse(parts.uri.query().unwrap_or_default())?;
    let verb = Verb::of(&parts.method, &target, &query)?;
    let name = target.name.clone().or_else(|| {
        let name = query.selector.fields.name();
        name.map(str::to_owned)
    });
    let noted = shared.log.note(LogEntry {
        verb: verb.as_str(),
        resource: target.resource.plural,
        subresource: target.subresource.map(Subresource::as_str),
        namespace: target.namespace.clone(),
        name: name.clone(),
        user: user.username.clone(),
        code: None,
    });
    let call = Call {
        user,
        target,
        query,
        verb,
        name,
        content_type: content_type(&parts),
        body,
    };
    let answered = Box::pin(carry_out(shared, sever, &call)).await;
    match &answered {
        Ok(done) => noted.answered(done.response.status().as_u16(), done.name.clone()),
        Err(problem) => noted.answered(problem.code().as_u16(), None),
    }
    answered.map(|done| done.response)
}

async fn carry_out(shared: &Shared, sever: &Sever, call: &Call) -> Result<Done, Problem> {
    let asked = Asked {
        verb: call.verb.as_str(),
        resource: call.target.resource.plural,
        subresource: call.target.subresource.map(Subresource::as_str),
        namespace: call.target.namespace.as_deref(),
        user: &call.user.username,
    };
    if shared.faults.is_cut_off(&call.user.username) {
        tokio::select! {
            () = shared.faults.reached(&call.user.username) => {}
            () = shared.shutdown.cancelled() => {}
        }
        match sever.now().await {}
    }
    let mut changes = shared.faults.changes();
    let mut lose_answer = false;
    match shared.faults.take_answer(&asked) {
        None => {}
        Some(Answer::CloseAfterwards) => lose_answer = true,
        Some(fault) => fault::inject(shared, sever, &mut changes, call, fault).await?,
    }
    authorise(shared, call)?;
    let done = dispatch(shared, call);
    if lose_answer {
        match sever.now().await {}
    }
    done
}

fn dispatch(shared: &Shared, call: &Call) -> Result<Done, Problem> {
    let is_review = access_review::is_review(call.target.resource);
    match call.verb {
        Verb::Create if is_review => access_review::create(shared, call).map(Done::from),
        _ if is_review => Err(Problem::MethodNotAllowed),
        Verb::Get => read::one(shared, call).map(Done::from),
        Verb::List => read::all(shared, call).map(Done::from),
        Verb::Watch => watch::begin(shared, call).map(Done::from),
        Verb::Create if call.target.subresource.is_some() => {
            token_request::create(shared, call).map(Done::from)
        }
        Verb::Create => write::create(shared, call),
        Verb::Update => write::update(shared, call).map(Done::from),
        Verb::Patch => write::patch(shared, call).map(Done::from),
        Verb::Delete => write::delete(shared, call).map(Done::from),
    }
}

/// The bearer token and the actual path. Go clients send no token over plain HTTP, so a path may
/// begin with `/as/TOKEN` instead.
fn credentials(parts: &Parts) -> (Option<&str>, &str) {
    let path = parts.uri.path();
    if let Some((token, _)) = path
        .strip_prefix("/as/")
        .and_then(|rest| rest.split_once('/'))
    {
        let rest = path.get("/as/".len() + token.len()..).unwrap_or_default();
        return (Some(token), rest);
    }
    let header = parts.headers.get(header::AUTHORIZATION);
    let token = header.map(|value| {
        let value = value.to_str().unwrap_or_default();
        value.strip_prefix("Bearer ").unwrap_or_default().trim()
    });
    (token, path)
}

fn authenticate(shared: &Shared, token: Option<&str>, path: &str) -> Result<User, Problem> {
    match shared.tokens.authenticate(token) {
        Ok(Authenticated::As(user) | Authenticated::Anonymous(user)) => Ok(user),
        Err(reason) => {
            tracing::debug!(%reason, path, "request with a bad token");
            Err(Problem::Unauthorized)
        }
    }
}

fn authorise(shared: &Shared, call: &Call) -> Result<(), Problem> {
    let question = Question {
        verb: call.verb.as_str(),
        group: call.target.resource.group,
        resource: call.target.resource.plural,
        subresource: call.target.subresource.map(Subresource::as_str),
        namespace: call.target.namespace.as_deref(),
        name: call.name.as_deref(),
    };
    if shared.permissions.allow(&call.user, &question) {
        Ok(())
    } else {
        Err(forbidden(call))
    }
}

fn content_type(parts: &Parts) -> String {
    let value = parts.headers.get(header::CONTENT_TYPE);
    let value = value
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

fn host(parts: &Parts) -> &str {
    let host = parts.headers.get(header::HOST);
    let host = host.and_then(|host| host.to_str().ok());
    host.unwrap_or("127.0.0.1")
}
