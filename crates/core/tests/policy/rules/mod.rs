//! One rule a file: what it allows and refuses, whatever the others say.

mod attributes;
mod canonical;
mod extensions;
mod identity;
mod key;
mod san;
mod signature;
mod subject;
mod trust_domain;
