//! Owns finding the driver's socket without a flag.
//!
//! Must not connect to it. In a container the driver is process 1, and its command line, which says
//! where its records are, is read by the code that read it when it started: so the socket is found
//! whatever the manifest says, and no manifest has to say it twice.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;

use anyhow::{Context as _, bail};

use crate::args;

/// The socket of the driver that is process 1.
///
/// # Errors
/// Process 1 is not a driver.
pub(super) fn socket() -> anyhow::Result<PathBuf> {
    let mut command_line = Vec::new();
    File::open(COMMAND_LINE)
        .and_then(|file| file.take(LONGEST).read_to_end(&mut command_line))
        .with_context(|| format!("looking for the driver: reading {COMMAND_LINE}"))?;
    match args::socket_of_driver(words(&command_line)) {
        Some(socket) => Ok(socket),
        None => bail!(
            "looking for the driver: process 1 is not a driver: run this in a driver's container \
             (kubectl exec DRIVER-POD -- /csi-driver-spiffe ...), or give --socket"
        ),
    }
}

/// The words of a command line as the kernel shows it, a NUL after each.
fn words(command_line: &[u8]) -> Vec<OsString> {
    let text = command_line.strip_suffix(b"\0").unwrap_or(command_line);
    text.split(|byte| *byte == 0)
        .map(|word| OsString::from_vec(word.to_vec()))
        .collect()
}

const COMMAND_LINE: &str = "/proc/1/cmdline";

/// Bytes; as many as the kernel lets a program have by default.
const LONGEST: u64 = 2 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn socket_of(command_line: &[u8]) -> Option<PathBuf> {
        args::socket_of_driver(words(command_line))
    }

    #[test]
    fn the_socket_is_where_the_drivers_own_flags_have_it() {
        let chart = b"/csi-driver-spiffe\0driver\0--node-id=n\0--data-root=/data\0\
            --endpoint=unix:///plugin/csi.sock\0--csi-driver-name=other.example.com\0";
        assert_eq!(
            socket_of(chart).as_deref(),
            Some(Path::new("/data/other.example.com/sockets/status.sock"))
        );
        // Later flags win, and a word may be empty.
        let more = [
            &chart[..],
            b"--source-ca-bundle=\0--data-root\0/elsewhere\0",
        ]
        .concat();
        assert_eq!(
            socket_of(&more).as_deref(),
            Some(Path::new(
                "/elsewhere/other.example.com/sockets/status.sock"
            ))
        );
    }

    #[test]
    fn a_command_line_that_is_not_a_drivers_has_no_socket() {
        for other in [
            &b""[..],
            b"/sbin/init\0",
            b"/pause\0",
            b"/csi-driver-spiffe\0approver\0",
            b"/csi-driver-spiffe\0driver\0",
            b"/csi-driver-spiffe\0driver\0--data-root=/data\0--unknown\0",
            b"\xff\xfe\0driver\0",
        ] {
            assert_eq!(socket_of(other), None, "{other:?}");
        }
    }
}
