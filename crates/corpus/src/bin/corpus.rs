//! Writes every case as an object for a real API server, one line of JSON each:
//! `corpus [--namespace-prefix TEXT] [--trust-domain NAME] [--issuer-name NAME]
//! [--issuer-kind KIND] [--issuer-group GROUP]`.

use std::io::{Error, Write as _};

use svid_core::identity::TrustDomain;
use svid_core::policy::IssuerReference;
use svid_corpus::World;
use svid_corpus::export::exports;

fn main() -> Result<(), Error> {
    let world = world(std::env::args().skip(1))?;
    let mut out = std::io::stdout().lock();
    for export in exports(&world) {
        writeln!(out, "{}", export.to_json())?;
    }
    out.flush()
}

fn world(mut arguments: impl Iterator<Item = String>) -> Result<World, Error> {
    let mut prefix = String::new();
    let mut trust_domain = "cluster.local".to_owned();
    let mut name = "spiffe-ca".to_owned();
    let mut kind = "ClusterIssuer".to_owned();
    let mut group = String::new();
    while let Some(flag) = arguments.next() {
        let field = match flag.as_str() {
            "--namespace-prefix" => &mut prefix,
            "--trust-domain" => &mut trust_domain,
            "--issuer-name" => &mut name,
            "--issuer-kind" => &mut kind,
            "--issuer-group" => &mut group,
            _ => return Err(Error::other(format!("there is no flag {flag}"))),
        };
        let missing = || Error::other(format!("{flag} needs a value"));
        *field = arguments.next().ok_or_else(missing)?;
    }
    let trust_domain = TrustDomain::parse(&trust_domain).map_err(Error::other)?;
    let issuer = IssuerReference::new(&name, &kind, &group);
    Ok(World::new(&prefix, trust_domain, issuer))
}
