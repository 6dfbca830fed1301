//! The HTTP server: from an accepted request to its answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::request::Parts;
use http::{Method, StatusCode, header};
use tokio::net::TcpListener;
use tokio::sync::watch::Receiver;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::log::LogEntry;
use super::route::{Query, Verb};
use super::target::Target;
use super::{Problem, RequestLog, discovery, read, token_request, watch, write};
use crate::admission::Admission;
use crate::auth::{Authenticated, Permissions, Question, Tokens, User};
use crate::clock::Clock;
use crate::connection::{Connections, Sever, SeverableListener};
use crate::faults::{Answer, Asked, Faults};
use crate::store::Store;

/// What every handler can see.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub(crate) store: Arc<Store>,
    pub(crate) clock: Clock,
    pub(crate) tokens: Tokens,
    pub(crate) permissions: Permissions,
    pub(crate) admission: Admission,
    pub(crate) faults: Faults,
    pub(crate) log: RequestLog,
    /// How often a watch that asked for bookmarks gets one.
    pub(crate) bookmarks: Duration,
    /// Ends every watch and every hanging request.
    pub(crate) shutdown: CancellationToken,
}

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    task: JoinHandle<std::io::Result<()>>,
}

impl Server {
    /// Serves on a bound listener until `shared.shutdown` is cancelled.
    pub(crate) fn start(
        listener: TcpListener,
        connections: Connections,
        shared: Shared,
    ) -> std::io::Result<Self> {
        let address = listener.local_addr()?;
        let listener = SeverableListener {
            listener,
            connections,
        };
        let shutdown = shared.shutdown.clone();
        let router = Router::new()
            .route("/healthz", get(ok))
            .route("/livez", get(ok))
            .route("/readyz", get(ok))
            .fallback(answer)
            .with_state(shared)
            .into_make_service_with_connect_info::<Sever>();
        let serve = axum::serve(listener, router)
            .with_graceful_shutdown(async move { shutdown.cancelled().await });
        let task = tokio::spawn(async move { serve.await });
        Ok(Self { address, task })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits for the end of the server and of its connections. Connections that do not end by
    /// themselves within a second are broken.
    pub(crate) async fn join(self, connections: &Connections) {
        let mut task = self.task;
        let ended = tokio::time::timeout(Duration::from_secs(1), &mut task).await;
        let ended = match ended {
            Ok(ended) => ended,
            Err(_elapsed) => {
                connections.sever_all();
                task.await
            }
        };
        if let Err(error) = ended {
            tracing::error!(%error, "API server ended badly");
        }
    }
}

async fn ok() -> &'static str {
    "ok"
}

async fn answer(
    State(shared): State<Shared>,
    ConnectInfo(sever): ConnectInfo<Sever>,
    request: http::Request<Body>,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, BODY_LIMIT).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    respond(&shared, &sever, parts, body)
        .await
        .unwrap_or_else(Problem::into_response)
}

async fn respond(
    shared: &Shared,
    sever: &Sever,
    parts: Parts,
    body: Bytes,
) -> Result<Response, Problem> {
    let user = authenticate(shared, &parts)?;
    let path = parts.uri.path();
    if parts.method == Method::GET
        && let Some(document) = discovery::document(path, &shared.address_hint(&parts))
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
        subresource: target.subresource.map(|sub| sub.as_str()),
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

/// One request, read.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) user: User,
    pub(super) target: Target,
    pub(super) query: Query,
    pub(super) verb: Verb,
    /// From the path or the field selector.
    pub(super) name: Option<String>,
    pub(super) content_type: String,
    pub(super) body: Bytes,
}

/// An answer, and the name that the server chose for what it created.
pub(super) struct Done {
    pub(super) response: Response,
    pub(super) name: Option<String>,
}

impl From<Response> for Done {
    fn from(response: Response) -> Self {
        let name = None;
        Self { response, name }
    }
}

async fn carry_out(shared: &Shared, sever: &Sever, call: &Call) -> Result<Done, Problem> {
    let asked = Asked {
        verb: call.verb.as_str(),
        resource: call.target.resource.plural,
        subresource: call.target.subresource.map(|sub| sub.as_str()),
        namespace: call.target.namespace.as_deref(),
        user: &call.user.username,
    };
    let mut changes = shared.faults.changes();
    let mut lose_answer = false;
    match shared.faults.take_answer(&asked) {
        None => {}
        Some(Answer::CloseAfterwards) => lose_answer = true,
        Some(fault) => inject(shared, sever, &mut changes, call, fault).await?,
    }
    authorise(shared, call)?;
    let done = dispatch(shared, call);
    if lose_answer {
        match sever.now().await {}
    }
    done
}

/// Plays a fault. Returns only if the request is to be carried out after all.
async fn inject(
    shared: &Shared,
    sever: &Sever,
    changes: &mut Receiver<()>,
    call: &Call,
    fault: Answer,
) -> Result<(), Problem> {
    let key = call.target.key();
    let key = key.unwrap_or_else(|| crate::store::Key::new(call.target.resource, "", ""));
    match fault {
        Answer::Conflict => {
            let why = MODIFIED.to_owned();
            Err(Problem::Conflict { key, why })
        }
        Answer::AlreadyExists => Err(Problem::AlreadyExists(key)),
        Answer::Unauthorized => Err(Problem::Unauthorized),
        Answer::Forbidden => Err(forbidden(call)),
        Answer::TooManyRequests { retry_after } => Err(Problem::TooManyRequests { retry_after }),
        Answer::InternalError => Err(Problem::InternalError),
        Answer::Unavailable => Err(Problem::Unavailable),
        Answer::Hang => {
            tokio::select! {
                _ = changes.changed() => {}
                () = shared.shutdown.cancelled() => {}
            }
            Err(Problem::Unavailable)
        }
        Answer::Delay(delay) => {
            tokio::select! {
                () = tokio::time::sleep(delay) => Ok(()),
                () = shared.shutdown.cancelled() => Err(Problem::Unavailable),
            }
        }
        Answer::Close => match sever.now().await {},
        Answer::CloseAfterwards => Ok(()),
    }
}

fn dispatch(shared: &Shared, call: &Call) -> Result<Done, Problem> {
    match call.verb {
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

fn authenticate(shared: &Shared, parts: &Parts) -> Result<User, Problem> {
    let header = parts.headers.get(header::AUTHORIZATION);
    let header = header.map(|value| value.to_str().unwrap_or_default());
    match shared.tokens.authenticate(header) {
        Ok(Authenticated::As(user) | Authenticated::Anonymous(user)) => Ok(user),
        Err(reason) => {
            tracing::debug!(%reason, path = parts.uri.path(), "request with a bad token");
            Err(Problem::Unauthorized)
        }
    }
}

fn authorise(shared: &Shared, call: &Call) -> Result<(), Problem> {
    let question = Question {
        verb: call.verb.as_str(),
        group: call.target.resource.group,
        resource: call.target.resource.plural,
        subresource: call.target.subresource.map(|sub| sub.as_str()),
        namespace: call.target.namespace.as_deref(),
        name: call.name.as_deref(),
    };
    if shared.permissions.allow(&call.user, &question) {
        Ok(())
    } else {
        Err(forbidden(call))
    }
}

fn forbidden(call: &Call) -> Problem {
    let Target {
        resource,
        namespace,
        subresource,
        ..
    } = &call.target;
    let sub = subresource.map_or(String::new(), |sub| format!("/{}", sub.as_str()));
    let place = match namespace {
        Some(namespace) => format!("in the namespace \"{namespace}\""),
        None => "at the cluster scope".to_owned(),
    };
    Problem::Forbidden {
        resource: resource.qualified(),
        name: call.name.clone(),
        why: format!(
            "User \"{}\" cannot {} resource \"{}{sub}\" in API group \"{}\" {place}",
            call.user.username,
            call.verb.as_str(),
            resource.plural,
            resource.group,
        ),
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

impl Shared {
    fn address_hint(&self, parts: &Parts) -> String {
        let host = parts.headers.get(header::HOST);
        let host = host.and_then(|host| host.to_str().ok());
        host.unwrap_or("127.0.0.1").to_owned()
    }
}

/// What a conflict says.
pub(super) const MODIFIED: &str =
    "the object has been modified; please apply your changes to the latest version and try again";

/// Bytes that a body may have, as a real API server takes (3 MiB).
const BODY_LIMIT: usize = 3 << 20;
