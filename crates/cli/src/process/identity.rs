//! Owns the name that distinguishes one process from all others, its successor in the same pod
//! included.

use std::fs;

use anyhow::Context as _;

/// The host's name, which in a pod is the pod's, and something that no other process has.
///
/// # Errors
/// There is no `/proc`.
pub(crate) fn unique_name() -> anyhow::Result<String> {
    let host = read("/proc/sys/kernel/hostname")?;
    let unique = read("/proc/sys/kernel/random/uuid")?;
    Ok(format!("{host}_{unique}"))
}

fn read(path: &str) -> anyhow::Result<String> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {path}"))?;
    Ok(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_processes_of_one_host_have_two_names() {
        let (first, second) = (unique_name().unwrap(), unique_name().unwrap());

        assert_ne!(first, second);
        assert_eq!(first.split('_').next(), second.split('_').next());
        assert!(!first.contains(char::is_whitespace));
    }
}
