//! Owns the spelling of the flags: names, defaults, help texts, and the forms that pflag accepts.
//!
//! Must not know what a value means: everything is text here, so that all values can be checked
//! together ([`super::driver`] and [`super::approver`] do it). Invariant: names and defaults are
//! those of the Go driver and approver (v0.15); what is new has a heading or a note that says so.

use clap::{Arg, ArgAction, Args, Command, CommandFactory as _, Parser, Subcommand};

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "csi-driver-spiffe",
    about = "X.509-SVIDs for pods, as files in a volume, signed through cert-manager",
    after_help = "Exit codes: 0 success, 1 failure while running, 64 invalid flags (nothing was started). For \
        status, inspect and check: 1 problems found, 2 could not look.",
    version,
    args_override_self = true,
    max_term_width = 100
)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    pub(crate) command: CommandFlags,
}

/// The whole command line in the forms of pflag.
pub(super) fn command() -> Command {
    CommandLine::command()
        .mut_subcommands(|command| command.mut_args(as_pflag_takes_it))
        .mut_subcommand("check", |command| {
            command.mut_arg("namespace", |flag| flag.hide(false).help(NAMESPACE))
        })
}

/// A flag without a default is empty if it is not given; one of value `BOOL` is then off, and on if
/// it is given without a value.
fn as_pflag_takes_it(flag: Arg) -> Arg {
    let has_default = !flag.get_default_values().is_empty();
    if has_default || flag.is_positional() || !matches!(flag.get_action(), ArgAction::Set) {
        return flag;
    }
    let flag = flag.required(false).hide_default_value(true);
    let is_boolean = |names: &[clap::builder::Str]| names.iter().any(|name| name == "BOOL");
    if !flag.get_value_names().is_some_and(is_boolean) {
        return flag.default_value("");
    }
    flag.num_args(0..=1)
        .require_equals(true)
        .default_value("false")
        .default_missing_value("true")
}

/// The subcommands with their flags, as text.
#[derive(Debug, Subcommand)]
pub(crate) enum CommandFlags {
    /// Serve volumes to the kubelet of this node (run by a DaemonSet)
    Driver(Box<DriverFlags>),
    /// Approve or deny certificate requests (run by a Deployment)
    Approver(Box<ApproverFlags>),
    /// Show what the volumes of this node's driver are doing
    Status(StatusFlags),
    /// Show what is in a volume's directory, and whether it is a valid SVID
    Inspect(Box<InspectFlags>),
    /// Look at the cluster and say what is wrong, and what to do about it
    Check(Box<CheckFlags>),
    /// Demonstrate everything on this machine: an embedded cluster, two pods and their identities
    #[cfg(feature = "demo")]
    Demo(crate::demo::DemoFlags),
    /// Print the version, the commit and the target of this build
    Version(VersionFlags),
    /// Print the completions of a shell, for it to read
    Completions(CompletionsFlags),
}

/// Flags of `driver`.
#[derive(Debug, Args)]
#[command(args_override_self = true, next_help_heading = "Driver")]
pub(crate) struct DriverFlags {
    /// Name of the node that the driver runs on (required)
    #[arg(long, value_name = "NAME")]
    pub(crate) node_id: String,
    /// Directory for the records of volumes (required); relative to the working directory
    #[arg(long, value_name = "DIR")]
    pub(crate) data_root: String,
    /// Unix socket for the kubelet's CSI calls, e.g. unix://plugin/csi.sock (required); relative to
    /// the working directory
    #[arg(long, value_name = "UNIX")]
    pub(crate) endpoint: String,
    /// Register with the kubelet through a socket in this directory, e.g.
    /// /var/lib/kubelet/plugins_registry; empty: leave it to a node-driver-registrar sidecar
    #[arg(long, value_name = "DIR")]
    pub(crate) kubelet_registration_dir: String,
    /// Address of /healthz and /readyz, e.g. :9809; empty or 0: off
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) health_address: String,
    /// Address of /status, which names the node's pods and requires no credentials, e.g.
    /// 127.0.0.1:9810; empty or 0: off. The command `status` does not need it
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) status_address: String,
    /// Address of /metrics, e.g. :9402; empty or 0: off
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) metrics_bind_address: String,

    #[command(flatten, next_help_heading = "Certificates")]
    pub(crate) certificates: CertificateFlags,
    /// Annotations to put on every CertificateRequest, as KEY=VALUE,KEY=VALUE; may be repeated. The
    /// approver needs the same flag
    #[arg(long, value_name = "MAP", action = clap::ArgAction::Append)]
    pub(crate) extra_certificate_request_annotations: Vec<String>,
    /// Refuse a certificate that does not lead to a root of --source-ca-bundle, instead of warning
    #[arg(long, value_name = "BOOL")]
    pub(crate) require_anchored_chain: String,
    /// Refuse a certificate without key usage, which most SPIFFE libraries reject, instead of
    /// warning
    #[arg(long, value_name = "BOOL")]
    pub(crate) require_key_usage: String,
    /// Create requests with the driver's own token instead of the pods' (node-attested mode); the
    /// approver needs the same flag; requires Kubernetes 1.30 or newer
    #[arg(long, value_name = "BOOL")]
    pub(crate) use_own_service_account: String,

    #[command(flatten, next_help_heading = "Volume")]
    pub(crate) file_names: FileNameFlags,
    /// Mode of the files in a volume, octal
    #[arg(long, value_name = "MODE", default_value = "0440")]
    pub(crate) file_mode: String,
    /// SELinux context of the volumes on nodes with SELinux; empty: none is set
    #[arg(
        long,
        value_name = "CONTEXT",
        default_value = "system_u:object_r:container_file_t:s0"
    )]
    pub(crate) selinux_context: String,
    /// PEM file with the trust roots that every volume gets; empty: volumes get none
    #[arg(long, value_name = "FILE")]
    pub(crate) source_ca_bundle: String,
    /// Maximum number of volumes of this driver per pod, 1 to 65535; existing volumes are not
    /// affected
    #[arg(long, value_name = "COUNT", default_value = "16")]
    pub(crate) max_volumes_per_pod: String,

    #[command(flatten, next_help_heading = "Kubernetes")]
    pub(crate) connection: ConnectionFlags,
    #[command(flatten, next_help_heading = "Logs")]
    pub(crate) logs: LogFlags,
}

/// Flags of `approver`.
#[derive(Debug, Args)]
#[command(args_override_self = true, next_help_heading = "Approver")]
pub(crate) struct ApproverFlags {
    /// Also decide on requests without the identity annotation: approve them, unless they request a
    /// SPIFFE ID or name the SPIFFE issuer
    #[arg(long, value_name = "BOOL")]
    pub(crate) auto_approve_non_spiffe: String,
    /// Namespace of the leader election Lease, which is named after the CSI driver
    #[arg(long, value_name = "NAMESPACE", default_value = "cert-manager")]
    pub(crate) leader_election_namespace: String,
    /// Address of /readyz and /healthz; empty or 0: off
    #[arg(long, value_name = "ADDRESS", default_value = ":6060")]
    pub(crate) readiness_probe_bind_address: String,
    /// Address of /metrics; empty or 0: off
    #[arg(long, value_name = "ADDRESS", default_value = ":9402")]
    pub(crate) metrics_bind_address: String,

    #[command(flatten, next_help_heading = "Certificates")]
    pub(crate) certificates: CertificateFlags,
    /// Accept requests only from the driver's own service account, each for a pod on the requesting
    /// driver's node (node-attested mode); the driver needs the same flag
    #[arg(long, value_name = "BOOL")]
    pub(crate) use_own_service_account: String,
    /// User name of the driver's service account, system:serviceaccount:NAMESPACE:NAME; required
    /// with --use-own-service-account, ignored otherwise
    #[arg(long, value_name = "USER")]
    pub(crate) driver_service_account: String,
    /// Deny requests that were not created with a pod-bound token, which is valid only as long as
    /// its pod exists; node-attested mode requires this of the driver anyway
    #[arg(long, value_name = "BOOL")]
    pub(crate) require_pod_bound_token: String,
    /// Annotations that the drivers put on every CertificateRequest, as in their flag of the same
    /// name: a request must have exactly these besides its identity; empty: none. Without the flag
    /// a request may have any annotations except those that issuers are known to act on
    #[arg(long, value_name = "MAP", action = clap::ArgAction::Append)]
    pub(crate) extra_certificate_request_annotations: Vec<String>,
    /// An earlier value of the drivers' flag, in full: a request may have exactly these annotations
    /// instead; empty: none. May be repeated, once per earlier value
    #[arg(long, value_name = "MAP", action = clap::ArgAction::Append)]
    pub(crate) former_certificate_request_annotations: Vec<String>,

    #[command(flatten, next_help_heading = "Kubernetes")]
    pub(crate) connection: ConnectionFlags,
    #[command(flatten, next_help_heading = "Logs")]
    pub(crate) logs: LogFlags,
}

/// What driver and approver must agree on.
#[derive(Debug, Args)]
pub(crate) struct CertificateFlags {
    /// Name of the CSI driver, as it is installed in Kubernetes
    #[arg(long, value_name = "NAME", default_value = DEFAULT_DRIVER)]
    pub(crate) csi_driver_name: String,
    /// Trust domain of the SPIFFE IDs
    #[arg(long, value_name = "DOMAIN", default_value = "cluster.local")]
    pub(crate) trust_domain: String,
    /// Requested lifetime of certificates, e.g. 1h or 90m
    #[arg(long, value_name = "DURATION", default_value = "1h")]
    pub(crate) certificate_request_duration: String,
    /// Name of the issuer; may be empty if a runtime ConfigMap is named
    #[arg(long, value_name = "NAME", default_value = "my-spiffe-ca")]
    pub(crate) issuer_name: String,
    /// Kind of the issuer
    #[arg(long, value_name = "KIND", default_value = "ClusterIssuer")]
    pub(crate) issuer_kind: String,
    /// API group of the issuer
    #[arg(long, value_name = "GROUP", default_value = "cert-manager.io")]
    pub(crate) issuer_group: String,
    /// ConfigMap that names the issuer at run time and takes precedence over the flags above;
    /// empty: none
    #[arg(long, value_name = "NAME")]
    pub(crate) runtime_issuance_config_map_name: String,
    /// Namespace of that ConfigMap
    #[arg(long, value_name = "NAMESPACE")]
    pub(crate) runtime_issuance_config_map_namespace: String,
}

/// Name of the CSI driver if no flag gives another.
pub(crate) const DEFAULT_DRIVER: &str = "spiffe.csi.cert-manager.io";

/// Names of the files in a volume.
#[derive(Debug, Args)]
pub(crate) struct FileNameFlags {
    /// Name of the file with the certificate and its intermediates
    #[arg(long, value_name = "FILE", default_value = "tls.crt")]
    pub(crate) file_name_certificate: String,
    /// Name of the file with the private key
    #[arg(long, value_name = "FILE", default_value = "tls.key")]
    pub(crate) file_name_key: String,
    /// Name of the file with the trust roots
    #[arg(long, value_name = "FILE", default_value = "ca.crt")]
    pub(crate) file_name_ca: String,
}

/// How much is logged, and in what form.
#[derive(Debug, Args)]
pub(crate) struct LogFlags {
    /// How much to log: 0 warnings, 1 normal operation, 2 and 3 details, 4 everything that this
    /// program logs, 5 also the Kubernetes client
    #[arg(long, short = 'v', value_name = "LEVEL", default_value = "1")]
    pub(crate) log_level: String,
    /// Format of log lines: text or json
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) log_format: String,
}

/// kubectl's connection flags.
#[derive(Debug, Default, Args)]
pub(crate) struct ConnectionFlags {
    /// Kubeconfig file; empty: $KUBECONFIG, ~/.kube/config, else the pod's service account
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: String,
    /// Context of the kubeconfig
    #[arg(long, value_name = "NAME")]
    pub(crate) context: String,
    /// Cluster of the kubeconfig
    #[arg(long, value_name = "NAME")]
    pub(crate) cluster: String,
    /// User of the kubeconfig
    #[arg(long, value_name = "NAME")]
    pub(crate) user: String,
    /// Address of the API server
    #[arg(long, short = 's', value_name = "URL")]
    pub(crate) server: String,
    /// Bearer token for the API server
    #[arg(long, value_name = "TOKEN")]
    pub(crate) token: String,
    /// PEM file with the CA certificates to verify the API server with
    #[arg(long, value_name = "FILE")]
    pub(crate) certificate_authority: String,
    /// PEM file with a client certificate for TLS
    #[arg(long, value_name = "FILE")]
    pub(crate) client_certificate: String,
    /// PEM file with the key of --client-certificate
    #[arg(long, value_name = "FILE")]
    pub(crate) client_key: String,
    /// Name to expect in the API server's certificate, instead of the host in its address
    #[arg(long, value_name = "NAME")]
    pub(crate) tls_server_name: String,
    /// Do not check the API server's certificate; insecure
    #[arg(long, value_name = "BOOL")]
    pub(crate) insecure_skip_tls_verify: String,
    /// How long the API server may be silent before a connection is closed, e.g. 30s; 0: no limit
    #[arg(long, value_name = "DURATION", default_value = "0")]
    pub(crate) request_timeout: String,
    /// User to impersonate
    #[arg(long = "as", value_name = "USER")]
    pub(crate) impersonate_user: String,
    /// UID to impersonate
    #[arg(long = "as-uid", value_name = "UID")]
    pub(crate) impersonate_uid: String,
    /// Group to impersonate; may be repeated
    #[arg(long = "as-group", value_name = "GROUP", action = clap::ArgAction::Append)]
    pub(crate) impersonate_groups: Vec<String>,
    /// Accepted for compatibility with kubectl, without effect here
    #[arg(long, short = 'n', value_name = "NAMESPACE", hide = true)]
    pub(crate) namespace: String,
    /// Accepted for compatibility with kubectl, without effect here
    #[arg(long, value_name = "DIR", hide = true)]
    pub(crate) cache_dir: String,
    /// Accepted for compatibility with kubectl, without effect here: responses are never compressed
    #[arg(long, value_name = "BOOL", hide = true)]
    pub(crate) disable_compression: String,
}

/// Flags of `check`.
#[derive(Debug, Args)]
#[command(
    args_override_self = true,
    next_help_heading = "Check",
    after_help = "With your own kubeconfig: csi-driver-spiffe check. Before the chart is installed: csi-driver-spiffe check \
        --pre -n cert-manager --issuer-name=spiffe-ca\n\n\
        It only reads, and asks who may do what (SubjectAccessReview).\n\n\
        Exit codes: 0 no problems, 1 problems found, 2 something could not be checked and no problem \
        was found, 64 invalid flags."
)]
pub(crate) struct CheckFlags {
    /// Check what the chart needs, before it is installed
    #[arg(long, value_name = "BOOL")]
    pub(crate) pre: String,
    /// Name of the CSI driver, as it is installed in Kubernetes
    #[arg(long, value_name = "NAME", default_value = DEFAULT_DRIVER)]
    pub(crate) driver: String,
    /// Repeat until no problems are found, for at most this long, e.g. 60s
    #[arg(long, value_name = "DURATION", default_value = "0")]
    pub(crate) wait: String,
    /// Output format: text or json
    #[arg(long, short = 'o', value_name = "FORMAT", default_value = "text")]
    pub(crate) output: String,
    /// With --pre: name of the issuer that is to sign; empty: issuers are not checked
    #[arg(long, value_name = "NAME")]
    pub(crate) issuer_name: String,
    /// With --pre: kind of that issuer
    #[arg(long, value_name = "KIND", default_value = "ClusterIssuer")]
    pub(crate) issuer_kind: String,
    /// With --pre: API group of that issuer
    #[arg(long, value_name = "GROUP", default_value = "cert-manager.io")]
    pub(crate) issuer_group: String,

    #[command(flatten, next_help_heading = "Kubernetes")]
    pub(crate) connection: ConnectionFlags,
}

/// Help of `--namespace`, which the other commands only accept.
const NAMESPACE: &str =
    "Namespace of the release; empty: the one it is found in, with --pre cert-manager";

/// Flags of `status`.
#[derive(Debug, Args)]
#[command(
    args_override_self = true,
    after_help = "In a cluster: kubectl exec DRIVER-POD -- /csi-driver-spiffe status\n\nExit \
        codes: 0 no problems, 1 problems found, 2 the driver could not be asked, 64 invalid \
        flags."
)]
pub(crate) struct StatusFlags {
    /// Only the volumes of this pod
    #[arg(long, value_name = "NAMESPACE/NAME")]
    pub(crate) pod: String,
    /// Output format: text or json
    #[arg(long, short = 'o', value_name = "FORMAT", default_value = "text")]
    pub(crate) output: String,
    #[command(flatten)]
    pub(crate) socket: SocketFlags,
}

/// Where a running driver is asked.
#[derive(Debug, Args)]
pub(crate) struct SocketFlags {
    /// The driver's socket, DATA-ROOT/DRIVER-NAME/sockets/status.sock; empty: that of the driver
    /// running as process 1, as in its own container
    #[arg(long, value_name = "PATH")]
    pub(crate) socket: String,
}

/// Flags of `version`.
#[derive(Debug, Args)]
#[command(args_override_self = true)]
pub(crate) struct VersionFlags {
    /// Output format: text or json
    #[arg(long, short = 'o', value_name = "FORMAT", default_value = "text")]
    pub(crate) output: String,
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
#[command(
    args_override_self = true,
    after_help = "In bash: source <(csi-driver-spiffe completions bash)"
)]
pub(crate) struct CompletionsFlags {
    /// The shell: bash, elvish, fish, powershell or zsh
    #[arg(value_name = "SHELL")]
    pub(crate) shell: String,
}

/// Flags of `inspect`.
#[derive(Debug, Args)]
#[command(
    args_override_self = true,
    after_help = "In a cluster: kubectl exec DRIVER-POD -- /csi-driver-spiffe inspect --pod \
        payments/api\n\nExit codes: 0 a valid SVID, 1 not, 2 it could not be read, 64 invalid \
        flags."
)]
pub(crate) struct InspectFlags {
    /// Directory to inspect: what a pod sees at its mount path
    #[arg(value_name = "DIR")]
    pub(crate) folder: Option<std::path::PathBuf>,
    /// Inspect the volumes of this pod instead of DIR; the driver on its node supplies their
    /// directories, file names and the SPIFFE ID to expect
    #[arg(long, value_name = "NAMESPACE/NAME")]
    pub(crate) pod: String,
    /// SPIFFE ID that the certificate must have
    #[arg(long, value_name = "ID")]
    pub(crate) expect_id: String,
    /// Minimum remaining validity, e.g. 10m
    #[arg(long, value_name = "DURATION", default_value = "0")]
    pub(crate) min_left: String,
    /// Go on looking until a signal, and print again whenever what is there has changed; the exit
    /// code is that of the last look
    #[arg(long, value_name = "BOOL")]
    pub(crate) watch: String,
    /// Output format: text or json
    #[arg(long, short = 'o', value_name = "FORMAT", default_value = "text")]
    pub(crate) output: String,
    #[command(flatten)]
    pub(crate) socket: SocketFlags,
    #[command(flatten)]
    pub(crate) file_names: FileNameFlags,
}
