//! What must be true of every rendering.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::manifests::{Manifests, list, text};
use super::{admission, annotations, defaults, looking, networks};

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
    if values == "defaults-values.yaml" {
        let limits = "/spec/template/spec/containers/0/resources/limits";
        promise(
            approver.pointer(limits) == Some(&json!({"memory": "64Mi"})),
            "the approver's memory is limited to what it was measured to need",
        );
        promise(
            driver.pointer(limits).is_none(),
            "the files of volumes count against the driver, so nobody knows its limit",
        );
    }
    for object in manifests.of_kind("CSIDriver") {
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
    promise(
        !may(role, "list", "certificaterequests"),
        "the driver follows single requests",
    );
    promise(
        !may(role, "get", "secrets")
            && !may(role, "patch", "nodes")
            && !may(role, "update", "nodes"),
        "the driver has rights that it does not need",
    );
    let others = annotations::promises(&name, manifests)?
        .into_iter()
        .chain(networks::promises(values, &name, manifests)?)
        .chain(defaults::promises(values, &name, manifests)?)
        .chain(looking::promises(&name, manifests)?);
    for (is_kept, text) in requester(&name, manifests)?.into_iter().chain(others) {
        promise(is_kept, text);
    }
    for (is_kept, text) in admission::promises(&name, manifests)? {
        promise(is_kept, &text);
    }
    let has = |policy: &str| {
        let policy = format!("{name}-{policy}");
        manifests.find("ValidatingAdmissionPolicy", &policy).is_ok()
    };
    let is_closed = has("issuer") || has("runtime-issuer");
    promise(
        is_closed == (has("requests") && !values.starts_with("open-issuer")),
        "an issuer is closed to other approvers unless the values say otherwise",
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

/// What must be true of the account that creates requests: the pods, or the driver for the pods of
/// its node.
fn requester(name: &str, manifests: &Manifests) -> Result<Vec<(bool, &'static str)>> {
    let arguments = |object: &Value| -> Vec<String> {
        let words = list(object, "/spec/template/spec/containers/0/args");
        let words = words.iter().filter_map(Value::as_str);
        words.map(str::to_owned).collect()
    };
    let own = "--use-own-service-account=true".to_owned();
    let driver = arguments(manifests.find("DaemonSet", &format!("{name}-driver"))?);
    let approver = arguments(manifests.find("Deployment", &format!("{name}-approver"))?);
    let is_own = driver.contains(&own);
    let creates = may(
        manifests.find("ClusterRole", name)?,
        "create",
        "certificaterequests",
    );
    let reads_pods = may(
        manifests.find("ClusterRole", &format!("{name}-approver"))?,
        "get",
        "pods",
    );
    let has_tokens = manifests.of_kind("CSIDriver").any(|object| {
        ["/spec/tokenRequests", "/spec/serviceAccountTokenInSecrets"]
            .iter()
            .any(|path| object.pointer(path).is_some())
    });
    let policy = manifests.find("ValidatingAdmissionPolicy", &format!("{name}-identities"));
    let user = format!("system:serviceaccount:cert-manager:{name}");
    // There may be no policies; then nothing is refused by them.
    let knows_driver = policy.map_or(is_own, |policy| {
        let variables = list(policy, "/spec/variables").iter();
        let mut expressions = variables.map(|one| text(one, "/expression"));
        expressions.any(|one| one.contains(&json!(user).to_string()))
    });
    let account = format!("--driver-service-account={user}");
    Ok(vec![
        (
            is_own == approver.contains(&own) && is_own == approver.contains(&account),
            "driver and approver must agree on who makes the requests",
        ),
        (
            is_own == creates,
            "the driver creates with rights of its own only where it makes the requests",
        ),
        (
            is_own == reads_pods,
            "the approver reads pods only where the driver makes the requests",
        ),
        (
            is_own != has_tokens,
            "tokens of pods are handed over only where they are used",
        ),
        (
            knows_driver == is_own,
            "identities are the driver's to ask for only where it makes the requests",
        ),
    ])
}

/// Whether a role has a right, as far as its own rules say.
fn may(role: &Value, verb: &str, resource: &str) -> bool {
    list(role, "/rules").iter().any(|rule| {
        let holds = |path, word: &str| list(rule, path).iter().any(|one| one == word || one == "*");
        holds("/verbs", verb) && holds("/resources", resource)
    })
}

/// The chart's name for its objects.
fn driver_name(manifests: &Manifests) -> Result<String> {
    let mut names = manifests
        .of_kind("DaemonSet")
        .filter_map(|object| text(object, "/metadata/name").strip_suffix("-driver"));
    let name = names.next().context("there is no DaemonSet *-driver")?;
    Ok(name.to_owned())
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
        said.contains("1 flag or argument is invalid") && said.contains("wrong-on-purpose");
    let is_role = arguments.first().is_some_and(|first| first == role);
    Ok((!is_alone || !is_role).then(|| format!("the {role} refuses {arguments:?}: {said}")))
}
