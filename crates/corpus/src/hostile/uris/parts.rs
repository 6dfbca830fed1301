//! Identities of other parts: another scheme, domain or path, and parts that no SPIFFE ID has.

/// Name and text, in the default world.
pub(super) const PARTS: &[(&str, &str)] = &[
    ("empty", ""),
    (
        "another service account",
        "spiffe://cluster.local/ns/payments/sa/admin",
    ),
    (
        "service account's prefix",
        "spiffe://cluster.local/ns/payments/sa/ap",
    ),
    (
        "service account as prefix",
        "spiffe://cluster.local/ns/payments/sa/api2",
    ),
    (
        "dotted suffix",
        "spiffe://cluster.local/ns/payments/sa/api.x",
    ),
    (
        "another trust domain",
        "spiffe://example.org/ns/payments/sa/api",
    ),
    (
        "trust domain as prefix",
        "spiffe://cluster.local.example.org/ns/payments/sa/api",
    ),
    (
        "trust domain as suffix",
        "spiffe://x.cluster.local/ns/payments/sa/api",
    ),
    (
        "trailing dot in trust domain",
        "spiffe://cluster.local./ns/payments/sa/api",
    ),
    ("no trust domain", "spiffe:///ns/payments/sa/api"),
    ("no path", "spiffe://cluster.local"),
    ("root path", "spiffe://cluster.local/"),
    ("another scheme", "https://cluster.local/ns/payments/sa/api"),
    ("no scheme", "//cluster.local/ns/payments/sa/api"),
    ("one slash", "spiffe:/cluster.local/ns/payments/sa/api"),
    (
        "three slashes",
        "spiffe:///cluster.local/ns/payments/sa/api",
    ),
    ("opaque", "spiffe:cluster.local/ns/payments/sa/api"),
    ("port", "spiffe://cluster.local:443/ns/payments/sa/api"),
    ("empty port", "spiffe://cluster.local:/ns/payments/sa/api"),
    ("user", "spiffe://user@cluster.local/ns/payments/sa/api"),
    (
        "user and password",
        "spiffe://a:b@cluster.local/ns/payments/sa/api",
    ),
    ("empty user", "spiffe://@cluster.local/ns/payments/sa/api"),
    (
        "our domain as user",
        "spiffe://cluster.local@example.org/ns/payments/sa/api",
    ),
    ("query", "spiffe://cluster.local/ns/payments/sa/api?x=y"),
    ("empty query", "spiffe://cluster.local/ns/payments/sa/api?"),
    ("fragment", "spiffe://cluster.local/ns/payments/sa/api#x"),
    (
        "empty fragment",
        "spiffe://cluster.local/ns/payments/sa/api#",
    ),
    (
        "trailing slash",
        "spiffe://cluster.local/ns/payments/sa/api/",
    ),
    (
        "empty segment",
        "spiffe://cluster.local/ns/payments//sa/api",
    ),
    (
        "leading empty segment",
        "spiffe://cluster.local//ns/payments/sa/api",
    ),
    ("dot segment", "spiffe://cluster.local/ns/payments/./sa/api"),
    (
        "trailing dot segment",
        "spiffe://cluster.local/ns/payments/sa/api/.",
    ),
    (
        "parent segment",
        "spiffe://cluster.local/ns/x/../payments/sa/api",
    ),
    (
        "parent segment at the end",
        "spiffe://cluster.local/ns/payments/sa/api/x/..",
    ),
    (
        "further segment",
        "spiffe://cluster.local/ns/payments/sa/api/x",
    ),
    ("missing segment", "spiffe://cluster.local/ns/payments/api"),
    ("swapped", "spiffe://cluster.local/ns/api/sa/payments"),
    (
        "colon in the service account",
        "spiffe://cluster.local/ns/payments/sa/api:x",
    ),
    (
        "service account as suffix",
        "spiffe://cluster.local/ns/payments/sa/x-api",
    ),
    (
        "dotted prefix",
        "spiffe://cluster.local/ns/payments/sa/x.api",
    ),
    (
        "user name as path",
        "spiffe://cluster.local/system:serviceaccount:payments:api",
    ),
    (
        "empty service account",
        "spiffe://cluster.local/ns/payments/sa/",
    ),
    (
        "segment before ours",
        "spiffe://cluster.local/x/ns/payments/sa/api",
    ),
    (
        "pod in place of account",
        "spiffe://cluster.local/ns/payments/pod/api",
    ),
    ("address as domain", "spiffe://10.0.0.1/ns/payments/sa/api"),
    ("URN", "urn:spiffe://cluster.local/ns/payments/sa/api"),
    ("view-source", "x-spiffe://cluster.local/ns/payments/sa/api"),
];
