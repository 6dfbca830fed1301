//! Owns kubectl's connection flags.
//!
//! Must not read a kubeconfig. Invariant: the token appears in no `Debug` output and in no problem.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use http::Uri;
use svid_core::names::check_subdomain;
use zeroize::Zeroizing;

use super::flags::ConnectionFlags;
use super::problem::{Problems, Wrong};
use super::values;

/// How to reach the API server, as far as the flags specify it. What is `None` comes from
/// elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ConnectionArgs {
    pub(crate) kubeconfig: Option<PathBuf>,
    pub(crate) context: Option<String>,
    pub(crate) cluster: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) server: Option<Uri>,
    pub(crate) token: Option<Token>,
    pub(crate) certificate_authority: Option<PathBuf>,
    pub(crate) client_certificate: Option<ClientCertificate>,
    pub(crate) tls_server_name: Option<String>,
    pub(crate) insecure_skip_tls_verify: bool,
    /// `None`: no limit.
    pub(crate) request_timeout: Option<Duration>,
    pub(crate) impersonation: Option<Impersonation>,
}

/// A bearer token; prints as redacted.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token(Zeroizing<String>);

impl Token {
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(redacted)")
    }
}

/// The two files of a client certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClientCertificate {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// The user to impersonate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Impersonation {
    pub(crate) user: String,
    pub(crate) uid: Option<String>,
    pub(crate) groups: Vec<String>,
}

impl ConnectionArgs {
    /// Checks all values. `None`: at least one problem was noted.
    pub(crate) fn from_flags(flags: &ConnectionFlags, problems: &mut Problems) -> Option<Self> {
        let before = problems.len();
        let text = |value: &str| (!value.is_empty()).then(|| value.to_owned());
        let path = |value: &str| (!value.is_empty()).then(|| PathBuf::from(value));
        let server = problems.check_optional("--server", &flags.server, server);
        let tls_server_name =
            problems.check_optional("--tls-server-name", &flags.tls_server_name, |text| {
                check_subdomain(&text.to_ascii_lowercase())
            });
        let insecure = problems.check(
            "--insecure-skip-tls-verify",
            &flags.insecure_skip_tls_verify,
            values::boolean,
        );
        problems.check(
            "--disable-compression",
            &flags.disable_compression,
            values::boolean,
        );
        let timeout = problems.check("--request-timeout", &flags.request_timeout, request_timeout);
        if insecure == Some(true) && !flags.certificate_authority.is_empty() {
            let wrong = Wrong::new(
                "cannot be used with --insecure-skip-tls-verify",
                "one of them",
            );
            problems.add(
                "--certificate-authority",
                &flags.certificate_authority,
                wrong,
            );
        }
        let token = token(&flags.token, problems);
        let client_certificate = client_certificate(flags, problems);
        let impersonation = impersonation(flags, problems);
        if problems.len() > before {
            return None;
        }
        Some(Self {
            kubeconfig: path(&flags.kubeconfig),
            context: text(&flags.context),
            cluster: text(&flags.cluster),
            user: text(&flags.user),
            server: server?,
            token,
            certificate_authority: path(&flags.certificate_authority),
            client_certificate,
            tls_server_name: tls_server_name?,
            insecure_skip_tls_verify: insecure?,
            request_timeout: timeout?,
            impersonation,
        })
    }
}

fn server(text: &str) -> Result<Uri, Wrong> {
    let wrong = |what: &str| Wrong::new(what, "https://HOST:PORT, or http:// for a test");
    let uri: Uri = text.parse().map_err(|_inner| wrong("is not a URL"))?;
    if !matches!(uri.scheme_str(), Some("https" | "http")) {
        return Err(wrong("is not an http or https URL"));
    }
    if uri.host().is_none_or(str::is_empty) {
        return Err(wrong("has no host"));
    }
    if uri
        .authority()
        .is_some_and(|authority| authority.as_str().contains('@'))
    {
        return Err(wrong("contains a user"));
    }
    if uri.query().is_some() {
        return Err(wrong("contains a query"));
    }
    Ok(uri)
}

/// Seconds, or a Go duration; 0 means no limit (kubectl).
fn request_timeout(text: &str) -> Result<Option<Duration>, Wrong> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let timeout = match text.parse::<u32>() {
        Ok(seconds) if digits => Duration::from_secs(seconds.into()),
        _ => {
            let (_, timeout) = values::duration(text)?;
            timeout
        }
    };
    Ok((!timeout.is_zero()).then_some(timeout))
}

fn token(text: &str, problems: &mut Problems) -> Option<Token> {
    if text.is_empty() {
        return None;
    }
    if text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Some(Token(Zeroizing::new(text.to_owned())));
    }
    let wrong = Wrong::new(
        "contains a space or another character that cannot be part of a token (value not shown)",
        "a bearer token",
    );
    problems.add_without_value("--token", wrong);
    None
}

fn client_certificate(
    flags: &ConnectionFlags,
    problems: &mut Problems,
) -> Option<ClientCertificate> {
    let (certificate, key) = (&flags.client_certificate, &flags.client_key);
    match (certificate.is_empty(), key.is_empty()) {
        (true, true) => None,
        (false, false) => Some(ClientCertificate {
            certificate: PathBuf::from(certificate),
            key: PathBuf::from(key),
        }),
        (false, true) => {
            let wrong = Wrong::new("needs --client-key", "both or neither");
            problems.add("--client-certificate", certificate, wrong);
            None
        }
        (true, false) => {
            let wrong = Wrong::new("needs --client-certificate", "both or neither");
            problems.add("--client-key", key, wrong);
            None
        }
    }
}

fn impersonation(flags: &ConnectionFlags, problems: &mut Problems) -> Option<Impersonation> {
    let user = &flags.impersonate_user;
    let header_safe = |text: &str| text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let values = [("--as", user), ("--as-uid", &flags.impersonate_uid)];
    let groups = flags
        .impersonate_groups
        .iter()
        .map(|group| ("--as-group", group));
    for (flag, value) in values.into_iter().chain(groups) {
        if !header_safe(value) {
            let wrong = Wrong::new("cannot be sent in a header", "printable ASCII");
            problems.add(flag, value, wrong);
        }
        if user.is_empty() && !value.is_empty() {
            problems.add(
                flag,
                value,
                Wrong::new("needs --as", "a user to impersonate"),
            );
        }
    }
    (!user.is_empty()).then(|| Impersonation {
        user: user.clone(),
        uid: (!flags.impersonate_uid.is_empty()).then(|| flags.impersonate_uid.clone()),
        groups: flags.impersonate_groups.clone(),
    })
}
