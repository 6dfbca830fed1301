//! Requests that must be denied, each for one fault.

mod encoding;
mod extensions;
mod keys;
mod names;
mod objects;

pub(in crate::policy) use names::wrong_uris;

use super::{Case, Craft, around, to_pem};
use crate::policy::decision::Rule;
use crate::policy::request::Request;

/// Every hostile request, with a rule that must object to it.
pub(in crate::policy) fn hostile() -> Vec<Case> {
    let mut cases = Cases::default();
    cases.uris();
    cases.names();
    cases.subjects();
    cases.attributes();
    cases.extensions();
    cases.encodings();
    cases.pem();
    cases.keys();
    cases.signatures();
    cases.usages();
    cases.durations();
    cases.requesters();
    cases.objects();
    cases.0
}

#[derive(Default)]
struct Cases(Vec<Case>);

impl Cases {
    fn add(&mut self, name: impl Into<String>, rule: Rule, request: Request) {
        self.0.push(Case {
            name: name.into(),
            request,
            breaks: Some(rule),
        });
    }

    /// A right object around a hostile signing request.
    fn csr(&mut self, name: impl Into<String>, rule: Rule, der: &[u8]) {
        self.add(name, rule, around(to_pem(der)));
    }

    /// A right signing request in a hostile object.
    fn object(&mut self, name: impl Into<String>, rule: Rule, change: impl FnOnce(&mut Request)) {
        let mut request = around(Craft::new().pem());
        change(&mut request);
        self.add(name, rule, request);
    }
}

/// The tag of a URI among GeneralNames.
const URI: u8 = 0x86;
