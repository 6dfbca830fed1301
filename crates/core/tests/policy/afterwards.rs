//! What is asked of a request that somebody has approved.

use svid_core::policy::{Request, Rule, evaluate_approved};
use svid_corpus::craft::Craft;
use svid_corpus::hostile::hostile;
use svid_corpus::right::right;
use svid_corpus::{Expect, World, around};

use crate::inquiry::request as of_a_driver;

fn rules(request: &Request) -> Vec<Rule> {
    let Err(denial) = evaluate_approved(request.clone()) else {
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
                    Rule::Duration
                        | Rule::TrustDomain
                        | Rule::ExtraAnnotations
                        // As a driver's request for a Pod, which would have to be read.
                        | Rule::Identity
                        | Rule::PodToken
                ),
                "{}",
                case.name
            );
        }
    }
    assert!(passed < 60, "{passed}");
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
    assert!(rules(&unowned).contains(&Rule::Owner), "{unowned:?}");
    let mut plain = around(Craft::new().pem());
    plain.identity_annotation = String::new();
    assert_eq!(rules(&plain), [Rule::Annotation]);
}
