//! Who decides for our issuer beside our approver.

use svid_core::policy::IssuerReference;

use super::{ADMISSION_POLICIES, minor, unasked};
use crate::check::catalogue::Check;
use crate::check::look::objects::Policy;
use crate::check::outcome::{Findings, Outcome};
use crate::check::snapshot::{Review, Snapshot, Unseen};

pub(super) fn judge(seen: &Snapshot) -> Option<Outcome> {
    let issuer = seen.issuance.issuer.as_ref()?;
    let mut findings = Findings::of(Check::OthersApprove);
    let closed = closed(&mut findings, seen, issuer);
    if let Closed::Yes = closed {
        return Some(findings.done());
    }
    let left_out = seen.deciders.others_left_out;
    if left_out > 0 {
        findings.partly(format!(
            "not looked at: {left_out} more of cert-manager's controllers"
        ));
    }
    match &seen.certmanager.controllers {
        Ok(controllers) if controllers.is_empty() => {
            findings.partly("not looked at: whose right to ask for, since cert-manager's controller was not found");
        }
        Ok(_) => {}
        Err(unseen) => findings.unseen(unseen),
    }
    unasked(&mut findings, seen, issuer);
    let mut open = None;
    for Review { asked, allowed } in &seen.deciders.others {
        match (allowed, &asked.who) {
            (Ok(true), Some(account)) => {
                open.get_or_insert((account, &asked.name));
            }
            (Ok(_), _) => {}
            (Err(unseen), _) => findings.unseen(unseen),
        }
    }
    if let Some((account, signer)) = open {
        let may = format!("{account} may approve for {signer}");
        match closed {
            Closed::NotSeen(unseen) => findings.unseen(&unseen),
            Closed::NotYet => findings.warning(format!(
                "{may}; the chart closes the issuer, so create the issuer after it"
            )),
            Closed::No(why) => findings.error(format!(
                "{may}, and {why}: who may create a CertificateRequest gets any identity"
            )),
            Closed::Yes => {}
        }
    }
    Some(findings.done())
}

/// Whether an admission policy keeps others from deciding.
enum Closed {
    Yes,
    /// Not before the chart is there.
    NotYet,
    No(String),
    NotSeen(Unseen),
}

fn closed(findings: &mut Findings, seen: &Snapshot, issuer: &IssuerReference) -> Closed {
    if minor(seen).is_some_and(|minor| minor < ADMISSION_POLICIES) {
        return Closed::No("this Kubernetes has no admission policies".to_owned());
    }
    if seen.is_before {
        return Closed::NotYet;
    }
    let (policies, bindings) = match (&seen.deciders.policies, &seen.deciders.bindings) {
        (Ok(policies), Ok(bindings)) => (policies, bindings),
        (Err(unseen), _) | (_, Err(unseen)) if unseen.is_unknown => {
            return Closed::No("this Kubernetes has no admission policies".to_owned());
        }
        (Err(unseen), _) | (_, Err(unseen)) => return Closed::NotSeen(unseen.clone()),
    };
    let release = seen.release.as_ref().ok();
    let set = release.and_then(|release| release.driver.one());
    let Some(instance) = set.map(|role| role.object.metadata.labels.instance.beginning()) else {
        return Closed::No("no release with policies was found".to_owned());
    };
    let at_run_time = seen.issuance.config_map.is_some();
    let closing = policies.iter().find(|policy| {
        let labels = &policy.metadata.labels;
        labels.instance.beginning() == instance && closes(policy, issuer, at_run_time)
    });
    let Some(policy) = closing else {
        return Closed::No(format!(
            "no admission policy of the release closes {issuer}"
        ));
    };
    for warning in &policy.status.type_checking.expression_warnings.kept {
        let name = &policy.metadata.name;
        findings.warning(format!("{name}: {}", warning.warning.beginning()));
    }
    let binds = bindings.iter().any(|binding| {
        let mut actions = binding.spec.validation_actions.kept.iter();
        binding.spec.policy_name.beginning() == policy.metadata.name
            && actions.any(|action| action.beginning() == "Deny")
    });
    if binds {
        Closed::Yes
    } else {
        let name = &policy.metadata.name;
        Closed::No(format!("nothing binds the admission policy {name} to deny"))
    }
}

/// Whether a policy of the chart is the one that closes this issuer: it names it, or reads the
/// ConfigMap that does.
fn closes(policy: &Policy, issuer: &IssuerReference, at_run_time: bool) -> bool {
    let name = &policy.metadata.name;
    if name.ends_with("-runtime-issuer") {
        return at_run_time;
    }
    let named = format!("\"{}\"", issuer.name);
    let mut conditions = policy.spec.match_conditions.kept.iter();
    name.ends_with("-issuer")
        && conditions.any(|condition| condition.expression.beginning().contains(&named))
}
