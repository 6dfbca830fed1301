//! Plays the faults that are set for the API server's answers.

use tokio::sync::watch::Receiver;

use super::Problem;
use super::asked::{Call, MODIFIED, forbidden};
use super::shared::Shared;
use crate::connection::Sever;
use crate::faults::Answer;
use crate::store::Key;

/// Plays a fault. Returns only if the request is to be carried out after all.
pub(super) async fn inject(
    shared: &Shared,
    sever: &Sever,
    changes: &mut Receiver<()>,
    call: &Call,
    fault: Answer,
) -> Result<(), Problem> {
    let key = call.target.key();
    let key = key.unwrap_or_else(|| Key::new(call.target.resource, "", ""));
    match fault {
        Answer::Conflict => {
            let why = MODIFIED.to_owned();
            Err(Problem::Conflict { key, why })
        }
        Answer::AlreadyExists => Err(Problem::AlreadyExists(key)),
        Answer::Unauthorized => Err(Problem::Unauthorized),
        Answer::Forbidden => Err(forbidden(call)),
        Answer::TooManyRequests { retry_after } => Err(Problem::TooManyRequests { retry_after }),
        Answer::InternalError => Err(Problem::InternalError),
        Answer::Unavailable => Err(Problem::Unavailable),
        Answer::Hang => {
            tokio::select! {
                _ = changes.changed() => {}
                () = shared.shutdown.cancelled() => {}
            }
            Err(Problem::Unavailable)
        }
        Answer::Delay(delay) => {
            tokio::select! {
                () = tokio::time::sleep(delay) => Ok(()),
                () = shared.shutdown.cancelled() => Err(Problem::Unavailable),
            }
        }
        Answer::Close => match sever.now().await {},
        Answer::CloseAfterwards => Ok(()),
    }
}
