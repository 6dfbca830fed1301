//! Plugin registration: finds drivers' sockets in a folder and keeps track of them.
//!
//! `pkg/kubelet/pluginmanager` and `pkg/volume/csi`: a new socket is asked for its identity, then
//! for the node's name, and is notified. When a socket vanishes, its driver is deregistered; a new
//! file at the same path is a new driver. A driver's health is not checked: one that died and left
//! its socket stays registered.

use std::collections::BTreeMap;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use svid_api::registration::v1::RegistrationStatus;
use tokio::time::Instant;

use super::backoff::Backoff;
use super::options::Retry;
use super::socket::CsiSocket;

/// The drivers that are registered, by name. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Drivers {
    sockets: Arc<Mutex<BTreeMap<String, CsiSocket>>>,
}

impl Drivers {
    pub(super) fn find(&self, name: &str) -> Option<CsiSocket> {
        self.lock().get(name).cloned()
    }

    pub(super) fn add(&self, name: &str, socket: CsiSocket) {
        self.lock().insert(name.to_owned(), socket);
    }

    fn remove(&self, name: &str) {
        self.lock().remove(name);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, CsiSocket>> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Device, inode and time of change: whether a path still holds the same file.
type Incarnation = (u64, u64, i64, i64);

#[derive(Debug)]
struct Seen {
    incarnation: Incarnation,
    /// The driver registered from here, if it is.
    name: Option<String>,
    backoff: Backoff,
    due: Instant,
}

#[derive(Debug)]
pub(super) struct Registrar {
    pub(super) folder: PathBuf,
    pub(super) poll: Duration,
    pub(super) retry: Retry,
    pub(super) drivers: Drivers,
}

impl Registrar {
    /// Runs until it is dropped.
    pub(super) async fn run(self) {
        let mut seen = BTreeMap::new();
        let mut ticks = tokio::time::interval(self.poll);
        loop {
            ticks.tick().await;
            let present = sockets(&self.folder);
            self.drop_vanished(&mut seen, &present);
            for (path, incarnation) in present {
                let entry = seen.entry(path.clone()).or_insert_with(|| Seen {
                    incarnation,
                    name: None,
                    backoff: Backoff::new(self.retry),
                    due: Instant::now(),
                });
                if entry.name.is_none() && entry.due <= Instant::now() {
                    match self.register(&path).await {
                        Ok(name) => entry.name = Some(name),
                        Err(error) => {
                            entry.due = Instant::now() + entry.backoff.failed();
                            tracing::warn!(socket = %path.display(), error, "registration failed");
                        }
                    }
                }
            }
        }
    }

    fn drop_vanished(
        &self,
        seen: &mut BTreeMap<PathBuf, Seen>,
        present: &BTreeMap<PathBuf, Incarnation>,
    ) {
        seen.retain(|path, entry| {
            let same = present.get(path) == Some(&entry.incarnation);
            if let Some(name) = entry.name.as_ref().filter(|_| !same) {
                tracing::info!(driver = name, "driver deregistered");
                self.drivers.remove(name);
            }
            same
        });
    }

    /// The whole conversation with a new socket; the driver's name if all went well.
    async fn register(&self, path: &Path) -> Result<String, String> {
        let registration = CsiSocket::new(path);
        let within = |seconds| Instant::now() + Duration::from_secs(seconds);
        let info = registration
            .plugin_info(within(1))
            .await
            .map_err(|error| error.to_string())?;
        if info.r#type != "CSIPlugin" {
            return Err(format!("plugin type {:?} is not served", info.r#type));
        }
        let outcome = self.take(&registration, &info).await;
        let status = RegistrationStatus {
            plugin_registered: outcome.is_ok(),
            error: outcome.as_ref().err().cloned().unwrap_or_default(),
        };
        let notified = registration.notify(status, within(5)).await;
        outcome?;
        if let Err(error) = notified {
            self.drivers.remove(&info.name);
            return Err(error.to_string());
        }
        tracing::info!(driver = info.name, "driver registered");
        Ok(info.name)
    }

    async fn take(
        &self,
        registration: &CsiSocket,
        info: &svid_api::registration::v1::PluginInfo,
    ) -> Result<(), String> {
        let supported = |version: &String| {
            let version = version.strip_prefix('v').unwrap_or(version);
            version.starts_with("1.")
        };
        if !info.supported_versions.iter().any(supported) {
            return Err(format!(
                "no version of {:?} is served",
                info.supported_versions
            ));
        }
        if self.drivers.find(&info.name).is_some() {
            return Err(format!("driver {} is already registered", info.name));
        }
        let socket = if info.endpoint.is_empty() {
            registration.clone()
        } else {
            CsiSocket::new(&info.endpoint)
        };
        let node_id = socket
            .node_id(Instant::now() + Duration::from_secs(120))
            .await
            .map_err(|error| error.to_string())?;
        if node_id.is_empty() || node_id.len() > 256 {
            return Err("the node id is empty or longer than 256 characters".to_owned());
        }
        self.drivers.add(&info.name, socket);
        Ok(())
    }
}

/// Every socket below a folder whose name does not begin with a dot.
fn sockets(folder: &Path) -> BTreeMap<PathBuf, Incarnation> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        for entry in entries {
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            if metadata.is_dir() {
                folders.push(entry.path());
            } else if metadata.file_type().is_socket() && !hidden {
                let incarnation = (
                    metadata.dev(),
                    metadata.ino(),
                    metadata.ctime(),
                    metadata.ctime_nsec(),
                );
                found.insert(entry.path(), incarnation);
            }
        }
    }
    found
}
