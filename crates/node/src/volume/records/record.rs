//! What is remembered of a volume, and the state changes of its requests' names.
//!
//! Invariant: every request that may exist on the API server is named here until it was deleted or
//! left to the pod that owns it. Nothing outside `records` touches a field.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::spec::VolumeSpec;

/// What must be known of a volume after a restart. Holds neither key nor token.
///
/// The volume's one task moves the names of its requests:
///
/// ```text
/// begin -> in flight -> complete -> issued
///              |                      | the next one completes
///              | abandon              v
///              +-----------------> obsolete -> forget
/// ```
///
/// Beside that, a name is doubtful while its create may still be carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub(super) spec: VolumeSpec,
    /// Unpublish has begun: never resumed, only removed.
    pub(super) going: bool,
    /// When the files in the volume were shown, by this node's clock; a new bundle beside the same
    /// certificate does not count.
    pub(super) obtained: Option<Timestamp>,
    pub(super) requests: RequestNames,
}

/// The CertificateRequests that a volume may have on the API server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RequestNames {
    /// The one that is being waited for; recorded before it is created.
    pub(super) in_flight: Option<String>,
    /// The one that the files in the volume came from.
    pub(super) issued: Option<String>,
    /// Those that are still to be deleted.
    pub(super) obsolete: Vec<String>,
    /// Those of them all whose create may still be carried out after it was given up. Absent from
    /// older records.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) doubtful: Vec<String>,
}

impl Record {
    /// The record of a volume that has requested nothing yet.
    pub fn new(spec: VolumeSpec) -> Self {
        Self {
            spec,
            going: false,
            obtained: None,
            requests: RequestNames::default(),
        }
    }

    /// What is wanted.
    pub fn spec(&self) -> &VolumeSpec {
        &self.spec
    }

    /// Whether unpublish has begun.
    pub fn is_going(&self) -> bool {
        self.going
    }

    /// The request that is being waited for.
    pub fn in_flight(&self) -> Option<&str> {
        self.requests.in_flight.as_deref()
    }

    /// Requests that are still to be deleted, the oldest first.
    pub fn obsolete(&self) -> &[String] {
        &self.requests.obsolete
    }

    /// Every request that may exist.
    pub fn requests(&self) -> impl Iterator<Item = &String> {
        let requests = &self.requests;
        let current = requests.in_flight.iter().chain(&requests.issued);
        current.chain(&requests.obsolete)
    }

    /// When the certificate in the volume was obtained, as far as that is known: if this could not
    /// be written, it is that of an earlier one.
    pub fn obtained(&self) -> Option<Timestamp> {
        self.obtained
    }

    /// Whether a create of this name may still be carried out: nobody knows the answer to it.
    pub fn is_doubtful(&self, name: &str) -> bool {
        self.requests
            .doubtful
            .iter()
            .any(|doubtful| doubtful == name)
    }

    /// A request of this name is about to be created.
    pub fn begin(&mut self, name: String) {
        self.abandon();
        self.requests.in_flight = Some(name);
    }

    /// The request in flight was never created, so there is nothing to delete.
    pub fn cancel(&mut self) {
        let cancelled = self.requests.in_flight.take();
        self.settle(cancelled.as_deref());
    }

    /// The create of the request in flight, if there is one, may still be carried out.
    pub fn doubt(&mut self) {
        let requests = &mut self.requests;
        let doubted = requests.in_flight.as_ref();
        let doubted = doubted.filter(|name| !requests.doubtful.contains(name));
        requests.doubtful.extend(doubted.cloned());
    }

    /// The request in flight, if there is one, ended badly or has lost its key.
    pub fn abandon(&mut self) {
        let requests = &mut self.requests;
        requests.obsolete.extend(requests.in_flight.take());
    }

    /// The files in the volume come from the request in flight, which supersedes the one before,
    /// and were shown `now`.
    pub fn complete(&mut self, now: Timestamp) {
        self.obtained = Some(now);
        // It was created, long before it is superseded.
        let completed = self.requests.in_flight.clone();
        self.settle(completed.as_deref());
        let requests = &mut self.requests;
        let superseded = std::mem::replace(&mut requests.issued, requests.in_flight.take());
        requests.obsolete.extend(superseded);
    }

    /// An obsolete request was deleted.
    pub fn forget(&mut self, name: &str) {
        self.requests.obsolete.retain(|kept| kept != name);
        self.settle(Some(name));
    }

    /// It is known what became of a create.
    fn settle(&mut self, name: Option<&str>) {
        self.requests
            .doubtful
            .retain(|kept| Some(kept.as_str()) != name);
    }

    /// Drops all but the newest names of obsolete requests; the others are deleted with the pod
    /// that owns them.
    pub fn trim(&mut self) {
        let obsolete = &mut self.requests.obsolete;
        let surplus = obsolete.len().saturating_sub(MOST_OBSOLETE);
        let dropped: Vec<_> = obsolete.drain(..surplus).collect();
        self.requests
            .doubtful
            .retain(|name| !dropped.contains(name));
    }

    /// Marks that unpublish has begun. Returns whether it was not marked before.
    pub fn go(&mut self) -> bool {
        !std::mem::replace(&mut self.going, true)
    }
}

#[cfg(test)]
impl Record {
    pub(crate) fn issued(&self) -> Option<&str> {
        self.requests.issued.as_deref()
    }
}

/// Names of obsolete requests that are kept while a server keeps refusing to delete them. Doubled,
/// a record grows by 2 KiB at most.
const MOST_OBSOLETE: usize = 8;

#[cfg(test)]
mod tests {
    use svid_core::identity::ServiceAccount;

    use super::*;
    use crate::spec::{Pod, TargetPath, VolumeId};

    fn record() -> Record {
        Record::new(VolumeSpec {
            volume: VolumeId::parse("csi-1").unwrap(),
            target: TargetPath::parse("/t/mount").unwrap(),
            pod: Pod {
                name: "web-0".to_owned(),
                uid: "u-1".to_owned(),
            },
            service_account: ServiceAccount::new("shop", "web").unwrap(),
            fs_group: None,
        })
    }

    #[test]
    fn a_request_is_named_from_before_its_create_until_it_was_deleted() {
        let mut record = record();
        record.begin("a".to_owned());
        assert_eq!(record.in_flight(), Some("a"));
        record.complete(Timestamp::UNIX_EPOCH);
        assert_eq!((record.in_flight(), record.issued()), (None, Some("a")));
        assert_eq!(record.obtained(), Some(Timestamp::UNIX_EPOCH));
        record.begin("b".to_owned());
        record.abandon();
        record.abandon();
        assert_eq!(record.obsolete(), ["b"]);
        record.begin("c".to_owned());
        record.complete(Timestamp::MAX);
        assert_eq!(record.issued(), Some("c"));
        assert_eq!(record.obtained(), Some(Timestamp::MAX));
        assert_eq!(record.obsolete(), ["b", "a"]);
        record.forget("b");
        assert_eq!(record.requests().collect::<Vec<_>>(), ["c", "a"]);
    }

    #[test]
    fn only_a_request_that_was_never_created_is_dropped() {
        let mut record = record();
        record.begin("a".to_owned());
        record.cancel();
        assert_eq!(record.requests().count(), 0);
        record.begin("b".to_owned());
        record.begin("c".to_owned());
        assert_eq!(record.requests().collect::<Vec<_>>(), ["c", "b"]);
    }

    #[test]
    fn a_doubt_lasts_until_the_request_is_shown_cancelled_or_deleted() {
        let mut record = record();
        let mut doubted = |end: fn(&mut Record)| {
            record.begin("a".to_owned());
            record.doubt();
            record.doubt();
            assert!(record.is_doubtful("a"));
            end(&mut record);
            (record.is_doubtful("a"), record.requests.doubtful.len())
        };
        assert_eq!(doubted(Record::abandon), (true, 1));
        let complete = |record: &mut Record| record.complete(Timestamp::UNIX_EPOCH);
        assert_eq!(doubted(complete), (false, 0));
        assert_eq!(doubted(Record::cancel), (false, 0));
        assert_eq!(doubted(|record| record.begin("b".to_owned())), (true, 1));
        record.forget("a");
        assert_eq!(record.requests.doubtful, [""; 0]);
    }

    #[test]
    fn the_oldest_names_go_where_nothing_can_be_deleted() {
        let mut record = record();
        for n in 0..20 {
            record.begin(n.to_string());
            record.doubt();
            record.abandon();
        }
        record.trim();
        assert_eq!(record.obsolete().len(), MOST_OBSOLETE);
        assert_eq!(record.obsolete().first().unwrap(), "12");
        assert_eq!(record.requests.doubtful, record.requests.obsolete);
    }

    #[test]
    fn unpublish_begins_once() {
        let mut record = record();
        assert!(!record.is_going());
        assert!(record.go() && !record.go());
        assert!(record.is_going());
    }
}
