//! What cert-manager's webhooks write and refuse
//! (`internal/webhook/admission/certificaterequest`, `internal/apis/certmanager/validation`).

use futures::FutureExt;
use serde_json::{Value, json};

use crate::Contract;
use crate::namespace::{TestNamespace, code, until};
use crate::requests;

pub(crate) const CONTRACTS: &[Contract] = crate::named![
    the_requester_is_stamped_over_whatever_it_says_of_itself,
    a_specification_is_immutable_unless_validation_is_disabled_for_the_namespace,
    status_and_specification_are_written_through_their_own_paths_only,
    an_approval_needs_the_right_to_approve_and_stays,
    who_may_write_the_status_may_still_not_approve_for_every_issuer,
    an_approval_for_an_issuer_of_a_kind_that_is_not_served_is_refused_to_everybody,
    a_request_without_a_sound_csr_is_refused,
    a_csr_that_asks_for_something_else_than_the_specification_is_refused,
    a_duration_that_go_cannot_read_is_refused,
];

fn approved() -> Value {
    json!({"status": {"conditions": [{
        "type": "Approved", "status": "True", "reason": "r", "message": "m",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }]}})
}

async fn the_requester_is_stamped_over_whatever_it_says_of_itself(room: TestNamespace) {
    let till = room.account("till").await;
    room.allow("till", requests::REQUESTS, &["create"], None)
        .await;
    let mut body = requests::body("x");
    body["spec"]["username"] = json!("system:serviceaccount:bank:vault");
    body["spec"]["groups"] = json!(["system:masters"]);
    body["spec"]["extra"] = json!({"authentication.kubernetes.io/node-name": ["elsewhere"]});
    let created = room.request_as(&till, &body).await.expect("created");
    let spec = &created["spec"];
    let namespace = &room.namespace;
    assert_eq!(
        spec["username"],
        format!("system:serviceaccount:{namespace}:till")
    );
    let own = format!("system:serviceaccounts:{namespace}");
    let groups = json!(["system:serviceaccounts", own, "system:authenticated"]);
    assert_eq!(spec["groups"], groups);
    let extra = spec["extra"].as_object().expect("extra");
    let keys: Vec<&String> = extra.keys().collect();
    assert_eq!(keys, ["authentication.kubernetes.io/credential-id"]);
    assert_eq!(created["metadata"]["generation"], 1);
}

async fn a_specification_is_immutable_unless_validation_is_disabled_for_the_namespace(
    room: TestNamespace,
) {
    let administrator = room.administrator();
    room.request("x").await;
    let edit = json!({"spec": {"username": "system:serviceaccount:bank:vault"}});
    let refused = room.merge(&administrator, "x", "", &edit).await;
    assert_eq!(code(refused), 403);
    let annotate = |key: &str| json!({"metadata": {"annotations": {key: "y"}}});
    let own = annotate("cert-manager.io/a");
    assert_eq!(code(room.merge(&administrator, "x", "", &own).await), 403);
    let foreign = annotate("spiffe.csi.cert-manager.io/identity");
    let foreign = room
        .merge(&administrator, "x", "", &foreign)
        .await
        .expect("allowed");
    assert_eq!(
        foreign["metadata"]["generation"], 1,
        "metadata does not count"
    );

    let unchecked = json!({"cert-manager.io/disable-validation": "true"});
    let unchecked = room.beside(unchecked).await;
    unchecked.request("x").await;
    let edited = unchecked
        .merge(&administrator, "x", "", &edit)
        .await
        .expect("edited");
    assert_eq!(
        edited["spec"]["username"],
        "system:serviceaccount:bank:vault"
    );
    assert_eq!(edited["metadata"]["generation"], 2, "and it shows");
    unchecked.close().await;
}

async fn status_and_specification_are_written_through_their_own_paths_only(room: TestNamespace) {
    let administrator = room.administrator();
    let mut body = requests::body("x");
    body["status"] = approved()["status"].clone();
    let created = room
        .request_as(&administrator, &body)
        .await
        .expect("created");
    assert!(
        created["status"].is_null(),
        "a status cannot be set at create"
    );
    let ignored = room
        .merge(&administrator, "x", "", &approved())
        .await
        .expect("ignored");
    assert!(ignored["status"].is_null());
    let mut both = approved();
    both["spec"] = json!({"isCA": true});
    both["metadata"] = json!({"labels": {"a": "b"}});
    let patched = room
        .merge(&administrator, "x", "/status", &both)
        .await
        .expect("patched");
    assert!(patched["status"]["conditions"].is_array());
    assert!(patched["spec"]["isCA"].is_null() && patched["metadata"]["labels"].is_null());
    assert_eq!(patched["metadata"]["generation"], 1);
}

async fn an_approval_needs_the_right_to_approve_and_stays(room: TestNamespace) {
    room.request("x").await;
    let driver = room.account("driver").await;
    let refused = room.merge(&driver, "x", "/status", &approved()).await;
    assert_eq!(
        code(refused),
        403,
        "who has no rights may not write a status"
    );

    let approver = room.account("approver").await;
    room.allow("approver", "certificaterequests/status", &["patch"], None)
        .await;
    room.allow("approver", "signers", &["approve"], None).await;
    let done = room.merge(&approver, "x", "/status", &approved()).await;
    done.expect("approved");
    for taken_back in [
        json!([]),
        json!([{"type": "Denied", "status": "True"}]),
        json!([{"type": "Approved", "status": "False"}]),
    ] {
        let patch = json!({"status": {"conditions": taken_back}});
        let refused = room.merge(&approver, "x", "/status", &patch).await;
        assert_eq!(code(refused), 403, "{patch}");
    }
    room.request("y").await;
    for wrong in [
        json!([{"type": "Approved", "status": "True"}, {"type": "Denied", "status": "True"}]),
        json!([{"type": "Approved", "status": "Unknown"}]),
    ] {
        let patch = json!({"status": {"conditions": wrong}});
        let refused = room.merge(&approver, "y", "/status", &patch).await;
        assert_eq!(code(refused), 403, "{patch}");
    }
    let twice = json!({"type": "Approved", "status": "True"});
    let patch = json!({"status": {"conditions": [twice, twice]}});
    let refused = room.merge(&approver, "y", "/status", &patch).await;
    assert_eq!(code(refused), 422, "a list by type holds each type once");
}

async fn who_may_write_the_status_may_still_not_approve_for_every_issuer(room: TestNamespace) {
    room.request("x").await;
    let approver = room.account("approver").await;
    room.allow("approver", "certificaterequests/status", &["patch"], None)
        .await;
    let other = Some("clusterissuers.cert-manager.io/other");
    room.allow("approver", "signers", &["approve"], other).await;
    let refused = room.merge(&approver, "x", "/status", &approved()).await;
    assert_eq!(code(refused), 403);
    let own = Some("clusterissuers.cert-manager.io/contract");
    room.allow("approver", "signers", &["approve"], own).await;
    // A webhook may remember its last answer for a second.
    until("the approval is taken", || {
        async {
            let done = room.merge(&approver, "x", "/status", &approved()).await;
            done.is_ok()
        }
        .boxed()
    })
    .await;
}

async fn an_approval_for_an_issuer_of_a_kind_that_is_not_served_is_refused_to_everybody(
    room: TestNamespace,
) {
    let administrator = room.administrator();
    let mut body = requests::body("x");
    body["spec"]["issuerRef"]["kind"] = json!("Nothing");
    let refused = room.request_as(&administrator, &body).await;
    assert_eq!(code(refused), 403, "cert-manager knows its own kinds");
    body["spec"]["issuerRef"]["group"] = json!("nobody.example");
    let created = room.request_as(&administrator, &body).await;
    created.expect("an issuer need not exist");
    let refused = room
        .merge(&administrator, "x", "/status", &approved())
        .await;
    assert_eq!(code(refused), 403);
}

async fn a_request_without_a_sound_csr_is_refused(room: TestNamespace) {
    let administrator = room.administrator();
    let no_pem = requests::with_csr("x", "no PEM");
    assert_eq!(code(room.request_as(&administrator, &no_pem).await), 403);
    let forged = requests::with_csr("x", &requests::forged_csr());
    assert_eq!(code(room.request_as(&administrator, &forged).await), 403);
    for (field, value) in [
        ("request", json!("%%%")),
        ("issuerRef", json!({})),
        ("isCA", json!("yes")),
        ("usages", json!("all")),
    ] {
        let mut body = requests::body("x");
        body["spec"][field] = value;
        assert_eq!(
            code(room.request_as(&administrator, &body).await),
            422,
            "{field}"
        );
    }
    let unchecked = json!({"cert-manager.io/disable-validation": "true"});
    let unchecked = room.beside(unchecked).await;
    let taken = unchecked.request_as(&administrator, &no_pem).await;
    taken.expect("nobody looks");
    unchecked.close().await;
}

async fn a_csr_that_asks_for_something_else_than_the_specification_is_refused(room: TestNamespace) {
    let administrator = room.administrator();
    let asks = async |name: &str, pem: &str, is_ca: bool| {
        let mut body = requests::with_csr(name, pem);
        body["spec"]["isCA"] = json!(is_ca);
        if is_ca {
            body["spec"]["usages"] = json!(["cert sign"]);
        }
        room.request_as(&administrator, &body).await
    };
    let same = asks("same", requests::BOTH_USAGES, false).await;
    same.expect("the same usages");
    let authority = asks("authority", requests::AUTHORITY, true).await;
    authority.expect("an authority in both");
    for (name, pem) in [
        ("other-order", requests::OTHER_ORDER),
        ("key-usage-alone", requests::KEY_USAGE_ALONE),
        ("authority-in-the-csr", requests::AUTHORITY),
    ] {
        assert_eq!(code(asks(name, pem, false).await), 403, "{name}");
    }
}

async fn a_duration_that_go_cannot_read_is_refused(room: TestNamespace) {
    for duration in ["", "1", "1 h", "an hour", "1d"] {
        let mut body = requests::body("x");
        body["spec"]["duration"] = json!(duration);
        let refused = room.request_as(&room.administrator(), &body).await;
        assert_eq!(code(refused), 400, "{duration:?}");
    }
}
