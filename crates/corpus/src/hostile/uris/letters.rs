//! The right identity in other letters: another case, an encoding, look-alikes, white space.

/// Name and text, in the default world.
pub(super) const LETTERS: &[(&str, &str)] = &[
    (
        "another namespace",
        "spiffe://cluster.local/ns/kube-system/sa/api",
    ),
    (
        "upper-case scheme",
        "SPIFFE://cluster.local/ns/payments/sa/api",
    ),
    (
        "mixed-case scheme",
        "Spiffe://cluster.local/ns/payments/sa/api",
    ),
    (
        "upper-case trust domain",
        "spiffe://CLUSTER.LOCAL/ns/payments/sa/api",
    ),
    (
        "upper-case path",
        "spiffe://cluster.local/ns/payments/sa/API",
    ),
    (
        "upper-case path key",
        "spiffe://cluster.local/NS/payments/SA/api",
    ),
    (
        "percent-encoded letter",
        "spiffe://cluster.local/ns/payments/sa/%61pi",
    ),
    (
        "percent-encoded slash",
        "spiffe://cluster.local/ns/payments/sa%2Fapi",
    ),
    (
        "percent-encoded NUL",
        "spiffe://cluster.local/ns/payments/sa/api%00",
    ),
    (
        "percent-encoded domain",
        "spiffe://cluster%2elocal/ns/payments/sa/api",
    ),
    (
        "percent-encoded dot segment",
        "spiffe://cluster.local/ns/x/%2e%2e/payments/sa/api",
    ),
    (
        "backslashes",
        "spiffe:\\\\cluster.local\\ns\\payments\\sa\\api",
    ),
    (
        "leading space",
        " spiffe://cluster.local/ns/payments/sa/api",
    ),
    (
        "trailing space",
        "spiffe://cluster.local/ns/payments/sa/api ",
    ),
    (
        "trailing line end",
        "spiffe://cluster.local/ns/payments/sa/api\n",
    ),
    (
        "line end inside",
        "spiffe://cluster.local/ns/payments/sa/a\npi",
    ),
    ("tab inside", "spiffe://cluster.local/ns/payments/sa/a\tpi"),
    (
        "trailing NUL",
        "spiffe://cluster.local/ns/payments/sa/api\0",
    ),
    (
        "NUL and more",
        "spiffe://cluster.local/ns/payments/sa/api\0.example.org",
    ),
    ("leading NUL", "\0spiffe://cluster.local/ns/payments/sa/api"),
    (
        "byte order mark",
        "\u{feff}spiffe://cluster.local/ns/payments/sa/api",
    ),
    (
        "look-alike letter",
        "spiffe://cluster.local/ns/payments/sa/\u{430}pi",
    ),
    (
        "zero-width space",
        "spiffe://cluster.local/ns/payments/sa/api\u{200b}",
    ),
    (
        "right-to-left mark",
        "spiffe://cluster.local/ns/payments/sa/\u{202e}ipa",
    ),
    (
        "combining letter",
        "spiffe://cluster.local/ns/payments/sa/api\u{301}",
    ),
    (
        "two joined by comma",
        "spiffe://cluster.local/ns/payments/sa/api,spiffe://x/y",
    ),
    (
        "namespace's prefix",
        "spiffe://cluster.local/ns/payment/sa/api",
    ),
    (
        "namespace as prefix",
        "spiffe://cluster.local/ns/payments2/sa/api",
    ),
    (
        "namespace as suffix",
        "spiffe://cluster.local/ns/x-payments/sa/api",
    ),
    (
        "service account without its namespace",
        "spiffe://cluster.local/sa/api",
    ),
    (
        "namespace without its service account",
        "spiffe://cluster.local/ns/payments",
    ),
    ("empty namespace", "spiffe://cluster.local/ns//sa/api"),
    ("semicolon", "spiffe://cluster.local/ns/payments/sa/api;x=y"),
    ("plus", "spiffe://cluster.local/ns/payments/sa/a+pi"),
    ("tilde", "spiffe://cluster.local/ns/payments/sa/~api"),
    ("asterisk", "spiffe://cluster.local/ns/payments/sa/*"),
    ("braces", "spiffe://cluster.local/ns/payments/sa/{api}"),
    (
        "percent-encoded in lower case",
        "spiffe://cluster.local/ns/payments%2fsa/api",
    ),
    (
        "percent sign alone",
        "spiffe://cluster.local/ns/payments/sa/api%",
    ),
    (
        "full-width solidus",
        "spiffe://cluster.local/ns/payments\u{ff0f}sa/api",
    ),
    (
        "domain in brackets",
        "spiffe://[cluster.local]/ns/payments/sa/api",
    ),
    (
        "underscore in domain",
        "spiffe://cluster_local/ns/payments/sa/api",
    ),
    ("quoted", "\"spiffe://cluster.local/ns/payments/sa/api\""),
    (
        "carriage return at the end",
        "spiffe://cluster.local/ns/payments/sa/api\r",
    ),
    (
        "delete character",
        "spiffe://cluster.local/ns/payments/sa/api\u{7f}",
    ),
    (
        "soft hyphen",
        "spiffe://cluster.local/ns/payments/sa/a\u{ad}pi",
    ),
    (
        "Kelvin sign",
        "spiffe://cluster.local/ns/payments/sa/\u{212a}",
    ),
    ("long s", "spiffe://cluster.local/ns/payments/\u{17f}a/api"),
];
