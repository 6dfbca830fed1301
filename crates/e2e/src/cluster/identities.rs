//! Kubeconfigs for driver and approver as programs outside of the cluster, and the file that says
//! where everything is.
//!
//! Each holds nothing but a token of a service account with the chart's rights; the driver's is
//! bound to a pod on the node, so that it carries the node's claims.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use super::Extent;
use super::build::Tools;
use super::kubectl::Kubectl;
use super::pki::Pki;
use super::place::{self, NODE_NAME, Place};
use crate::{command, programs, repository};

const NAME: &str = "csi-driver-spiffe-outside";

/// Makes accounts, rights, the pod, kubeconfigs and the file.
pub(super) fn write(place: &Place, tools: &Tools, pki: &Pki, extent: Extent) -> Result<()> {
    let kubectl = Kubectl::new(place, tools);
    kubectl.apply(&format!(
        "apiVersion: v1\nkind: Namespace\nmetadata: {{name: {NAME}}}\n"
    ))?;
    kubectl.apply(&rights(tools)?)?;
    if extent == Extent::ControlPlane {
        kubectl.apply(&format!(
            "apiVersion: v1\nkind: Node\nmetadata: {{name: {NODE_NAME}}}\n"
        ))?;
    }
    kubectl.apply(&pod())?;
    let driver = kubeconfig(place, "driver");
    let bound = ["--bound-object-kind=Pod", "--bound-object-name=driver"];
    place::write(
        &driver,
        &pki.token_kubeconfig(&token(&kubectl, NAME, &bound)?)?,
    )?;
    let approver = kubeconfig(place, "approver");
    let account = format!("{NAME}-approver");
    place::write(
        &approver,
        &pki.token_kubeconfig(&token(&kubectl, &account, &[])?)?,
    )?;
    let mut lines = vec![
        format!("KUBECONFIG={}", place.administrator().display()),
        format!("DRIVER_KUBECONFIG={}", driver.display()),
        format!("APPROVER_KUBECONFIG={}", approver.display()),
        format!(
            "PATH={}:{}:$PATH",
            tools.kubernetes.display(),
            tools.helm.display()
        ),
    ];
    if extent == Extent::Node {
        lines.push(format!(
            "CONTAINERD_ADDRESS={}",
            place.containerd_socket().display()
        ));
        lines.push(format!("NODE_NAME={NODE_NAME}"));
    }
    place::write(&Place::env(), &(lines.join("\n") + "\n"))
}

/// kubectl with the kubeconfig of a role outside of the cluster.
pub(crate) fn outside(place: &Place, kubectl: &Kubectl, role: &str) -> Kubectl {
    kubectl.with_kubeconfig(kubeconfig(place, role))
}

fn kubeconfig(place: &Place, role: &str) -> PathBuf {
    place.state.join("pki").join(format!("{role}.kubeconfig"))
}

/// kubectl with nothing but a token. `name` distinguishes it from others.
///
/// # Errors
/// When its kubeconfig cannot be written.
pub(crate) fn bearer(place: &Place, kubectl: &Kubectl, name: &str, token: &str) -> Result<Kubectl> {
    let pki = Pki::in_place(place)?;
    let kubeconfig = pki.path(&format!("bearer-{name}.kubeconfig"));
    place::write(&kubeconfig, &pki.token_kubeconfig(token)?)?;
    Ok(kubectl.with_kubeconfig(kubeconfig))
}

/// The chart's service accounts, roles and bindings, under a name of their own.
fn rights(tools: &Tools) -> Result<String> {
    command::text(
        Command::new(tools.helm.join("helm"))
            .args(["template", NAME])
            .arg(repository::chart())
            .args([programs::KUBE_VERSION, "--namespace", NAME, "--set"])
            .arg(format!(
                "nameOverride={NAME},app.name={NAME}.example.com,imageRegistry=localhost"
            ))
            .args(RIGHTS.iter().flat_map(|template| ["--show-only", template])),
    )
}

const RIGHTS: &[&str] = &["templates/serviceaccounts.yaml", "templates/rbac.yaml"];

fn pod() -> String {
    format!(
        "apiVersion: v1
kind: Pod
metadata: {{name: driver, namespace: {NAME}}}
spec:
  nodeName: {NODE_NAME}
  serviceAccountName: {NAME}
  automountServiceAccountToken: false
  containers: [{{name: driver, image: localhost/pause:1, imagePullPolicy: Never}}]
"
    )
}

/// A token that outlives a day of work.
fn token(kubectl: &Kubectl, account: &str, bound: &[&str]) -> Result<String> {
    kubectl.token(NAME, account, &[&["--duration=48h"], bound].concat())
}
