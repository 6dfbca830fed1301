//! Owns paths in flags: the sockets and folders of the driver.
//!
//! Must not touch the file system. Invariant: every resulting path is absolute, and a socket's path
//! can be bound.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::problem::Wrong;

/// Longest path that fits into `sun_path` with its NUL (unix(7)).
pub(crate) const LONGEST_SOCKET_PATH: usize = 107;

/// A path, relative to `working_folder` unless it is absolute.
///
/// # Errors
/// Empty.
pub(crate) fn required(text: &str, working_folder: &Path) -> Result<PathBuf, Wrong> {
    optional(text, working_folder)?.ok_or_else(|| Wrong::new("is empty", "a path"))
}

/// A path, or `None` if the text is empty.
///
/// # Errors
/// A NUL in it.
pub(crate) fn optional(text: &str, working_folder: &Path) -> Result<Option<PathBuf>, Wrong> {
    if text.contains('\0') {
        return Err(Wrong::new("contains a NUL byte", "a path"));
    }
    // `components` drops `.` and repeated separators, so that the path is the same in every log.
    Ok((!text.is_empty()).then(|| working_folder.join(text).components().collect()))
}

/// The path of the CSI socket from `unix://PATH`; like the Go driver, `unix://plugin/csi.sock` is a
/// path relative to the working folder, not a host.
///
/// # Errors
/// Another scheme, no file name, or longer than a socket's path can be.
pub(crate) fn endpoint(text: &str, working_folder: &Path) -> Result<PathBuf, Wrong> {
    let wrong = |what: &str| Wrong::new(what, "unix://PATH, such as unix://plugin/csi.sock");
    let path = match text.split_once("://") {
        Some((scheme, path)) if scheme.eq_ignore_ascii_case("unix") => path,
        Some(_) => return Err(wrong("is not a Unix socket")),
        None if text.is_empty() => return Err(wrong("is empty")),
        None if text.starts_with('/') => text,
        None => return Err(wrong("does not begin with unix://")),
    };
    let names_file = !path.is_empty() && !path.ends_with(['/', '.']);
    if !names_file {
        return Err(wrong("does not name a file"));
    }
    let path = required(path, working_folder)?;
    fits_socket(&path)?;
    Ok(path)
}

/// Checks that a socket can be bound at an absolute path.
///
/// # Errors
/// Longer than [`LONGEST_SOCKET_PATH`].
pub(crate) fn fits_socket(path: &Path) -> Result<(), Wrong> {
    let length = path.as_os_str().as_bytes().len();
    if length <= LONGEST_SOCKET_PATH {
        return Ok(());
    }
    Err(Wrong::new(
        format!(
            "leads to the socket {}, whose path is {length} bytes long",
            path.display()
        ),
        format!("a path of at most {LONGEST_SOCKET_PATH} bytes in all"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_relative_to_the_working_folder() {
        let table = [
            ("unix://plugin/csi.sock", "/", "/plugin/csi.sock"),
            ("unix:///plugin/csi.sock", "/tmp", "/plugin/csi.sock"),
            ("UNIX://plugin/csi.sock", "/tmp", "/tmp/plugin/csi.sock"),
            ("unix://./a//b.sock", "/tmp", "/tmp/a/b.sock"),
            ("/plugin/csi.sock", "/tmp", "/plugin/csi.sock"),
        ];
        for (text, folder, expected) in table {
            assert_eq!(
                endpoint(text, Path::new(folder)),
                Ok(PathBuf::from(expected)),
                "{text}"
            );
        }
    }

    #[test]
    fn what_cannot_be_a_unix_socket_is_refused() {
        let long = format!("unix:///{}", "x".repeat(107));
        for text in [
            "",
            "unix://",
            "unix:///",
            "unix://a/",
            "unix://..",
            "unix://a/.",
            "tcp://127.0.0.1:1",
            "csi.sock",
            "unix:a",
            "unix://a\0b",
            &long,
        ] {
            assert!(endpoint(text, Path::new("/")).is_err(), "{text}");
        }
        let longest = format!("unix:///{}", "x".repeat(106));
        assert!(endpoint(&longest, Path::new("/")).is_ok());
        let relative = format!("unix://{}", "x".repeat(106));
        assert!(endpoint(&relative, Path::new("/tmp")).is_err());
    }

    #[test]
    fn paths_become_absolute() {
        let folder = Path::new("/run");
        assert_eq!(
            required("csi-data-dir", folder),
            Ok(PathBuf::from("/run/csi-data-dir"))
        );
        assert_eq!(required("/a/./b/", folder), Ok(PathBuf::from("/a/b")));
        assert_eq!(optional("", folder), Ok(None));
        assert!(required("", folder).is_err());
        assert!(required("a\0", folder).is_err());
    }
}
