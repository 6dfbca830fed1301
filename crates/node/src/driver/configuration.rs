//! The driver's configuration.

use std::path::PathBuf;

use svid_client::issuer::ConfigMapName;
use svid_core::policy::IssuerReference;

use crate::installation::Installation;
use crate::lifecycle::{AnchoringPolicy, KeyUsagePolicy, VolumesPerPod};
use crate::volume::{FileMode, FileNames, RootContext};

/// The driver's configuration, validated.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// What several modules need to know.
    pub installation: Installation,
    /// Where records are kept, absolute.
    pub data_root: PathBuf,
    /// The CSI socket, absolute.
    pub endpoint: PathBuf,
    /// The kubelet's folder of plugin sockets; None leaves registration to a sidecar.
    pub registration_dir: Option<PathBuf>,
    /// The issuer to use unless a ConfigMap names another.
    pub issuer: Option<IssuerReference>,
    /// The ConfigMap that names the issuer at run time.
    pub runtime_issuance: Option<ConfigMapName>,
    /// The names of the files in every volume.
    pub files: FileNames,
    /// The mode of the files.
    pub file_mode: FileMode,
    /// The SELinux context of the volumes; None to set none.
    pub root_context: Option<RootContext>,
    /// The file with the trust bundle; None for volumes without one.
    pub source_ca_bundle: Option<PathBuf>,
    /// What to do with a chain that the trust bundle does not anchor.
    pub anchoring: AnchoringPolicy,
    /// How many volumes a pod may begin.
    pub volumes_per_pod: VolumesPerPod,
    /// What to do with a certificate without key usage.
    pub key_usage: KeyUsagePolicy,
}

impl Configuration {
    /// Where `/status` is served: beside the records. Not in the folder itself, which is locked for
    /// as long as a process uses the records.
    #[must_use]
    pub fn status_socket(&self) -> PathBuf {
        let ours = self.data_root.join(self.installation.driver_name.as_str());
        ours.join("sockets").join("status.sock")
    }
}
