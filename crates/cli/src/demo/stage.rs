//! Owns what the acts are played on: cluster, kubelet, approver and driver.
//!
//! Must not know the acts. Invariant: driver and approver are processes of their own, with the
//! flags, the kubeconfigs and the rights that they have in a cluster; when the stage is dropped
//! they are gone.

use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::time::Duration;

use anyhow::Context as _;
use svid_core::identity::{ServiceAccount, SpiffeId, TrustDomain};
use svid_devcluster::{
    Cluster, Identity, Kubelet, KubeletOptions, Options, PodSpec, ServiceAccountName, resource,
};

use super::actor::{Actor, Volume};
use super::child::Child;
use super::folder::DemoFolder;
use super::timeline::Timeline;
use super::unmet::Unexpected;

/// Everything that runs.
pub(super) struct Stage {
    // Dropped in this order: the roles first, then what they talk to.
    pub(super) driver: Child,
    pub(super) approver: Child,
    pub(super) kubelet: Kubelet,
    pub(super) cluster: Cluster,
}

impl Stage {
    /// Starts everything and waits until it is ready.
    ///
    /// # Errors
    /// A part does not start.
    pub(super) async fn set(folder: &DemoFolder, timeline: &mut Timeline) -> anyhow::Result<Self> {
        timeline.act(
            "A small cluster",
            &[
                "An API server, a CA issuer and a kubelet run inside this program. The two roles run as they do",
                "in production: as processes of their own, each with only the rights that it \
                 needs.",
            ],
        )?;
        let cluster = Cluster::start(Options::default()).await?;
        timeline.note(&format!("the API server listens on {}", cluster.url()))?;
        let kubelet = prepare(&cluster, folder)?;
        let approver = Child::start("approver", &approver_flags(folder), folder)?;
        let driver = Child::start("driver", &driver_flags(folder), folder)?;
        timeline.note(&format!(
            "approver (pid {}) and driver (pid {}) started",
            approver.id(),
            driver.id()
        ))?;
        let stage = Self {
            driver,
            approver,
            kubelet,
            cluster,
        };
        stage.wait_ready(timeline).await?;
        Ok(stage)
    }

    async fn wait_ready(&self, timeline: &mut Timeline) -> anyhow::Result<()> {
        let ready = async {
            let holder = "/spec/holderIdentity";
            let held = |lease: &serde_json::Value| {
                let holder = lease.pointer(holder).and_then(serde_json::Value::as_str);
                holder.is_some_and(|holder| !holder.is_empty())
            };
            let objects = self.cluster.objects();
            let leads = objects.wait_for(&resource::LEASES, Some("cert-manager"), LIMIT, held);
            let (leads, registered) =
                tokio::join!(leads, self.kubelet.wait_registered(true, LIMIT));
            leads.context("waiting for the approver to lead")?;
            if !registered {
                let expected = "the driver to register with the kubelet";
                return Err(Unexpected::new(expected, "no registration").into());
            }
            Ok(())
        };
        let progress = String::new;
        let ready = self.unless_ended(ready);
        timeline
            .wait("waiting for approver and driver", LIMIT, progress, ready)
            .await?;
        timeline.seen("the approver is the leader, and the driver is registered with the kubelet")
    }

    /// Runs a pod of a new service account that may request certificates, and waits until it is up.
    ///
    /// # Errors
    /// It does not come up; the driver's last answer is the source.
    pub(super) async fn run_actor(&self, name: &'static str) -> anyhow::Result<Actor> {
        let account = ServiceAccountName::new(NAMESPACE, name);
        self.cluster.enroll(&account)?;
        let pod = self.kubelet.run_pod(&PodSpec::new(&account))?;
        pod.wait_ready(LIMIT).await?;
        let domain = TrustDomain::parse(TRUST_DOMAIN)?;
        let identity =
            SpiffeId::for_service_account(&domain, &ServiceAccount::new(NAMESPACE, name)?);
        Ok(Actor {
            name,
            identity,
            volume: Volume::open(&pod.volume_path())?,
            pod,
        })
    }

    /// Continues with something for as long as both roles run.
    ///
    /// # Errors
    /// A role ended, or the error of what was done.
    pub(super) async fn unless_ended<Outcome>(
        &self,
        event: impl Future<Output = anyhow::Result<Outcome>> + Send,
    ) -> anyhow::Result<Outcome> {
        tokio::select! {
            biased;
            outcome = event => outcome,
            error = self.driver.ended_unasked() => Err(error),
            error = self.approver.ended_unasked() => Err(error),
        }
    }
}

/// Writes all files that the roles need, and starts the kubelet.
fn prepare(cluster: &Cluster, folder: &DemoFolder) -> anyhow::Result<Kubelet> {
    for (name, identity) in [
        ("driver", Identity::Driver),
        ("approver", Identity::Approver),
        ("administrator", Identity::Administrator),
    ] {
        cluster.write_kubeconfig(&folder.at(&kubeconfig_name(name)), &identity)?;
    }
    fs::write(folder.at(ROOTS), cluster.trust_bundle_pem()?).context("writing the trust bundle")?;
    let kubelet = KubeletOptions::new(folder.at(KUBELET));
    if let Some(registry) = &kubelet.registration_dir {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o750)
            .create(registry)
            .with_context(|| format!("making {}", registry.display()))?;
    }
    Ok(Kubelet::start(cluster, kubelet))
}

/// The flags that both roles must agree on.
fn common_flags(role: &str, folder: &DemoFolder) -> Vec<String> {
    vec![
        flag("kubeconfig", folder.at(&kubeconfig_name(role)).display()),
        flag("trust-domain", TRUST_DOMAIN),
        flag(
            "certificate-request-duration",
            format!("{}s", LIFETIME.as_secs()),
        ),
        flag("issuer-name", "spiffe-ca"),
        flag("log-level", "2"),
    ]
}

fn approver_flags(folder: &DemoFolder) -> Vec<String> {
    let mut flags = common_flags("approver", folder);
    flags.push(flag("readiness-probe-bind-address", 0));
    flags.push(flag("metrics-bind-address", 0));
    flags
}

fn driver_flags(folder: &DemoFolder) -> Vec<String> {
    let registry = folder.at(KUBELET).join("plugins_registry");
    let mut flags = common_flags("driver", folder);
    flags.extend([
        flag("node-id", "node-1"),
        flag("data-root", folder.at(DATA).display()),
        flag(
            "endpoint",
            format!("unix://{}", folder.at("csi.sock").display()),
        ),
        flag("kubelet-registration-dir", registry.display()),
        flag("source-ca-bundle", folder.at(ROOTS).display()),
    ]);
    flags
}

fn flag(name: &str, value: impl std::fmt::Display) -> String {
    format!("--{name}={value}")
}

/// The file in the demo's folder with the kubeconfig of a role.
pub(super) fn kubeconfig_name(role: &str) -> String {
    format!("{role}.kubeconfig")
}

/// The trust domain of the demo.
pub(super) const TRUST_DOMAIN: &str = "example.org";

/// The namespace of both pods.
pub(super) const NAMESPACE: &str = "sandbox";

/// Lifetime of certificates; an hour is usual.
pub(super) const LIFETIME: Duration = Duration::from_secs(20);

/// For anything that takes a moment; far more than that, for slow machines.
pub(super) const LIMIT: Duration = Duration::from_secs(30);

/// The kubelet's folder in the demo's folder.
pub(super) const KUBELET: &str = "kubelet";

/// The driver's folder for records in the demo's folder.
pub(super) const DATA: &str = "data";

const ROOTS: &str = "roots.pem";
