//! Owns which kubeconfig files are read, in client-go's order: the flag, `$KUBECONFIG`,
//! `~/.kube/config`.

use std::path::{Path, PathBuf};

use kube::config::Kubeconfig;

use super::error::ConfigurationError;

/// Where kubeconfigs are looked for if no flag names one.
#[derive(Clone, Debug, Default)]
pub(super) struct Sources {
    /// `$KUBECONFIG`, split.
    pub(super) listed: Vec<PathBuf>,
    /// `~/.kube/config`.
    pub(super) default: Option<PathBuf>,
}

impl Sources {
    pub(super) fn from_environment() -> Self {
        let listed = std::env::var_os("KUBECONFIG").unwrap_or_default();
        Self {
            listed: std::env::split_paths(&listed)
                .filter(|path| !path.as_os_str().is_empty())
                .collect(),
            default: std::env::home_dir().map(|home| home.join(".kube").join("config")),
        }
    }

    /// The files to merge, as client-go chooses them: a named one must exist, others may be absent.
    pub(super) fn read(self, named: Option<&Path>) -> Result<Kubeconfig, ConfigurationError> {
        if let Some(path) = named {
            return read(path);
        }
        let listed = if self.listed.is_empty() {
            self.default.into_iter().collect()
        } else {
            self.listed
        };
        let mut merged = Kubeconfig::default();
        for path in listed.iter().filter(|path| path.exists()) {
            let next = read(path)?;
            merged = merged
                .merge(next)
                .map_err(|source| ConfigurationError::Kubeconfig {
                    path: path.clone(),
                    source,
                })?;
        }
        Ok(merged)
    }
}

fn read(path: &Path) -> Result<Kubeconfig, ConfigurationError> {
    // kube resolves the paths in a kubeconfig against its folder, and does not know that of
    // "config".
    let path = std::path::absolute(path).unwrap_or_else(|_unknown| path.to_owned());
    Kubeconfig::read_from(&path).map_err(|source| ConfigurationError::Kubeconfig { path, source })
}
