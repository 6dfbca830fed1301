//! A node for testing the volumes' tasks.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use prometheus_client::registry::Registry;
use svid_api::duration::GoDuration;
use svid_core::identity::{ServiceAccount, SpiffeId, TrustDomain};
use svid_core::svid::{Expectation, PublicKey, TrustBundle, X509Svid};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use super::fake::{
    Authority, FakeClock, FakeRequests, FakeVolumes, Line, Operation, Reports, SECRET, Set,
};
use crate::credential::{Credential, PodToken, RequestMode};
use crate::installation::{self, Installation};
use crate::lifecycle::{
    AnchoringPolicy, Context, CreateQueue, KeyUsagePolicy, Lifecycle as _, PublishError,
    VolumeTasks, VolumesPerPod,
};
use crate::metrics::Metrics;
use crate::overview::VolumeOverview;
use crate::spec::{Pod, PublishRequest, TargetPath, VolumeId, VolumeSpec};
use crate::trust::TrustState;
use crate::volume::Record;
use svid_client::clock::Clock as _;
use svid_client::issuer::{IssuerState, Issuers};
use svid_core::policy::IssuerReference;

/// The lifetime that is requested and, unless a test says otherwise, granted.
pub(super) const LIFETIME: Duration = Duration::from_secs(3600);
/// As long as the kubelet waits.
pub(super) const LIMIT: Duration = Duration::from_secs(110);

/// A node and the cluster around it.
pub(super) struct World {
    around: Around,
    pub(super) shutdown: CancellationToken,
    pub(super) tasks: VolumeTasks,
}

/// What outlives a process of the driver.
pub(super) struct Around {
    pub(super) volumes: Arc<FakeVolumes>,
    pub(super) api: FakeRequests,
    pub(super) clock: Arc<FakeClock>,
    pub(super) authority: Arc<Authority>,
    pub(super) stranger: Arc<Authority>,
    pub(super) reports: Arc<Reports>,
    pub(super) trust: watch::Sender<TrustState>,
    pub(super) issuer: watch::Sender<Issuers>,
    pub(super) line: Line,
    anchoring: AnchoringPolicy,
    key_usage: KeyUsagePolicy,
    lifetime: Duration,
    requester: RequestMode,
    volumes_per_pod: VolumesPerPod,
    chance: fn() -> f64,
    pub(super) metrics: Metrics,
}

impl Deref for World {
    type Target = Around;

    fn deref(&self) -> &Around {
        &self.around
    }
}

impl Around {
    fn begin(&self, shutdown: &CancellationToken) -> VolumeTasks {
        let context = Context {
            volumes: self.volumes.clone(),
            requests: Arc::new(self.api.clone()),
            turns: CreateQueue::default(),
            health: self.line.health(),
            clock: self.clock.clone(),
            chance: self.chance,
            trust: self.trust.subscribe(),
            issuer: self.issuer.subscribe(),
            events: self.reports.clone(),
            metrics: self.metrics.clone(),
            settings: settings(self.lifetime, self.requester),
            anchoring: self.anchoring,
            volumes_per_pod: self.volumes_per_pod,
            key_usage: self.key_usage,
        };
        VolumeTasks::new(context, shutdown.clone())
    }
}

impl World {
    pub(super) fn new() -> Self {
        Self::with(AnchoringPolicy::Warn, LIFETIME)
    }

    pub(super) fn with(anchoring: AnchoringPolicy, lifetime: Duration) -> Self {
        let policy = (anchoring, KeyUsagePolicy::Warn);
        Self::of(policy, lifetime, RequestMode::Pod, VolumesPerPod::default())
    }

    /// A node whose pods may begin this many volumes each.
    pub(super) fn with_volumes_per_pod(limit: &str) -> Self {
        let limit = VolumesPerPod::parse(limit).unwrap();
        let policy = (AnchoringPolicy::Warn, KeyUsagePolicy::Warn);
        Self::of(policy, LIFETIME, RequestMode::Pod, limit)
    }

    /// A node whose driver makes the requests itself.
    pub(super) fn node_attested() -> Self {
        let policy = (AnchoringPolicy::Warn, KeyUsagePolicy::Warn);
        Self::of(
            policy,
            LIFETIME,
            RequestMode::Driver,
            VolumesPerPod::default(),
        )
    }

    /// A node whose pauses are of chance.
    pub(super) fn by_chance(requester: RequestMode, chance: fn() -> f64) -> Self {
        let policy = (AnchoringPolicy::Warn, KeyUsagePolicy::Warn);
        let mut world = Self::of(policy, LIFETIME, requester, VolumesPerPod::default());
        world.around.chance = chance;
        world.tasks = world.around.begin(&world.shutdown);
        world
    }

    /// A node that refuses certificates without key usage.
    pub(super) fn requiring_key_usage() -> Self {
        let policy = (AnchoringPolicy::Warn, KeyUsagePolicy::Require);
        Self::of(policy, LIFETIME, RequestMode::Pod, VolumesPerPod::default())
    }

    fn of(
        (anchoring, key_usage): (AnchoringPolicy, KeyUsagePolicy),
        lifetime: Duration,
        requester: RequestMode,
        volumes_per_pod: VolumesPerPod,
    ) -> Self {
        let clock = Arc::new(FakeClock::new());
        let authority = Arc::new(Authority::new("ours"));
        let stranger = Arc::new(Authority::new("stranger"));
        let (as_clock, ours, other) = (clock.clone(), authority.clone(), stranger.clone());
        let around = Around {
            volumes: Arc::new(FakeVolumes::new()),
            api: FakeRequests::new(as_clock, ours, other),
            clock,
            reports: Arc::new(Reports::default()),
            trust: watch::Sender::new(bundle(&[&authority])),
            issuer: watch::Sender::new(asking(IssuerState::Known(Arc::new(named("spiffe-ca"))))),
            authority,
            stranger,
            line: Line::new(),
            anchoring,
            key_usage,
            lifetime,
            requester,
            volumes_per_pod,
            chance: || 0.0,
            metrics: Metrics::register(&mut Registry::default()),
        };
        let shutdown = CancellationToken::new();
        Self {
            tasks: around.begin(&shutdown),
            around,
            shutdown,
        }
    }

    /// Ends the process.
    pub(super) async fn stop(&self) {
        self.shutdown.cancel();
        self.tasks.run(LIMIT).await.unwrap();
    }

    /// Ends the process and starts another one on the same node.
    pub(super) async fn restart(&mut self) {
        self.stop().await;
        self.shutdown = CancellationToken::new();
        self.tasks = self.around.begin(&self.shutdown);
        self.tasks.recover().await.unwrap();
    }

    pub(super) async fn publish(&self, spec: &VolumeSpec) -> Result<(), PublishError> {
        self.publish_with(spec, self.token(spec, "1", LIFETIME))
            .await
    }

    pub(super) async fn publish_with(
        &self,
        spec: &VolumeSpec,
        credential: impl Into<Credential>,
    ) -> Result<(), PublishError> {
        let (spec, credential) = (spec.clone(), credential.into());
        let request = PublishRequest { spec, credential };
        self.tasks.publish(request, LIMIT).await
    }

    /// A publish that runs while the test does something else.
    pub(super) fn publish_aside(&self, spec: &VolumeSpec) -> JoinHandle<Result<(), PublishError>> {
        let token = self.token(spec, "1", LIFETIME);
        self.publish_aside_with(spec, token)
    }

    pub(super) fn publish_aside_with(
        &self,
        spec: &VolumeSpec,
        token: PodToken,
    ) -> JoinHandle<Result<(), PublishError>> {
        let (tasks, spec) = (self.tasks.clone(), spec.clone());
        let credential = Credential::Pod(token);
        let request = PublishRequest { spec, credential };
        tokio::spawn(async move { tasks.publish(request, LIMIT).await })
    }

    /// The token of the spec's pod, distinguished by `mark`, valid for this long.
    pub(super) fn token(&self, spec: &VolumeSpec, mark: &str, good: Duration) -> PodToken {
        let account = &spec.service_account;
        let (namespace, name) = (account.namespace(), account.name());
        PodToken {
            secret: Zeroizing::new(format!("{SECRET}/{namespace}/{name}/{mark}")),
            expires_at: self.clock.now() + SignedDuration::try_from(good).unwrap(),
        }
    }

    pub(super) async fn unpublish(&self, spec: &VolumeSpec) -> Result<(), String> {
        let done = self
            .tasks
            .unpublish(spec.volume.clone(), spec.target.clone());
        done.await.map_err(|error| error.to_string())
    }

    /// Waits until everything that can be done now is done.
    pub(super) async fn settle(&self) {
        sleep(Duration::from_millis(2)).await;
    }

    /// Waits, for a week at most, until `is_so`.
    pub(super) async fn until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !is_so(self) {
            assert!(
                begun.elapsed() < Duration::from_secs(7 * 86400),
                "never: {what}"
            );
            sleep(Duration::from_millis(200)).await;
        }
    }

    pub(super) fn set(&self, spec: &VolumeSpec) -> Set {
        self.volumes
            .shown(&spec.target)
            .expect("a set of files is shown")
    }

    pub(super) fn record(&self, spec: &VolumeSpec) -> Record {
        self.volumes.record(&spec.volume).expect("a record")
    }

    /// The SVID that the pod sees, checked as a pod's peer would.
    pub(super) fn svid(&self, spec: &VolumeSpec) -> X509Svid {
        let set = self.set(spec);
        let trusted = TrustBundle::parse_pem(set.bundle.as_deref().unwrap()).unwrap();
        let identity = SpiffeId::for_service_account(
            &TrustDomain::parse("example.org").unwrap(),
            &spec.service_account,
        );
        let expected = Expectation {
            spiffe_id: &identity,
            public_key: &PublicKey::from_pkcs8_pem(&set.key).unwrap(),
            candidates: b"",
            trust_bundle: Some(&trusted),
        };
        X509Svid::verify(&set.certificate, &expected, self.clock.now()).unwrap()
    }

    /// What the board shows about a volume.
    pub(super) fn told(&self, spec: &VolumeSpec, what: &str) -> String {
        let all = self.overview();
        let entry = all
            .iter()
            .find(|entry| entry.volume.as_str() == spec.volume.as_str())
            .expect("the volume is on the board");
        let entry = serde_json::to_value(entry).unwrap();
        entry[what].as_str().unwrap_or_default().to_owned()
    }

    pub(super) fn overview(&self) -> Vec<VolumeOverview> {
        let trust_domain = TrustDomain::parse("example.org").unwrap();
        self.tasks.board().overview(self.clock.now(), &trust_domain)
    }

    pub(super) fn phase(&self, spec: &VolumeSpec) -> String {
        self.told(spec, "phase")
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// Whatever a test does, only one operation at a time touches a volume.
impl Drop for World {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(self.around.volumes.overlaps(), []);
        }
    }
}

fn settings(lifetime: Duration, requester: RequestMode) -> Arc<Installation> {
    Arc::new(Installation {
        duration: GoDuration::try_from(lifetime).unwrap(),
        requester,
        ..installation::fixture()
    })
}

pub(super) fn named(issuer: &str) -> IssuerReference {
    IssuerReference::new(issuer, "ClusterIssuer", "cert-manager.io")
}

pub(super) fn asking(current: IssuerState) -> Issuers {
    Issuers {
        current,
        ever: [].into(),
    }
}

/// How often files were shown, or showing them was tried.
pub(super) fn published(world: &World) -> usize {
    world.volumes.count(Operation::Publish)
}

/// A trust bundle of these authorities.
pub(super) fn bundle(authorities: &[&Authority]) -> TrustState {
    TrustState::Bundle(Arc::new(
        TrustBundle::parse_pem(text(authorities).as_bytes()).unwrap(),
    ))
}

fn text(authorities: &[&Authority]) -> String {
    authorities
        .iter()
        .map(|authority| authority.pem())
        .collect()
}

/// What the kubelet wants for one of several volumes of pod number `n`.
pub(super) fn spec_of_pod(n: u32, volume: u32) -> VolumeSpec {
    let target = format!("/k/pods/u-{n}/volumes/kubernetes.io~csi/spiffe-{volume}/mount");
    VolumeSpec {
        volume: VolumeId::parse(&format!("csi-{n}-{volume}")).unwrap(),
        target: TargetPath::parse(&target).unwrap(),
        ..spec(n)
    }
}

/// What the kubelet wants for pod number `n`.
pub(super) fn spec(n: u32) -> VolumeSpec {
    let target = format!("/k/pods/u-{n}/volumes/kubernetes.io~csi/spiffe/mount");
    VolumeSpec {
        volume: VolumeId::parse(&format!("csi-{n}")).unwrap(),
        target: TargetPath::parse(&target).unwrap(),
        pod: Pod {
            name: format!("web-{n}"),
            uid: format!("u-{n}"),
        },
        service_account: ServiceAccount::new("sandbox", "web").unwrap(),
        fs_group: None,
    }
}
