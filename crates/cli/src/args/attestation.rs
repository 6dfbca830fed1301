//! Owns the approver's flags about who makes requests, checked together.
//!
//! Must not decide about a request. Invariant: node-attested mode without the driver's account,
//! which would be an approver that trusts nobody or everybody, cannot be expressed.

use svid_core::identity::ServiceAccount;
use svid_core::names::DriverName;
use svid_core::policy::{Attestation, Credentials, NodeAttestation};

use super::flags::ApproverFlags;
use super::problem::{Problems, Wrong};
use super::values;

/// Checks the flags. `None`: at least one problem was noted.
///
/// As with the Go approver, the account is required in node-attested mode and means nothing without
/// it. That mode requires a pod-bound token of the driver anyway, so the flag that requires one of
/// pods adds nothing there and is not a contradiction either.
pub(super) fn from_flags(
    flags: &ApproverFlags,
    driver_name: Option<&DriverName>,
    problems: &mut Problems,
) -> Option<Attestation> {
    let own = problems.check(
        "--use-own-service-account",
        &flags.use_own_service_account,
        values::boolean,
    );
    let bound = problems.check(
        "--require-pod-bound-token",
        &flags.require_pod_bound_token,
        values::boolean,
    );
    let account = match flags.driver_service_account.as_str() {
        "" => None,
        text => Some(problems.check(DRIVER_SERVICE_ACCOUNT, text, user_name)?),
    };
    match (own?, bound?, account) {
        (true, _, Some(driver)) => Some(Attestation::Node(NodeAttestation {
            driver,
            csi_driver: driver_name?.to_string(),
        })),
        (true, _, None) => {
            let what = "is missing: with --use-own-service-account it names the one account that \
                may create requests";
            problems.add_without_value(DRIVER_SERVICE_ACCOUNT, Wrong::new(what, USER_NAME));
            None
        }
        (false, true, _) => Some(Attestation::PodToken(Credentials::BoundToPod)),
        (false, false, _) => Some(Attestation::PodToken(Credentials::Any)),
    }
}

fn user_name(text: &str) -> Result<ServiceAccount, Wrong> {
    ServiceAccount::from_username(text).map_err(|error| Wrong::new(error.to_string(), USER_NAME))
}

const DRIVER_SERVICE_ACCOUNT: &str = "--driver-service-account";
const USER_NAME: &str = "system:serviceaccount:NAMESPACE:NAME";
