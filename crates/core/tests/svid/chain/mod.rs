//! Chains: one table for each kind of rule, and each fault with a name.

mod extensions;
mod leaf;
mod path;
mod pss;
mod reading;
mod shapes;
mod window;

use svid_core::svid::{ChainError, X509Svid};

use crate::fixtures::{Authority, Case, Change};

/// A leaf with one change, right below a root.
fn verify_leaf(change: Change) -> Result<X509Svid, ChainError> {
    let (case, root) = (Case::new(), Authority::root("root"));
    let leaf = root.leaf(case.key.public_key(), change);
    case.verify(&[&leaf])
}
