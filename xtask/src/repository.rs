//! Where the repository is.

use std::path::Path;

/// Returns the root of the repository that this program was built in.
pub(crate) fn root() -> &'static Path {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask)
}
