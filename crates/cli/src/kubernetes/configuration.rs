//! Owns how flags, kubeconfig and the service account of a pod become one configuration.
//!
//! Must not know who uses it. Invariant: a flag takes precedence, and a context, cluster or user
//! that is named but missing is an error, never a silent fallback.

use http::HeaderValue;
use http::header::USER_AGENT;
use http::uri::Scheme;
use kube::config::{
    AuthInfo, Cluster, Config, Context, KubeConfigOptions, Kubeconfig, NamedAuthInfo, NamedCluster,
    NamedContext,
};

use super::error::ConfigurationError;
use super::sources::Sources;
use crate::args::{ConnectionArgs, Impersonation};

/// The configuration with our own credentials, from flags, kubeconfig or the pod's service account,
/// in client-go's order.
pub(super) async fn configuration(
    args: &ConnectionArgs,
    sources: Sources,
) -> Result<Config, ConfigurationError> {
    let kubeconfig = sources.read(args.kubeconfig.as_deref())?;
    let mut config = if is_empty(&kubeconfig) && !names_cluster(args) {
        in_cluster(args)?
    } else {
        from_kubeconfig(kubeconfig, args).await?
    };
    if let Some(path) = &args.certificate_authority {
        // An unreadable file fails here and not later, when the file is read again every minute.
        std::fs::read(path).map_err(|source| ConfigurationError::CertificateAuthority {
            path: path.clone(),
            source,
        })?;
        config.root_cert_file = Some(path.clone());
    }
    if let Some(impersonation) = &args.impersonation {
        impersonate(&mut config.auth_info, impersonation);
    }
    let unchecked =
        config.accept_invalid_certs || config.cluster_url.scheme() == Some(&Scheme::HTTP);
    if unchecked && config.root_cert.is_none() {
        // Otherwise kube requires the machine's roots even if none are used, and a small image has
        // none.
        config.root_cert = Some(Vec::new());
    }
    // Every call and watch has a limit of its own; this is the user's, in addition.
    config.read_timeout = args.request_timeout;
    config
        .headers
        .push((USER_AGENT, HeaderValue::from_static(AGENT)));
    Ok(config)
}

fn is_empty(kubeconfig: &Kubeconfig) -> bool {
    kubeconfig.clusters.is_empty()
        && kubeconfig.contexts.is_empty()
        && kubeconfig.auth_infos.is_empty()
        && kubeconfig
            .current_context
            .as_deref()
            .unwrap_or_default()
            .is_empty()
}

/// Whether the flags alone identify the cluster. In a pod, client-go lets them override the service
/// account's address, token and authority instead; that is done in [`in_cluster`].
fn names_cluster(args: &ConnectionArgs) -> bool {
    let in_pod = std::env::var_os("KUBERNETES_SERVICE_HOST").is_some();
    let choice = args.context.is_some() || args.cluster.is_some() || args.user.is_some();
    choice || args.kubeconfig.is_some() || (args.server.is_some() && !in_pod)
}

fn in_cluster(args: &ConnectionArgs) -> Result<Config, ConfigurationError> {
    let mut config = Config::incluster().map_err(ConfigurationError::Nowhere)?;
    if let Some(server) = &args.server {
        config.cluster_url = server.clone();
    }
    override_user(&mut config.auth_info, args);
    if args.insecure_skip_tls_verify {
        config.accept_invalid_certs = true;
    }
    config.tls_server_name.clone_from(&args.tls_server_name);
    Ok(config)
}

async fn from_kubeconfig(
    mut kubeconfig: Kubeconfig,
    args: &ConnectionArgs,
) -> Result<Config, ConfigurationError> {
    let context_name = args
        .context
        .clone()
        .or_else(|| kubeconfig.current_context.clone())
        .unwrap_or_default();
    let context = kubeconfig
        .contexts
        .iter()
        .find(|context| context.name == context_name)
        .and_then(|context| context.context.clone());
    // Flags alone are enough without any context; a context that is named must exist.
    let context = match context {
        Some(context) => context,
        None if context_name.is_empty() && (args.server.is_some() || args.cluster.is_some()) => {
            Context::default()
        }
        None => {
            return Err(ConfigurationError::Missing {
                what: "context",
                name: context_name,
            });
        }
    };
    let cluster_name = args
        .cluster
        .clone()
        .unwrap_or_else(|| context.cluster.clone());
    let user_name = args.user.clone().or_else(|| context.user.clone());
    let mut cluster = find_cluster(&kubeconfig, &cluster_name, args)?;
    let mut user = find_user(&kubeconfig, user_name.as_deref(), args)?;
    override_cluster(&mut cluster, args);
    override_user(&mut user, args);
    let proxied = cluster
        .proxy_url
        .as_deref()
        .is_some_and(|url| !url.is_empty());

    kubeconfig = merged(cluster, user, context.namespace);
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .map_err(ConfigurationError::Choice)?;
    if !proxied {
        // kube uses $HTTPS_PROXY for any server, the loopback address and http:// included.
        config.proxy_url = None;
    }
    Ok(config)
}

fn find_cluster(
    kubeconfig: &Kubeconfig,
    name: &str,
    args: &ConnectionArgs,
) -> Result<Cluster, ConfigurationError> {
    let mut clusters = kubeconfig.clusters.iter();
    match clusters.find(|cluster| cluster.name == name) {
        Some(named) => Ok(named.cluster.clone().unwrap_or_default()),
        None if args.cluster.is_none() && args.server.is_some() => Ok(Cluster::default()),
        None => Err(ConfigurationError::Missing {
            what: "cluster",
            name: name.to_owned(),
        }),
    }
}

/// A context may name no user, or one that does not exist: then there are no credentials
/// (client-go). One that a flag names must exist.
fn find_user(
    kubeconfig: &Kubeconfig,
    name: Option<&str>,
    args: &ConnectionArgs,
) -> Result<AuthInfo, ConfigurationError> {
    let mut users = kubeconfig.auth_infos.iter();
    match users.find(|user| Some(user.name.as_str()) == name) {
        Some(named) => Ok(named.auth_info.clone().unwrap_or_default()),
        None => match &args.user {
            Some(user) => Err(ConfigurationError::Missing {
                what: "user",
                name: user.clone(),
            }),
            None => Ok(AuthInfo::default()),
        },
    }
}

fn override_cluster(cluster: &mut Cluster, args: &ConnectionArgs) {
    if let Some(server) = &args.server {
        cluster.server = Some(server.to_string());
    }
    if let Some(path) = &args.certificate_authority {
        cluster.certificate_authority = Some(path.to_string_lossy().into_owned());
        cluster.certificate_authority_data = None;
        cluster.insecure_skip_tls_verify = None;
    }
    if args.insecure_skip_tls_verify {
        cluster.insecure_skip_tls_verify = Some(true);
        cluster.certificate_authority = None;
        cluster.certificate_authority_data = None;
    }
    if let Some(name) = &args.tls_server_name {
        cluster.tls_server_name = Some(name.clone());
    }
}

/// A token or certificate from the flags replaces what the kubeconfig has of that kind.
fn override_user(user: &mut AuthInfo, args: &ConnectionArgs) {
    if let Some(token) = &args.token {
        user.token = Some(token.expose().to_owned().into());
        user.token_file = None;
        user.exec = None;
        user.auth_provider = None;
        user.username = None;
        user.password = None;
    }
    if let Some(files) = &args.client_certificate {
        user.client_certificate = Some(files.certificate.to_string_lossy().into_owned());
        user.client_key = Some(files.key.to_string_lossy().into_owned());
        user.client_certificate_data = None;
        user.client_key_data = None;
    }
}

fn impersonate(user: &mut AuthInfo, impersonation: &Impersonation) {
    user.impersonate = Some(impersonation.user.clone());
    user.impersonate_uid.clone_from(&impersonation.uid);
    user.impersonate_groups =
        (!impersonation.groups.is_empty()).then(|| impersonation.groups.clone());
}

/// A kubeconfig with one cluster and one user, which are selected.
fn merged(cluster: Cluster, user: AuthInfo, namespace: Option<String>) -> Kubeconfig {
    let name = "chosen".to_owned();
    let mut kubeconfig = Kubeconfig {
        current_context: Some(name.clone()),
        ..Kubeconfig::default()
    };
    kubeconfig.clusters.push(NamedCluster {
        name: name.clone(),
        cluster: Some(cluster),
        ..NamedCluster::default()
    });
    kubeconfig.auth_infos.push(NamedAuthInfo {
        name: name.clone(),
        auth_info: Some(user),
        ..NamedAuthInfo::default()
    });
    kubeconfig.contexts.push(NamedContext {
        name: name.clone(),
        context: Some(Context {
            cluster: name.clone(),
            user: Some(name),
            namespace,
            ..Context::default()
        }),
        ..NamedContext::default()
    });
    kubeconfig
}

const AGENT: &str = concat!("csi-driver-spiffe/", env!("CARGO_PKG_VERSION"));
