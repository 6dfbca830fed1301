//! Owns the command `driver`.

/// Runs until a signal.
///
/// # Errors
/// Always, for now: the node's services are not wired yet.
pub(crate) fn run(args: &crate::args::DriverArgs) -> anyhow::Result<()> {
    crate::logs::start(args.logs)?;
    crate::process::keep_memory_private()?;
    anyhow::bail!("the driver is not wired yet")
}
