//! Reads the kernel's table of mounts.
//!
//! Owns the format of `/proc/self/mountinfo` (proc_pid_mountinfo(5)). Pure, but for [`read`].
//! Invariant: a line that is not understood is left out, and no line hides another.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use super::VolumeError;
use super::folder::errno;

/// One mount, as seen in this mount namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mount {
    /// Distinguishes it from every other mount that exists at the same time.
    pub(super) id: u64,
    /// The folder of the file system that is seen; `//deleted` is appended after its removal.
    pub(super) root: PathBuf,
    /// Where it is mounted.
    pub(super) mount_point: PathBuf,
    /// Such as `tmpfs` or `ext4`.
    pub(super) file_system: String,
    /// The source text that was given when the file system was mounted.
    pub(super) source: OsString,
}

/// The mounts of this process's mount namespace, lower ones before those on top of them.
pub(super) fn read() -> Result<Vec<Mount>, VolumeError> {
    let bytes = std::fs::read(PATH).map_err(|error| VolumeError::Refused {
        attempt: "read",
        path: Path::new(PATH).to_owned(),
        cause: errno(&error),
    })?;
    Ok(parse(&bytes))
}

/// Every line that can be understood.
pub(super) fn parse(bytes: &[u8]) -> Vec<Mount> {
    bytes
        .split(|byte| *byte == b'\n')
        .filter_map(parse_line)
        .collect()
}

/// `36 35 98:0 /root /point rw,nosuid shared:1 master:2 - tmpfs source rw,size=4k`: between the
/// options and the `-` stand any number of optional fields.
fn parse_line(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|byte| *byte == b' ');
    let id = number(fields.next()?)?;
    let _parent = number(fields.next()?)?;
    let _device = fields.next()?;
    let root = PathBuf::from(unescape(fields.next()?));
    let mount_point = PathBuf::from(unescape(fields.next()?));
    let _options = fields.next()?;
    fields.find(|field| *field == b"-")?;
    let file_system = String::from_utf8(fields.next()?.to_vec()).ok()?;
    let source = unescape(fields.next()?);
    mount_point.is_absolute().then_some(Mount {
        id,
        root,
        mount_point,
        file_system,
        source,
    })
}

/// The kernel writes space, tab, newline, backslash and `#` as a backslash and three octal digits.
fn unescape(field: &[u8]) -> OsString {
    let mut text = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [first, after @ ..] = rest {
        let escaped = if *first == b'\\' { octal(after) } else { None };
        let (byte, after) = escaped.unwrap_or((*first, after));
        text.push(byte);
        rest = after;
    }
    OsString::from_vec(text)
}

fn octal(text: &[u8]) -> Option<(u8, &[u8])> {
    let (digits, rest) = text.split_at_checked(3)?;
    let value = digits.iter().try_fold(0_u32, |value, digit| {
        char::from(*digit)
            .to_digit(8)
            .map(|digit| value * 8 + digit)
    })?;
    Some((u8::try_from(value).ok()?, rest))
}

fn number(field: &[u8]) -> Option<u64> {
    std::str::from_utf8(field).ok()?.parse().ok()
}

const PATH: &str = "/proc/self/mountinfo";

#[cfg(test)]
mod tests {
    use super::*;

    fn one(line: &str) -> Option<Mount> {
        parse(line.as_bytes()).pop()
    }

    fn mount(root: &str, mount_point: &str, file_system: &str, source: &str) -> Option<Mount> {
        Some(Mount {
            id: 36,
            root: root.into(),
            mount_point: mount_point.into(),
            file_system: file_system.into(),
            source: source.into(),
        })
    }

    #[test]
    fn lines_are_read_whatever_optional_fields_they_have() {
        for (line, wanted) in [
            (
                "36 35 0:7 / /p rw - tmpfs src rw",
                mount("/", "/p", "tmpfs", "src"),
            ),
            (
                "36 35 0:7 / /p ro shared:1 - tmpfs src rw",
                mount("/", "/p", "tmpfs", "src"),
            ),
            (
                "36 35 0:7 /v/data /p ro shared:1 master:2 propagate_from:3 new - tmpfs src rw,size=4k",
                mount("/v/data", "/p", "tmpfs", "src"),
            ),
            (
                "36 35 0:7 / /p rw unbindable - tmpfs src",
                mount("/", "/p", "tmpfs", "src"),
            ),
            (
                "36 35 0:7 / /p rw - tmpfs  rw",
                mount("/", "/p", "tmpfs", ""),
            ),
            (
                "36 35 0:7 /v//deleted /p rw - tmpfs - rw",
                mount("/v//deleted", "/p", "tmpfs", "-"),
            ),
        ] {
            assert_eq!(one(line), wanted, "{line}");
        }
    }

    #[test]
    fn octal_escapes_are_undone_and_nothing_else_is() {
        for (escaped, text) in [
            ("/a\\040b", "/a b"),
            ("/a\\011b\\012c", "/a\tb\nc"),
            ("/\\134040", "/\\040"),
            ("/\\043", "/#"),
            ("/a\\", "/a\\"),
            ("/a\\04", "/a\\04"),
            ("/a\\049", "/a\\049"),
            ("/a\\777", "/a\\777"),
            ("/ü", "/ü"),
        ] {
            let line = format!("36 35 0:7 {escaped} {escaped} rw - tmpfs {escaped} rw");
            assert_eq!(one(&line), mount(text, text, "tmpfs", text), "{escaped}");
        }
    }

    /// Escapes as the kernel's `mangle` does.
    fn escape(byte: u8) -> Vec<u8> {
        match byte {
            b' ' | b'\t' | b'\n' | b'\\' | b'#' => format!("\\{byte:03o}").into_bytes(),
            other => vec![other],
        }
    }

    #[test]
    fn every_text_comes_back_as_it_was_before_the_kernel_escaped_it() {
        for first in 1..=u8::MAX {
            for second in [b'0', b'1', b'\\', b' ', b'\n', first] {
                let text = [b'/', first, second, b'4', b'0', b'7'];
                let escaped = text.map(escape).concat();
                let line = [b"1 0 0:7 / /p rw - tmpfs ", escaped.as_slice(), b" rw"].concat();
                let source = parse(&line).pop().map(|mount| mount.source.into_vec());
                assert_eq!(source.as_deref(), Some(text.as_slice()), "{text:?}");
            }
        }
    }

    #[test]
    fn a_line_that_is_not_understood_hides_no_other() {
        let good = "36 35 0:7 / /p rw - tmpfs src rw";
        for bad in [
            "",
            " ",
            "-",
            "36",
            "x 35 0:7 / /p rw - tmpfs src rw",
            "36 35 0:7 / /p rw tmpfs src rw",
            "36 35 0:7 / /p rw -",
            "36 35 0:7 / /p rw - tmpfs",
            "36 35 0:7 / p rw - tmpfs src rw",
            "99999999999999999999 35 0:7 / /p rw - tmpfs src rw",
            "\0\u{fffd}",
        ] {
            let table = format!("{bad}\n{good}\n{bad}\n");
            assert_eq!(parse(table.as_bytes()), [one(good).unwrap()], "{bad:?}");
        }
        assert_eq!(parse(b"36 35 0:7 / /p rw - \xff src rw"), []);
    }

    #[test]
    fn the_table_of_this_process_is_understood_whole() {
        let bytes = std::fs::read(PATH).unwrap();
        let lines = bytes
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .count();
        // Mounts of other processes may come and go between the two reads, not within one.
        assert_eq!(parse(&bytes).len(), lines);
        assert!(!read().unwrap().is_empty());
    }
}
