//! One attempt: key, request, answer, check, files.
//!
//! Owns the order of the steps. The task calls [`run`], and nothing here calls the task.
//! Invariants: a request is written to the record before it is created (if the disk refuses that,
//! renewing takes precedence, and the request goes when the pod that owns it does); what an attempt
//! leaves on the API server is in the record until it is deleted; nothing becomes visible that was
//! not checked.
//!
//! | file | owns |
//! | --- | --- |
//! | `in_flight` | what one attempt holds, and its beginning |
//! | `create` | creating the request, once, even if answers are lost |
//! | `answer` | waiting for approver and issuer |
//! | `show` | whether what came back may be shown, and showing it |

mod answer;
mod create;
mod in_flight;
mod show;

use svid_core::svid::{Window, X509Svid};

use self::in_flight::InFlight;
use super::context::Volume;
use super::credentials::Credentials;
use super::obsolete::ObsoleteRequests;
use crate::issuance::Failure;
use crate::volume::Record;

/// Gets a certificate and shows it to the pod, which sees one with the window `shown`, or none.
pub(super) async fn run(
    volume: &Volume,
    obsolete: &mut ObsoleteRequests,
    credentials: &Credentials,
    shown: Option<Window>,
) -> Result<X509Svid, Failure> {
    let attempt = InFlight::begin(volume, obsolete, shown).await?;
    let result = steps(&attempt, credentials).await;
    if result.is_err() {
        volume.writer.amend(Record::abandon).await;
    }
    result
}

async fn steps(attempt: &InFlight<'_>, credentials: &Credentials) -> Result<X509Svid, Failure> {
    let created = attempt.create(credentials).await?;
    let issued = attempt.answer(&created).await?;
    let svid = attempt.check(&issued).await?;
    attempt.show(&svid).await?;
    Ok(svid)
}
