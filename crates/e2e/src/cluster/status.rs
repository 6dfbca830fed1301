//! What runs, for people.

use anyhow::Result;

use super::place::{Place, WEBHOOK};
use super::{approval, process};

/// Every process that `up` starts, and where to go on.
pub(super) fn print(place: &Place) -> Result<()> {
    let names = [
        "etcd",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
        WEBHOOK,
        "cert-manager",
        approval::NAME,
        "containerd",
        "kubelet",
    ];
    for name in names {
        let state = if process::runs(place, name) {
            "runs"
        } else {
            "does not run"
        };
        println!("{name:26}{state:14}{}", place.log(name).display());
    }
    if Place::env().exists() {
        println!(
            "\n. {}    # KUBECONFIG, PATH and the others",
            Place::env().display()
        );
    }
    Ok(())
}
