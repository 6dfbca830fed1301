//! Chains: one table for each kind of rule, and each fault with a name.

mod extensions;
mod leaf;
mod path;
mod pss;
mod reading;
mod sent_roots;
mod shapes;
mod window;

use rcgen::CertificateParams;
use svid_core::svid::{ChainError, X509Svid};

use crate::fixtures::{Authority, Case};

/// Certificates in a row.
type Ders<'a> = Vec<&'a [u8]>;

/// A leaf with one change, right below a root.
fn verify_leaf(change: impl Fn(&mut CertificateParams)) -> Result<X509Svid, ChainError> {
    let (case, root) = (Case::new(), Authority::root("root"));
    let leaf = root.leaf(case.key.public_key(), change);
    case.verify(&[&leaf])
}
