//! Every kind of key that is allowed, and every hash that goes with it.

use crate::case::Cases;
use crate::craft::{Signer, to_pem};

impl Cases<'_> {
    pub(super) fn right_keys(&mut self) {
        for (name, signer) in [
            ("P-256", Signer::p256()),
            ("P-384", Signer::p384()),
            ("P-521", Signer::p521()),
            ("Ed25519", Signer::ed25519()),
            ("RSA 2048", Signer::rsa2048()),
            ("RSA 3072", Signer::rsa3072()),
            ("RSA 4096", Signer::rsa4096()),
        ] {
            self.right(name, self.world.craft_with(signer).pem());
        }
    }

    pub(super) fn hashes(&mut self) {
        for (size, signer) in [
            ("2048", Signer::rsa2048()),
            ("3072", Signer::rsa3072()),
            ("4096", Signer::rsa4096()),
        ] {
            for bits in [384, 512] {
                let craft = self.world.craft_with(signer);
                let der = craft.signed_by_rsa(bits);
                self.right(format!("RSA {size} with SHA-{bits}"), to_pem(&der));
            }
        }
    }
}
