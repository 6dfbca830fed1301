//! Owns the command line of `driver`, checked as a whole.
//!
//! Must not start anything. Invariant: every wrong value is told, not only the first.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use svid_core::identity::DriverName;
use svid_node::credential::Requester;
use svid_node::installation::NodeId;
use svid_node::registration::registration_name;
use svid_node::volume::{FileMode, FileNames, RootContext};

use super::certificates::CertificateArgs;
use super::connection::ConnectionArgs;
use super::flags::DriverFlags;
use super::logs::LogArgs;
use super::network::ListenAddress;
use super::problem::{Problems, Wrong};
use super::{annotations, file_names, paths, values};

/// The checked flags of `driver`.
#[derive(Clone, Debug)]
pub(crate) struct DriverArgs {
    pub(crate) node_id: NodeId,
    /// Absolute.
    pub(crate) data_root: PathBuf,
    /// Absolute path of the socket.
    pub(crate) endpoint: PathBuf,
    pub(crate) registration_dir: Option<PathBuf>,
    pub(crate) health: Option<ListenAddress>,
    pub(crate) metrics: Option<ListenAddress>,
    pub(crate) certificates: CertificateArgs,
    pub(crate) extra_annotations: BTreeMap<String, String>,
    pub(crate) require_anchored_chain: bool,
    pub(crate) requester: Requester,
    pub(crate) file_names: FileNames,
    pub(crate) file_mode: FileMode,
    /// For nodes with SELinux.
    pub(crate) selinux_context: Option<RootContext>,
    pub(crate) source_ca_bundle: Option<PathBuf>,
    pub(crate) connection: ConnectionArgs,
    pub(crate) logs: LogArgs,
    /// What is legal but will not do what its author hopes; to be logged at start.
    pub(crate) warnings: Vec<String>,
}

impl DriverArgs {
    /// Checks all values; relative paths are relative to the working folder.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub(crate) fn from_flags(flags: &DriverFlags) -> Result<Self, Problems> {
        match std::env::current_dir() {
            Ok(folder) => Self::from_flags_in(flags, &folder),
            Err(error) => {
                let mut problems = Problems::default();
                let wrong = Wrong::new(format!("cannot be found: {error}"), "a folder that exists");
                problems.add_without_value("working folder", wrong);
                Err(problems)
            }
        }
    }

    fn from_flags_in(flags: &DriverFlags, folder: &Path) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let mut warnings = Vec::new();
        let node_id = problems.check("--node-id", &flags.node_id, NodeId::parse);
        let places = Places::from_flags(flags, folder, &mut problems);
        let servers = Servers::from_flags(flags, &mut problems);
        let certificates = CertificateArgs::from_flags(&flags.certificates, &mut problems);
        let extra_annotations = annotations::parse(
            &flags.extra_certificate_request_annotations,
            &mut problems,
            &mut warnings,
        );
        let anchored = problems.check(
            "--require-anchored-chain",
            &flags.require_anchored_chain,
            values::boolean,
        );
        let requester = problems.check(
            "--use-own-service-account",
            &flags.use_own_service_account,
            requester,
        );
        let file_names = file_names::from_flags(&flags.file_names, &mut problems);
        let file_mode = problems.check("--file-mode", &flags.file_mode, FileMode::parse);
        let selinux_context =
            problems.check(
                "--selinux-context",
                &flags.selinux_context,
                |text| match text {
                    "" => Ok(None),
                    _ => RootContext::parse(text).map(Some),
                },
            );
        let connection = ConnectionArgs::from_flags(&flags.connection, &mut problems);
        let logs = LogArgs::from_flags(&flags.logs, &mut problems);
        let checked = (
            (node_id, places, servers, certificates),
            (anchored, requester, connection, logs),
            (file_names, file_mode, selinux_context),
        );
        let (
            (Some(node_id), Some(places), Some(servers), Some(certificates)),
            (Some(anchored), Some(requester), Some(connection), Some(logs)),
            (Some(file_names), Some(file_mode), Some(selinux_context)),
        ) = checked
        else {
            return Err(problems);
        };
        refuse_long(
            places.registration_dir.as_deref(),
            &certificates.driver_name,
            &mut problems,
        );
        if !problems.is_empty() {
            return Err(problems);
        }
        if anchored && places.source_ca_bundle.is_none() {
            warnings.push(
                "--require-anchored-chain has no effect without --source-ca-bundle: there are no roots \
                 that a chain could lead to"
                    .to_owned(),
            );
        }
        if requester == Requester::Pod {
            warn_about_lifetime(certificates.duration, &mut warnings);
        }
        warn_about_mode(file_mode, &mut warnings);
        Ok(Self {
            node_id,
            data_root: places.data_root,
            endpoint: places.endpoint,
            registration_dir: places.registration_dir,
            health: servers.health,
            metrics: servers.metrics,
            certificates,
            extra_annotations,
            require_anchored_chain: anchored,
            requester,
            file_names,
            file_mode,
            selinux_context,
            source_ca_bundle: places.source_ca_bundle,
            connection,
            logs,
            warnings,
        })
    }
}

/// Folders, files and sockets of the driver, all absolute.
struct Places {
    data_root: PathBuf,
    endpoint: PathBuf,
    registration_dir: Option<PathBuf>,
    source_ca_bundle: Option<PathBuf>,
}

impl Places {
    fn from_flags(flags: &DriverFlags, folder: &Path, problems: &mut Problems) -> Option<Self> {
        let data_root = problems.check("--data-root", &flags.data_root, |text| {
            paths::required(text, folder)
        });
        let endpoint = problems.check("--endpoint", &flags.endpoint, |text| {
            paths::endpoint(text, folder)
        });
        let registration_dir = problems.check(
            "--kubelet-registration-dir",
            &flags.kubelet_registration_dir,
            |text| paths::optional(text, folder),
        );
        let source_ca_bundle =
            problems.check("--source-ca-bundle", &flags.source_ca_bundle, |text| {
                paths::optional(text, folder)
            });
        Some(Self {
            data_root: data_root?,
            endpoint: endpoint?,
            registration_dir: registration_dir?,
            source_ca_bundle: source_ca_bundle?,
        })
    }
}

/// What the driver serves by HTTP.
struct Servers {
    health: Option<ListenAddress>,
    metrics: Option<ListenAddress>,
}

impl Servers {
    fn from_flags(flags: &DriverFlags, problems: &mut Problems) -> Option<Self> {
        let health = problems.check(
            "--health-address",
            &flags.health_address,
            ListenAddress::parse_optional,
        );
        let metrics = problems.check(
            "--metrics-bind-address",
            &flags.metrics_bind_address,
            ListenAddress::parse_optional,
        );
        refuse_same(
            ("--health-address", health.as_ref()?.as_ref()),
            ("--metrics-bind-address", metrics.as_ref()?.as_ref()),
            problems,
        );
        Some(Self {
            health: health?,
            metrics: metrics?,
        })
    }
}

/// Notes that two servers cannot listen at one address.
pub(super) fn refuse_same(
    (first_flag, first): (&str, Option<&ListenAddress>),
    (second_flag, second): (&str, Option<&ListenAddress>),
    problems: &mut Problems,
) {
    if let (Some(first), Some(second)) = (first, second)
        && first == second
        && second.port != 0
    {
        let wrong = Wrong::new(format!("is also {first_flag}"), "an address of its own");
        problems.add(second_flag, &second.to_string(), wrong);
    }
}

fn requester(text: &str) -> Result<Requester, Wrong> {
    Ok(if values::boolean(text)? {
        Requester::Driver
    } else {
        Requester::Pod
    })
}

/// Notes that the registration socket, which is named after the driver, cannot be bound.
fn refuse_long(folder: Option<&Path>, driver_name: &DriverName, problems: &mut Problems) {
    if let Some(folder) = folder
        && let Err(wrong) = paths::fits_socket(&folder.join(registration_name(driver_name)))
    {
        let value = folder.to_string_lossy();
        problems.add("--kubelet-registration-dir", &value, wrong);
    }
}

fn warn_about_lifetime(duration: Duration, warnings: &mut Vec<String>) {
    if duration < SHORTEST_THAT_SURVIVES {
        warnings.push(format!(
            "--certificate-request-duration is below {} s: a certificate may expire while a restarted driver \
             waits for the kubelet to publish the volume again and bring a token",
            SHORTEST_THAT_SURVIVES.as_secs()
        ));
    }
}

fn warn_about_mode(file_mode: FileMode, warnings: &mut Vec<String>) {
    if file_mode.lets_all_read() {
        warnings.push(format!(
            "--file-mode={file_mode}: every user of a pod can read its private key"
        ));
    }
}

/// With the pod's token only, a third of the lifetime must be longer than the 60 to 90 s after which the
/// kubelet publishes a volume again.
const SHORTEST_THAT_SURVIVES: Duration = Duration::from_secs(300);
