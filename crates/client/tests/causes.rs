//! Why the API server cannot be reached, over real sockets: each cause has words of its own, and
//! says what to do.
#![allow(clippy::unwrap_used, reason = "this is a test")]

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use kube::Config;
use kube::core::Request;
use rcgen::{CertificateParams, DnType, KeyPair, generate_simple_self_signed};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection};
use svid_client::ApiError;
use svid_client::connect::connect;

/// How a call to this address fails; `trusted` is the DER of an authority.
async fn failure(url: &str, trusted: Option<Vec<u8>>) -> ApiError {
    let mut config = Config::new(url.parse().unwrap());
    config.root_cert = trusted.map(|der| vec![der]);
    let client = connect(&config).unwrap().own;
    let call = Request::new("/version").list(&kube::api::ListParams::default());
    let answer = client.call::<serde_json::Value>(call, Duration::from_secs(10));
    answer.await.unwrap_err()
}

/// Each cause has exactly its own of these words.
fn has_only(error: &ApiError, own: &str, advice: &str) {
    let text = error.to_string();
    for words in [
        "Connection refused",
        "UnknownIssuer",
        "BadSignature",
        "failed to lookup address",
        "rejected the credentials",
    ] {
        assert_eq!(text.contains(words), words == own, "{words}: {text}");
    }
    assert!(text.contains(advice), "{text}");
}

#[tokio::test]
async fn nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = failure(&url, None).await;
    has_only(&error, "Connection refused", "is the address right");
}

#[tokio::test]
async fn the_host_name_is_unknown() {
    // No label may be so long, so nobody is asked. TLS would refuse it first.
    let url = format!("http://{}.invalid", "a".repeat(64));
    let error = failure(&url, None).await;
    has_only(&error, "failed to lookup address", "does DNS answer");
}

/// A server whose certificate nobody has heard of, for one connection.
fn serve_tls() -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let own = generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(own.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key.into())
        .unwrap();
    let config = Arc::new(config);
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut tls = ServerConnection::new(config).unwrap();
        while tls.is_handshaking() && tls.complete_io(&mut stream).is_ok() {}
    });
    (url, server)
}

#[tokio::test]
async fn another_authority_signed_the_servers_certificate() {
    // Two clusters' authorities often have the same name.
    for (name, own) in [
        ("rcgen self signed cert", "BadSignature"),
        ("another", "UnknownIssuer"),
    ] {
        let (url, server) = serve_tls();
        let mut another = CertificateParams::default();
        another.distinguished_name.push(DnType::CommonName, name);
        let another = another.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let error = failure(&url, Some(another.der().to_vec())).await;
        server.join().unwrap();
        has_only(&error, own, "--certificate-authority");
    }
}

#[tokio::test]
async fn the_token_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _read = stream.read(&mut [0; 4096]).unwrap();
        let answer = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 12\r\n\r\nUnauthorized";
        stream.write_all(answer).unwrap();
    });
    let error = failure(&url, None).await;
    server.join().unwrap();
    has_only(&error, "rejected the credentials", "Unauthorized");
}
