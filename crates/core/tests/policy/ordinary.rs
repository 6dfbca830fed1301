//! Requests without the identity annotation, where they are to be approved.

use svid_core::der;
use svid_core::policy::{
    IssuerReference, OrdinaryDecision, OrdinaryRequest, Rule, Violation, evaluate_ordinary,
};
use svid_corpus::craft::{
    Craft, Signer, attribute, extension_request, general_name, name, rdn, san, utf8,
};

fn spiffe_issuers() -> Vec<IssuerReference> {
    vec![
        IssuerReference::new("spiffe-ca", "ClusterIssuer", ""),
        IssuerReference::new("earlier", "", ""),
    ]
}

fn to(issuer: IssuerReference, csr_pem: Vec<u8>) -> OrdinaryDecision {
    evaluate_ordinary(&spiffe_issuers(), &OrdinaryRequest { csr_pem, issuer })
}

fn elsewhere(csr_pem: Vec<u8>) -> OrdinaryDecision {
    to(IssuerReference::new("web-ca", "ClusterIssuer", ""), csr_pem)
}

fn web_names() -> Vec<Vec<u8>> {
    vec![
        general_name(0x82, b"example.org"),
        general_name(0x87, &[127, 0, 0, 1]),
    ]
}

#[test]
fn approves_what_has_nothing_to_do_with_spiffe() {
    let subject = name(&[rdn(&[("2.5.4.3", "example.org")])]);
    let password = attribute("1.2.840.113549.1.9.7", &[utf8("spiffe://not/a/name")]);
    let uri = |text: &str| san(false, &[general_name(0x86, text.as_bytes())]);
    for (what, craft) in [
        (
            "web names",
            Craft::new()
                .subject(subject)
                .extensions(&[san(false, &web_names())]),
        ),
        ("no names", Craft::new().attributes(vec![])),
        ("a password", Craft::new().attributes(vec![password])),
        (
            "a URI",
            Craft::new().extensions(&[uri("https://example.org/?next=spiffe://x/y")]),
        ),
        (
            "a scheme that only begins alike",
            Craft::new().extensions(&[uri("spiffex://a/b")]),
        ),
        (
            "RSA",
            Craft::with(Signer::rsa2048()).extensions(&[san(false, &web_names())]),
        ),
    ] {
        let decision = elsewhere(craft.pem());
        assert!(
            matches!(decision, OrdinaryDecision::Approve(_)),
            "{what}: {decision:?}"
        );
    }
}

#[test]
fn denies_a_spiffe_name_in_any_case_and_any_place() {
    for uri in [
        "spiffe://cluster.local/ns/payments/sa/api",
        "SPIFFE://cluster.local/ns/payments/sa/api",
        "sPiFfE://example.org/x",
        "spiffe://",
        "spiffe:x",
        " spiffe://cluster.local/x",
        "\u{7f}\tspiffe://cluster.local/x",
    ] {
        let hidden = || general_name(0x86, uri.as_bytes());
        let mut names = web_names();
        names.push(hidden());
        let list = |names: &[Vec<u8>]| extension_request(&[san(false, names)]);
        for (what, attributes) in [
            ("alone", vec![list(&[hidden()])]),
            ("last", vec![list(&names)]),
            (
                "in a second extension",
                vec![extension_request(&[
                    san(false, &web_names()),
                    san(false, &[hidden()]),
                ])],
            ),
            (
                "in a second request",
                vec![list(&web_names()), list(&[hidden()])],
            ),
            (
                "in a second value",
                vec![attribute(
                    "1.2.840.113549.1.9.14",
                    &[
                        der::sequence(&[&san(false, &web_names())]),
                        der::sequence(&[&san(false, &[hidden()])]),
                    ],
                )],
            ),
            (
                "in a name that is not one",
                vec![list(&[general_name(0xa6, uri.as_bytes())])],
            ),
        ] {
            let decision = elsewhere(Craft::new().attributes(attributes).pem());
            assert!(
                matches!(decision, OrdinaryDecision::Deny(_)),
                "{what}: {uri:?}"
            );
        }
    }
}

/// What OpenSSL reads as a SPIFFE ID and Go does not see at all.
#[test]
fn denies_a_spiffe_name_in_pieces_or_where_only_some_look() {
    let id = "spiffe://cluster.local/ns/payments/sa/api";
    let text = |part: &str| der::tlv(0x16, part.as_bytes());
    let pieces = |parts: &[&str]| {
        let parts: Vec<u8> = parts.iter().flat_map(|part| text(part)).collect();
        vec![extension_request(&[san(
            false,
            &[general_name(0xa6, &parts)],
        )])]
    };
    let hidden = der::sequence(&[&san(false, &[general_name(0x86, id.as_bytes())])]);
    let web = extension_request(&[san(false, &web_names())]);
    for (what, attributes) in [
        ("in one piece", pieces(&[id])),
        ("in two pieces", pieces(&["spi", &id[3..]])),
        (
            "in Microsoft's attribute",
            vec![web, attribute("1.3.6.1.4.1.311.2.1.14", &[hidden])],
        ),
    ] {
        let decision = elsewhere(Craft::new().attributes(attributes).pem());
        assert!(matches!(decision, OrdinaryDecision::Deny(_)), "{what}");
    }
}

/// Go ends a block only at a line that begins with the mark; others end it anywhere.
#[test]
fn denies_a_text_in_which_readers_find_different_blocks() {
    let body = |craft: Craft| {
        let text = String::from_utf8(craft.pem()).unwrap();
        let lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines[1..lines.len() - 1].concat()
    };
    let plain = body(Craft::new().extensions(&[san(false, &web_names())]));
    let hostile = body(Craft::new());
    let (begin, end) = (
        "-----BEGIN CERTIFICATE REQUEST-----",
        "-----END CERTIFICATE REQUEST-----",
    );
    for text in [
        format!("{begin}\n{plain}{end}:\n{hostile}\n{end}\n"),
        format!("{begin}\n{plain}{end}\n{hostile}\n{end}\n"),
        format!("{begin}\n{plain}\n{end}\n{hostile}\n{end}\n"),
        format!("x{begin}\n{plain}\n{end}\n"),
        format!("{begin}\n{plain}{end}\n"),
    ] {
        let decision = elsewhere(text.clone().into_bytes());
        assert!(matches!(decision, OrdinaryDecision::Deny(_)), "{text}");
    }
}

#[test]
fn denies_every_request_to_a_spiffe_issuer_whatever_defaults_it_leaves_out() {
    let pem = || Craft::new().extensions(&[san(false, &web_names())]).pem();
    for (name, kind, group, denied) in [
        ("spiffe-ca", "ClusterIssuer", "cert-manager.io", true),
        ("spiffe-ca", "ClusterIssuer", "", true),
        ("earlier", "Issuer", "cert-manager.io", true),
        ("earlier", "", "", true),
        ("earlier", "Issuer", "", true),
        ("spiffe-ca", "Issuer", "", false),
        ("earlier", "ClusterIssuer", "", false),
        ("spiffe-ca", "ClusterIssuer", "example.org", false),
    ] {
        let decision = to(IssuerReference::new(name, kind, group), pem());
        let is_denied = matches!(decision, OrdinaryDecision::Deny(_));
        assert_eq!(is_denied, denied, "{name} {kind} {group}");
    }
}

#[test]
fn denies_what_cannot_be_read() {
    for csr_pem in [Vec::new(), b"x".to_vec(), Craft::new().der()] {
        assert!(matches!(elsewhere(csr_pem), OrdinaryDecision::Deny(_)));
    }
}

#[test]
fn tells_both_reasons_at_once() {
    let OrdinaryDecision::Deny(denial) =
        to(IssuerReference::new("earlier", "", ""), Craft::new().pem())
    else {
        panic!()
    };
    let rules: Vec<Rule> = denial.violations().iter().map(Violation::rule).collect();
    assert_eq!(rules, [Rule::OrdinaryIssuer, Rule::OrdinaryName]);
}
