//! Owns the command line of `driver`: from its flags to the driver's configuration.
//!
//! Must not start anything, nor repeat a rule that the driver has itself. Invariant: every wrong
//! value is reported, not only the first.

use std::path::{Path, PathBuf};

use svid_api::duration::GoDuration;
use svid_core::names::DriverName;
use svid_node::driver::Configuration;
use svid_node::driver::RequestMode;
use svid_node::driver::VolumesPerPod;
use svid_node::driver::registration_name;
use svid_node::driver::{AnchoringPolicy, KeyUsagePolicy};
use svid_node::driver::{FileMode, RootContext};
use svid_node::driver::{Installation, NodeId};

use super::certificates::Certificates;
use super::connection::ConnectionArgs;
use super::flags::DriverFlags;
use super::logs::LogArgs;
use super::problem::{Problems, Wrong};
use super::role::{Role, ServerFlags, Servers};
use super::{annotations, file_names, paths, values};

/// Checks all values; relative paths are relative to the working folder. `None`: at least one
/// problem was noted.
pub(super) fn from_flags(
    flags: &DriverFlags,
    problems: &mut Problems,
) -> Option<Role<Configuration>> {
    let folder = working_folder(problems)?;
    let optional_path = |text: &str| paths::optional(text, &folder);
    let mut warnings = Vec::new();
    let node_id = problems.check("--node-id", &flags.node_id, NodeId::parse);
    let data_root = problems.check("--data-root", &flags.data_root, |text| {
        paths::required(text, &folder)
    });
    let endpoint = problems.check("--endpoint", &flags.endpoint, |text| {
        paths::endpoint(text, &folder)
    });
    let registration_dir = problems.check(
        REGISTRATION_DIR,
        &flags.kubelet_registration_dir,
        optional_path,
    );
    let addresses = ServerFlags {
        probes: ("--health-address", &flags.health_address),
        metrics: &flags.metrics_bind_address,
        status: &flags.status_address,
    };
    let servers = Servers::from_flags(&addresses, problems);
    let certificates = Certificates::from_flags(&flags.certificates, problems);
    if let (Some(Some(folder)), Some(certificates)) = (&registration_dir, &certificates) {
        refuse_long(folder, &certificates.driver_name, problems);
    }
    let extra_annotations = annotations::parse(
        annotations::EXTRA,
        &flags.extra_certificate_request_annotations,
        problems,
        &mut warnings,
    );
    let anchoring = problems.check(
        "--require-anchored-chain",
        &flags.require_anchored_chain,
        |text| values::either(text, AnchoringPolicy::Warn, AnchoringPolicy::Require),
    );
    let key_usage = problems.check("--require-key-usage", &flags.require_key_usage, |text| {
        values::either(text, KeyUsagePolicy::Warn, KeyUsagePolicy::Require)
    });
    let requester = problems.check(
        "--use-own-service-account",
        &flags.use_own_service_account,
        |text| values::either(text, RequestMode::Pod, RequestMode::Driver),
    );
    let files = file_names::from_flags(&flags.file_names, problems);
    let file_mode = problems.check("--file-mode", &flags.file_mode, FileMode::parse);
    let root_context = problems.check_optional(
        "--selinux-context",
        &flags.selinux_context,
        RootContext::parse,
    );
    let source_ca_bundle =
        problems.check("--source-ca-bundle", &flags.source_ca_bundle, optional_path);
    let volumes_per_pod = problems.check(
        "--max-volumes-per-pod",
        &flags.max_volumes_per_pod,
        VolumesPerPod::parse,
    );
    let connection = ConnectionArgs::from_flags(&flags.connection, problems);
    let logs = LogArgs::from_flags(&flags.logs, problems);

    let certificates = certificates?;
    let configuration = Configuration {
        installation: Installation {
            driver_name: certificates.driver_name,
            node_id: node_id?,
            requester: requester?,
            trust_domain: certificates.trust_domain,
            duration: certificates.go_duration,
            extra_annotations,
        },
        data_root: data_root?,
        endpoint: endpoint?,
        registration_dir: registration_dir?,
        issuer: certificates.issuer,
        runtime_issuance: certificates.runtime_issuance,
        files: files?,
        file_mode: file_mode?,
        root_context: root_context?,
        source_ca_bundle: source_ca_bundle?,
        anchoring: anchoring?,
        volumes_per_pod: volumes_per_pod?,
        key_usage: key_usage?,
    };
    warn(&configuration, &mut warnings);
    Some(Role {
        configuration,
        servers: servers?,
        connection: connection?,
        logs: logs?,
        warnings,
    })
}

fn working_folder(problems: &mut Problems) -> Option<PathBuf> {
    std::env::current_dir()
        .map_err(|error| {
            let wrong = Wrong::new(
                format!("cannot be found: {error}"),
                "a directory that exists",
            );
            problems.add_without_value("working directory", wrong);
        })
        .ok()
}

/// Notes that the registration socket, which is named after the driver, could not be bound.
fn refuse_long(folder: &Path, driver_name: &DriverName, problems: &mut Problems) {
    if let Err(wrong) = paths::fits_socket(&folder.join(registration_name(driver_name))) {
        problems.add(REGISTRATION_DIR, &folder.to_string_lossy(), wrong);
    }
}

fn warn(configuration: &Configuration, warnings: &mut Vec<String>) {
    let Configuration {
        installation,
        file_mode,
        ..
    } = configuration;
    if configuration.anchoring == AnchoringPolicy::Require
        && configuration.source_ca_bundle.is_none()
    {
        warnings.push(
            "--require-anchored-chain has no effect without --source-ca-bundle: there are no \
             roots to verify a chain against"
                .to_owned(),
        );
    }
    if installation.requester == RequestMode::Pod && installation.duration < SHORTEST_THAT_SURVIVES
    {
        warnings.push(format!(
            "--certificate-request-duration is below {SHORTEST_THAT_SURVIVES}: a certificate may \
             expire while a restarted driver waits for the kubelet to publish the volume again \
             with a new token"
        ));
    }
    if file_mode.is_world_readable() {
        warnings.push(format!(
            "--file-mode={file_mode}: every user in a pod can read its private key"
        ));
    }
}

const REGISTRATION_DIR: &str = "--kubelet-registration-dir";

/// With the pod's token only, a third of the lifetime must be longer than the 60 to 90 s after
/// which the kubelet publishes a volume again.
const SHORTEST_THAT_SURVIVES: GoDuration = GoDuration::from_nanoseconds(300 * 1_000_000_000);
