//! Owns the names of the annotations, labels and volume attributes that this project shares with
//! the Go driver, and the form of the two hashed label values.
//!
//! Invariant: a name or hash here never changes; objects of a replaced driver still carry them.

mod hash;

pub use hash::identifier_hash;

/// Annotation of a `CertificateRequest`: the SPIFFE ID that it requests, as text.
pub const IDENTITY: &str = "spiffe.csi.cert-manager.io/identity";

/// Volume attribute: the group, as a decimal number, that may read the files of the volume.
pub const FS_GROUP: &str = "spiffe.csi.cert-manager.io/fs-group";

/// Prefix of our own annotations; administrators cannot add annotations below it.
pub const PREFIX: &str = "spiffe.csi.cert-manager.io/";

/// Label of a `CertificateRequest`: [`identifier_hash`] of the id of the node it was made from.
pub const NODE_ID_HASH: &str = "csi.cert-manager.io/node-id-hash";

/// Label of a `CertificateRequest`: [`identifier_hash`] of the id of the volume it is for.
pub const VOLUME_ID_HASH: &str = "csi.cert-manager.io/volume-id-hash";
