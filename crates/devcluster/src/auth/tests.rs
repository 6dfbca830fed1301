//! Tokens that authenticate, tokens that do not, and rights.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::token_error::TokenError;
use super::*;
use crate::clock::Clock;
use crate::resource::{NODES, PODS, SERVICE_ACCOUNTS};
use crate::store::{Key, Store, StoreError, meta};

struct Fixture {
    store: Arc<Store>,
    clock: Clock,
    tokens: Tokens,
}

fn fixture() -> Fixture {
    let store = Arc::new(Store::new(100));
    let clock = Clock::default();
    let add = |key: Key, spec: Value| {
        let metadata = json!({"name": key.name, "namespace": key.namespace, "uid": format!("uid-{}", key.name)});
        let object = json!({"metadata": metadata, "spec": spec});
        store.create(key, object).expect("object");
    };
    add(Key::new(&NODES, "", "node"), json!({}));
    add(Key::new(&SERVICE_ACCOUNTS, "shop", "till"), json!({}));
    add(
        Key::new(&PODS, "shop", "till-0"),
        json!({"serviceAccountName": "till", "nodeName": "node"}),
    );
    let tokens = Tokens::new(Arc::clone(&store), clock.clone());
    Fixture {
        store,
        clock,
        tokens,
    }
}

fn spec() -> TokenSpec {
    TokenSpec {
        service_account: ServiceAccountName::new("shop", "till"),
        binding: Binding::Pod("till-0".to_owned()),
        audiences: Vec::new(),
        lifetime: Duration::from_secs(600),
    }
}

impl Fixture {
    fn token(&self, spec: &TokenSpec) -> String {
        self.tokens.mint(spec).expect("token")
    }

    fn look(&self, token: &str) -> Result<Authenticated, TokenError> {
        self.tokens.authenticate(Some(token))
    }

    fn advance(&self, by: Duration) {
        let by = jiff::SignedDuration::try_from(by).expect("duration");
        self.clock.set_offset(by);
    }
}

#[test]
fn a_bound_token_stands_for_its_service_account_pod_and_node() {
    let fixture = fixture();
    let token = fixture.token(&spec());
    let Ok(Authenticated::As(user)) = fixture.look(&token) else {
        panic!("not authenticated")
    };
    assert_eq!(user.username, "system:serviceaccount:shop:till");
    assert_eq!(user.uid, "uid-till");
    assert_eq!(
        user.groups,
        [
            "system:serviceaccounts",
            "system:serviceaccounts:shop",
            "system:authenticated"
        ]
    );
    let extra = |key: &str| user.extra[&format!("authentication.kubernetes.io/{key}")][0].clone();
    assert_eq!(extra("pod-name"), "till-0");
    assert_eq!(extra("pod-uid"), "uid-till-0");
    assert_eq!(extra("node-name"), "node");
    assert_eq!(extra("node-uid"), "uid-node");
    let claims = token.split('.').nth(1).expect("claims");
    let claims = URL_SAFE_NO_PAD.decode(claims).expect("base64");
    let claims: Value = serde_json::from_slice(&claims).expect("JSON");
    assert_eq!(
        extra("credential-id"),
        format!("JTI={}", meta::text(&claims, "/jti"))
    );
    assert_eq!(meta::text(&claims, "/kubernetes.io/pod/uid"), "uid-till-0");
    let life = claims["exp"].as_i64().expect("exp") - claims["iat"].as_i64().expect("iat");
    assert_eq!(life, 600);
}

#[test]
fn a_token_without_a_pod_says_nothing_of_pods_and_nodes() {
    let fixture = fixture();
    let token = fixture.token(&TokenSpec {
        binding: Binding::None,
        ..spec()
    });
    let Ok(Authenticated::As(user)) = fixture.look(&token) else {
        panic!("not authenticated")
    };
    let keys: Vec<&String> = user.extra.keys().collect();
    assert_eq!(keys, ["authentication.kubernetes.io/credential-id"]);
}

#[test]
fn nothing_else_stands_for_anybody() {
    let fixture = fixture();
    let good = fixture.token(&spec());
    let (signed, signature) = good.rsplit_once('.').expect("token");
    let (header, claims) = signed.split_once('.').expect("token");
    let forged = URL_SAFE_NO_PAD
        .decode(claims)
        .map(|bytes| {
            String::from_utf8(bytes)
                .expect("text")
                .replace("till", "bank")
        })
        .map(|text| URL_SAFE_NO_PAD.encode(text))
        .expect("claims");
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
    let stranger = self::fixture().token(&spec());
    let table = [
        ("", "empty"),
        ("a.b.c", "not base64"),
        (
            &format!("{header}.{forged}.{signature}"),
            "claims exchanged",
        ),
        (&format!("{none}.{claims}."), "without signature"),
        (
            &format!("{header}.{claims}.{}", &signature[..8]),
            "signature cut",
        ),
        (&stranger, "of another cluster"),
    ];
    for (token, case) in table {
        assert!(fixture.look(token).is_err(), "{case}");
    }
    assert!(matches!(
        fixture.tokens.authenticate(None),
        Ok(Authenticated::Anonymous(user)) if user.username == "system:anonymous"
    ));
}

#[test]
fn a_token_for_another_audience_is_none_for_the_api_server() {
    let fixture = fixture();
    let token = fixture.token(&TokenSpec {
        audiences: vec!["vault".to_owned()],
        ..spec()
    });
    assert_eq!(fixture.look(&token), Err(TokenError::Audience));
}

#[test]
fn a_token_ends_at_its_time_and_does_not_begin_before_it() {
    let fixture = fixture();
    let token = fixture.token(&spec());
    fixture.advance(Duration::from_secs(599));
    assert!(fixture.look(&token).is_ok());
    fixture.advance(Duration::from_secs(600));
    assert_eq!(fixture.look(&token), Err(TokenError::Time));
    fixture
        .clock
        .set_offset(jiff::SignedDuration::from_secs(-60));
    assert_eq!(fixture.look(&token), Err(TokenError::Time));
}

#[test]
fn a_token_dies_with_its_pod_and_with_its_service_account() {
    for key in [
        Key::new(&PODS, "shop", "till-0"),
        Key::new(&SERVICE_ACCOUNTS, "shop", "till"),
    ] {
        let resource = key.resource;
        let fixture = fixture();
        let token = fixture.token(&spec());
        let removed = fixture
            .store
            .remove(&key, |_| Ok::<_, StoreError>(()))
            .expect(resource.kind);
        assert_eq!(fixture.look(&token), Err(TokenError::Gone(resource)));
        let mut successor = Value::clone(&removed);
        meta::metadata(&mut successor).insert("uid".to_owned(), "another".into());
        fixture.store.create(key, successor).expect(resource.kind);
        assert_eq!(
            fixture.look(&token),
            Err(TokenError::Gone(resource)),
            "same name, other UID"
        );
    }
}

#[test]
fn a_token_outlives_the_deletion_of_its_pod_by_a_minute() {
    let fixture = fixture();
    let token = fixture.token(&spec());
    let deleted = crate::clock::seconds(fixture.clock.now());
    let key = Key::new(&PODS, "shop", "till-0");
    let mark = |current: &Value| {
        let mut next = current.clone();
        meta::metadata(&mut next).insert("deletionTimestamp".to_owned(), deleted.into());
        Ok::<_, StoreError>(next)
    };
    fixture.store.update(&key, mark).expect("marked");
    fixture.advance(Duration::from_secs(55));
    assert!(fixture.look(&token).is_ok());
    fixture.advance(Duration::from_secs(62));
    assert_eq!(fixture.look(&token), Err(TokenError::Gone(&PODS)));
}

#[test]
fn a_token_is_bound_only_to_a_pod_of_its_own_service_account() {
    let fixture = fixture();
    let bind = |account: &str, pod: &str| {
        fixture.tokens.mint(&TokenSpec {
            service_account: ServiceAccountName::new("shop", account),
            binding: Binding::Pod(pod.to_owned()),
            ..spec()
        })
    };
    assert!(matches!(bind("till", "none"), Err(MintError::NoPod { .. })));
    assert!(matches!(
        bind("none", "till-0"),
        Err(MintError::NoServiceAccount(_))
    ));
    let other = Key::new(&PODS, "shop", "other");
    let object = json!({"metadata": {"uid": "u"}, "spec": {"serviceAccountName": "other"}});
    fixture.store.create(other, object).expect("pod");
    assert!(matches!(
        bind("till", "other"),
        Err(MintError::OtherServiceAccount { .. })
    ));
}

#[test]
fn rights_are_what_was_granted_and_nothing_more() {
    let permissions = Permissions::default();
    let till = ServiceAccountName::new("shop", "till");
    let driver = ServiceAccountName::new("cert-manager", "driver");
    permissions.grant(Roles::workload(&till));
    for grant in Roles::driver(&driver, Some(("cert-manager", "issuance"))) {
        permissions.grant(grant);
    }
    let user = |account: &ServiceAccountName| User {
        username: account.username(),
        groups: vec!["system:serviceaccounts".to_owned()],
        ..User::anonymous()
    };
    // Who, verb, type, namespace and name; `-` for none.
    let table = [
        ("till create certificaterequests shop -", true),
        ("till create certificaterequests bank -", false),
        ("till create certificaterequests - -", false),
        ("till get certificaterequests shop x", false),
        ("driver watch certificaterequests shop x", true),
        ("driver delete certificaterequests shop x", true),
        ("driver create certificaterequests shop -", false),
        ("driver list certificaterequests - -", false),
        ("driver patch certificaterequests/status shop x", false),
        ("driver watch configmaps cert-manager issuance", true),
        ("driver watch configmaps cert-manager -", false),
        ("driver get configmaps cert-manager other", false),
        ("driver get configmaps shop issuance", false),
        ("driver get secrets cert-manager issuance", false),
    ];
    for (line, expected) in table {
        let words: Vec<&str> = line.split(' ').collect();
        let [who, verb, kind, namespace, name] = words[..] else {
            panic!("{line}")
        };
        let account = if who == "till" { &till } else { &driver };
        let (resource, subresource) = match kind.split_once('/') {
            Some((resource, subresource)) => (resource, Some(subresource)),
            None => (kind, None),
        };
        let question = Question {
            verb,
            group: if resource == "certificaterequests" {
                "cert-manager.io"
            } else {
                ""
            },
            resource,
            subresource,
            namespace: Some(namespace).filter(|text| *text != "-"),
            name: Some(name).filter(|text| *text != "-"),
        };
        assert_eq!(
            permissions.allow(&user(account), &question),
            expected,
            "{account} {question:?}"
        );
        assert!(
            !permissions.allow(&User::anonymous(), &question),
            "{question:?}"
        );
        assert!(
            permissions.allow(&User::administrator(), &question),
            "{question:?}"
        );
    }
}
