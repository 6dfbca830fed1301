//! Who may read a volume: the mode of its files, and its SELinux context.

use std::fmt;

/// The permission bits of the files, which let their owner read and give nobody else more than
/// that: 0400 to 0644.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileMode(u32);

/// Why a text is not a valid mode for the files. The message leaves the text out, to be written
/// after it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0}; allowed: 3 or 4 octal digits, such as 0440: readable by the owner, no execute or set-id \
     bits, writable by the owner at most"
)]
pub struct FileModeError(&'static str);

impl FileMode {
    /// Parses octal digits.
    ///
    /// # Errors
    /// If they are not a mode, or one that gives the wrong rights.
    pub fn parse(text: &str) -> Result<Self, FileModeError> {
        let octal = text.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
        let mode = match u32::from_str_radix(text, 8) {
            Ok(mode) if octal && matches!(text.len(), 3 | 4) => mode,
            _ => return Err(FileModeError("is not an octal mode")),
        };
        let fault = match mode {
            _ if mode & 0o7000 != 0 => "has set-id or sticky bits",
            _ if mode & 0o111 != 0 => "makes the files executable",
            _ if mode & 0o022 != 0 => "is writable by others",
            _ if mode & 0o400 == 0 => "is not readable by the owner",
            _ => return Ok(Self(mode)),
        };
        Err(FileModeError(fault))
    }

    /// Whether every user of a pod may read its private key.
    pub fn is_world_readable(self) -> bool {
        self.0 & 0o004 != 0
    }

    pub(super) fn bits(self) -> u32 {
        self.0
    }

    /// The mode of the folders: others may list them if they may read the files.
    pub(super) fn of_folders(self) -> u32 {
        if self.is_world_readable() {
            0o555
        } else {
            0o550
        }
    }
}

impl Default for FileMode {
    /// The Go driver's mode: owner and group may read.
    fn default() -> Self {
        Self(0o440)
    }
}

impl fmt::Display for FileMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

/// An SELinux context as the mount option `rootcontext` takes it: the context of every volume's
/// root folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootContext(String);

/// What SELinux does on this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selinux {
    /// The kernel does not run it.
    Absent,
    /// It logs what its policy forbids.
    Permissive,
    /// It refuses what its policy forbids, such as that containers read what has no label.
    Enforcing,
}

/// Why a text is not a context.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "is empty or has a quote, a backslash or a control character; allowed: a context such as \
     system_u:object_r:container_file_t:s0"
)]
pub struct RootContextError;

impl RootContext {
    /// Accepts a context that cannot end the mount option that contains it.
    ///
    /// # Errors
    /// If it could, or is empty.
    pub fn parse(text: &str) -> Result<Self, RootContextError> {
        let breaks_out = |char: char| char.is_control() || matches!(char, '"' | '\\');
        if text.is_empty() || text.contains(breaks_out) {
            return Err(RootContextError);
        }
        Ok(Self(text.to_owned()))
    }

    /// The context as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_octal_and_keep_the_key_from_being_changed() {
        for (text, mode, folders) in [
            ("0440", 0o440, 0o550),
            ("440", 0o440, 0o550),
            ("0400", 0o400, 0o550),
            ("0644", 0o644, 0o555),
            ("0600", 0o600, 0o550),
        ] {
            let parsed = FileMode::parse(text).expect(text);
            assert_eq!((parsed.bits(), parsed.of_folders()), (mode, folders));
        }
        for text in [
            "", "0", "44", "00440", "0o440", "0488", "-440", "+440", "rw-", "0442", "0460", "0446",
            "0660", "0666", "0777", "0540", "0550", "4440", "2440", "1440", "0040", "0000", "٤٤٠",
        ] {
            assert!(FileMode::parse(text).is_err(), "{text}");
        }
        assert_eq!(FileMode::parse("0440"), Ok(FileMode::default()));
        assert_eq!(FileMode::default().to_string(), "0440");
    }

    #[test]
    fn a_context_cannot_become_another_mount_option() {
        for text in ["", "a\",size=1g,x=\"", "a\0", "a\\", "a\n"] {
            assert_eq!(RootContext::parse(text), Err(RootContextError), "{text:?}");
        }
        let text = "system_u:object_r:container_file_t:s0:c1,c2";
        assert_eq!(RootContext::parse(text).expect(text).as_str(), text);
    }
}
