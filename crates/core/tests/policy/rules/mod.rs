//! What a rule says whatever the others say, where the corpora do not tell it.

mod apart;
mod identity;
mod trust_domain;
