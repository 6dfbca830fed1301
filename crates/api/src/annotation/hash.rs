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
