//! Pods that mount the volume.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::installation;
use super::world::{NAMESPACE, World, user};
use crate::cluster;

/// Where the mission's example mounts the volume.
pub(super) const VOLUME: &str = "/var/run/secrets/spiffe.io";

/// A pod on its way.
pub(super) struct Pod {
    pub(super) namespace: String,
    pub(super) name: String,
}

/// What `peer check` says of a volume.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Seen(Value);

impl Seen {
    pub(super) fn id(&self) -> &str {
        self.0["id"].as_str().unwrap_or_default()
    }

    pub(super) fn key(&self) -> &str {
        self.0["key"].as_str().unwrap_or_default()
    }

    /// A digest of the key that signed the certificate.
    pub(super) fn authority(&self) -> &str {
        self.0["authority"].as_str().unwrap_or_default()
    }

    pub(super) fn roots(&self) -> u64 {
        self.0["roots"].as_u64().unwrap_or_default()
    }
}

/// A namespace whose roles let the service account ask for certificates, by now.
pub(super) fn enroll(world: &World, namespace: &str, account: &str) -> Result<()> {
    make_account(world, namespace, account)?;
    let role = format!("spiffe-{account}");
    let requests = ["certificaterequests"];
    allow(world, &role, (namespace, account), &["create"], &requests)
}

/// Gives an account of a namespace rights to objects of cert-manager there, by a role of this name,
/// and waits until it has them.
pub(super) fn allow(
    world: &World,
    role: &str,
    (namespace, account): (&str, &str),
    verbs: &[&str],
    resources: &[&str],
) -> Result<()> {
    let rule = cluster::rule("cert-manager.io", resources, verbs);
    let subject = cluster::account(namespace, account);
    let objects = cluster::role(namespace, role, &[rule], &[subject]);
    world.kubectl.apply(&cluster::list(&objects))?;
    let user = user(namespace, account);
    for resource in resources {
        for verb in verbs {
            world.wait_allowed(&user, verb, resource, namespace)?;
        }
    }
    Ok(())
}

pub(super) fn make_account(world: &World, namespace: &str, account: &str) -> Result<()> {
    world.kubectl.apply(&format!(
        "apiVersion: v1\nkind: Namespace\nmetadata: {{name: {namespace}, labels: {{{OURS}: scenario}}}}\n---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: {account}, namespace: {namespace}}}\n"
    ))
}

/// Takes away what scenarios left, whole or broken off.
pub(super) fn clear(world: &World) -> Result<()> {
    let words = ["delete", "configmap", "spiffe-issuer", "--ignore-not-found"];
    world
        .kubectl
        .run(&[&["--namespace", NAMESPACE][..], &words].concat())?;
    let list = ["get", "namespaces", "-l", OURS, "-o", "name"];
    let left = world.kubectl.run(&list)?;
    if left.is_empty() {
        return Ok(());
    }
    let pods = world.objects_everywhere("pods")?;
    let mut namespaces = pods
        .iter()
        .filter_map(|pod| pod["metadata"]["namespace"].as_str());
    let is_left = |namespace| {
        left.lines()
            .any(|one| one == format!("namespace/{namespace}"))
    };
    // A pod with a volume cannot end without a driver, and a scenario may have taken it away.
    if namespaces.any(is_left)
        && let Err(error) = installation::install(world, &[])
    {
        eprintln!("the pods that are left may have no driver: {error:#}");
    }
    let delete = ["delete", "namespaces", "-l", OURS, "--timeout=120s"];
    let Err(error) = world.kubectl.run(&delete) else {
        return Ok(());
    };
    // A driver that does not work must not keep every later scenario from its namespace.
    eprintln!("forcing the end of the pods that are left: {error:#}");
    for namespace in left.lines() {
        let namespace = namespace.trim_start_matches("namespace/");
        let words = ["--namespace", namespace, "delete", "pods", "--all"];
        let force = ["--force", "--grace-period=0", "--timeout=60s"];
        world.kubectl.run(&[&words[..], &force].concat())?;
    }
    world.kubectl.run(&delete)?;
    Ok(())
}

/// The label of namespaces that scenarios make.
pub(super) const OURS: &str = "csi-spiffe-e2e";

/// Runs a pod that looks at its volume five times a second and ends when it is not valid.
pub(super) fn run(world: &World, namespace: &str, name: &str, account: &str) -> Result<Pod> {
    run_with(world, namespace, name, account, |_| {})
}

/// The same, and waits until it is ready.
pub(super) fn ready(world: &World, namespace: &str, name: &str, account: &str) -> Result<Pod> {
    let pod = run(world, namespace, name, account)?;
    pod.wait_ready(world)?;
    Ok(pod)
}

pub(super) fn run_with(
    world: &World,
    namespace: &str,
    name: &str,
    account: &str,
    change: impl FnOnce(&mut Value),
) -> Result<Pod> {
    let mut pod = object(namespace, name, account);
    change(&mut pod);
    world.kubectl.apply(&pod.to_string())?;
    Ok(Pod {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    })
}

/// What [`run`] creates.
pub(super) fn object(namespace: &str, name: &str, account: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "serviceAccountName": account,
            "automountServiceAccountToken": false,
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 1,
            "containers": [{
                "name": "main",
                "image": "localhost/busybox:1",
                "imagePullPolicy": "Never",
                "command": ["/bin/peer", "watch", VOLUME],
                "volumeMounts": [{"name": "spiffe", "mountPath": VOLUME}],
            }],
            "volumes": [{"name": "spiffe", "csi": {"driver": "spiffe.csi.cert-manager.io", "readOnly": true}}],
        },
    })
}

impl Pod {
    pub(super) fn wait_ready(&self, world: &World) -> Result<()> {
        let object = format!("pod/{}", self.name);
        let words = [
            "--namespace",
            &self.namespace,
            "wait",
            "--for=condition=Ready",
            "--timeout=120s",
            &object,
        ];
        world.kubectl.run(&words)?;
        Ok(())
    }

    /// A pod of [`run`] has ended, and stays so, if it ever saw a volume that was not valid.
    pub(super) fn ensure_running(&self, world: &World) -> Result<()> {
        let phase = &self.object(world)?["status"]["phase"];
        ensure!(phase == "Running", "{}: {}", self.name, self.logs(world)?);
        Ok(())
    }

    /// What go-spiffe sees in the pod, chain and dates verified.
    pub(super) fn look(&self, world: &World) -> Result<Seen> {
        let text = world.exec(&self.namespace, &self.name, &["/bin/peer", "check", VOLUME])?;
        Ok(Seen(serde_json::from_str(&text)?))
    }

    pub(super) fn object(&self, world: &World) -> Result<Value> {
        world.object(&self.namespace, &format!("pod/{}", self.name))
    }

    pub(super) fn uid(&self, world: &World) -> Result<String> {
        let object = self.object(world)?;
        Ok(object["metadata"]["uid"]
            .as_str()
            .context("a pod without uid")?
            .to_owned())
    }

    pub(super) fn address(&self, world: &World) -> Result<String> {
        let object = self.object(world)?;
        Ok(object["status"]["podIP"]
            .as_str()
            .context("a pod without address")?
            .to_owned())
    }

    pub(super) fn logs(&self, world: &World) -> Result<String> {
        world
            .kubectl
            .run(&["--namespace", &self.namespace, "logs", &self.name])
    }

    pub(super) fn delete(&self, world: &World) -> Result<()> {
        let words = [
            "--namespace",
            &self.namespace,
            "delete",
            "pod",
            &self.name,
            "--timeout=120s",
        ];
        world.kubectl.run(&words)?;
        Ok(())
    }

    /// Waits for an Event on the pod with this reason, and gives its text.
    pub(super) fn event(&self, world: &World, reason: &str) -> Result<String> {
        world.eventually(&format!("an Event {reason} on {}", self.name), || {
            let events = world.objects(&self.namespace, "events.events.k8s.io")?;
            let mine = |event: &&Value| {
                event["regarding"]["name"] == *self.name && event["reason"] == reason
            };
            let event = events.iter().find(mine).context("no such Event")?;
            Ok(event["note"].as_str().unwrap_or_default().to_owned())
        })
    }
}
