//! Notices decisions on SPIFFE identities by other approvers.
//!
//! cert-manager's own approver approves whatever it is not configured to leave
//! (`disableAutoApproval`), and then anyone can obtain any identity. That must not go unnoticed:
//! once for each request a metric and a warning, or one warning in all for those found in a list.

use std::collections::HashSet;

use svid_client::issuer::Issuers;
use svid_core::text::excerpt;

use super::candidate::{Key, Settled};
use crate::metrics::{Elsewhere, Metrics};

/// Remembers which decisions were already reported.
#[derive(Debug)]
pub(crate) struct Bystander {
    metrics: Metrics,
    told: HashSet<String>,
    listed: Option<Listed>,
}

#[derive(Debug, Default)]
struct Listed {
    seen: HashSet<String>,
    approved: u64,
    denied: u64,
}

impl Bystander {
    pub(crate) fn new(metrics: Metrics) -> Self {
        Self {
            metrics,
            told: HashSet::new(),
            listed: None,
        }
    }

    /// Looks at an object that has nothing to decide. Only those for one of our issuers matter.
    pub(crate) fn notice(&mut self, settled: &Settled, issuers: &Issuers) {
        let Some(elsewhere) = &settled.elsewhere else {
            return;
        };
        if !issuers.ever.contains(&elsewhere.issuer) {
            return;
        }
        if let Some(listed) = &mut self.listed
            && !listed.seen.insert(settled.uid.clone())
        {
            return;
        }
        if self.told.contains(&settled.uid) {
            return;
        }
        match (&mut self.listed, elsewhere.decision) {
            // Told with the whole list; if that breaks off, it was not.
            (Some(listed), Elsewhere::Approved) => listed.approved += 1,
            (Some(listed), Elsewhere::Denied) => listed.denied += 1,
            (None, decision) => {
                self.told.insert(settled.uid.clone());
                self.metrics.elsewhere(decision, 1);
                let Key { namespace, name } = &settled.key;
                let reason = excerpt(&elsewhere.reason);
                tracing::warn!(namespace, request = name, ?decision, reason, "{MESSAGE}");
            }
        }
    }

    /// Forgets an object that is gone.
    pub(crate) fn forget(&mut self, uid: &str) {
        self.told.remove(uid);
    }

    /// Begins a list of all objects that there are.
    pub(crate) fn begin_list(&mut self) {
        self.listed = Some(Listed::default());
    }

    /// Ends the list: reports what was new in it, and forgets what was not in it.
    pub(crate) fn end_list(&mut self) {
        let Some(Listed {
            seen,
            approved,
            denied,
        }) = self.listed.take()
        else {
            return;
        };
        self.told = seen;
        self.metrics.elsewhere(Elsewhere::Approved, approved);
        self.metrics.elsewhere(Elsewhere::Denied, denied);
        if approved + denied > 0 {
            tracing::warn!(approved, denied, "{MESSAGE}");
        }
    }
}

const MESSAGE: &str = "another approver decided on requests to the SPIFFE issuer; if it is cert-manager's own, \
                       set disableAutoApproval";

#[cfg(test)]
mod tests {
    use prometheus_client::registry::Registry;
    use svid_client::issuer::IssuerState;
    use svid_core::policy::IssuerReference;

    use super::*;
    use crate::controller::candidate::DecidedElsewhere;

    fn settled(uid: &str, issuer: &str) -> Settled {
        Settled {
            key: Key {
                namespace: "a".to_owned(),
                name: uid.to_owned(),
            },
            uid: uid.to_owned(),
            elsewhere: Some(DecidedElsewhere {
                decision: Elsewhere::Approved,
                reason: "cert-manager.io".to_owned(),
                issuer: IssuerReference::new(issuer, "", ""),
            }),
        }
    }

    fn issuers() -> Issuers {
        let ours = IssuerReference::new("ours", "", "");
        Issuers {
            current: IssuerState::Known(ours.clone().into()),
            ever: [ours].into(),
        }
    }

    #[test]
    fn each_request_of_ours_is_told_once() {
        let metrics = Metrics::register(&mut Registry::default());
        let mut bystander = Bystander::new(metrics.clone());
        let notice = |bystander: &mut Bystander, uid, issuer| {
            bystander.notice(&settled(uid, issuer), &issuers());
            metrics.count_elsewhere(Elsewhere::Approved)
        };
        bystander.begin_list();
        assert_eq!(
            notice(&mut bystander, "1", "ours"),
            0,
            "told at the end of the list"
        );
        bystander.end_list();
        assert_eq!(notice(&mut bystander, "1", "ours"), 1);
        assert_eq!(notice(&mut bystander, "2", "ours"), 2);
        assert_eq!(notice(&mut bystander, "2", "ours"), 2);
        assert_eq!(notice(&mut bystander, "3", "another"), 2);
        bystander.begin_list();
        assert_eq!(notice(&mut bystander, "2", "ours"), 2);
        bystander.end_list();
        assert_eq!(bystander.told.len(), 1, "what was not listed is forgotten");
        // A list that breaks off is started again.
        for _ in 0..2 {
            bystander.begin_list();
            notice(&mut bystander, "2", "ours");
            notice(&mut bystander, "4", "ours");
        }
        bystander.end_list();
        assert_eq!(metrics.count_elsewhere(Elsewhere::Approved), 3);
        bystander.forget("4");
        bystander.forget("2");
        assert_eq!(bystander.told.len(), 0);
    }
}
