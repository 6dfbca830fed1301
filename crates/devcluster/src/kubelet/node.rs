//! The kubelet itself: follows the pods of its node and gives each a task.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::context::Context;
use super::options::KubeletOptions;
use super::pod::{self, PodHandle, PodSpec};
use super::registration::{Drivers, Registrar};
use super::socket::CsiSocket;
use super::status::Board;
use super::token_cache::TokenCache;
use super::view::PodView;
use crate::cluster::{Cluster, Refused};
use crate::resource::PODS;
use crate::store::{
    Audience, ChangeKind, FieldSelector, LabelSelector, Object, Selector, Start, meta,
};

/// A running kubelet. It is stopped, not drained: its volumes stay as they are.
pub struct Kubelet {
    context: Context,
    driver_name: String,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl fmt::Debug for Kubelet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kubelet({})", self.context.options.root.display())
    }
}

impl Kubelet {
    /// Starts the kubelet of the cluster's node.
    pub fn start(cluster: &Cluster, options: KubeletOptions) -> Self {
        let shared = cluster.shared();
        let driver_name = cluster.options().driver_name.clone();
        let drivers = Drivers::default();
        if let Some(endpoint) = &options.endpoint {
            drivers.add(&driver_name, CsiSocket::new(endpoint));
        }
        let tokens = TokenCache::new(cluster.tokens().clone(), cluster.clock().clone());
        let context = Context {
            node: cluster.options().node_name.clone(),
            store: Arc::clone(&shared.store),
            objects: cluster.objects(),
            drivers,
            tokens: Arc::new(tokens),
            board: Board::default(),
            clock: cluster.clock().clone(),
            options: Arc::new(options),
        };
        // Ends with the cluster, too.
        let stop = shared.shutdown.child_token();
        let task = tokio::spawn(run(context.clone(), stop.clone()));
        Self {
            context,
            driver_name,
            stop,
            task,
        }
    }

    /// Creates a pod on the node that mounts one volume of the cluster's driver.
    ///
    /// # Errors
    /// If the API server refuses the pod, for instance because its service account does not exist.
    pub fn run_pod(&self, spec: &PodSpec) -> Result<PodHandle, Refused> {
        let body = spec.to_object(&self.driver_name, &self.context.node);
        let pod = self.context.objects.create(&PODS, &spec.namespace, body)?;
        Ok(self.handle(&pod, &spec.volume))
    }

    /// A handle on a volume of a pod that is there already.
    pub fn find_pod(&self, namespace: &str, name: &str, volume: &str) -> Option<PodHandle> {
        let pod = self.context.objects.read(&PODS, namespace, name)?;
        Some(self.handle(&pod, volume))
    }

    fn handle(&self, pod: &Value, volume: &str) -> PodHandle {
        PodHandle::new(
            self.context.objects.clone(),
            self.context.board.clone(),
            &self.context.options.root,
            pod,
            volume,
        )
    }

    /// The socket that the cluster's driver is called on, once it is registered.
    pub fn socket(&self) -> Option<CsiSocket> {
        self.context.drivers.find(&self.driver_name)
    }

    /// Waits until the cluster's driver is registered (or not any more).
    pub async fn wait_registered(&self, registered: bool, limit: std::time::Duration) -> bool {
        let poll = async {
            let mut ticks = tokio::time::interval(self.context.options.registration_poll / 2);
            while self.socket().is_some() != registered {
                ticks.tick().await;
            }
        };
        tokio::time::timeout(limit, poll).await.is_ok()
    }

    /// Stops, as a kubelet that is killed: nothing is unpublished. Waits for every task.
    pub async fn stop(self) {
        self.stop.cancel();
        if let Err(error) = self.task.await {
            tracing::error!(%error, "kubelet ended badly");
        }
    }
}

async fn run(context: Context, stop: CancellationToken) {
    let mut tasks = JoinSet::new();
    if let Some(folder) = context.options.registration_dir.clone() {
        let registrar = Registrar {
            folder,
            poll: context.options.registration_poll,
            retry: context.options.retry,
            drivers: context.drivers.clone(),
        };
        tasks.spawn(registrar.run());
    }
    tokio::select! {
        () = stop.cancelled() => {}
        () = follow(&context, &mut tasks) => {}
    }
    tasks.shutdown().await;
}

/// Hands every change of a pod to that pod's task.
async fn follow(context: &Context, tasks: &mut JoinSet<()>) {
    let selector = Selector {
        labels: LabelSelector::default(),
        fields: FieldSelector::on("spec.nodeName", &context.node),
    };
    let subscribed =
        context
            .store
            .subscribe(&PODS, None, selector, Start::Present, Audience::Internal);
    let Ok(mut watch) = subscribed else { return };
    let mut pods: BTreeMap<String, watch::Sender<PodView>> = BTreeMap::new();
    loop {
        let event = tokio::select! {
            Some(ended) = tasks.join_next() => {
                if let Err(error) = ended {
                    tracing::error!(%error, "a task of the kubelet ended badly");
                }
                continue;
            }
            event = watch.next() => event,
        };
        let Some(event) = event else { return };
        let uid = meta::uid(&event.object).to_owned();
        if event.kind == ChangeKind::Deleted {
            if let Some(sender) = pods.remove(&uid) {
                sender.send_replace(PodView::gone(event.object));
            }
        } else if let Some(sender) = pods.get(&uid) {
            sender.send_replace(PodView::new(event.object));
        } else {
            let (sender, receiver) = watch::channel(PodView::new(Object::clone(&event.object)));
            pods.insert(uid, sender);
            tasks.spawn(pod::live(context.clone(), receiver));
        }
    }
}
