//! The names of the files in a volume.

use std::fmt;

/// The names under which a pod finds its files. Distinct, and each the name of a plain file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileNames {
    certificate: String,
    key: String,
    bundle: String,
}

/// One of the three files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VolumeFile {
    /// The certificate chain.
    Certificate,
    /// The private key.
    Key,
    /// The trust bundle.
    Bundle,
}

/// Why a file name is refused. The message leaves the name out, to be written after it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileNameError {
    /// The name is not a valid name in the volume's folder.
    #[error(
        "{reason}; allowed: a file name of 1 to {NAME_LIMIT} bytes without / and \\, not beginning \
         with .."
    )]
    Refused {
        /// The file.
        file: VolumeFile,
        /// What is wrong with its name.
        reason: &'static str,
    },
    /// Another file has the name.
    #[error("is also the name of the {other} file; allowed: a name of its own for every file")]
    Repeated {
        /// The file.
        file: VolumeFile,
        /// The first file with that name.
        other: VolumeFile,
    },
}

impl FileNameError {
    /// The file that the name is for.
    pub fn file(&self) -> VolumeFile {
        match self {
            Self::Refused { file, .. } | Self::Repeated { file, .. } => *file,
        }
    }
}

impl FileNames {
    /// Takes the three names.
    ///
    /// # Errors
    /// Everything that is wrong with them: a name is empty, longer than 255 bytes, contains a
    /// separator or control character, starts with `..` (which the layout of the volume keeps for
    /// itself), is `.`, or names two files.
    pub fn new(certificate: &str, key: &str, bundle: &str) -> Result<Self, Vec<FileNameError>> {
        let names = [
            (VolumeFile::Certificate, certificate),
            (VolumeFile::Key, key),
            (VolumeFile::Bundle, bundle),
        ];
        let errors: Vec<FileNameError> = names
            .into_iter()
            .filter_map(|(file, name)| {
                if let Some(reason) = fault(name) {
                    return Some(FileNameError::Refused { file, reason });
                }
                let (other, _) = names.into_iter().find(|(_, other)| *other == name)?;
                (other != file).then_some(FileNameError::Repeated { file, other })
            })
            .collect();
        if !errors.is_empty() {
            return Err(errors);
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

impl fmt::Display for VolumeFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Certificate => "certificate",
            Self::Key => "key",
            Self::Bundle => "bundle",
        })
    }
}

fn fault(name: &str) -> Option<&'static str> {
    match name {
        "" => Some("is empty"),
        "." => Some("is the directory itself"),
        _ if name.starts_with("..") => Some("begins with .., which the volume keeps for itself"),
        _ if name.len() > NAME_LIMIT => Some("is too long"),
        _ if name.contains(['/', '\\']) => Some("has a path separator"),
        _ if name.contains(char::is_control) => Some("has a control character"),
        _ => None,
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
            "..2026_01",
            "a/b",
            "/",
            "/a",
            "a/",
            "a\\b",
            "a\0",
            "a\n",
            &"x".repeat(256),
        ] {
            for (file, [certificate, key, bundle]) in [
                (VolumeFile::Certificate, [bad, "k", "b"]),
                (VolumeFile::Key, ["c", bad, "b"]),
                (VolumeFile::Bundle, ["c", "k", bad]),
            ] {
                let errors = FileNames::new(certificate, key, bundle).unwrap_err();
                assert!(
                    matches!(&*errors, [FileNameError::Refused { file: found, .. }] if *found == file),
                    "{bad:?}: {errors:?}"
                );
            }
        }
    }

    #[test]
    fn every_name_that_another_file_has_taken_is_refused() {
        use VolumeFile::{Bundle, Certificate, Key};
        type Taken = &'static [(VolumeFile, VolumeFile)];
        let table: [([&str; 3], Taken); 4] = [
            (["a", "a", "b"], &[(Key, Certificate)]),
            (["a", "b", "a"], &[(Bundle, Certificate)]),
            (["b", "a", "a"], &[(Bundle, Key)]),
            (
                ["a", "a", "a"],
                &[(Key, Certificate), (Bundle, Certificate)],
            ),
        ];
        for (names, expected) in table {
            let [certificate, key, bundle] = names;
            let expected: Vec<_> = expected
                .iter()
                .map(|&(file, other)| FileNameError::Repeated { file, other })
                .collect();
            assert_eq!(FileNames::new(certificate, key, bundle), Err(expected));
        }
        assert_eq!(FileNames::new("", "", "b").unwrap_err().len(), 2);
    }

    #[test]
    fn plain_names_are_kept_as_they_are() {
        let long = "x".repeat(255);
        for name in ["tls.crt", ".hidden", "a b", "ä", "a..b", "-", &long] {
            let names = FileNames::new(name, "k", "b").unwrap();
            assert_eq!(
                (names.certificate(), names.key(), names.bundle()),
                (name, "k", "b")
            );
        }
        let ours = FileNames::default();
        assert_eq!(FileNames::new("tls.crt", "tls.key", "ca.crt"), Ok(ours));
    }
}
