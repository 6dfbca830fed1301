//! The report, as people and machines get it.

use serde_json::json;

use super::world::all;
use super::{judge, world};
use crate::check::report::Report;
use crate::check::text;
use crate::output::Verdict;

fn report(breaks: super::Break) -> Report {
    let mut world = world();
    breaks(&mut world);
    Report::new("spiffe.csi.cert-manager.io", "cert-manager", judge(&world))
}

fn printed(report: &Report) -> String {
    let mut output = Vec::new();
    text::write(&mut output, report).unwrap();
    let text = String::from_utf8(output).unwrap();
    anstream::adapter::strip_str(&text).to_string()
}

#[test]
fn a_finding_is_printed_with_advice_and_its_place_in_the_documents() {
    let report = report(|world| world.issuance.cluster_issuers = all(json!([])));
    let text = printed(&report);

    let expected = "\
Issuer
  ok      an issuer is named (issuer-named)
  error   the issuer exists (issuer-there)
          - there is no ClusterIssuer spiffe-ca
          create it; an Issuer must be in each namespace with pods
          see docs/troubleshooting.md#certificaterequestpending
  ok      nobody but our approver decides for the issuer (others-approve)
";
    assert!(text.contains(expected), "{text}");
    let last = "\nnot all is well (1 wrong) with spiffe.csi.cert-manager.io in cert-manager\n";
    assert!(text.ends_with(last), "{text}");
    assert_eq!(report.verdict(), Verdict::Bad);
}

#[test]
fn a_warning_does_not_change_the_verdict_and_what_was_not_seen_does() {
    let warned = report(|world| world.roots = None);
    assert_eq!(warned.verdict(), Verdict::Good);
    assert!(printed(&warned).contains("\nall is well (1 to be mended) with"));
    let unseen = report(|world| world.quotas = super::forbidden());
    assert_eq!(unseen.verdict(), Verdict::Unseen);
    let text = printed(&unseen);
    assert!(text.contains("unseen  no ResourceQuota"), "{text}");
    assert!(text.contains("- not looked at: list things: "), "{text}");
    assert!(
        text.contains("\nnot everything was seen (1 not looked at) with"),
        "{text}"
    );
}

#[test]
fn json_says_what_is_good_in_a_word_and_of_the_rest_all() {
    let report = report(|world| world.lease = Ok(None));
    let json = serde_json::to_value(&report).unwrap();

    assert_eq!(
        (&json["version"], &json["result"]),
        (&json!(1), &json!("error"))
    );
    let checks = json["checks"].as_array().unwrap();
    let of = |id: &str| checks.iter().find(|one| one["id"] == id).unwrap();
    assert_eq!(
        *of("approver-available"),
        json!({"id": "approver-available", "group": "Approver", "result": "good",
            "title": "the approver runs, more than once"})
    );
    assert_eq!(
        *of("approver-leads"),
        json!({"id": "approver-leads", "group": "Approver", "result": "error",
            "title": "one approver leads",
            "found": ["there is no Lease spiffe.csi.cert-manager.io"],
            "advice": "read the approver's log: without a leader nothing is decided",
            "see": "docs/alerts.md#spiffeapproverwithoutleader"})
    );
}
