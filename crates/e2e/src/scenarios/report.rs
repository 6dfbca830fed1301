//! Diagnostics after a failure.

use super::world::{NAME, NAMESPACE, World};

/// Prints pods, Events and both logs.
pub(super) fn print(world: &World) {
    let driver = format!("daemonset/{NAME}-driver");
    let approver = format!("deployment/{NAME}-approver");
    let views: [&[&str]; 6] = [
        &["get", "pods", "--all-namespaces", "-o", "wide"],
        &[
            "get",
            "events",
            "--all-namespaces",
            "--sort-by=.lastTimestamp",
        ],
        &["get", "certificaterequests", "--all-namespaces"],
        &["--namespace", NAMESPACE, "describe", &driver],
        &["--namespace", NAMESPACE, "logs", &driver, "--tail=60"],
        &["--namespace", NAMESPACE, "logs", &approver, "--tail=60"],
    ];
    for view in views {
        eprintln!("--- kubectl {}", view.join(" "));
        match world.kubectl.run(view) {
            Ok(text) => eprintln!("{text}"),
            Err(error) => eprintln!("{error:#}"),
        }
    }
}
