//! Faults of the issuer: slow, silent, refusing, lying.

use std::time::Duration;

use super::answers::Times;

/// How the issuer treats one approved request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conduct {
    /// Signs what was approved.
    Honest,
    /// Signs, after this long.
    Slow(Duration),
    /// Never decides about a request that it saw while this was set, unless the switch changes.
    Silent,
    /// Ends the request with Ready=False, reason Failed, and this message.
    Refuse(String),
    /// Signs something else.
    Lie(Lie),
}

/// What is wrong with the certificate that a lying issuer returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lie {
    /// It holds another public key.
    OtherKey,
    /// Its URI SAN is this one.
    OtherIdentity(String),
    /// It has this URI SAN besides the right one.
    SecondIdentity(String),
    /// It has this DNS name besides the right URI SAN.
    DnsName(String),
    /// It has no SAN.
    NoIdentity,
    /// It is a CA.
    CertificateAuthority,
    /// It ended an hour ago.
    Expired,
    /// It begins after this long.
    NotYetValid(Duration),
    /// It is signed by a key that is not the one of the certificate above it.
    BrokenChain,
    /// It is good in itself, but of the CA of another trust domain, with that CA's chain.
    ForeignAuthority,
    /// `status.certificate` is not PEM at all.
    Garbage,
}

#[derive(Debug)]
pub(super) struct Rule {
    conduct: Conduct,
    times: Times,
}

impl Rule {
    pub(super) fn new(conduct: Conduct, times: Times) -> Self {
        Self { conduct, times }
    }

    pub(super) fn take(&mut self) -> Conduct {
        self.times = self.times.used();
        self.conduct.clone()
    }

    pub(super) fn is_left(&self) -> bool {
        self.times.is_left()
    }
}
