//! Plays the faults that are set for the API server's answers.

use serde_json::Value;
use tokio::sync::watch::Receiver;

use super::Problem;
use super::asked::{Call, MODIFIED, forbidden};
use super::object::Writing;
use super::shared::Shared;
use super::write::{Edit, Part};
use crate::auth::User;
use crate::connection::Sever;
use crate::faults::Answer;
use crate::resource::StatusWrites;
use crate::store::Key;

/// Plays a fault. Returns only if the request is to be carried out after all.
pub(super) async fn inject(
    shared: &Shared,
    sever: &Sever,
    changes: &mut Receiver<usize>,
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
        Answer::NotFound => Err(Problem::NotFound(key)),
        Answer::Unauthorized => Err(Problem::Unauthorized),
        Answer::Forbidden => Err(forbidden(call)),
        Answer::Refused { code, message } => Err(Problem::Refused { code, message }),
        Answer::TooManyRequests { retry_after } => Err(Problem::TooManyRequests { retry_after }),
        Answer::InternalError => Err(Problem::InternalError),
        Answer::ServerTimeout { retry_after } => Err(Problem::ServerTimeout { retry_after }),
        Answer::Unavailable => Err(Problem::Unavailable),
        Answer::Hang => {
            let before = *changes.borrow();
            tokio::select! {
                _ = changes.wait_for(|clears| *clears != before) => {}
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
        Answer::ChangeFirst(change) => change_first(shared, &key, &change),
        Answer::CloseAfterwards => Ok(()),
    }
}

fn change_first(shared: &Shared, key: &Key, change: &Value) -> Result<(), Problem> {
    let user = User::administrator();
    let parts: &[Part] = match key.resource.status {
        StatusWrites::Subresource => &[Part::Object, Part::Status],
        StatusWrites::WithObject => &[Part::Object],
    };
    for part in parts {
        let edit = Edit {
            key: key.clone(),
            part: *part,
            writing: Writing::Patch,
            user: &user,
        };
        edit.carry_out(shared, |current| {
            let mut next = current.clone();
            json_patch::merge(&mut next, change);
            Ok(next)
        })?;
    }
    Ok(())
}
