//! What `inspect` says of the files of a volume.

use rcgen::{IsCa, SanType};
use svid_core::svid::PrivateKey;
use svid_core::svid::examine::{Examination, Files, examine};

use crate::fixtures::{Authority, Case, Change, IDENTITY, minutes, nothing, now, pem, uri, valid};

fn look(chain: &str, key: Option<&str>, bundle: Option<&str>) -> Examination {
    let files = Files {
        chain_pem: chain.as_bytes(),
        key_pem: key.map(str::as_bytes),
        bundle_pem: bundle.map(str::as_bytes),
    };
    examine(&files, now())
}

#[test]
fn tells_everything_about_a_good_volume() {
    let (case, root) = (Case::new(), Authority::root("root"));
    let upper = root.intermediate("upper", |params| valid(params, -minutes(60), minutes(20)));
    let leaf = upper.leaf(case.key.public_key(), |params| {
        params.serial_number = Some(vec![0x1a, 2].into());
    });
    let found = look(
        &pem(&[&leaf, &upper.der]),
        Some(&case.key.to_pkcs8_pem()),
        Some(&pem(&[&root.der])),
    );
    assert_eq!(found.problems, Vec::<String>::new());
    assert_eq!(
        found.remarks,
        [
            "the authority \"CN=upper\" expires at 2026-05-01T12:20:00Z, before the certificate \
             does; renew it at the issuer"
        ]
    );
    let path: Vec<_> = found.path.iter().map(|member| &*member.subject).collect();
    assert_eq!(path, ["", "CN=upper"]);
    assert_eq!(found.root.unwrap().subject, "CN=root");
    assert_eq!(found.spiffe_id.as_deref(), Some(IDENTITY));
    assert_eq!(found.issuer, "CN=upper");
    assert_eq!(found.serial, "1a:02");
    assert_eq!(found.not_before, Some(now() - minutes(10)));
    assert_eq!(found.not_after, Some(now() + minutes(50)));
    assert_eq!(found.usable_until, Some(now() + minutes(20)));
    assert_eq!(found.key_type, "ECDSA P-256");
    assert_eq!(
        (found.key_matches, found.anchored),
        (Some(true), Some(true))
    );
    let chain: Vec<_> = found
        .chain
        .iter()
        .map(|member| {
            (
                member.subject.as_str(),
                member.issuer.as_str(),
                member.is_ca,
            )
        })
        .collect();
    assert_eq!(
        chain,
        [("", "CN=upper", false), ("CN=upper", "CN=root", true)]
    );
}

#[test]
fn nothing_is_said_of_what_is_not_there() {
    let (case, root) = (Case::new(), Authority::root("root"));
    let leaf = root.leaf(case.key.public_key(), nothing);
    let found = look(&pem(&[&leaf]), Some(&case.key.to_pkcs8_pem()), None);
    assert_eq!((found.anchored, found.problems), (None, vec![]));
    let found = look(&pem(&[&leaf]), None, None);
    assert_eq!(found.key_matches, None);
    assert_eq!(
        found.problems,
        ["the private key is missing, or could not be read"]
    );
}

#[test]
fn tells_all_problems_at_once() {
    let (case, root, stranger) = (
        Case::new(),
        Authority::root("root"),
        Authority::root("stranger"),
    );
    let leaf = root.leaf(case.key.public_key(), |params| {
        params.subject_alt_names = vec![
            uri("https://Example.org"),
            SanType::DnsName("a".try_into().unwrap()),
        ];
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.extended_key_usages.pop();
        valid(params, -minutes(60), -minutes(1));
    });
    let other = PrivateKey::generate().unwrap().to_pkcs8_pem();
    let found = look(
        &pem(&[&leaf, &stranger.der]),
        Some(&other),
        Some(&pem(&[&stranger.der])),
    );
    assert_eq!(
        found.problems,
        [
            "the certificate has a DNS name as subject alternative name besides the SPIFFE ID: the issuer added it",
            "the certificate is for \"https://Example.org\": a SPIFFE ID must begin with \
             \"spiffe://\"",
            "the certificate is a CA certificate, which an SVID must not be",
            "the extended key usage of the certificate lacks clientAuth",
            "the certificate expired at 2026-05-01T11:59:00Z; it is now 2026-05-01T12:00:00Z",
            "the certificate chain does not lead to the trust bundle: the issuer of the certificate, \"CN=root\", is neither in the chain, nor in status.ca, nor among the roots",
            "the private key does not belong to the certificate",
        ]
    );
    assert_eq!(found.spiffe_id.as_deref(), Some("https://Example.org"));
    assert_eq!(
        (found.key_matches, found.anchored),
        (Some(false), Some(false))
    );
}

#[test]
fn remarks_on_what_somebody_may_refuse() {
    let table: [(&str, Change, &str); 4] = [
        (
            "no basic constraints",
            |params| params.is_ca = IsCa::NoCa,
            "no basic constraints",
        ),
        (
            "no key usage",
            |params| params.key_usages.clear(),
            "no key usage",
        ),
        (
            "no extended key usage",
            |params| params.extended_key_usages.clear(),
            "no extended key usage",
        ),
        (
            "a subject",
            |params| {
                params
                    .distinguished_name
                    .push(rcgen::DnType::CommonName, "web");
            },
            "has a subject",
        ),
    ];
    let (case, root) = (Case::new(), Authority::root("root"));
    for (name, change, part) in table {
        let leaf = root.leaf(case.key.public_key(), change);
        let found = look(&pem(&[&leaf]), Some(&case.key.to_pkcs8_pem()), None);
        assert_eq!(found.problems, Vec::<String>::new(), "{name}");
        assert!(
            matches!(found.remarks.as_slice(), [remark] if remark.contains(part)),
            "{name}: {:?}",
            found.remarks
        );
    }
}

#[test]
fn a_certificate_of_tomorrow_is_a_problem_today() {
    let (case, root) = (Case::new(), Authority::root("root"));
    let leaf = root.leaf(case.key.public_key(), |params| {
        valid(params, minutes(60), minutes(120));
    });
    let found = look(&pem(&[&leaf]), Some(&case.key.to_pkcs8_pem()), None);
    assert_eq!(
        found.problems,
        [
            "the certificate is not valid before 2026-05-01T13:00:00Z; it is now 2026-05-01T12:00:00Z"
        ]
    );
}

#[test]
fn says_what_it_can_of_files_that_are_damaged() {
    let (case, root) = (Case::new(), Authority::root("root"));
    let leaf = root.leaf(case.key.public_key(), nothing);
    let key = case.key.to_pkcs8_pem();
    let empty = look("", Some(&key), Some(&pem(&[&root.der])));
    assert_eq!(
        empty.problems,
        ["the certificate chain is empty: the issuer returned no certificate"]
    );
    assert_eq!(
        empty,
        Examination {
            problems: empty.problems.clone(),
            ..Examination::default()
        }
    );

    // A good leaf, then something else: the links are not judged, and the leaf still is.
    let found = look(&(pem(&[&leaf]) + &key), Some("garbage"), Some("garbage"));
    assert_eq!(
        found.problems,
        [
            "the certificate chain contains a PEM block \"PRIVATE KEY\": only certificates belong \
             there",
            "the private key could not be read: there is no PEM block \"PRIVATE KEY\"",
            "the trust bundle contains no certificate: PEM blocks \"CERTIFICATE\" are expected",
        ]
    );
    assert_eq!(found.spiffe_id.as_deref(), Some(IDENTITY));
    assert_eq!((found.key_matches, found.anchored), (None, None));
}
