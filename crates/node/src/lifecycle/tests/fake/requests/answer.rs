//! Approver and issuer.

use std::time::Duration;

use jiff::SignedDuration;
use svid_api::certmanager::{
    CertificateRequestCondition, ConditionStatus, EncodedBytes, condition_type, ready_reason,
};
use svid_api::duration::GoDuration;
use svid_client::ApiError;

use super::super::authority::Fault;
use super::super::script::Answering;
use super::{Entry, FakeRequests};

impl FakeRequests {
    pub(super) fn settle(&self, name: &str, answering: &Answering) {
        let by = match answering {
            Answering::Nothing => return,
            Answering::DeleteAfter(_) => {
                self.discard(name).unwrap();
                return;
            }
            Answering::IssueByStranger => &self.0.stranger,
            Answering::Issue(_)
            | Answering::IssueAfter(_)
            | Answering::Deny(_)
            | Answering::Fail(_)
            | Answering::Invalid(_)
            | Answering::Approve => &self.0.authority,
        };
        let mut state = self.state();
        let Some(mut object) = state.objects.get(name).cloned() else {
            return;
        };
        let mut status = object.status.take().unwrap_or_default();
        status.conditions.extend(conditions(answering));
        let fault = match answering {
            Answering::Issue(fault) => Some(*fault),
            Answering::IssueAfter(_) | Answering::IssueByStranger => Some(Fault::None),
            Answering::Deny(_)
            | Answering::Fail(_)
            | Answering::Invalid(_)
            | Answering::Approve
            | Answering::Nothing
            | Answering::DeleteAfter(_) => None,
        };
        if let Some(fault) = fault {
            let asked = object.spec.request.decode().unwrap();
            let asked = String::from_utf8(asked).unwrap();
            let lifetime: GoDuration = object.spec.duration.as_deref().unwrap().parse().unwrap();
            let lifetime = Duration::try_from(lifetime).unwrap();
            let lifetime = SignedDuration::try_from(lifetime).unwrap();
            let pem = by.sign(&asked, (self.0.clock.now(), lifetime), fault);
            // Some issuers put all authorities there.
            let is_split = fault == Fault::ByIntermediate;
            let end = pem.rfind("-----BEGIN").filter(|_| is_split);
            let (certificate, ca) = pem.split_at(end.unwrap_or(pem.len()));
            status.certificate = Some(EncodedBytes::encode(certificate));
            status.ca = is_split.then(|| EncodedBytes::encode(ca));
        }
        object.status = Some(status);
        object.metadata.resource_version = Some((state.version() + 1).to_string());
        state.objects.insert(name.to_owned(), object.clone());
        self.log(
            &mut state,
            Entry::Applied(name.to_owned(), Box::new(object)),
        );
    }

    pub(super) fn discard(&self, name: &str) -> Result<(), ApiError> {
        let mut state = self.state();
        let object = state.objects.remove(name).ok_or(ApiError::NotFound)?;
        self.log(
            &mut state,
            Entry::Deleted(name.to_owned(), Box::new(object)),
        );
        Ok(())
    }
}

fn conditions(answering: &Answering) -> Vec<CertificateRequestCondition> {
    let holds = |type_: &str| CertificateRequestCondition {
        type_: type_.to_owned(),
        status: ConditionStatus::True,
        ..CertificateRequestCondition::default()
    };
    let says = |type_: &str, words: &str| CertificateRequestCondition {
        message: Some(words.to_owned()),
        ..holds(type_)
    };
    let approved = holds(condition_type::APPROVED);
    match answering {
        Answering::Issue(_) | Answering::IssueAfter(_) | Answering::IssueByStranger => {
            vec![approved, holds(condition_type::READY)]
        }
        Answering::Deny(words) => vec![says(condition_type::DENIED, words)],
        Answering::Invalid(words) => vec![says(condition_type::INVALID_REQUEST, words)],
        Answering::Fail(words) => vec![
            approved,
            CertificateRequestCondition {
                status: ConditionStatus::False,
                reason: Some(ready_reason::FAILED.to_owned()),
                ..says(condition_type::READY, words)
            },
        ],
        Answering::Approve => vec![approved],
        Answering::Nothing | Answering::DeleteAfter(_) => Vec::new(),
    }
}
