//! The names of the files in a volume.

use std::collections::BTreeSet;

/// The names under which a pod finds its files. Distinct, and each the name of a plain file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileNames {
    certificate: String,
    key: String,
    bundle: String,
}

/// Why a file name was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileNameError {
    /// A name is empty.
    #[error("the name of the {file} file is empty")]
    Empty {
        /// `certificate`, `key` or `bundle`.
        file: &'static str,
    },
    /// A name cannot be that of a file in the volume's folder.
    #[error("{name:?} cannot name the {file} file: {reason}")]
    Refused {
        /// `certificate`, `key` or `bundle`.
        file: &'static str,
        /// The name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Two files have one name.
    #[error("{name:?} names more than one of the certificate, key and bundle files")]
    Repeated {
        /// The name.
        name: String,
    },
}

impl FileNames {
    /// Takes the three names.
    ///
    /// # Errors
    /// When one is empty, longer than 255 bytes, holds a separator or control character, starts
    /// with `..` (which the layout of the volume keeps for itself), is `.`, or names two files.
    pub fn new(certificate: &str, key: &str, bundle: &str) -> Result<Self, FileNameError> {
        let names = [
            ("certificate", certificate),
            ("key", key),
            ("bundle", bundle),
        ];
        for (file, name) in names {
            check(file, name)?;
        }
        let mut seen = BTreeSet::new();
        if let Some((_, name)) = names.into_iter().find(|(_, name)| !seen.insert(*name)) {
            return Err(FileNameError::Repeated {
                name: name.to_owned(),
            });
        }
        Ok(Self {
            certificate: certificate.into(),
            key: key.into(),
            bundle: bundle.into(),
        })
    }

    /// The file with the certificate chain.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// The file with the private key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The file with the trust bundle.
    pub fn bundle(&self) -> &str {
        &self.bundle
    }
}

impl Default for FileNames {
    /// The names the Go driver uses: `tls.crt`, `tls.key`, `ca.crt`.
    fn default() -> Self {
        Self {
            certificate: "tls.crt".into(),
            key: "tls.key".into(),
            bundle: "ca.crt".into(),
        }
    }
}

fn check(file: &'static str, name: &str) -> Result<(), FileNameError> {
    let refuse = |reason| {
        Err(FileNameError::Refused {
            file,
            name: name.to_owned(),
            reason,
        })
    };
    match name {
        "" => Err(FileNameError::Empty { file }),
        "." => refuse("it names the folder itself"),
        _ if name.starts_with("..") => refuse("names that start with `..` are the volume's own"),
        _ if name.len() > NAME_LIMIT => refuse("it is longer than 255 bytes"),
        _ if name.contains(['/', '\\']) => refuse("it holds a path separator"),
        _ if name.chars().any(char::is_control) => refuse("it holds a control character"),
        _ => Ok(()),
    }
}

/// Bytes; Linux's NAME_MAX.
const NAME_LIMIT: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_no_plain_files_are_refused() {
        for bad in [
            "",
            ".",
            "..",
            "..data",
            "..x",
            "a/b",
            "/",
            "a\\b",
            "a\0",
            "a\n",
            &"x".repeat(256),
        ] {
            for names in [[bad, "k", "b"], ["c", bad, "b"], ["c", "k", bad]] {
                let [certificate, key, bundle] = names;
                assert!(
                    FileNames::new(certificate, key, bundle).is_err(),
                    "{names:?}"
                );
            }
        }
    }

    #[test]
    fn names_that_collide_are_refused() {
        for [certificate, key, bundle] in [["a", "a", "b"], ["a", "b", "a"], ["b", "a", "a"]] {
            assert_eq!(
                FileNames::new(certificate, key, bundle),
                Err(FileNameError::Repeated { name: "a".into() })
            );
        }
    }

    #[test]
    fn plain_names_are_kept_as_they_are() {
        let long = "x".repeat(255);
        let names = FileNames::new(".hidden", "a..b", &long).unwrap();
        assert_eq!(
            (names.certificate(), names.key(), names.bundle()),
            (".hidden", "a..b", &*long)
        );
        let ours = FileNames::default();
        assert_eq!(FileNames::new("tls.crt", "tls.key", "ca.crt"), Ok(ours));
    }
}
