use std::path::{Path, PathBuf};

use kube::config::{AuthInfo, Config};
use tempfile::TempDir;

use super::configuration::configuration;
use super::sources::Sources;
use crate::args::{Command, ConnectionArgs, parse};
use svid_client::connect::without_credentials;

const KUBECONFIG: &str = r"
apiVersion: v1
kind: Config
current-context: one
clusters:
- name: one
  cluster: {server: 'http://one.example:1'}
- name: two
  cluster: {server: 'https://two.example:2', insecure-skip-tls-verify: true}
contexts:
- name: one
  context: {cluster: one, user: one, namespace: of-one}
- name: two
  context: {cluster: two, user: two}
- name: lost
  context: {cluster: gone, user: one}
users:
- name: one
  user: {token: token-one}
- name: two
  user: {tokenFile: two.token}
";

/// A folder with the kubeconfig above.
fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    std::fs::write(&path, KUBECONFIG).unwrap();
    std::fs::write(folder.path().join("two.token"), "token-two").unwrap();
    (folder, path)
}

fn connection(words: &[&str]) -> ConnectionArgs {
    let words = ["csi-driver-spiffe", "approver"].iter().chain(words);
    match parse(words.map(Into::into).collect()) {
        Ok(Command::Approver(role)) => role.connection,
        other => panic!("{other:?}"),
    }
}

async fn configured(words: &[&str], sources: Sources) -> Result<Config, String> {
    let outcome = configuration(&connection(words), sources).await;
    outcome.map_err(|error| format!("{:#}", anyhow::Error::from(error)))
}

fn only(path: &Path) -> Sources {
    Sources {
        listed: Vec::new(),
        default: Some(path.to_owned()),
    }
}

fn token(user: &AuthInfo) -> Option<String> {
    // The type of the secret is not exported, but its serialised form is.
    let value = serde_json::to_value(user).unwrap();
    value
        .get("token")
        .and_then(|token| token.as_str())
        .map(str::to_owned)
}

#[tokio::test]
async fn the_current_context_is_used_unless_flags_say_otherwise() {
    let (_folder, path) = folder();
    let table: &[(&[&str], &str, Option<&str>)] = &[
        (&[], "http://one.example:1/", Some("token-one")),
        (&["--context=two"], "https://two.example:2/", None),
        (
            &["--cluster=two"],
            "https://two.example:2/",
            Some("token-one"),
        ),
        (&["--user=two"], "http://one.example:1/", None),
        (
            &["--server=http://other:3"],
            "http://other:3/",
            Some("token-one"),
        ),
        (&["--token=mine"], "http://one.example:1/", Some("mine")),
        (
            &["--context=two", "--token=mine"],
            "https://two.example:2/",
            Some("mine"),
        ),
    ];
    for (words, server, expected) in table {
        let config = configured(words, only(&path)).await.unwrap();
        assert_eq!(config.cluster_url.to_string(), *server, "{words:?}");
        assert_eq!(token(&config.auth_info).as_deref(), *expected, "{words:?}");
    }
    let config = configured(&["--context=two"], only(&path)).await.unwrap();
    let expected = path
        .with_file_name("two.token")
        .to_string_lossy()
        .into_owned();
    assert_eq!(config.auth_info.token_file, Some(expected));
}

#[tokio::test]
async fn a_name_that_is_not_in_the_kubeconfig_is_an_error() {
    let (_folder, path) = folder();
    for (words, expected) in [
        (&["--context=none"][..], "no context \"none\""),
        (&["--cluster=none"], "no cluster \"none\""),
        (&["--user=none"], "no user \"none\""),
        (&["--context=lost"], "no cluster \"gone\""),
    ] {
        let error = configured(words, only(&path)).await.unwrap_err();
        assert!(error.contains(expected), "{words:?}: {error}");
    }
}

#[tokio::test]
async fn a_named_kubeconfig_must_be_there_and_others_may_be_absent() {
    let (folder, path) = folder();
    let absent = folder.path().join("absent");
    let named = format!("--kubeconfig={}", absent.display());
    assert!(
        configured(&[&named], only(&path))
            .await
            .unwrap_err()
            .contains("absent")
    );

    let sources = Sources {
        listed: vec![absent.clone(), path.clone()],
        default: None,
    };
    let config = configured(&[], sources).await.unwrap();
    assert_eq!(config.cluster_url.to_string(), "http://one.example:1/");

    let named = format!("--kubeconfig={}", path.display());
    assert!(configured(&[&named], only(&absent)).await.is_ok());
}

#[tokio::test]
async fn a_server_and_a_token_are_enough() {
    let words = ["--server=http://127.0.0.1:1", "--token=mine"];
    let config = configured(&words, Sources::default()).await.unwrap();

    assert_eq!(config.cluster_url.to_string(), "http://127.0.0.1:1/");
    assert_eq!(token(&config.auth_info).as_deref(), Some("mine"));
}

#[tokio::test]
async fn without_any_cluster_it_says_what_to_do() {
    let error = configured(&[], Sources::default()).await.unwrap_err();

    assert!(error.contains("give --kubeconfig or --server"), "{error}");
}

#[tokio::test]
async fn an_authority_that_cannot_be_read_is_told_by_its_path() {
    let (_folder, path) = folder();
    let words = ["--certificate-authority=/nonexistent/ca.pem"];

    let error = configured(&words, only(&path)).await.unwrap_err();

    assert!(error.contains("/nonexistent/ca.pem"), "{error}");
}

#[tokio::test]
async fn only_the_users_own_limit_and_no_proxy_of_the_environment_is_taken() {
    let (_folder, path) = folder();
    let config = configured(&[], only(&path)).await.unwrap();

    assert_eq!(config.read_timeout, None);
    assert_eq!(config.proxy_url, None);
    assert!(
        config
            .headers
            .iter()
            .any(|(name, value)| name == "user-agent"
                && value.to_str().unwrap().starts_with("csi-driver-spiffe/"))
    );
    let config = configured(&["--request-timeout=7s"], only(&path))
        .await
        .unwrap();
    assert_eq!(config.read_timeout.unwrap().as_secs(), 7);
}

#[tokio::test]
async fn the_anonymous_client_has_the_cluster_and_no_credentials() {
    let (_folder, path) = folder();
    let words = [
        "--context=two",
        "--token=mine",
        "--client-certificate=a",
        "--client-key=b",
        "--as=root",
        "--as-group=system:masters",
    ];
    let own = configured(&words, only(&path)).await.unwrap();
    assert_eq!(own.auth_info.impersonate.as_deref(), Some("root"));

    let anonymous = without_credentials(&own);

    let nobody = serde_json::to_value(AuthInfo::default()).unwrap();
    assert_eq!(serde_json::to_value(&anonymous.auth_info).unwrap(), nobody);
    assert_eq!(anonymous.cluster_url, own.cluster_url);
    assert!(anonymous.accept_invalid_certs);
    let headers: Vec<_> = anonymous
        .headers
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(headers, ["user-agent"]);
}

#[tokio::test]
async fn clients_are_made_without_the_machines_roots_where_none_are_used() {
    for words in [
        ["--server=http://127.0.0.1:1", "-v=1"],
        ["--server=https://127.0.0.1:1", "--insecure-skip-tls-verify"],
    ] {
        let config = configured(&words, Sources::default()).await.unwrap();
        assert_eq!(config.root_cert, Some(Vec::new()));
        assert!(kube::Client::try_from(config).is_ok());
    }
}

#[tokio::test]
async fn a_proxy_in_the_kubeconfig_is_refused_and_not_ignored() {
    let (_folder, path) = folder();
    let proxied = KUBECONFIG.replace(
        "server: 'http://one.example:1'",
        "server: 'http://one.example:1', proxy-url: 'http://proxy.example:3128'",
    );
    std::fs::write(&path, proxied).unwrap();

    let config = configured(&[], only(&path)).await.unwrap();
    let Err(error) = kube::Client::try_from(config) else {
        panic!("the proxy was ignored");
    };

    assert!(error.to_string().contains("proxy.example"), "{error}");
}
