//! Tokens as the API server issues them, and what others might send in their place.

use super::*;
use crate::csi::fixture::{self, EXPIRY, PodInfo};

fn now() -> Timestamp {
    Timestamp::from_second(EXPIRY - 600).unwrap()
}

fn read(json: &str) -> Result<PodToken, TokenError> {
    let info = PodInfo::default();
    let bearer = Bearer {
        namespace: info.namespace,
        service_account: info.service_account,
        pod_name: info.name,
        pod_uid: info.uid,
    };
    parse(json, &bearer, now())
}

fn entry(audience: &str, token: &str) -> String {
    serde_json::json!({ audience: { "expirationTimestamp": "2030-01-01T00:00:00Z", "token": token } })
        .to_string()
}

fn jwt_of(payload: &str) -> String {
    format!("e30.{}.c2lnbmF0dXJl", URL_SAFE_NO_PAD.encode(payload))
}

#[test]
fn takes_the_token_of_the_api_servers_audience_or_the_only_one() {
    let good = fixture::jwt(&PodInfo::default(), EXPIRY);
    let other = fixture::jwt(
        &PodInfo {
            name: "other",
            ..PodInfo::default()
        },
        EXPIRY,
    );
    for json in [
        entry("", &good),
        entry("vault", &good),
        format!(r#"{{"vault":{{"token":"{other}"}},"":{{"token":"{good}"}}}}"#),
    ] {
        let token = read(&json).unwrap();
        assert_eq!(*token.secret, good);
        assert_eq!(token.expires_at.as_second(), EXPIRY);
    }
}

#[test]
fn refuses_json_that_the_kubelet_would_not_write() {
    let deep = "[".repeat(20_000);
    let deep_objects = r#"{"":"#.repeat(10_000);
    let table = [
        "",
        " ",
        "null",
        "[]",
        "1",
        "\"token\"",
        "{",
        r#"{"":1}"#,
        r#"{"":{}}"#,
        r#"{"":null}"#,
        r#"{"":{"token":1}}"#,
        r#"{"":{"token":null}}"#,
        r#"{"":{"token":"a"}} x"#,
        "{\"\0",
        &deep,
        &deep_objects,
    ];
    for json in table {
        let error = read(json).unwrap_err();
        assert!(
            matches!(error, TokenError::NotJson { .. }),
            "{json:.40}: {error}"
        );
    }
    assert_eq!(read("{}").unwrap_err(), TokenError::Empty);
    let many = r#"{"a":{"token":"x.y.z"},"b":{"token":"x.y.z"}}"#;
    assert_eq!(
        read(many).unwrap_err(),
        TokenError::NoDefaultAudience { count: 2 }
    );
    let long = " ".repeat(JSON_LIMIT + 1);
    assert!(matches!(
        read(&long).unwrap_err(),
        TokenError::TooLong { .. }
    ));
    let long = entry("", &"x".repeat(TOKEN_LIMIT + 1));
    assert!(matches!(
        read(&long).unwrap_err(),
        TokenError::TooLong { .. }
    ));
}

#[test]
fn refuses_what_is_no_token_of_the_api_server() {
    let not_jwt = [
        "",
        "a",
        "..",
        "a.b",
        "e30.e30.",
        ".e30.e30",
        "e30.e30.e30.e30",
        "e30.e3 0.e30",
        "e30.e30.e30\\r\\nX: y",
        "e30.e30=.e30",
        "e30.e3+/.e30",
    ];
    for token in not_jwt {
        let json = format!(r#"{{"":{{"token":"{token}"}}}}"#);
        assert_eq!(read(&json).unwrap_err(), TokenError::NotJwt, "{token:?}");
    }
    let account = r#""namespace":"sandbox","serviceaccount":{"name":"sleep","uid":"s"}"#;
    let pod = format!(r#""pod":{{"name":"sleep-1","uid":"{}"}}"#, fixture::POD_UID);
    let no_claims = [
        "{}".to_owned(),
        "null".to_owned(),
        "[]".to_owned(),
        "\u{fffd}".to_owned(),
        "[".repeat(5000),
        r#"{"exp":1}"#.to_owned(),
        r#"{"exp":"1","kubernetes.io":{}}"#.to_owned(),
        format!(r#"{{"kubernetes.io":{{{account},{pod}}}}}"#),
        format!(r#"{{"exp":1,"exp":2,"kubernetes.io":{{{account},{pod}}}}}"#),
        format!(r#"{{"exp":1.5,"kubernetes.io":{{{account},{pod}}}}}"#),
        format!(
            r#"{{"exp":{},"kubernetes.io":{{{account},{pod}}}}}"#,
            i64::MAX
        ),
    ];
    for payload in &no_claims {
        let json = entry("", &jwt_of(payload));
        assert_eq!(
            read(&json).unwrap_err(),
            TokenError::NoClaims,
            "{payload:.60}"
        );
    }
    let unbound = format!(r#"{{"exp":1,"kubernetes.io":{{{account}}}}}"#);
    assert_eq!(
        read(&entry("", &jwt_of(&unbound))).unwrap_err(),
        TokenError::NotBound
    );
}

#[test]
fn refuses_claims_that_are_not_utf_8_even_where_they_are_not_read() {
    let good = fixture::jwt(&PodInfo::default(), EXPIRY);
    let payload = good.split('.').nth(1).unwrap();
    let mut claims = URL_SAFE_NO_PAD.decode(payload).unwrap();
    assert!(read(&entry("", &good)).is_ok());
    let at = claims
        .windows(6)
        .position(|part| part == b"system")
        .unwrap();
    claims[at] = 0xff;
    let bad = good.replace(payload, &URL_SAFE_NO_PAD.encode(claims));
    assert_eq!(read(&entry("", &bad)).unwrap_err(), TokenError::NoClaims);
}

#[test]
fn refuses_the_token_of_somebody_else() {
    let other_uid = "00000000-0000-0000-0000-000000000000";
    let table = [
        (
            "namespace",
            PodInfo {
                namespace: "kube-system",
                ..PodInfo::default()
            },
        ),
        (
            "service account",
            PodInfo {
                service_account: "admin",
                ..PodInfo::default()
            },
        ),
        (
            "pod name",
            PodInfo {
                name: "sleep-2",
                ..PodInfo::default()
            },
        ),
        (
            "pod UID",
            PodInfo {
                uid: other_uid,
                ..PodInfo::default()
            },
        ),
    ];
    for (expected, info) in table {
        let error = read(&entry("", &fixture::jwt(&info, EXPIRY))).unwrap_err();
        let TokenError::Mismatch { claim, .. } = error else {
            panic!("{expected}: {error}")
        };
        assert_eq!(claim, expected);
    }
}

#[test]
fn refuses_a_token_from_the_second_it_expires() {
    let json = |exp| entry("", &fixture::jwt(&PodInfo::default(), exp));
    assert!(read(&json(now().as_second() + 1)).is_ok());
    for exp in [now().as_second(), now().as_second() - 1, 0, -1] {
        let error = read(&json(exp)).unwrap_err();
        assert!(
            matches!(error, TokenError::Expired { .. }),
            "{exp}: {error}"
        );
    }
}
