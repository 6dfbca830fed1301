//! The chart, installed by Helm.

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use crate::cluster::{self, Authority};
use crate::{image, repository};

use super::requests;
use super::world::{NAME, NAMESPACE, TRUST_DOMAIN, World, user};

/// The release's name.
pub(super) const RELEASE: &str = "csi-driver-spiffe";

/// Installs the chart or changes its values, and waits until nothing but what was asked for runs
/// and the API server acts by its rights and policies.
pub(super) fn install(world: &World, values: &[&str]) -> Result<()> {
    let is_changed = roots(world)?;
    upgrade(world, values, &["--wait", "--timeout=120s"])?;
    if is_changed {
        // A driver that keeps running still reads the previous scenario's bundle for a while.
        restart_driver(world)?;
    }
    rolled_out(world)?;
    let driver = user(NAMESPACE, NAME);
    let is_own = values.contains(&OWN_ACCOUNT);
    world.eventually("the rights of the driver's account", || {
        let may = world.may(&driver, "create", "certificaterequests", "default")?;
        ensure!(may == is_own, "create: {may}, wanted: {is_own}");
        Ok(())
    })?;
    let issuer = values
        .iter()
        .find_map(|value| value.strip_prefix("app.issuer.name="));
    policies(
        world,
        issuer.filter(|name| !name.is_empty()).unwrap_or(ISSUER),
        !values.contains(&"admissionPolicies.enabled=false"),
    )
}

/// Takes the chart away, if it is there, and waits until the API server no longer acts by its
/// policies.
pub(super) fn uninstall(world: &World) -> Result<()> {
    let words = ["uninstall", RELEASE, "--namespace", NAMESPACE];
    world.helm(&[&words[..], &["--ignore-not-found", "--wait"]].concat())?;
    policies(world, ISSUER, false)
}
/// The issuer, where the values name no other.
const ISSUER: &str = "spiffe-ca";

/// The value with which the driver makes the requests.
pub(super) const OWN_ACCOUNT: &str = "app.driver.useOwnServiceAccount=true";

/// Waits until the API server asks the admission policies, or no longer does: it hears of a change
/// a moment after it was made. The administrator is not a service account, so has no identity.
fn policies(world: &World, issuer: &str, expected: bool) -> Result<()> {
    let mut probe = requests::right("default", "nobody", "probe")?;
    probe["spec"]["issuerRef"]["name"] = json!(issuer);
    let probe = probe.to_string();
    world.eventually("the admission policies", || {
        let refused = match world.kubectl.create(&probe, &["--dry-run=server"]) {
            Ok(_) => false,
            Err(error) if error.to_string().contains("ValidatingAdmissionPolicy") => true,
            Err(error) => return Err(error),
        };
        ensure!(refused == expected, "asked: {refused}, wanted: {expected}");
        Ok(())
    })
}

/// Installs the chart or changes its values; `words` as Helm takes them.
pub(super) fn upgrade(world: &World, values: &[&str], words: &[&str]) -> Result<()> {
    upgrade_release(world, (RELEASE, NAMESPACE), values, words)
}

/// The same for any release, by name and namespace.
pub(super) fn upgrade_release(
    world: &World,
    (release, namespace): (&str, &str),
    values: &[&str],
    words: &[&str],
) -> Result<()> {
    let chart = repository::chart().display().to_string();
    let mut ours = common(world);
    ours.extend([
        format!("app.issuer.name={ISSUER}"),
        format!("driverImage.repository={}", image::NAME),
        format!("approverImage.repository={}", image::NAME),
        "driverImage.pullPolicy=Never".to_owned(),
        "approverImage.pullPolicy=Never".to_owned(),
        "app.logLevel=2".to_owned(),
    ]);
    let helm = [
        "upgrade",
        "--install",
        release,
        &chart,
        "--namespace",
        namespace,
    ];
    let mut words = [&helm, words].concat();
    for value in ours
        .iter()
        .map(String::as_str)
        .chain(values.iter().copied())
    {
        words.extend(["--set", value]);
    }
    world.helm(&words)?;
    Ok(())
}

/// The values that every installation here has, whatever the image: the machine, the trust domain
/// and its roots.
pub(super) fn common(world: &World) -> Vec<String> {
    let kubelet = world.place.kubelet().display().to_string();
    vec![
        format!("app.trustDomain={TRUST_DOMAIN}"),
        format!("app.driver.kubeletRootDir={kubelet}"),
        // There is one node, and what is measured is measured of one process.
        "app.approver.replicaCount=1".to_owned(),
        "app.driver.sourceCABundle=/roots/ca.crt".to_owned(),
        "app.driver.volumes[0].name=roots".to_owned(),
        format!("app.driver.volumes[0].configMap.name={ROOTS}"),
        "app.driver.volumeMounts[0].name=roots".to_owned(),
        "app.driver.volumeMounts[0].mountPath=/roots".to_owned(),
        "app.driver.volumeMounts[0].readOnly=true".to_owned(),
    ]
}

/// Restarts the driver, pod by pod; [`rolled_out`] waits until that is over.
pub(super) fn restart_driver(world: &World) -> Result<()> {
    let driver = format!("daemonset/{NAME}-driver");
    let restart = ["--namespace", NAMESPACE, "rollout", "restart", &driver];
    world.kubectl.run(&restart)?;
    Ok(())
}

/// Deletes the driver's pod by force; [`rolled_out`] waits for its successor.
pub(super) fn kill_driver(world: &World) -> Result<()> {
    let pod = driver_pod(world)?;
    let kill = ["delete", "pod", &pod, "--grace-period=0", "--force"];
    world
        .kubectl
        .run(&[&["--namespace", NAMESPACE][..], &kill].concat())?;
    Ok(())
}

/// Waits until what was asked for is what runs, nothing of what ran before does, and the kubelet
/// knows the driver.
pub(super) fn rolled_out(world: &World) -> Result<()> {
    for (role, app, wanted) in [
        (
            format!("daemonset/{NAME}-driver"),
            NAME.to_owned(),
            "/status/desiredNumberScheduled",
        ),
        (
            format!("deployment/{NAME}-approver"),
            format!("{NAME}-approver"),
            "/spec/replicas",
        ),
    ] {
        let words = ["rollout", "status", &role, "--timeout=120s"];
        world
            .kubectl
            .run(&[&["--namespace", NAMESPACE][..], &words].concat())?;
        // That is said while old pods still end, and of a pod that was just deleted by force.
        world.eventually(&format!("nothing but the pods of {role}"), || {
            let wanted = world.object(NAMESPACE, &role)?.pointer(wanted).cloned();
            let pods = pods_of(world, &app)?;
            let ready = pods.iter().filter(|pod| is_ready(pod)).count();
            let names: Vec<_> = pods.iter().map(|pod| &pod["metadata"]["name"]).collect();
            ensure!(
                ready == pods.len() && wanted == Some(json!(ready)),
                "{ready} are ready of {names:?}, wanted: {wanted:?}"
            );
            Ok(())
        })?;
    }
    registered(world)
}

/// Waits until the kubelet has registered the driver that runs. What the kubelet has by the
/// driver's name may still be the registration of the process before.
fn registered(world: &World) -> Result<()> {
    world.eventually("the driver's registration", || {
        let registration = driver_status(world)?["registration"].take();
        ensure!(registration["state"] == "registered", "{registration}");
        Ok(())
    })
}

/// What the driver says of itself.
fn driver_status(world: &World) -> Result<Value> {
    let pod = driver_pod(world)?;
    let exec = ["--namespace", NAMESPACE, "exec", &pod, "--"];
    let status = ["/csi-driver-spiffe", "status", "--output=json"];
    // It exits with 1 if not all is well, which is for the caller to judge.
    let text = world.kubectl.printed(&[&exec[..], &status].concat())?;
    serde_json::from_str(&text).with_context(|| format!("reading {text:?}"))
}

/// The pods of a role, those that end included.
pub(super) fn pods_of(world: &World, app: &str) -> Result<Vec<Value>> {
    pods_in(world, NAMESPACE, app)
}

/// The same for a release in any namespace.
pub(super) fn pods_in(world: &World, namespace: &str, app: &str) -> Result<Vec<Value>> {
    let mut pods = world.objects(namespace, "pods")?;
    pods.retain(|pod| pod["metadata"]["labels"]["app"] == app);
    Ok(pods)
}

/// Whether a pod is there to stay and ready.
pub(super) fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    pod["metadata"]["deletionTimestamp"].is_null()
        && conditions
            .into_iter()
            .flatten()
            .any(|one| one["type"] == "Ready" && one["status"] == "True")
}

/// The name of the driver's pod.
pub(super) fn driver_pod(world: &World) -> Result<String> {
    let pods = pods_of(world, NAME)?;
    let [pod] = pods.as_slice() else {
        bail!("{} pods of the driver", pods.len());
    };
    let name = pod["metadata"]["name"].as_str();
    Ok(name.context("a pod without name")?.to_owned())
}

/// The trust bundle, in a ConfigMap that the driver mounts. Says whether another one was there.
fn roots(world: &World) -> Result<bool> {
    let bundle = || -> Result<Option<Value>> {
        let all = world.objects(NAMESPACE, "configmaps")?;
        let mut ours = all.iter().filter(|one| one["metadata"]["name"] == ROOTS);
        Ok(ours.next().map(|one| one["binaryData"].clone()))
    };
    let before = bundle()?;
    let authority = cluster::spiffe_authority(&world.place)?;
    set_roots(world, &[&authority])?;
    Ok(before.is_some() && before != bundle()?)
}

/// The ConfigMap with the trust bundle.
const ROOTS: &str = "spiffe-roots";

/// Waits until the driver has read a bundle of this many roots.
pub(super) fn wait_roots(world: &World, count: u64) -> Result<()> {
    world.eventually("the driver's trust bundle", || {
        let bundle = driver_status(world)?["trustBundle"].take();
        ensure!(bundle["certificates"] == count, "{bundle}");
        Ok(())
    })
}

/// Sets the bundle.
pub(super) fn set_roots(world: &World, authorities: &[&Authority]) -> Result<()> {
    set_roots_in(world, NAMESPACE, authorities)
}

/// The same for a release in any namespace.
pub(super) fn set_roots_in(
    world: &World,
    namespace: &str,
    authorities: &[&Authority],
) -> Result<()> {
    let texts: Vec<_> = authorities
        .iter()
        .map(|one| one.certificate.as_str())
        .collect();
    let encoded = cluster::base64(&texts.concat());
    world.kubectl.apply(&format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {ROOTS}, namespace: {namespace}}}\nbinaryData: {{ca.crt: {encoded}}}\n"
    ))
}
