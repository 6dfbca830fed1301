//! Requests with annotations beside the identity, with and without a list of the administrator's.

use std::collections::BTreeMap;

use super::*;

pub(super) const PROFILE: &str = "ejbca-issuer.keyfactor.com/certificateProfileName";
const TEAM: &str = "example.com/team";

fn set(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    entries.iter().map(owned).collect()
}

/// An approver that was told what drivers write, and wrote before.
fn listing(current: &[(&str, &str)], former: &[&[(&str, &str)]]) -> Configuration {
    Configuration {
        extra_annotations: Arc::new(ExtraAnnotations::Listed {
            current: set(current),
            former: former.iter().map(|entries| set(entries)).collect(),
        }),
        ..configuration()
    }
}

fn annotated(name: &str, entries: &[(&str, &str)]) -> Value {
    let mut request = right(name);
    for (key, value) in entries {
        request["metadata"]["annotations"][key] = json!(value);
    }
    request
}

#[tokio::test(start_paused = true)]
async fn what_the_administrator_lists_is_approved_and_nothing_else() {
    let world = World::new();
    let listed = [(TEAM, "blue"), (PROFILE, "svid")];
    let configuration = listing(&listed, &[&[(TEAM, "red")], &[]]);
    let approver = Running::start(&world, "a", configuration);
    let applied = (
        "kubectl.kubernetes.io/last-applied-configuration",
        &*"x".repeat(9000),
    );
    for (name, entries, wanted) in [
        ("current", &listed[..], "Approved"),
        ("former", &[(TEAM, "red")], "Approved"),
        ("first", &[], "Approved"),
        ("applied", &[listed[0], listed[1], applied], "Approved"),
        ("other-profile", &[listed[0], (PROFILE, "SUBCA")], "Denied"),
        ("no-profile", &[listed[0]], "Denied"),
        ("further", &[listed[0], listed[1], ("a", "b")], "Denied"),
        ("of-both", &[(TEAM, "red"), listed[1]], "Denied"),
    ] {
        world.put(&key(name), annotated(name, entries));
        world.until(&key(name), is(wanted)).await;
    }
    let object = world.object(&key("other-profile")).unwrap();
    assert!(message(&object).contains(PROFILE), "{}", message(&object));
    assert!(
        message(&object).contains("\"svid\", not \"SUBCA\""),
        "{}",
        message(&object)
    );
    approver.stop().await;
}

#[tokio::test(start_paused = true)]
async fn with_an_empty_list_a_request_has_the_identity_alone() {
    let world = World::new();
    let approver = Running::start(&world, "a", listing(&[], &[]));
    world.put(&key("right"), right("right"));
    world.until(&key("right"), is("Approved")).await;
    world.put(&key("team"), annotated("team", &[(TEAM, "blue")]));
    let object = world.until(&key("team"), is("Denied")).await;
    assert!(message(&object).contains(TEAM), "{}", message(&object));
    approver.stop().await;
}

#[tokio::test(start_paused = true)]
async fn without_a_list_all_pass_but_what_steers_issuers_and_what_nobody_has_read() {
    let world = World::new();
    let approver = Running::start(&world, "a", configuration());
    world.put(
        &key("team"),
        annotated("team", &[(TEAM, "blue"), ("a", "b")]),
    );
    world.until(&key("team"), is("Approved")).await;
    world.put(
        &key("profile"),
        annotated("profile", &[(TEAM, "blue"), (PROFILE, "SUBCA")]),
    );
    let object = world.until(&key("profile"), is("Denied")).await;
    assert!(message(&object).contains(PROFILE), "{}", message(&object));
    // The API server keeps keys sorted; what steers is behind what is read.
    let mut many = annotated("many", &[(PROFILE, "SUBCA")]);
    for at in 0..1000 {
        many["metadata"]["annotations"][format!("a{at}")] = json!("");
    }
    world.put(&key("many"), many);
    let object = world.until(&key("many"), is("Denied")).await;
    assert!(
        message(&object).contains("more than 32 annotations"),
        "{}",
        message(&object)
    );
    approver.stop().await;
}

#[tokio::test(start_paused = true)]
async fn ordinary_requests_and_those_of_other_issuers_may_have_any() {
    let world = World::new();
    let mut configuration = listing(&[], &[]);
    configuration.ordinary_requests = OrdinaryRequests::Approve;
    let approver = Running::start(&world, "a", configuration);
    let mut ordinary = annotated("ordinary", &[]);
    ordinary["metadata"]["annotations"] = json!({ PROFILE: "web", TEAM: "blue" });
    ordinary["spec"]["issuerRef"]["name"] = json!("web-ca");
    ordinary["spec"]["request"] = json!(EncodedBytes::encode(WEB_CSR));
    world.put(&key("ordinary"), ordinary);
    world.until(&key("ordinary"), is("Approved")).await;
    let mut other = annotated("other", &[(PROFILE, "web")]);
    other["spec"]["issuerRef"]["name"] = json!("another");
    world.put(&key("other"), other);
    world.put(&key("last"), right("last"));
    world.until(&key("last"), is("Approved")).await;
    assert_eq!(decision(&world.object(&key("other")).unwrap()), None);
    approver.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_drivers_own_account_is_bound_to_the_list_as_well() {
    let world = World::new();
    let configuration = Configuration {
        extra_annotations: listing(&[(TEAM, "blue")], &[]).extra_annotations,
        ..attested::node_attested()
    };
    world.put(&attested::pod_key(), attested::pod());
    let approver = Running::start(&world, "a", configuration);
    for (name, value, wanted) in [("right", "blue", "Approved"), ("wrong", "red", "Denied")] {
        let mut request = attested::asked_from(&world, "node-1", name);
        request["metadata"]["annotations"][TEAM] = json!(value);
        world.put(&key(name), request);
        world.until(&key(name), is(wanted)).await;
    }
    approver.stop().await;
}
