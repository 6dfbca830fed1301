//! Authentication and authorisation.

use futures::{FutureExt, TryStreamExt};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Patch, PatchParams, WatchEvent, WatchParams};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use crate::Contract;
use crate::namespace::{LIMIT, TestNamespace, code, refusal, send, until};
use crate::pods::pod;
use crate::requests::{self, REQUESTS};

pub(crate) const CONTRACTS: &[Contract] = crate::named![
    a_bad_token_is_401_and_no_token_is_a_stranger,
    a_workload_creates_requests_only_if_it_may_and_only_at_home,
    a_token_request_makes_a_token_bound_to_the_pod,
    a_right_to_one_object_is_to_read_and_to_watch_that_one,
    a_review_of_rights_says_what_a_call_is_answered,
];

async fn a_bad_token_is_401_and_no_token_is_a_stranger(room: TestNamespace) {
    let path = room.path("cert-manager.io", REQUESTS);
    let bad = send(&room.bearer(Some("a.b.c")), "GET", &path, &Value::Null).await;
    assert_eq!(refusal(bad), (401, "Unauthorized".to_owned()));
    let stranger = send(&room.bearer(None), "GET", &path, &Value::Null).await;
    let stranger = stranger.expect_err("a stranger");
    let text = stranger.to_string();
    assert!(
        text.contains("User \"system:anonymous\" cannot list"),
        "{text}"
    );
    assert_eq!(code::<Value>(Err(stranger)), 403);
}

async fn a_workload_creates_requests_only_if_it_may_and_only_at_home(room: TestNamespace) {
    let rightless = room.account("rightless").await;
    let body = requests::body("x");
    let refused = room.request_as(&rightless, &body).await;
    let Err(kube::Error::Api(status)) = refused else {
        panic!("it was not refused: {refused:?}")
    };
    assert_eq!((status.code, status.reason.as_str()), (403, "Forbidden"));
    let about = status.details.as_ref().expect("details");
    let about = (about.group.as_str(), about.kind.as_str());
    assert_eq!(about, ("cert-manager.io", REQUESTS));
    let plural = format!("\"{REQUESTS}\" in API group \"cert-manager.io\"");
    assert!(status.message.contains(&plural), "{}", status.message);

    let till = room.account("till").await;
    room.allow("till", REQUESTS, &["create"], None).await;
    room.request_as(&till, &body).await.expect("allowed");
    let elsewhere = room.beside(json!({})).await;
    assert_eq!(code(elsewhere.request_as(&till, &body).await), 403);
    elsewhere.close().await;
    let path = format!("{}/x", room.path("cert-manager.io", REQUESTS));
    let read = send(&till, "GET", &path, &Value::Null).await;
    assert_eq!(code(read), 403, "a workload may not even read its request");
}

async fn a_token_request_makes_a_token_bound_to_the_pod(room: TestNamespace) {
    room.account("till").await;
    room.allow("till", REQUESTS, &["create"], None).await;
    let pods = room.path("", "pods");
    let made = room
        .admin("POST", &pods, &pod("till-0", "till"))
        .await
        .expect("pod");
    let uid = made["metadata"]["uid"].as_str().expect("uid");
    let spec = |uid: &str, seconds: u64| {
        json!({"audiences": [], "expirationSeconds": seconds, "boundObjectRef": {
            "apiVersion": "v1", "kind": "Pod", "name": "till-0", "uid": uid,
        }})
    };
    let made = room.token("till", &spec(uid, 600)).await.expect("token");
    let token = made["status"]["token"].as_str().expect("token");
    let bound = room.bearer(Some(token));
    let created = room
        .request_as(&bound, &requests::body("x"))
        .await
        .expect("created");
    let extra = &created["spec"]["extra"];
    assert_eq!(extra["authentication.kubernetes.io/pod-uid"], json!([uid]));
    assert_eq!(code(room.token("till", &spec("another", 600)).await), 409);
    assert_eq!(code(room.token("till", &spec(uid, 599)).await), 422);
    let path = format!("{}/till/token", room.path("", "serviceaccounts"));
    let body = json!({"metadata": {}, "spec": spec(uid, 600)});
    let own = send(&bound, "POST", &path, &body).await;
    assert_eq!(code(own), 403, "a pod may not make tokens");
    let now = format!("{pods}/till-0?gracePeriodSeconds=0");
    room.admin("DELETE", &now, &Value::Null)
        .await
        .expect("deleted");
    until("the token has died with its pod", || {
        async {
            let late = room.request_as(&bound, &requests::body("y")).await;
            matches!(late, Err(kube::Error::Api(status)) if status.code == 401)
        }
        .boxed()
    })
    .await;
}

/// As the driver and the approver read the ConfigMap of the issuer.
async fn a_right_to_one_object_is_to_read_and_to_watch_that_one(room: TestNamespace) {
    let version = room.map("own").await.resource_version().expect("version");
    room.map("other").await;
    let reader = room.account("reader").await;
    let verbs = &["get", "watch"];
    room.allow_in("", "reader", "configmaps", verbs, Some("own"))
        .await;
    let maps: Api<ConfigMap> = Api::namespaced(reader.clone(), &room.namespace);
    maps.get("own").await.expect("its own");
    assert_eq!(code(maps.get("other").await), 403);
    let one = WatchParams::default().fields("metadata.name=own");
    let stream = maps.watch(&one, &version).await.expect("watch");
    let change = Patch::Merge(json!({"data": {"key": "2"}}));
    let changed = room.maps();
    let changed = changed.patch("own", &PatchParams::default(), &change).await;
    changed.expect("changed");
    let mut stream = std::pin::pin!(stream);
    let seen = tokio::time::timeout(LIMIT, stream.try_next()).await;
    let seen = seen.expect("in time").expect("event");
    assert!(matches!(&seen, Some(WatchEvent::Modified(map)) if map.name_any() == "own"));
    let path = room.path("", "configmaps");
    for query in [
        "",
        "?fieldSelector=metadata.name%3Down",
        "?watch=true&timeoutSeconds=1",
        "?watch=true&timeoutSeconds=1&fieldSelector=metadata.name%3Dother",
    ] {
        let refused = send(&reader, "GET", &format!("{path}{query}"), &Value::Null).await;
        assert_eq!(code(refused), 403, "{query:?}");
    }
}

async fn a_review_of_rights_says_what_a_call_is_answered(room: TestNamespace) {
    let till = room.account("till").await;
    room.allow("till", REQUESTS, &["create"], None).await;
    let namespace = &room.namespace;
    let review = |verb: &str, namespace: &str| {
        json!({"metadata": {}, "spec": {
            "user": format!("system:serviceaccount:{}:till", room.namespace),
            "resourceAttributes": {
                "group": "cert-manager.io", "resource": REQUESTS, "verb": verb,
                "namespace": namespace, "name": "", "subresource": "",
            },
        }})
    };
    let path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
    for (verb, within, allowed) in [
        ("create", namespace.as_str(), true),
        ("delete", namespace, false),
        ("create", "default", false),
        ("create", "", false),
    ] {
        let answer = room.admin("POST", path, &review(verb, within)).await;
        let answer = answer.expect("answered");
        assert_eq!(
            answer["status"]["allowed"],
            json!(allowed),
            "{verb} {within}"
        );
    }
    let own = send(&till, "POST", path, &review("create", namespace)).await;
    assert_eq!(code(own), 403, "a workload may not ask about others");
    let listed = room.admin("GET", path, &Value::Null).await;
    assert_eq!(code(listed), 405, "nothing is kept");
}
