//! Any text where a SPIFFE ID, a trust domain or a user name is expected.
//!
//! Promises: what is accepted is kept byte for byte and falls into the same parts in the SPIFFE
//! library for Rust; what that library accepts as it stands, within the limits of the
//! specification, is accepted here; a service account has one identity, which is legal, and one
//! user name.

use svid_core::identity::{ServiceAccount, SpiffeId, TrustDomain};
use svid_corpus::hostile::wrong_uris;
use svid_corpus::{VALID_ID, World, policy};

use crate::assert_tellable;

pub fn spiffe_id(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    identity(text);
    trust_domain(text);
    match ServiceAccount::from_username(text) {
        Ok(account) => {
            assert_eq!(account.username(), text);
            let id = SpiffeId::for_service_account(&policy().trust_domain, &account);
            assert_eq!(SpiffeId::parse(id.as_str()).as_ref(), Ok(&id));
            let path = format!("/ns/{}/sa/{}", account.namespace(), account.name());
            assert_eq!(id.path(), path);
        }
        Err(error) => assert_tellable(&error.to_string(), 1500),
    }
}

fn identity(text: &str) {
    let theirs = spiffe::SpiffeId::new(text);
    match SpiffeId::parse(text) {
        Ok(ours) => {
            assert_eq!(ours.as_str(), text);
            assert_eq!(
                format!("spiffe://{}{}", ours.trust_domain(), ours.path()),
                text
            );
            assert!(TrustDomain::parse(ours.trust_domain()).is_ok());
            let theirs = theirs.unwrap();
            assert_eq!(theirs.to_string(), text);
            assert_eq!(theirs.trust_domain_name(), ours.trust_domain());
            assert_eq!(theirs.path(), ours.path());
        }
        Err(error) => {
            assert_tellable(&error.to_string(), 500);
            // It lowers the letters of scheme and trust domain, which we do not.
            let as_it_stands = |id: &spiffe::SpiffeId| {
                text.len() <= 2048 && id.trust_domain_name().len() <= 255 && id.to_string() == text
            };
            let accepted = theirs.ok().filter(as_it_stands);
            assert!(accepted.is_none(), "{error}: {accepted:?}");
        }
    }
}

fn trust_domain(text: &str) {
    match TrustDomain::parse(text) {
        Ok(ours) => {
            assert_eq!(ours.as_str(), text);
            let theirs = spiffe::TrustDomain::new(text).unwrap();
            assert_eq!(theirs.as_str(), text);
            assert!(SpiffeId::parse(&format!("spiffe://{text}")).is_ok());
        }
        Err(error) => assert_tellable(&error.to_string(), 500),
    }
}

/// The right identity, every wrong one of the corpus, and user names.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let texts = [
        VALID_ID,
        "spiffe://td",
        "spiffe://1_-.x/A/.../_",
        "cluster.local",
        "system:serviceaccount:payments:api",
        "system:serviceaccount:payments:api.x-1",
        "system:serviceaccount:a:b:c",
    ];
    let wrong = wrong_uris(&World::default())
        .into_iter()
        .map(|(_, uri)| uri);
    texts
        .map(|text| text.as_bytes().to_vec())
        .into_iter()
        .chain(wrong)
        .collect()
}
