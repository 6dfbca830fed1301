//! Everything random in the cluster: object identifiers, name suffixes, jitter.
//!
//! Drawn from the operating system through the elliptic-curve library's generator.

use std::time::Duration;

use p256::elliptic_curve::Generate;

/// A random (version 4) UUID, as object UIDs and token identifiers are written.
pub(crate) fn uid() -> String {
    let [hi, lo]: [u64; 2] = [u64::generate(), u64::generate()];
    let hi = (hi & !0xf000) | 0x4000;
    let lo = (lo & !(0b11 << 62)) | (0b10 << 62);
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        hi >> 32,
        (hi >> 16) & 0xffff,
        hi & 0xffff,
        lo >> 48,
        lo & 0xffff_ffff_ffff
    )
}

/// The five characters that `generateName` appends; vowels and look-alikes left out, as Kubernetes
/// does.
pub(crate) fn suffix() -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    <[u8; 5]>::generate()
        .iter()
        .filter_map(|byte| LETTERS.get(usize::from(*byte) % LETTERS.len()))
        .map(|byte| char::from(*byte))
        .collect()
}

/// Eighteen hexadecimal characters for a secret that nobody guesses within the life of a test.
pub(crate) fn secret() -> String {
    format!("{:016x}{:016x}", u64::generate(), u64::generate())
}

/// Sixteen random bytes whose first bit is clear: a positive certificate serial number.
pub(crate) fn serial() -> [u8; 16] {
    let mut bytes = <[u8; 16]>::generate();
    if let Some(first) = bytes.first_mut() {
        *first = (*first & 0x7f) | 0x01;
    }
    bytes
}

/// A duration drawn evenly between the two bounds, in whole milliseconds.
pub(crate) fn between(low: Duration, high: Duration) -> Duration {
    let span = u64::try_from(high.saturating_sub(low).as_millis()).unwrap_or(u64::MAX - 1);
    low + Duration::from_millis(u64::generate() % (span + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uid_is_a_version_four_uuid() {
        let uid = uid();
        assert_eq!(uid.len(), 36, "{uid}");
        assert_eq!(&uid[14..15], "4", "{uid}");
        assert!("89ab".contains(&uid[19..20]), "{uid}");
    }

    #[test]
    fn a_jitter_stays_between_its_bounds() {
        let (low, high) = (Duration::from_secs(60), Duration::from_secs(90));
        for _ in 0..1000 {
            let drawn = between(low, high);
            assert!(low <= drawn && drawn <= high, "{drawn:?}");
        }
        assert_eq!(between(low, low), low);
    }
}
