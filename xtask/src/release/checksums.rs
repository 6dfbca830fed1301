//! What `sha256sum --check` reads.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::hash::sha256;

/// A file of the release.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Sum {
    /// Without its folder.
    pub(super) name: String,
    /// SHA-256, in hexadecimal.
    pub(super) hash: String,
}

/// The sums of files, by name.
pub(super) fn sums(files: &[PathBuf]) -> Result<Vec<Sum>> {
    let mut sums = files
        .iter()
        .map(|path| sum(path))
        .collect::<Result<Vec<_>>>()?;
    sums.sort();
    Ok(sums)
}

fn sum(path: &Path) -> Result<Sum> {
    let content = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    let name = path.file_name().unwrap_or_default();
    Ok(Sum {
        name: name.to_string_lossy().into_owned(),
        hash: sha256(&content),
    })
}

/// A line for each file.
pub(super) fn text(sums: &[Sum]) -> String {
    let line = |sum: &Sum| format!("{}  {}\n", sum.hash, sum.name);
    sums.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_hash_and_name_as_sha256sum_reads_them() {
        let folder = tempfile::tempdir().unwrap();
        let files = ["b", "a"].map(|name| folder.path().join(name));
        for file in &files {
            fs::write(file, "abc").unwrap();
        }
        // FIPS 180-2, B.1.
        let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let text = text(&sums(&files).unwrap());
        assert_eq!(text, format!("{hash}  a\n{hash}  b\n"));
    }
}
