//! Any text where the kubelet's tokens are expected, and any claims in a token.
//!
//! Promises: the driver answers; a token that it accepts is a JWT of safe characters, whose claims
//! are this pod's for any JSON reader; no error message holds the token.
//!
//! The first byte says what the rest is: the kubelet's JSON, a token, or a token's claims.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use svid_node::credential::{Credential, RequestMode};

use crate::assert_tellable;
use crate::kubelet::{
    POD_NAME, POD_UID, SIGNATURE, TOKENS, claims, jwt, now, read, request, tokens,
};

pub fn token(data: &[u8]) {
    let Some((form, rest)) = data.split_first() else {
        return;
    };
    let json = match *form {
        CLAIMS => tokens(&jwt(rest)),
        TOKEN => tokens(&String::from_utf8_lossy(rest)),
        _ => String::from_utf8_lossy(rest).into_owned(),
    };
    for in_secrets in [true, false] {
        let mut request = request();
        if !in_secrets {
            request.secrets.clear();
        }
        let map = if in_secrets {
            &mut request.secrets
        } else {
            &mut request.volume_context
        };
        map.insert(TOKENS.to_owned(), json.clone());
        match read(&request, RequestMode::Pod) {
            Ok(published) => {
                let Credential::Pod(token) = &published.credential else {
                    unreachable!("the pod makes its requests")
                };
                assert_own(&token.secret);
                assert!(token.expires_at > now());
                assert!(!format!("{published:?}").contains(SIGNATURE));
            }
            Err(error) => {
                let text = error.to_string();
                assert_tellable(&text, 2000);
                assert!(!text.contains(SIGNATURE), "{text}");
                assert!(!format!("{error:?}").contains(SIGNATURE));
            }
        }
    }
}

/// The token is this pod's, for a reader independent of our code.
fn assert_own(token: &str) {
    assert!(token.len() <= 16 * 1024);
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    assert!(token.bytes().all(safe), "{token:?}");
    let parts: Vec<&str> = token.split('.').collect();
    assert_eq!(parts.len(), 3);
    let payload = URL_SAFE_NO_PAD.decode(parts[1]).unwrap();
    let payload = String::from_utf8(payload).unwrap();
    // Claims that are of no use here may be odd: a number beyond all limits, half a surrogate.
    let Ok(claims) = serde_json::from_str::<Value>(&payload) else {
        return;
    };
    for (claim, expected) in [
        ("/kubernetes.io/namespace", "payments"),
        ("/kubernetes.io/serviceaccount/name", "api"),
        ("/kubernetes.io/pod/name", POD_NAME),
        ("/kubernetes.io/pod/uid", POD_UID),
    ] {
        let found = claims.pointer(claim).and_then(Value::as_str);
        assert_eq!(found, Some(expected), "{claim}");
    }
}

/// A right one in each form, and every way to spoil one that its unit tests know.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let right = claims();
    let spoilt = [
        ("web-1", "web-2"),
        ("payments", "payment"),
        ("1800003600", "1700000000"),
        ("1800003600", "1e400"),
        ("1800003600", "-1"),
        ("1800003600", "9223372036854775807"),
        ("\"pod\"", "\"pods\""),
        ("{\"name\":\"api\"", "{\"name\":\"api\",\"name\":\"api\""),
        ("\"exp\"", "\"exp\":1,\"exp\""),
    ];
    let mut seeds = vec![
        (JSON, tokens(&jwt(right.as_bytes()))),
        (JSON, String::new()),
        (JSON, "{}".to_owned()),
        (
            JSON,
            format!("{{\"vault\":{{\"token\":\"{}\"}}}}", jwt(right.as_bytes())),
        ),
        (
            JSON,
            "{\"a\":{\"token\":\"x\"},\"b\":{\"token\":\"y\"}}".to_owned(),
        ),
        (JSON, "{\"\":{\"token\":\"\\ud800\"}}".to_owned()),
        (TOKEN, jwt(right.as_bytes())),
        (TOKEN, "a.b".to_owned()),
        (TOKEN, "....".to_owned()),
        (TOKEN, format!("{}\r\nx: y", jwt(b"{}"))),
        (CLAIMS, "[]".to_owned()),
    ];
    let spoil = |(from, to): (&str, &str)| (CLAIMS, right.replace(from, to));
    seeds.extend(spoilt.map(spoil));
    seeds.push((CLAIMS, right.clone()));
    seeds
        .into_iter()
        .map(|(form, text)| [vec![form], text.into_bytes()].concat())
        .collect()
}

/// The rest is the kubelet's JSON.
const JSON: u8 = b'j';
/// The rest is a token.
const TOKEN: u8 = b't';
/// The rest is a token's claims.
const CLAIMS: u8 = b'c';
