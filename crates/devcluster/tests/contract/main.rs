//! The promises of `svid-contract`, kept by the embedded API server: over its socket and without.

#![expect(
    clippy::expect_used,
    reason = "a test says what it expected by panicking"
)]

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use kube::{Client, Config};
use libtest_mimic::{Arguments, Trial};
use svid_contract::{Contract, Grant, Right, Server};
use svid_devcluster::{
    ApiServer, Cluster, Identity, Options, Permissions, Reach, Rule, ServiceAccountName,
};

fn main() -> ExitCode {
    let mut trials = Vec::new();
    for contract in svid_contract::contracts() {
        let name = contract.name();
        trials.push(trial(format!("by_socket::{name}"), by_socket(contract)));
        trials.push(trial(format!("in_process::{name}"), in_process(contract)));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn trial(name: String, check: impl Future<Output = ()> + Send + 'static) -> Trial {
    Trial::test(name, move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let ended = runtime.block_on(async { tokio::time::timeout(LONGEST, check).await });
        ended.map_err(|_elapsed| format!("not over after {LONGEST:?}").into())
    })
}

async fn by_socket(contract: Contract) {
    let cluster = Cluster::start(options()).await.expect("cluster");
    let url = cluster.url();
    let bearer = move |token: Option<&str>| {
        let mut config = Config::new(url.parse().expect("URL"));
        config.default_retry = false;
        config.auth_info.token = token.map(|token| token.to_owned().into());
        Client::try_from(config).expect("client")
    };
    let token = cluster.token(&Identity::Administrator).expect("token");
    let administrator = bearer(token.as_deref());
    let grant = grant(cluster.permissions());
    contract
        .check(&Server::new(administrator, bearer, grant))
        .await;
    cluster.shutdown().await;
}

async fn in_process(contract: Contract) {
    let api = ApiServer::new(options()).expect("API server");
    let token = api.token(&Identity::Administrator).expect("token");
    let administrator = Client::new(api.service(token.as_deref()), "default");
    let grant = grant(api.permissions());
    let bearer = move |token: Option<&str>| Client::new(api.service(token), "default");
    contract
        .check(&Server::new(administrator, bearer, grant))
        .await;
}

/// A history so short that the first version of all is forgotten, and bookmarks at once.
fn options() -> Options {
    Options {
        history: 12,
        bookmark_interval: Duration::from_millis(500),
        ..Options::default()
    }
}

fn grant(permissions: &Permissions) -> Grant {
    let permissions = permissions.clone();
    Arc::new(move |right: Right| {
        let account = ServiceAccountName::new(&right.namespace, &right.account);
        let mut rule = Rule::new(right.group, right.resource, right.verbs);
        if let Some(name) = right.name {
            rule = rule.named(name);
        }
        permissions.grant(svid_devcluster::Grant {
            subject: (&account).into(),
            reach: if right.everywhere {
                Reach::Cluster
            } else {
                Reach::Namespace(right.namespace)
            },
            rules: vec![rule],
        });
        futures::future::ready(()).boxed()
    })
}

/// Of one promise, the slowest of which waits for a watch to end.
const LONGEST: Duration = Duration::from_secs(60);
