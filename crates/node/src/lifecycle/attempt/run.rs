//! The order of an attempt's steps.

use svid_core::svid::X509Svid;

use super::in_flight::InFlight;
use crate::credential::Credential;
use crate::issuance::Failure;
use crate::lifecycle::obsolete::ObsoleteRequests;
use crate::lifecycle::volume::Volume;
use crate::volume::Record;

/// Gets a certificate and shows it to the pod.
pub(in crate::lifecycle) async fn run(
    volume: &Volume,
    obsolete: &mut ObsoleteRequests,
    credential: &Credential,
) -> Result<X509Svid, Failure> {
    let attempt = InFlight::begin(volume, obsolete).await?;
    let result = steps(&attempt, credential).await;
    if result.is_err() {
        volume.writer.amend(Record::abandon).await;
    }
    result
}

async fn steps(attempt: &InFlight<'_>, credential: &Credential) -> Result<X509Svid, Failure> {
    let created = attempt.create(credential).await?;
    let pem = attempt.answer(&created).await?;
    let svid = attempt.check(&pem).await?;
    attempt.show(&svid).await?;
    Ok(svid)
}
