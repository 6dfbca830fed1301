//! What must be true of every rendering.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::manifests::{Manifests, list, text};

/// The promises that a rendering breaks.
pub(super) fn broken(values: &str, manifests: &Manifests, program: &Path) -> Result<Vec<String>> {
    let mut broken = Vec::new();
    let mut promise = |is_kept: bool, text: &str| {
        if !is_kept {
            broken.push(text.to_owned());
        }
    };
    let name = driver_name(manifests)?;
    let driver = manifests.find("DaemonSet", &format!("{name}-driver"))?;
    let approver = manifests.find("Deployment", &format!("{name}-approver"))?;
    for account in [name.clone(), format!("{name}-approver")] {
        manifests.find("ServiceAccount", &account)?;
        manifests.find("ClusterRole", &account)?;
    }
    let selector = |object: &Value| object.pointer("/spec/selector/matchLabels").cloned();
    promise(
        selector(driver) == Some(json!({"app": name})),
        "the DaemonSet's selector is immutable and must stay",
    );
    promise(
        selector(approver) == Some(json!({"app": format!("{name}-approver")})),
        "the Deployment's selector is immutable and must stay",
    );
    let containers = list(driver, "/spec/template/spec/containers");
    promise(containers.len() == 1, "the driver needs no sidecar");
    for (path, wanted) in [
        (
            "/spec/template/spec/securityContext/runAsNonRoot",
            json!(true),
        ),
        (
            "/spec/template/spec/containers/0/securityContext/readOnlyRootFilesystem",
            json!(true),
        ),
        (
            "/spec/template/spec/containers/0/securityContext/allowPrivilegeEscalation",
            json!(false),
        ),
    ] {
        promise(
            approver.pointer(path) == Some(&wanted),
            &format!("the approver's {path} is not {wanted}"),
        );
    }
    for object in manifests
        .all()
        .iter()
        .filter(|object| text(object, "/kind") == "CSIDriver")
    {
        promise(
            object.pointer("/spec/attachRequired").is_none(),
            "attachRequired is immutable and must stay unset",
        );
        promise(
            object.pointer("/spec/requiresRepublish") == Some(&json!(true)),
            "tokens come by republishing",
        );
        let label = "security.openshift.io~1csi-ephemeral-volume-profile";
        promise(
            text(object, &format!("/metadata/labels/{label}")) == "restricted",
            "OpenShift refuses the volume without its label",
        );
    }
    let role = manifests.find("ClusterRole", &name)?;
    let may = |verb: &str, resource: &str| {
        list(role, "/rules").iter().any(|rule| {
            let holds =
                |path, word: &str| list(rule, path).iter().any(|one| one == word || one == "*");
            holds("/verbs", verb) && holds("/resources", resource)
        })
    };
    promise(
        !may("create", "certificaterequests"),
        "the driver creates with the pods' rights, not with its own",
    );
    promise(
        !may("list", "certificaterequests"),
        "the driver follows single requests",
    );
    promise(
        !may("get", "secrets") && !may("patch", "nodes") && !may("update", "nodes"),
        "the driver has rights that it does not need",
    );
    let rendered = manifests
        .all()
        .iter()
        .map(Value::to_string)
        .collect::<String>();
    promise(
        !rendered.contains("inmemfs"),
        "another driver deletes what is named inmemfs",
    );
    promise(
        values.starts_with("go-values") || !rendered.contains("\"/tmp"),
        "nothing of ours is in /tmp",
    );
    for (role, object) in [("driver", driver), ("approver", approver)] {
        if let Some(complaint) = refused(program, role, object)? {
            promise(false, &complaint);
        }
    }
    Ok(broken)
}

/// The chart's name for its objects.
fn driver_name(manifests: &Manifests) -> Result<String> {
    let sets = manifests
        .all()
        .iter()
        .filter(|object| text(object, "/kind") == "DaemonSet");
    let names: Vec<&str> = sets
        .filter_map(|object| text(object, "/metadata/name").strip_suffix("-driver"))
        .collect();
    names
        .first()
        .map(|&name| name.to_owned())
        .context("there is no DaemonSet *-driver")
}

/// What the program says of the arguments that its container gets; None where it takes them.
///
/// One wrong flag is added, so that nothing is started, and the only complaint must be about it.
fn refused(program: &Path, role: &str, object: &Value) -> Result<Option<String>> {
    let arguments = list(object, "/spec/template/spec/containers/0/args");
    let arguments = arguments.iter().filter_map(Value::as_str);
    let arguments: Vec<String> = arguments
        .map(|word| {
            word.replace("$(NODE_ID)", "node-1")
                .replace("$(NODE_NAME)", "node-1")
        })
        .collect();
    let output = Command::new(program)
        .args(&arguments)
        .arg("--log-format=wrong-on-purpose")
        .output()
        .context("starting the program")?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let is_alone =
        said.contains("1 flag or argument is wrong") && said.contains("wrong-on-purpose");
    let is_role = arguments.first().is_some_and(|first| first == role);
    Ok((!is_alone || !is_role).then(|| format!("the {role} refuses {arguments:?}: {said}")))
}
