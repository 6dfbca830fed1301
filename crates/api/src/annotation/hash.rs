//! The hash of a node or volume id as a label value (cert-manager/csi-lib,
//! `internal/api/util/hash.go`): 32-bit FNV-1 in decimal, written in the letters that Kubernetes
//! uses for generated names (`k8s.io/apimachinery/pkg/util/rand`, `SafeEncodeString`).

/// Returns the label value for the id of a node or a volume: at most ten letters and digits.
///
/// Thirty-two bits collide: two ids may share a value. It narrows a search and proves nothing, so
/// nothing may be deleted because of it alone.
#[must_use]
pub fn identifier_hash(id: &str) -> String {
    safe_encode(&fnv1(id.as_bytes()).to_string())
}

/// FNV-1 (multiply, then exclusive or), not the more common FNV-1a.
fn fnv1(bytes: &[u8]) -> u32 {
    const OFFSET_BASIS: u32 = 2_166_136_261;
    const PRIME: u32 = 16_777_619;
    bytes.iter().fold(OFFSET_BASIS, |hash, byte| {
        hash.wrapping_mul(PRIME) ^ u32::from(*byte)
    })
}

/// Writes each byte as the letter at its value modulo the size of the alphabet.
fn safe_encode(text: &str) -> String {
    text.bytes()
        .filter_map(|byte| ALPHABET.get(usize::from(byte) % ALPHABET.len()))
        .map(|letter| char::from(*letter))
        .collect()
}

/// No vowels and no digits that look like them, so that no words arise by chance.
const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with Go's `hash/fnv` and `SafeEncodeString` of k8s.io/apimachinery 0.37.2.
    #[test]
    fn hashes_as_the_go_driver_does() {
        for (id, hash) in [
            ("", "65bb57b6b5"),
            ("a", "d8bfb88b"),
            ("node-1", "9bd6bbf5f"),
            ("ip-10-0-0-1.eu-west-1.compute.internal", "7b9459f978"),
            ("worker", "69db4bb7f"),
            ("csi-3a1b5c7d9e0f", "68d7c6bc4f"),
            (
                "csi-0b6f9c1f4a1ad9b2a4c9a9ffdf1c0c2be0b30e0ed0ff0d10b9bc5d1a5e9a7d47",
                "584dc58656",
            ),
            ("0", "d8bfb7bc"),
            ("caf\u{e9}", "5c5ff597cc"),
            ("\u{65e5}\u{672c}", "d84c7985"),
            (&"x".repeat(256), "87fc86f5c"),
        ] {
            assert_eq!(identifier_hash(id), hash, "{id}");
        }
    }
}
