//! What is measured, and how often.

use std::path::PathBuf;

use clap::Parser;

/// Measure the driver and the approver, compared with a minimal client. Needs root and the control
/// plane of `cargo xtask cluster up`, which `cargo xtask bench` starts.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench")]
pub(crate) struct Arguments {
    /// Program to measure.
    #[arg(long, value_name = "FILE")]
    pub(crate) binary: PathBuf,
    /// Rounds; each measures the floor and the product.
    #[arg(long, default_value_t = 5)]
    pub(crate) rounds: usize,
    /// Volumes that are published one after the other, per round.
    #[arg(long, default_value_t = 20)]
    pub(crate) single: usize,
    /// Volumes that are published together, per round.
    #[arg(long, default_value_t = 250)]
    pub(crate) volumes: usize,
    /// Concurrent CSI calls.
    #[arg(long, default_value_t = 50)]
    pub(crate) at_once: usize,
    /// Volumes for the driver's memory and its restart.
    #[arg(long, default_value_t = 1000)]
    pub(crate) most: usize,
    /// Requests that the approver gets at once.
    #[arg(long, default_value_t = 1000)]
    pub(crate) requests: usize,
    /// For how many minutes to run `--most` volumes with one-minute certificates; 0: skip this.
    #[arg(long, default_value_t = 3)]
    pub(crate) renewal_minutes: u64,
    /// File to write the figures to.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Figures of an earlier run to compare with.
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
}
