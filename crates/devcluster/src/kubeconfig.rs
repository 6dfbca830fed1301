//! Kubeconfig files: how a separate process finds the cluster and authenticates.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use crate::auth::{Binding, ServiceAccountName, TokenSpec};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// Everything is allowed.
    Administrator,
    /// The driver's service account, with a token bound to its pod on the node.
    Driver,
    /// The approver's service account, with a token bound to its pod.
    Approver,
    /// Any service account, with a token bound as given.
    ServiceAccount(ServiceAccountName, Binding),
    /// Nobody: no token at all.
    Anonymous,
}

impl Identity {
    /// The service account token that this identity has, if it has one.
    pub(crate) fn spec(
        &self,
        driver: &ServiceAccountName,
        approver: &ServiceAccountName,
    ) -> Option<TokenSpec> {
        let own = |account: &ServiceAccountName| {
            let binding = Binding::Pod(account.own_pod());
            (account.clone(), binding)
        };
        let (service_account, binding) = match self {
            Self::Administrator | Self::Anonymous => return None,
            Self::Driver => own(driver),
            Self::Approver => own(approver),
            Self::ServiceAccount(account, binding) => (account.clone(), binding.clone()),
        };
        Some(TokenSpec {
            service_account,
            binding,
            audiences: Vec::new(),
            lifetime: LIFETIME,
        })
    }

    fn label(&self) -> String {
        match self {
            Self::Administrator => "administrator".to_owned(),
            Self::Driver => "driver".to_owned(),
            Self::Approver => "approver".to_owned(),
            Self::ServiceAccount(account, _) => account.username(),
            Self::Anonymous => "anonymous".to_owned(),
        }
    }
}

/// The file's text. Server, user and token hold no character that YAML would read otherwise.
pub(crate) fn render(server: &str, identity: &Identity, token: Option<&str>) -> String {
    let user = identity.label();
    let credentials = match token {
        Some(token) => format!("\n    token: \"{token}\""),
        None => " {}".to_owned(),
    };
    format!(
        "apiVersion: v1
kind: Config
clusters:
- name: devcluster
  cluster:
    server: \"{server}\"
users:
- name: \"{user}\"
  user:{credentials}
contexts:
- name: devcluster
  context:
    cluster: devcluster
    user: \"{user}\"
    namespace: default
current-context: devcluster
"
    )
}

/// Writes a file that only its owner can read, in the place of whatever was there.
pub(crate) fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())
}

/// How long the token in a kubeconfig is valid: longer than any demo or test.
const LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);
