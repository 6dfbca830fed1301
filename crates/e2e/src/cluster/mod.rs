//! A real Kubernetes on this machine, from packages: `cargo xtask cluster up [--node] | down |
//! status`.
//!
//! Owns every process, mount and address of the cluster on this machine. There is one cluster per
//! machine, since its addresses and folders are fixed; `down` from any clone ends it. Knows nothing
//! of what is tested in it. Invariant: everything that `up` starts is recorded before it is needed,
//! so that `down` finds it even after a crash.

mod approval;
mod authority;
mod build;
mod cert_manager;
mod containers;
mod control_plane;
mod down;
mod encoding;
mod firewall;
mod identities;
mod kubectl;
mod node;
mod objects;
mod pki;
mod place;
mod prerequisites;
mod process;
mod registry;
mod status;

use anyhow::{Result, bail};

pub(crate) use approval::{BuiltInApprover, end_built_in_approver};
pub(crate) use authority::Authority;
pub(crate) use build::{Tools, tools};
pub(crate) use containers::{import, process_of};
pub(crate) use down::mounts_below;
pub(crate) use encoding::{base64, from_base64};
pub(crate) use firewall::{Silence, end as end_silence};
pub(crate) use identities::{bearer, outside};
pub(crate) use kubectl::Kubectl;
pub(crate) use node::restart_kubelet;
pub(crate) use objects::{account, list, role, rule};
pub(crate) use place::{API_PORT, NODE_NAME, Place, SERVICE_ADDRESS, configuration};
pub(crate) use process::wait;
pub(crate) use registry::{Registry, end_registry, forget_image};

/// Runs `up`, `down` or `status`.
///
/// # Errors
/// Says which part did not work and where its log is.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["up"] => up(Extent::ControlPlane),
        ["up", "--node"] => up(Extent::Node),
        ["down"] => down::down(&Place::of_this_machine()),
        ["status"] => status::print(&Place::of_this_machine()),
        _ => bail!("say `cluster up`, `cluster up --node`, `cluster down` or `cluster status`"),
    }
}

/// How much of a cluster is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// API server, controllers and cert-manager; pods are objects and nothing runs them.
    ControlPlane,
    /// And a kubelet with containerd that runs them on this machine.
    Node,
}

/// What the cluster's ClusterIssuer signs with.
///
/// # Errors
/// When the cluster has no keys, or they cannot be read.
pub(crate) fn spiffe_authority(place: &Place) -> Result<Authority> {
    pki::Pki::in_place(place)?.spiffe_authority()
}

/// Builds what is missing, starts what does not run and waits until it is ready.
///
/// # Errors
/// As [`run`].
pub(crate) fn up(extent: Extent) -> Result<()> {
    let place = Place::of_this_machine();
    prerequisites::check(&place, extent)?;
    let tools = tools()?;
    place.make()?;
    let pki = pki::Pki::in_place(&place)?;
    control_plane::start(&place, &tools, &pki)?;
    if extent == Extent::Node {
        node::start(&place, &tools, &pki)?;
    }
    identities::write(&place, &tools, &pki, extent)?;
    status::print(&place)
}
