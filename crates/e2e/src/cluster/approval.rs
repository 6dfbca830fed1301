//! cert-manager's own approver, which approves every request that it has the right to.
//!
//! Invariant: it runs with the rights of cert-manager's account alone, and only while a
//! [`BuiltInApprover`] exists.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::json;

use super::build::Tools;
use super::kubectl::Kubectl;
use super::objects;
use super::pki::Pki;
use super::place::{self, CERT_MANAGER, Place};
use super::process;

/// The process, and the part of cert-manager that it is.
pub(super) const NAME: &str = "cert-manager-approver";

/// The approver while it runs.
#[derive(Debug)]
pub(crate) struct BuiltInApprover {
    place: Place,
    tools: Tools,
    kubectl: Kubectl,
}

impl BuiltInApprover {
    /// The signers that cert-manager's chart has it approve for by default.
    pub(crate) const DEFAULT_SIGNERS: &[&str] = &[
        "issuers.cert-manager.io/*",
        "clusterissuers.cert-manager.io/*",
    ];

    /// Starts it, with the right to approve for the default signers.
    ///
    /// # Errors
    /// When it does not start, or its account cannot be made.
    pub(crate) fn start(place: &Place, tools: &Tools, kubectl: &Kubectl) -> Result<Self> {
        let approver = Self {
            place: place.clone(),
            tools: tools.clone(),
            kubectl: kubectl.clone(),
        };
        approver.may_approve(Self::DEFAULT_SIGNERS)?;
        approver.restart()?;
        Ok(approver)
    }

    /// Gives its account the rights of cert-manager's chart with this `approveSignerNames`, and no
    /// others.
    ///
    /// # Errors
    /// When the API server refuses them.
    pub(crate) fn may_approve(&self, signers: &[&str]) -> Result<()> {
        let requests = ["certificaterequests", "certificaterequests/status"];
        let name = format!("{CERT_MANAGER}-controller-approve:cert-manager-io");
        let approve = json!({
            "apiGroups": ["cert-manager.io"], "resources": ["signers"], "verbs": ["approve"],
            "resourceNames": signers,
        });
        let verbs = ["get", "list", "watch", "update", "patch"];
        let rules = [
            approve,
            objects::rule("cert-manager.io", &requests, &verbs),
            objects::rule("", &["events"], &["create", "patch"]),
        ];
        let subject = objects::account(CERT_MANAGER, CERT_MANAGER);
        let [role, binding] = objects::role("", &name, &rules, &[subject]);
        let account = json!({
            "apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": {"name": CERT_MANAGER, "namespace": CERT_MANAGER},
        });
        self.kubectl
            .apply(&objects::list(&[account, role, binding]))
    }

    /// Restarts the process, so that it retries everything at once instead of waiting for its
    /// backoff.
    ///
    /// # Errors
    /// When it does not start.
    pub(crate) fn restart(&self) -> Result<()> {
        end_built_in_approver(&self.place)?;
        let pki = Pki::in_place(&self.place)?;
        let kubeconfig = pki.path(&format!("{NAME}.kubeconfig"));
        let token = self.kubectl.token(CERT_MANAGER, CERT_MANAGER, &[])?;
        place::write(&kubeconfig, &pki.token_kubeconfig(&token)?)?;
        let mut command = Command::new(self.tools.certmanager.join("certmanager"));
        command.arg("approver").arg("-kubeconfig").arg(&kubeconfig);
        process::start(&self.place, NAME, &mut command)
    }

    /// Its log since it was started.
    ///
    /// # Errors
    /// When its log cannot be read.
    pub(crate) fn log(&self) -> Result<String> {
        let path = self.place.log(NAME);
        fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))
    }

    /// The user that it is.
    pub(crate) fn user() -> String {
        format!("system:serviceaccount:{CERT_MANAGER}:{CERT_MANAGER}")
    }
}

impl Drop for BuiltInApprover {
    fn drop(&mut self) {
        if let Err(error) = end_built_in_approver(&self.place) {
            eprintln!("{error:#}");
        }
    }
}

/// Ends one that an aborted scenario has left behind.
///
/// # Errors
/// When it does not end.
pub(crate) fn end_built_in_approver(place: &Place) -> Result<()> {
    process::stop(place, NAME, PATIENCE).with_context(|| format!("ending {NAME}"))
}

const PATIENCE: Duration = Duration::from_secs(10);
