//! The demo: both roles on one machine, over an embedded cluster.

use clap::Args;

/// Flags of `demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoFlags {
    /// Leave it running, and say where the kubeconfig and the volumes are
    #[arg(long)]
    pub(crate) keep: bool,
}

/// Runs the demo.
///
/// # Errors
/// Always: it is not built yet.
pub(crate) fn run(_flags: &DemoFlags) -> anyhow::Result<()> {
    anyhow::bail!("the demo is not built yet")
}
