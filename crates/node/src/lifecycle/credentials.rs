//! The credentials that the kubelet brings for one volume.
//!
//! Owns which of them is held. Invariant: a token is replaced by one that lasts longer or, once the
//! API server has refused it, by any other.

use tokio::sync::watch;

use crate::credential::Credential;

/// The credential of one volume. Cheap to clone; all clones hold the same.
#[derive(Clone)]
pub(super) struct Credentials(watch::Sender<Held>);

/// What is held, for whoever waits for another.
pub(super) struct Held {
    pub(super) credential: Option<Credential>,
    /// It was not accepted, and may be better than nothing all the same.
    pub(super) refused: bool,
}

/// What became of a credential that was offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offer {
    /// The one at hand is as good.
    Declined,
    /// It is held now.
    Taken,
    /// It is held now in place of one that was refused, and the volume's task tries it at once.
    Tried,
}

impl Credentials {
    pub(super) fn new(credential: Option<Credential>) -> Self {
        let refused = false;
        Self(watch::Sender::new(Held {
            credential,
            refused,
        }))
    }

    /// Takes a credential that is better than the one at hand.
    pub(super) fn offer(&self, credential: Credential) -> Offer {
        let mut offer = Offer::Declined;
        self.0.send_if_modified(|held| {
            offer = match &held.credential {
                None => Offer::Taken,
                Some(old) if held.refused && !credential.is(old) => Offer::Tried,
                Some(old) if credential.outlives(old) => Offer::Taken,
                Some(_) => Offer::Declined,
            };
            if offer == Offer::Declined {
                return false;
            }
            *held = Held {
                credential: Some(credential),
                refused: false,
            };
            true
        });
        offer
    }

    /// Notes that a credential was not accepted. Does nothing if another is held by now.
    pub(super) fn refuse(&self, credential: &Credential) {
        self.0.send_if_modified(|held| {
            held.refused |= held
                .credential
                .as_ref()
                .is_some_and(|held| held.is(credential));
            // That is no news for who waits for another.
            false
        });
    }

    /// The credential at hand.
    pub(super) fn current(&self) -> Option<Credential> {
        self.0.borrow().credential.clone()
    }

    /// Tells of every credential that is taken from now on.
    pub(super) fn subscribe(&self) -> watch::Receiver<Held> {
        self.0.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use zeroize::Zeroizing;

    use super::*;
    use crate::credential::PodToken;

    fn token(mark: &str, expiry: i64) -> Credential {
        Credential::Pod(PodToken {
            secret: Zeroizing::new(mark.to_owned()),
            expires_at: Timestamp::from_second(expiry).unwrap(),
        })
    }

    #[test]
    fn a_token_is_replaced_by_a_longer_one_and_once_it_was_refused_by_any_other() {
        let credentials = Credentials::new(None);
        assert_eq!(credentials.offer(token("a", 10)), Offer::Taken);
        assert_eq!(credentials.offer(token("b", 9)), Offer::Declined);
        assert_eq!(credentials.offer(token("c", 20)), Offer::Taken);
        credentials.refuse(&token("a", 10));
        assert_eq!(credentials.offer(token("b", 9)), Offer::Declined);
        credentials.refuse(&token("c", 20));
        assert_eq!(credentials.offer(token("c", 20)), Offer::Declined);
        assert_eq!(credentials.offer(token("b", 9)), Offer::Tried);
        assert_eq!(credentials.offer(token("a", 8)), Offer::Declined);
        assert!(credentials.current().unwrap().is(&token("b", 9)));
    }

    #[test]
    fn only_a_credential_that_is_taken_is_news() {
        let credentials = Credentials::new(Some(token("a", 10)));
        let told = credentials.subscribe();
        credentials.refuse(&token("a", 10));
        credentials.offer(token("a", 10));
        assert!(!told.has_changed().unwrap());
        credentials.offer(token("b", 1));
        assert!(told.has_changed().unwrap());
    }
}
