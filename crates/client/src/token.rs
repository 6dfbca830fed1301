//! Tokens as `Authorization` headers, and our own one from a file that somebody else renews.
//!
//! The kubelet writes a new service account token into a mounted file long before the old one
//! expires. Invariants: the file is read again after `READ_AGAIN` at most, by a clock that nobody
//! can set, and at once after a 401; the last token that could be read stays in use; a token is in
//! memory that is wiped, and in no log line.

use std::future::poll_fn;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::header::{AUTHORIZATION, InvalidHeaderValue};
use http::{HeaderValue, Request, Response, StatusCode};
use kube::client::Body;
use tokio::task::spawn_blocking;
use tokio::time::Instant;
use tower::{Layer, Service};
use zeroize::Zeroizing;

/// The header with this token, in memory that is wiped when the last clone of it is dropped.
///
/// # Errors
/// It holds bytes that no token has.
pub fn bearer(token: &[u8]) -> Result<HeaderValue, InvalidHeaderValue> {
    const SCHEME: &[u8] = b"Bearer ";
    // Of the whole size at once: memory that grows leaves copies behind.
    let mut text = Zeroizing::new(Vec::with_capacity(SCHEME.len() + token.len()));
    text.extend_from_slice(SCHEME);
    text.extend_from_slice(token);
    let mut value = shared(text)?;
    value.set_sensitive(true);
    Ok(value)
}

/// The header's value without a copy of it.
fn shared(text: Zeroizing<Vec<u8>>) -> Result<HeaderValue, InvalidHeaderValue> {
    HeaderValue::from_maybe_shared(Bytes::from_owner(text))
}

/// A file with our own token.
#[derive(Debug)]
pub(crate) struct TokenFile {
    path: PathBuf,
    held: Mutex<Held>,
}

#[derive(Debug)]
struct Held {
    header: HeaderValue,
    /// When reading it was last begun.
    read: Instant,
}

impl TokenFile {
    /// Reads the token for the first time.
    ///
    /// # Errors
    /// The file cannot be read, or what is in it is not a token.
    pub(crate) fn open(path: PathBuf) -> io::Result<Self> {
        let held = Held {
            header: read(&path)?,
            read: Instant::now(),
        };
        let held = Mutex::new(held);
        Ok(Self { path, held })
    }

    /// The header to send now.
    async fn header(&self) -> HeaderValue {
        let is_due = {
            let mut held = self.held();
            let is_due = held.read.elapsed() >= READ_AGAIN;
            if is_due {
                // Whoever else calls meanwhile goes on with the old one.
                held.read = Instant::now();
            }
            is_due
        };
        if is_due {
            self.read_again().await;
        }
        self.held().header.clone()
    }

    /// The header to send after this one was refused, if the file has another token now.
    async fn other_than(&self, refused: &HeaderValue) -> Option<HeaderValue> {
        self.read_again().await;
        let header = self.held().header.clone();
        (header != refused).then_some(header)
    }

    async fn read_again(&self) {
        let path = self.path.clone();
        let begun = Instant::now();
        let header = match spawn_blocking(move || read(&path)).await {
            Ok(header) => header,
            Err(panic) => Err(io::Error::other(panic)),
        };
        match header {
            Ok(header) => {
                *self.held() = Held {
                    header,
                    read: begun,
                }
            }
            Err(error) => tracing::warn!(
                path = %self.path.display(),
                %error,
                "our own token cannot be read again, the last one stays in use"
            ),
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(path: &Path) -> io::Result<HeaderValue> {
    let text = Zeroizing::new(std::fs::read(path)?);
    let token = text.trim_ascii();
    if token.is_empty() {
        let why = "it is empty";
        return Err(io::Error::new(io::ErrorKind::InvalidData, why));
    }
    bearer(token).map_err(|_bytes| {
        let why = "it holds bytes that no token has";
        io::Error::new(io::ErrorKind::InvalidData, why)
    })
}

/// Puts the token of a file onto every request. A request that is answered with 401 is sent once
/// more if the file has another token by then.
#[derive(Clone, Debug)]
pub(crate) struct Authorize(Arc<TokenFile>);

impl Authorize {
    pub(crate) fn with(token: TokenFile) -> Self {
        Self(Arc::new(token))
    }
}

impl<S> Layer<S> for Authorize {
    type Service = Authorized<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Authorized {
            inner,
            token: Arc::clone(&self.0),
        }
    }
}

/// See [`Authorize`].
#[derive(Clone, Debug)]
pub(crate) struct Authorized<S> {
    inner: S,
    token: Arc<TokenFile>,
}

impl<S, A> Service<Request<Body>> for Authorized<S>
where
    S: Service<Request<Body>, Response = Response<A>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
    A: Send,
{
    type Response = Response<A>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (parts, body) = request.into_parts();
        // None if the body is a stream.
        let again = body.try_clone();
        let again = again.map(|body| Request::from_parts(parts.clone(), body));
        let mut request = Request::from_parts(parts, body);
        // The one that was polled is the one that is ready.
        let next = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, next);
        let token = Arc::clone(&self.token);
        Box::pin(async move {
            let header = token.header().await;
            request.headers_mut().insert(AUTHORIZATION, header.clone());
            let answer = inner.call(request).await?;
            if answer.status() != StatusCode::UNAUTHORIZED {
                return Ok(answer);
            }
            let (Some(mut again), Some(other)) = (again, token.other_than(&header).await) else {
                return Ok(answer);
            };
            drop(answer);
            again.headers_mut().insert(AUTHORIZATION, other);
            poll_fn(|context| inner.poll_ready(context)).await?;
            inner.call(again).await
        })
    }
}

/// The kubelet renews a token when a fifth of its time is left, which is two minutes at least. If
/// this were halved, the file would be read 120 times an hour in place of 60.
const READ_AGAIN: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http_body_util::BodyExt as _;
    use tempfile::TempDir;
    use tokio::time::advance;
    use tower::ServiceExt as _;

    use super::*;

    #[test]
    fn the_header_shows_the_memory_that_is_wiped_and_so_do_its_clones() {
        let text = Zeroizing::new(b"Bearer eyJ".to_vec());
        let wiped = text.as_ptr();
        let value = shared(text).unwrap();
        let clone = value.clone();
        assert_eq!(
            (value.as_bytes().as_ptr(), clone.as_bytes().as_ptr()),
            (wiped, wiped)
        );
    }

    #[test]
    fn the_header_holds_the_whole_token_and_does_not_print_it() {
        let value = bearer(b"eyJ.secret").unwrap();
        assert_eq!(value.as_bytes(), b"Bearer eyJ.secret");
        assert!(!format!("{value:?}").contains("secret"));
        assert!(bearer(b"eyJ\nsecret").is_err());
    }

    /// A file with a token, and a server that accepts one token.
    struct Room {
        folder: TempDir,
        accepted: Arc<Mutex<&'static str>>,
        seen: Arc<Mutex<Vec<String>>>,
    }

    impl Room {
        fn new() -> Self {
            let room = Self {
                folder: TempDir::new().unwrap(),
                accepted: Arc::new(Mutex::new("one")),
                seen: Arc::default(),
            };
            room.write("one\n");
            room
        }

        fn path(&self) -> PathBuf {
            self.folder.path().join("token")
        }

        fn write(&self, token: &str) {
            std::fs::write(self.path(), token).unwrap();
        }

        fn accept(&self, token: &'static str) {
            *self.accepted.lock().unwrap() = token;
        }

        fn client(
            &self,
        ) -> impl Service<
            Request<Body>,
            Response = Response<()>,
            Error = Infallible,
            Future = BoxFuture<'static, Result<Response<()>, Infallible>>,
        > + Clone
        + use<> {
            let (accepted, seen) = (Arc::clone(&self.accepted), Arc::clone(&self.seen));
            let server = tower::service_fn(move |request: Request<Body>| {
                let (accepted, seen) = (Arc::clone(&accepted), Arc::clone(&seen));
                async move {
                    let (parts, body) = request.into_parts();
                    let token = parts.headers[AUTHORIZATION].to_str().unwrap().to_owned();
                    let body = body.collect().await.unwrap().to_bytes();
                    let body = str::from_utf8(&body).unwrap();
                    let line = format!("{} {} {token} {body}", parts.method, parts.uri);
                    seen.lock().unwrap().push(line);
                    let is_accepted = token == format!("Bearer {}", accepted.lock().unwrap());
                    let code = if is_accepted { 200 } else { 401 };
                    Ok::<_, Infallible>(Response::builder().status(code).body(()).unwrap())
                }
            });
            Authorize::with(TokenFile::open(self.path()).unwrap()).layer(server)
        }

        /// What the server saw since this was last asked.
        fn seen(&self) -> Vec<String> {
            std::mem::take(&mut self.seen.lock().unwrap())
        }
    }

    fn request() -> Request<Body> {
        let body = Body::from(b"body".to_vec());
        Request::post("/things").body(body).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_that_was_renewed_is_sent_after_a_minute() {
        let room = Room::new();
        let client = room.client();
        let send = async || {
            client.clone().oneshot(request()).await.unwrap();
            let sent = room.seen();
            assert_eq!(sent.len(), 1, "{sent:?}");
            sent[0].clone()
        };
        assert!(send().await.contains("Bearer one"));
        for (old, new) in [("one", "two"), ("two", "three")] {
            room.write(new);
            advance(READ_AGAIN - Duration::from_millis(1)).await;
            assert!(send().await.contains(old));
            room.accept(new);
            advance(Duration::from_millis(1)).await;
            assert!(send().await.contains(new));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_401_the_file_is_read_at_once_and_the_call_is_sent_again_whole() {
        let room = Room::new();
        let client = room.client();
        room.write("two");
        room.accept("two");
        let answer = client.clone().oneshot(request()).await.unwrap();
        assert_eq!(answer.status(), 200);
        let call = |token: &str| format!("POST /things Bearer {token} body");
        assert_eq!(room.seen(), [call("one"), call("two")]);
        client.oneshot(request()).await.unwrap();
        assert_eq!(room.seen(), [call("two")], "the new one stays in use");
    }

    #[tokio::test(start_paused = true)]
    async fn a_401_is_passed_on_if_the_file_has_no_other_token_or_the_other_is_refused_too() {
        let room = Room::new();
        let client = room.client();
        room.accept("none");
        for (token, calls) in [("one", 1), ("two", 2)] {
            room.write(token);
            let answer = client.clone().oneshot(request()).await.unwrap();
            assert_eq!(answer.status(), 401);
            assert_eq!(room.seen().len(), calls, "{token}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_token_stays_in_use_while_the_file_cannot_be_read() {
        let room = Room::new();
        let client = room.client();
        for broken in ["", "  \n", "o\u{1}ne"] {
            room.write(broken);
            advance(READ_AGAIN).await;
            let answer = client.clone().oneshot(request()).await.unwrap();
            assert_eq!(answer.status(), 200, "{broken:?}");
        }
        std::fs::remove_file(room.path()).unwrap();
        advance(READ_AGAIN).await;
        let answer = client.clone().oneshot(request()).await.unwrap();
        assert_eq!(answer.status(), 200);
        assert!(TokenFile::open(room.path()).is_err());
    }
}
