//! What the administrator decided.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use svid_client::issuer::ConfigMapName;
use svid_core::identity::{DriverName, TrustDomain};
use svid_core::policy::IssuerReference;

use crate::credential::Requester;
use crate::lifecycle::AnchoringPolicy;
use crate::volume::{FileMode, FileNames, RootContext};

/// What the administrator decided, checked.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// The node's name.
    pub node_id: String,
    /// The driver's name.
    pub driver_name: DriverName,
    /// Where records are kept, absolute.
    pub data_root: PathBuf,
    /// The CSI socket, absolute.
    pub endpoint: PathBuf,
    /// The kubelet's folder of plugin sockets; None leaves registration to a sidecar.
    pub registration_dir: Option<PathBuf>,
    /// The trust domain of every SPIFFE ID.
    pub trust_domain: TrustDomain,
    /// The lifetime that certificates are asked for, at least a second.
    pub certificate_duration: Duration,
    /// The issuer to ask where no ConfigMap says otherwise.
    pub issuer: Option<IssuerReference>,
    /// The ConfigMap that names the issuer at run time.
    pub runtime_issuance: Option<ConfigMapName>,
    /// Who creates the requests.
    pub requester: Requester,
    /// Annotations for every CertificateRequest.
    pub extra_annotations: BTreeMap<String, String>,
    /// The names of the files in every volume.
    pub files: FileNames,
    /// The mode of the files.
    pub file_mode: FileMode,
    /// The SELinux context of the volumes; None where SELinux does not enforce.
    pub root_context: Option<RootContext>,
    /// The file with the trust bundle; None for volumes without one.
    pub source_ca_bundle: Option<PathBuf>,
    /// What to do with a chain that the trust bundle does not anchor.
    pub anchoring: AnchoringPolicy,
}
