//! One request of a corpus, and the builder of the corpora.

use svid_core::policy::{Request, Rule};

use crate::World;
use crate::craft::{Craft, to_pem};

/// One request, named by what is special about it.
#[derive(Clone, Debug)]
pub struct Case {
    /// What is special about it. No two cases have one name.
    pub name: String,
    pub request: Request,
    /// The result that the policy must give.
    pub expect: Expect,
}

/// What must become of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// It is valid.
    Approve,
    /// It is hostile; this rule must be among those that are violated.
    Deny(Rule),
    /// It names another issuer.
    LeaveAlone,
}

/// A corpus in the making.
pub(crate) struct Cases<'a> {
    /// The cluster it is made for.
    pub(crate) world: &'a World,
    cases: Vec<Case>,
}

impl<'a> Cases<'a> {
    pub(crate) fn new(world: &'a World) -> Self {
        Self {
            world,
            cases: Vec::new(),
        }
    }

    pub(crate) fn finish(self) -> Vec<Case> {
        self.cases
    }

    pub(crate) fn add(&mut self, name: impl Into<String>, expect: Expect, request: Request) {
        self.cases.push(Case {
            name: name.into(),
            request,
            expect,
        });
    }

    /// A right object around a hostile signing request.
    pub(crate) fn csr(&mut self, name: impl Into<String>, rule: Rule, der: &[u8]) {
        self.pem(name, rule, to_pem(der));
    }

    /// The same, for a request that is signed here.
    pub(crate) fn craft(&mut self, name: impl Into<String>, rule: Rule, craft: &Craft) {
        self.csr(name, rule, &craft.der());
    }

    /// A right object around a hostile text.
    pub(crate) fn pem(&mut self, name: impl Into<String>, rule: Rule, pem: Vec<u8>) {
        self.add(name, Expect::Deny(rule), self.world.around(pem));
    }

    /// A right signing request in a hostile object.
    pub(crate) fn object(
        &mut self,
        name: impl Into<String>,
        rule: Rule,
        change: impl FnOnce(&mut Request),
    ) {
        let mut request = self.world.around(self.world.craft().pem());
        change(&mut request);
        self.add(name, Expect::Deny(rule), request);
    }
}
