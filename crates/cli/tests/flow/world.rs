//! One cluster, one node, and both roles.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use svid_devcluster::{
    Cluster, Identity, Kubelet, KubeletOptions, Options, PodHandle, PodSpec, ServiceAccountName,
    resource,
};
use tempfile::TempDir;

use crate::role::{Housing, Role};

/// Longer than anything takes on a slow machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// How a world differs from the usual one.
pub(crate) struct Setup {
    pub(crate) cluster: Options,
    /// Lifetime of certificates, as a flag.
    pub(crate) duration: &'static str,
    pub(crate) housing: Housing,
    pub(crate) driver_words: Vec<String>,
    pub(crate) approver_words: Vec<String>,
    pub(crate) kubelet: fn(KubeletOptions) -> KubeletOptions,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            cluster: Options::default(),
            duration: "1h",
            housing: Housing::Host,
            driver_words: Vec::new(),
            approver_words: Vec::new(),
            kubelet: |options| options,
        }
    }
}

pub(crate) struct World {
    // The roles end before the cluster does, and the folder goes last.
    driver: Option<Role>,
    approver: Option<Role>,
    pub(crate) kubelet: Kubelet,
    pub(crate) cluster: Cluster,
    setup: Setup,
    folder: TempDir,
}

impl World {
    /// Cluster and node run, and both roles.
    pub(crate) async fn start(setup: Setup) -> Self {
        let mut world = Self::without_roles(setup).await;
        world.start_approver();
        world.start_driver();
        world.wait_registered().await;
        world
    }

    pub(crate) async fn without_roles(setup: Setup) -> Self {
        let folder = tempfile::Builder::new().prefix("flow").tempdir().unwrap();
        let cluster = Cluster::start(setup.cluster.clone()).await.unwrap();
        for (name, identity) in [
            ("driver", Identity::Driver),
            ("approver", Identity::Approver),
        ] {
            let path = folder.path().join(name);
            cluster.write_kubeconfig(&path, &identity).unwrap();
        }
        let roots = cluster.trust_bundle_pem().unwrap();
        fs::write(folder.path().join("roots.pem"), roots).unwrap();
        let root = folder.path().join("kubelet");
        fs::create_dir_all(root.join("plugins_registry")).unwrap();
        if setup.housing != Housing::Host {
            share(&root);
        }
        let kubelet = Kubelet::start(&cluster, (setup.kubelet)(KubeletOptions::new(root)));
        Self {
            driver: None,
            approver: None,
            kubelet,
            cluster,
            setup,
            folder,
        }
    }

    pub(crate) fn start_driver(&mut self) {
        let path = |name: &str| self.path(name).display().to_string();
        let mut words = vec![
            format!("--kubeconfig={}", path("driver")),
            "--node-id=node-1".to_owned(),
            format!("--data-root={}", path("data")),
            format!("--endpoint=unix://{}", path("csi.sock")),
            format!(
                "--kubelet-registration-dir={}",
                path("kubelet/plugins_registry")
            ),
            format!("--source-ca-bundle={}", path("roots.pem")),
            "--health-address=127.0.0.1:0".to_owned(),
            "--metrics-bind-address=127.0.0.1:0".to_owned(),
        ];
        words.extend(self.common_words());
        words.extend(self.setup.driver_words.iter().cloned());
        self.driver = Some(Role::start("driver", self.setup.housing, &words));
    }

    pub(crate) fn start_approver(&mut self) {
        let mut words = vec![
            format!("--kubeconfig={}", self.path("approver").display()),
            "--readiness-probe-bind-address=0".to_owned(),
            "--metrics-bind-address=0".to_owned(),
        ];
        words.extend(self.common_words());
        words.extend(self.setup.approver_words.iter().cloned());
        self.approver = Some(Role::start("approver", Housing::Host, &words));
    }

    fn common_words(&self) -> [String; 3] {
        [
            "--trust-domain=example.org".to_owned(),
            "--issuer-name=spiffe-ca".to_owned(),
            format!("--certificate-request-duration={}", self.setup.duration),
        ]
    }

    pub(crate) async fn wait_registered(&self) {
        assert!(self.kubelet.wait_registered(true, LIMIT).await);
    }

    pub(crate) fn driver(&self) -> &Role {
        self.driver.as_ref().expect("a driver that runs")
    }

    pub(crate) fn approver(&self) -> &Role {
        self.approver.as_ref().expect("an approver that runs")
    }

    pub(crate) fn take_driver(&mut self) -> Role {
        self.driver.take().expect("a driver that runs")
    }

    pub(crate) fn take_approver(&mut self) -> Role {
        self.approver.take().expect("an approver that runs")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A pod of a service account in the namespace `sandbox` that may ask for certificates.
    pub(crate) fn pod(&self, account: &str) -> PodHandle {
        let account = ServiceAccountName::new("sandbox", account);
        self.cluster.enroll(&account).unwrap();
        self.kubelet.run_pod(&PodSpec::new(&account)).unwrap()
    }

    /// A pod of a service account that nobody has given any rights.
    pub(crate) fn pod_without_rights(&self, account: &str) -> PodHandle {
        let account = ServiceAccountName::new("sandbox", account);
        self.cluster.add_service_account(&account).unwrap();
        self.kubelet.run_pod(&PodSpec::new(&account)).unwrap()
    }

    /// A pod whose volume is there.
    pub(crate) async fn ready_pod(&self, account: &str) -> PodHandle {
        let pod = self.pod(account);
        pod.wait_ready(LIMIT).await.unwrap();
        pod
    }

    /// How often a verb was asked for on CertificateRequests, by anybody but the administrator.
    pub(crate) fn calls(&self, verb: &str) -> usize {
        self.cluster.requests().count(verb, "certificaterequests")
    }

    pub(crate) async fn wait_for_no_requests(&self) {
        let objects = self.cluster.objects();
        objects
            .wait_for_none(&resource::CERTIFICATE_REQUESTS, None, LIMIT, |_| true)
            .await
            .unwrap();
    }

    /// Waits for a request of a pod that is as wanted.
    pub(crate) async fn wait_for_request(
        &self,
        is_wanted: impl Fn(&Value) -> bool + Send,
    ) -> Value {
        let objects = self.cluster.objects();
        let resource = &resource::CERTIFICATE_REQUESTS;
        let found = objects.wait_for(resource, Some("sandbox"), LIMIT, is_wanted);
        (*found.await.unwrap()).clone()
    }

    pub(crate) fn requests(&self) -> Vec<Value> {
        let objects = self.cluster.objects();
        let all = objects.list(&resource::CERTIFICATE_REQUESTS, None);
        all.iter().map(|object| (**object).clone()).collect()
    }

    /// What the driver serves at a path of one of its addresses.
    pub(crate) async fn fetch(&self, flag: &str, path: &str) -> String {
        let line = self.driver().wait_for_line(flag).await;
        let address = line["address"].as_str().unwrap().to_owned();
        let path = path.to_owned();
        let fetched = tokio::task::spawn_blocking(move || {
            let mut connection = TcpStream::connect(address).unwrap();
            write!(
                connection,
                "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            )
            .unwrap();
            let mut answer = String::new();
            connection.read_to_string(&mut answer).unwrap();
            answer
        });
        fetched.await.unwrap()
    }

    pub(crate) async fn status(&self) -> Value {
        let (_, status) = self.ask("status", &["-o", "json"]).await;
        serde_json::from_str(&status).unwrap()
    }

    /// What a command makes of the driver's socket: its exit code and what it prints.
    pub(crate) async fn ask(&self, command: &str, words: &[&str]) -> (i32, String) {
        let mut program = Command::new(env!("CARGO_BIN_EXE_csi-driver-spiffe"));
        let socket = format!("--socket={}", self.status_socket().display());
        program.arg(command).arg(socket).args(words);
        let output = tokio::task::spawn_blocking(move || program.output());
        let output = output.await.unwrap().unwrap();
        let texts = [output.stdout, output.stderr].concat();
        (
            output.status.code().unwrap(),
            String::from_utf8(texts).unwrap(),
        )
    }

    pub(crate) fn status_socket(&self) -> PathBuf {
        self.path("data/spiffe.csi.cert-manager.io/sockets/status.sock")
    }

    /// Mounts below the kubelet's folder, from the kernel's table.
    pub(crate) fn mounts(&self) -> Vec<String> {
        let pods = self.path("kubelet/pods").display().to_string();
        let table = fs::read_to_string("/proc/self/mountinfo").unwrap();
        let below = |line: &&str| {
            line.split(' ')
                .nth(4)
                .is_some_and(|at| at.starts_with(&pods))
        };
        table.lines().filter(below).map(str::to_owned).collect()
    }

    pub(crate) fn records(&self) -> Vec<PathBuf> {
        files(&self.path("data/spiffe.csi.cert-manager.io/volumes"))
    }
}

/// Everything in a folder.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// What a Bidirectional mount makes of the kubelet's folder.
fn share(folder: &Path) {
    use rustix::mount::{MountPropagationFlags, mount_bind, mount_change};
    mount_bind(folder, folder).unwrap();
    mount_change(folder, MountPropagationFlags::SHARED).unwrap();
}
