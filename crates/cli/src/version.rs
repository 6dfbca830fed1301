//! Owns the version information of this build.
//!
//! Must not ask the machine it runs on. The commit comes from the environment of the build, so that
//! it needs no git and no clock: the same sources and commit give the same bytes.

use std::env::consts::{ARCH, OS};
use std::io::{self, Write};

use serde::Serialize;

/// This build.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Build {
    pub(crate) version: &'static str,
    /// The commit of the sources; `unknown` if the build did not set it.
    pub(crate) commit: &'static str,
    /// As `rustc` names it.
    #[serde(serialize_with = "as_triple")]
    pub(crate) target: BuildTarget,
}

/// What it was built for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BuildTarget;

impl std::fmt::Display for BuildTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let library = if cfg!(target_env = "musl") {
            "musl"
        } else {
            "gnu"
        };
        write!(f, "{ARCH}-unknown-{OS}-{library}")
    }
}

fn as_triple<S: serde::Serializer>(target: &BuildTarget, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(target)
}

/// This build.
pub(crate) const BUILD: Build = Build {
    version: env!("CARGO_PKG_VERSION"),
    commit: match option_env!("CSI_DRIVER_SPIFFE_COMMIT") {
        Some(commit) => commit,
        None => "unknown",
    },
    target: BuildTarget,
};

/// Writes it for people.
///
/// # Errors
/// The writer's errors.
pub(crate) fn write(output: &mut dyn Write, build: &Build) -> io::Result<()> {
    writeln!(output, "csi-driver-spiffe {}", build.version)?;
    writeln!(output, "commit  {}", build.commit)?;
    writeln!(output, "target  {}", build.target)
}
