//! What is asked of a request that somebody has approved.

use svid_core::identity::ServiceAccount;
use svid_core::policy::{Request, Rule, evaluate_approved};
use svid_corpus::craft::Craft;
use svid_corpus::hostile::hostile;
use svid_corpus::right::right;
use svid_corpus::{Expect, World, around};

use crate::inquiry::request as of_a_driver;

fn rules(request: &Request) -> Vec<Rule> {
    let Err(denial) = evaluate_approved(request.clone(), None) else {
        return Vec::new();
    };
    let violations = denial.violations().iter();
    violations.map(svid_core::policy::Violation::rule).collect()
}

#[test]
fn every_right_request_of_either_mode_passes() {
    for case in right(&World::default()) {
        assert_eq!(rules(&case.request), [], "{}", case.name);
    }
    assert_eq!(rules(&of_a_driver()), []);
}

#[test]
fn every_hostile_request_is_found_but_where_settings_alone_forbid_it() {
    let mut passed = 0;
    for case in hostile(&World::default()) {
        let Expect::Deny(rule) = case.expect else {
            panic!("{}", case.name)
        };
        if rules(&case.request).is_empty() {
            passed += 1;
            assert!(
                matches!(
                    rule,
                    Rule::Duration | Rule::TrustDomain | Rule::Identity | Rule::ExtraAnnotations
                ),
                "{}",
                case.name
            );
        }
    }
    assert!(passed < 40, "{passed}");
}

#[test]
fn a_name_of_another_account_or_namespace_is_found_in_either_form() {
    for (what, change) in [
        ("of another", "system:serviceaccount:payments:other"),
        ("from elsewhere", "system:serviceaccount:shop:api"),
        ("of a person", "alice"),
    ] {
        let mut request = around(Craft::new().pem());
        request.requester.username = change.to_owned();
        assert!(!rules(&request).is_empty(), "{what}");
    }
    let mut elsewhere = of_a_driver();
    elsewhere.namespace = "shop".to_owned();
    assert_eq!(rules(&elsewhere), [Rule::Identity]);
    let mut unowned = of_a_driver();
    unowned.owners = Vec::new();
    assert_eq!(rules(&unowned), [Rule::Owner]);
    let mut plain = around(Craft::new().pem());
    plain.identity_annotation = String::new();
    assert_eq!(rules(&plain), [Rule::Annotation]);
}

#[test]
fn a_neighbour_is_no_driver_unless_it_is_the_known_one() {
    let mut neighbour = of_a_driver();
    neighbour.requester.username = "system:serviceaccount:payments:other".to_owned();
    assert!(rules(&neighbour).contains(&Rule::Identity));
    let other = ServiceAccount::new("payments", "other").unwrap();
    assert!(evaluate_approved(neighbour, Some(&other)).is_ok());
}
