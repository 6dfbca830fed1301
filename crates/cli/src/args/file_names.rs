//! Owns the names of the files in a volume, for `driver` and `inspect`.
//!
//! Must not know the files. Invariant: three distinct names that stay within their folder and cannot meet
//! what is there for the atomic swap (`..data` and the timestamped folders).

use super::flags::FileNameFlags;
use super::problem::{Problems, Wrong};

/// Names of the three files, each a plain file name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileNames {
    pub(crate) certificate: String,
    pub(crate) key: String,
    pub(crate) bundle: String,
}

impl FileNames {
    /// Checks all names. `None`: at least one problem was noted.
    pub(crate) fn from_flags(flags: &FileNameFlags, problems: &mut Problems) -> Option<Self> {
        let names = [
            ("--file-name-certificate", &flags.file_name_certificate),
            ("--file-name-key", &flags.file_name_key),
            ("--file-name-ca", &flags.file_name_ca),
        ];
        let mut seen: Vec<(&str, &str)> = Vec::new();
        let mut checked = names.iter().map(|(flag, name)| {
            let checked = problems.check(flag, name, file_name);
            let twin = seen.iter().find(|(_, other)| other == name);
            if let (Some(_), Some((other, _))) = (&checked, twin) {
                let wrong = Wrong::new(
                    format!("is also {other}"),
                    "a name of its own for every file",
                );
                problems.add(flag, name, wrong);
                return None;
            }
            seen.push((flag, name));
            checked
        });
        let (certificate, key, bundle) = (checked.next()?, checked.next()?, checked.next()?);
        Some(Self {
            certificate: certificate?,
            key: key?,
            bundle: bundle?,
        })
    }
}

fn file_name(text: &str) -> Result<String, Wrong> {
    let wrong = |what: &str| {
        let allowed = "a file name of 1 to 255 bytes without /, not beginning with ..";
        Err(Wrong::new(what, allowed))
    };
    match text {
        "" => wrong("is empty"),
        "." => wrong("is the folder itself"),
        _ if text.starts_with("..") => {
            wrong("begins with .., which is kept for the swap of the files")
        }
        _ if text.contains('/') => wrong("has a path separator"),
        _ if text.contains(char::is_control) => wrong("has a control character"),
        _ if text.len() > 255 => wrong("is too long"),
        _ => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(certificate: &str, key: &str, bundle: &str) -> Vec<String> {
        let flags = FileNameFlags {
            file_name_certificate: certificate.to_owned(),
            file_name_key: key.to_owned(),
            file_name_ca: bundle.to_owned(),
        };
        let mut problems = Problems::default();
        let names = FileNames::from_flags(&flags, &mut problems);
        assert_eq!(names.is_none(), !problems.is_empty());
        problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn plain_distinct_names_are_taken() {
        let longest = "x".repeat(255);
        for name in ["tls.crt", ".hidden", "a b", "ä", "a..b", "-", &longest] {
            assert_eq!(problems(name, "key", "ca"), [""; 0], "{name}");
        }
    }

    #[test]
    fn a_name_that_leaves_the_folder_or_meets_the_swap_is_refused() {
        let too_long = "x".repeat(256);
        for name in [
            "",
            ".",
            "..",
            "..data",
            "..2026_01",
            "a/b",
            "/a",
            "a/",
            "a\nb",
            "a\0b",
            &too_long,
        ] {
            assert_eq!(problems(name, "key", "ca").len(), 1, "{name}");
            assert_eq!(problems("crt", name, "ca").len(), 1, "{name}");
            assert_eq!(problems("crt", "key", name).len(), 1, "{name}");
        }
    }

    #[test]
    fn every_name_that_another_flag_has_taken_is_told() {
        assert_eq!(problems("a", "a", "b").len(), 1);
        assert_eq!(problems("a", "b", "a").len(), 1);
        assert_eq!(problems("b", "a", "a").len(), 1);
        assert_eq!(problems("a", "a", "a").len(), 2);
    }
}
