//! Node-attested mode and the tokens of pods: who asks, for which Pod, and what that Pod is.

use svid_core::policy::{
    Attestation, Credentials, Decision, Denial, Owner, PodEvidence, Policy, Request, Rule,
    Violation, evaluate,
};
use svid_corpus::craft::{Craft, general_name, san, to_pem};
use svid_corpus::{DRIVER, VALID_ID, around, policy};

const NODE_NAME: &str = "authentication.kubernetes.io/node-name";
const NODE_UID: &str = "authentication.kubernetes.io/node-uid";
const POD_NAME: &str = "authentication.kubernetes.io/pod-name";
const POD_UID: &str = "authentication.kubernetes.io/pod-uid";

pub(crate) fn node_attested() -> Policy {
    Policy {
        attestation: svid_corpus::node_attested(),
        ..policy()
    }
}

/// What is special about one case, what must object to it, and how it comes about.
type Case<Breaks, Thing> = (&'static str, Breaks, fn(&mut Thing));

fn owner() -> Owner {
    Owner {
        api_version: "v1".to_owned(),
        kind: "Pod".to_owned(),
        name: "api-7".to_owned(),
        uid: "u".to_owned(),
    }
}

fn say(request: &mut Request, claim: &str, values: &[&str]) {
    let values = values.iter().map(|&value| value.to_owned()).collect();
    request.requester.extra.insert(claim.to_owned(), values);
}

/// What the driver of node-1 sends for the pod below.
pub(crate) fn request() -> Request {
    let mut request = around(Craft::new().pem());
    request.requester.username = DRIVER.to_owned();
    for (claim, value) in [
        (POD_NAME, "driver-x"),
        (POD_UID, "d"),
        (NODE_NAME, "node-1"),
        (NODE_UID, "n"),
    ] {
        say(&mut request, claim, &[value]);
    }
    request.owners = vec![owner()];
    request
}

fn pod() -> PodEvidence {
    PodEvidence {
        namespace: "payments".to_owned(),
        name: "api-7".to_owned(),
        uid: "u".to_owned(),
        node: "node-1".to_owned(),
        service_account: "api".to_owned(),
        is_mirror: false,
        csi_drivers: vec!["spiffe.csi.cert-manager.io".to_owned()],
        phase: "Running".to_owned(),
    }
}

fn rules(denial: &Denial) -> Vec<Rule> {
    denial.violations().iter().map(Violation::rule).collect()
}

/// Which rules object, the Pod being read only where the policy asks for it.
fn broken(request: &Request, found: Option<&PodEvidence>) -> Vec<Rule> {
    match evaluate(&node_attested(), request) {
        Decision::Inquire(inquiry) => inquiry
            .conclude(found)
            .map_or_else(|denial| rules(&denial), |_approval| Vec::new()),
        Decision::Deny(denial) => rules(&denial),
        Decision::Approve(_) => panic!("approved without a Pod"),
        Decision::LeaveAlone => panic!("left alone"),
    }
}

#[test]
fn the_drivers_request_for_a_pod_of_its_node_is_approved_for_that_pods_identity() {
    let Decision::Inquire(inquiry) = evaluate(&node_attested(), &request()) else {
        panic!("not inquired");
    };
    let asked = inquiry.pod();
    assert_eq!(
        (asked.namespace.as_str(), asked.name.as_str()),
        ("payments", "api-7")
    );
    let approval = inquiry.conclude(Some(&pod())).unwrap();
    assert_eq!(approval.spiffe_id().as_str(), VALID_ID);
}

#[test]
fn a_pod_that_renews_or_has_not_begun_is_approved_as_well() {
    let changes: [fn(&mut PodEvidence); 6] = [
        |pod| pod.phase.clear(),
        |pod| pod.csi_drivers.push(pod.csi_drivers[0].clone()),
        |pod| pod.phase = "Pending".to_owned(),
        |pod| pod.phase = "Unknown".to_owned(),
        |pod| pod.csi_drivers.insert(0, "other".to_owned()),
        |pod| pod.csi_drivers.push("other".to_owned()),
    ];
    for change in changes {
        let mut pod = pod();
        change(&mut pod);
        assert_eq!(broken(&request(), Some(&pod)), [], "{pod:?}");
    }
}

#[test]
fn a_pod_that_names_no_account_is_not_one_of_default() {
    let id = "spiffe://cluster.local/ns/payments/sa/default";
    let mut request = request();
    let names = san(true, &[general_name(0x86, id.as_bytes())]);
    request.csr_pem = Craft::new().extensions(&[names]).pem();
    request.identity_annotation = id.to_owned();
    let mut pod = pod();
    for (account, allowed) in [("", false), ("default", true), ("api", false)] {
        pod.service_account = account.to_owned();
        let rules = broken(&request, Some(&pod));
        assert_eq!(rules.is_empty(), allowed, "{account:?}: {rules:?}");
    }
}

#[test]
fn no_pod_that_is_not_the_one_asked_for_is_approved() {
    assert_eq!(broken(&request(), None), [Rule::PodExistence]);
    let cases: [Case<Rule, PodEvidence>; 19] = [
        ("moved", Rule::PodNode, |pod| pod.node = "node-2".to_owned()),
        ("on no node", Rule::PodNode, |pod| pod.node.clear()),
        ("on a node of a longer name", Rule::PodNode, |pod| {
            pod.node.push('1');
        }),
        ("on a node in upper case", Rule::PodNode, |pod| {
            pod.node = "Node-1".to_owned();
        }),
        ("replaced", Rule::PodExistence, |pod| {
            pod.uid = "v".to_owned();
        }),
        ("without a UID", Rule::PodExistence, |pod| pod.uid.clear()),
        ("of another name", Rule::PodExistence, |pod| {
            pod.name.push('8');
        }),
        ("of another namespace", Rule::PodExistence, |pod| {
            pod.namespace = "default".to_owned();
        }),
        ("succeeded", Rule::PodPhase, |pod| {
            pod.phase = "Succeeded".to_owned();
        }),
        ("failed", Rule::PodPhase, |pod| {
            pod.phase = "Failed".to_owned();
        }),
        ("of another service account", Rule::Identity, |pod| {
            pod.service_account = "admin".to_owned();
        }),
        ("of no service account", Rule::Identity, |pod| {
            pod.service_account.clear();
        }),
        ("of an impossible account", Rule::Identity, |pod| {
            pod.service_account = "a/../api".to_owned();
        }),
        ("made by a kubelet", Rule::PodMirror, |pod| {
            pod.is_mirror = true;
        }),
        ("without a volume of ours", Rule::PodVolume, |pod| {
            pod.csi_drivers.clear();
        }),
        ("with another driver's volume", Rule::PodVolume, |pod| {
            pod.csi_drivers = vec!["csi.cert-manager.io".to_owned()];
        }),
        ("with a longer driver's volume", Rule::PodVolume, |pod| {
            pod.csi_drivers[0].push_str(".example.org");
        }),
        ("with our name in upper case", Rule::PodVolume, |pod| {
            pod.csi_drivers[0].make_ascii_uppercase();
        }),
        ("with a volume of no driver", Rule::PodVolume, |pod| {
            pod.csi_drivers[0].clear();
        }),
    ];
    for (what, rule, change) in cases {
        let mut pod = pod();
        change(&mut pod);
        assert_eq!(broken(&request(), Some(&pod)), [rule], "{what}");
    }
}

#[test]
fn every_rule_about_a_pod_that_does_not_hold_is_told() {
    let mut pod = pod();
    pod.node = "node-2".to_owned();
    pod.service_account = "\u{1b}".repeat(1000);
    pod.csi_drivers.clear();
    pod.phase = "Failed".to_owned();
    let Decision::Inquire(inquiry) = evaluate(&node_attested(), &request()) else {
        panic!("not inquired");
    };
    let denial = inquiry.conclude(Some(&pod)).unwrap_err();
    let all = [
        Rule::Identity,
        Rule::PodNode,
        Rule::PodVolume,
        Rule::PodPhase,
    ];
    assert_eq!(rules(&denial), all);
    let message = denial.message();
    assert!(message.len() <= Denial::MAX_MESSAGE_BYTES);
    assert!(
        message
            .bytes()
            .all(|byte| byte == b' ' || byte.is_ascii_graphic())
    );
}

/// A hostile request is denied before any Pod is read: a right one is at hand, and is not asked
/// for.
#[test]
fn a_request_that_is_wrong_in_itself_needs_no_pod() {
    let mut cases: Vec<(String, Rule, Request)> = Vec::new();
    let mut add = |what: String, rule: Rule, change: &dyn Fn(&mut Request)| {
        let mut request = request();
        change(&mut request);
        cases.push((what, rule, request));
    };
    for username in [
        "system:serviceaccount:cert-manager:driver2",
        "system:serviceaccount:cert-manager:drive",
        "system:serviceaccount:cert-manager:driver:x",
        "system:serviceaccount:cert-manager:driver ",
        "system:serviceaccount:cert-manager:Driver",
        "oidc:system:serviceaccount:cert-manager:driver",
        "driver",
        "system:serviceaccount:default:driver",
        "system:serviceaccount:payments:api",
        "system:node:node-1",
        "",
    ] {
        add(format!("by {username:?}"), Rule::Driver, &|request| {
            request.requester.username = username.to_owned();
        });
    }
    for claim in [NODE_NAME, NODE_UID, POD_NAME, POD_UID] {
        add(format!("without {claim}"), Rule::NodeClaims, &|request| {
            request.requester.extra.remove(claim);
        });
        let wrong: [&[&str]; 5] = [
            &[],
            &[""],
            &["node-1", ""],
            &["node-1", "node-2"],
            &["node-1", "node-1"],
        ];
        for values in wrong {
            add(
                format!("{claim} {values:?}"),
                Rule::NodeClaims,
                &|request| {
                    say(request, claim, values);
                },
            );
        }
    }
    for (what, owners) in [
        ("no owner", vec![]),
        ("two owners", vec![owner(), owner()]),
        (
            "a second owner of another kind",
            vec![
                owner(),
                Owner {
                    kind: "ReplicaSet".to_owned(),
                    api_version: "apps/v1".to_owned(),
                    ..owner()
                },
            ],
        ),
        (
            "owner of another kind",
            vec![Owner {
                kind: "Node".to_owned(),
                ..owner()
            }],
        ),
        (
            "owner of another version",
            vec![Owner {
                api_version: "v1beta1".to_owned(),
                ..owner()
            }],
        ),
        (
            "owner of another group",
            vec![Owner {
                api_version: "example.org/v1".to_owned(),
                ..owner()
            }],
        ),
        (
            "owner whose name is a path",
            vec![Owner {
                name: "../../secrets/x".to_owned(),
                ..owner()
            }],
        ),
        (
            "owner without UID",
            vec![Owner {
                uid: String::new(),
                ..owner()
            }],
        ),
    ] {
        add(what.to_owned(), Rule::Owner, &|request| {
            request.owners.clone_from(&owners);
        });
    }
    add("another namespace".to_owned(), Rule::Identity, &|request| {
        request.namespace = "default".to_owned();
    });
    add("edited".to_owned(), Rule::Generation, &|request| {
        request.generation = Some(2);
    });
    add(
        "annotated otherwise".to_owned(),
        Rule::Annotation,
        &|request| {
            request.identity_annotation.push('2');
        },
    );
    add("unreadable".to_owned(), Rule::Encoding, &|request| {
        request.csr_pem.clear();
    });
    for (what, rule, request) in cases {
        let Decision::Deny(denial) = evaluate(&node_attested(), &request) else {
            panic!("{what}: not denied");
        };
        assert!(rules(&denial).contains(&rule), "{what}: {denial:?}");
    }
}

#[test]
fn what_a_pod_sends_itself_is_denied_in_node_attested_mode_and_the_other_way_round() {
    let mut own = request();
    own.requester.username = "system:serviceaccount:payments:api".to_owned();
    say(&mut own, POD_NAME, &["api-7"]);
    say(&mut own, POD_UID, &["u"]);
    assert_eq!(broken(&own, Some(&pod())), [Rule::Driver]);
    let by_pod = Policy {
        attestation: Attestation::PodToken(Credentials::BoundToPod),
        ..policy()
    };
    assert!(matches!(evaluate(&by_pod, &own), Decision::Approve(_)));
    let Decision::Deny(denial) = evaluate(&by_pod, &request()) else {
        panic!("the driver has an identity of its own only");
    };
    assert!(rules(&denial).contains(&Rule::Identity));
}

#[test]
fn a_pods_token_makes_requests_of_that_pod_only() {
    let policy = |credentials| Policy {
        attestation: Attestation::PodToken(credentials),
        ..policy()
    };
    let cases: [Case<Option<Rule>, Request>; 5] = [
        ("its own", None, |_| {}),
        ("another pod's", Some(Rule::PodToken), |request| {
            request.owners[0].name = "api-8".to_owned();
        }),
        ("a later pod's", Some(Rule::PodToken), |request| {
            request.owners[0].uid = "v".to_owned();
        }),
        ("nobody's", Some(Rule::Owner), |request| {
            request.owners.clear();
        }),
        ("two pods'", Some(Rule::Owner), |request| {
            request.owners.push(owner());
        }),
    ];
    for (what, rule, change) in cases {
        let mut request = around(Craft::new().pem());
        request.owners = vec![owner()];
        say(&mut request, POD_NAME, &["api-7"]);
        say(&mut request, POD_UID, &["u"]);
        change(&mut request);
        for credentials in [Credentials::Any, Credentials::BoundToPod] {
            let decision = evaluate(&policy(credentials), &request);
            match (rule, decision) {
                (None, Decision::Approve(_)) => {}
                (Some(rule), Decision::Deny(denial)) => {
                    assert_eq!(rules(&denial), [rule], "{what}");
                }
                (_, decision) => panic!("{what}: {decision:?}"),
            }
        }
    }
    let unbound = around(Craft::new().pem());
    let decision = evaluate(&policy(Credentials::BoundToPod), &unbound);
    assert!(matches!(decision, Decision::Deny(denial) if rules(&denial) == [Rule::PodToken]));
}

/// No single change of a right request is approved in this mode either.
#[test]
fn no_single_flipped_bit_of_a_right_request_leads_to_an_approval() {
    let der = Craft::new().der();
    for at in 0..der.len() {
        let mut changed = der.clone();
        changed[at] ^= 1;
        let mut request = request();
        request.csr_pem = to_pem(&changed);
        assert_ne!(broken(&request, Some(&pod())), [], "byte {at}");
    }
}
