//! What a record looks like on the disk: JSON with a version.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use svid_core::identity::{ServiceAccount, ServiceAccountError};
use svid_core::names::is_subdomain;

use super::record::{Record, RequestNames};
use crate::spec::{Pod, TargetPath, VolumeId, VolumeSpec};

/// Why the bytes of a record were not understood.
#[derive(Debug, thiserror::Error)]
pub(super) enum FormatError {
    #[error("it is not the JSON of a record: {0}")]
    Json(serde_json::Error),
    #[error("its version is {found}, not {VERSION}")]
    Version { found: u64 },
    #[error("its service account is refused: {0}")]
    ServiceAccount(ServiceAccountError),
    #[error("its fs group is 0")]
    FsGroup,
    #[error("{field} is not the name of a certificate request")]
    RequestName { field: &'static str },
    #[error("it is about the volume {volume}, whose record has another name")]
    Name { volume: VolumeId },
}

/// A record as it was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct DecodedRecord {
    pub(super) record: Record,
    /// The boot during which it was written.
    pub(super) boot_id: String,
}

/// The bytes of a record.
pub(super) fn write(record: &Record, boot_id: &str) -> Result<Vec<u8>, serde_json::Error> {
    let VolumeSpec {
        volume,
        target,
        pod,
        service_account,
        fs_group,
    } = record.spec.clone();
    serde_json::to_vec_pretty(&RecordFile {
        version: VERSION,
        boot_id: boot_id.to_owned(),
        volume,
        target,
        pod,
        namespace: service_account.namespace().to_owned(),
        service_account: service_account.name().to_owned(),
        fs_group,
        going: record.going,
        obtained: record.obtained,
        requests: record.requests.clone(),
    })
}

/// Parses the bytes of a record; every value is checked as if it came from outside.
pub(super) fn read(bytes: &[u8]) -> Result<DecodedRecord, FormatError> {
    // The version first: a later one may have other fields.
    let Version { version } = serde_json::from_slice(bytes).map_err(FormatError::Json)?;
    if version != VERSION {
        return Err(FormatError::Version { found: version });
    }
    let file: RecordFile = serde_json::from_slice(bytes).map_err(FormatError::Json)?;
    let service_account = ServiceAccount::new(&file.namespace, &file.service_account)
        .map_err(FormatError::ServiceAccount)?;
    if file.fs_group == Some(0) {
        return Err(FormatError::FsGroup);
    }
    let requests = file.requests;
    request_names("in_flight", &requests.in_flight)?;
    request_names("issued", &requests.issued)?;
    request_names("obsolete", &requests.obsolete)?;
    request_names("doubtful", &requests.doubtful)?;
    let spec = VolumeSpec {
        volume: file.volume,
        target: file.target,
        pod: file.pod,
        service_account,
        fs_group: file.fs_group,
    };
    Ok(DecodedRecord {
        record: Record {
            spec,
            going: file.going,
            obtained: file.obtained,
            requests,
        },
        boot_id: file.boot_id,
    })
}

/// Names that become parts of URLs.
fn request_names<'a>(
    field: &'static str,
    names: impl IntoIterator<Item = &'a String>,
) -> Result<(), FormatError> {
    if names.into_iter().all(|name| is_subdomain(name)) {
        Ok(())
    } else {
        Err(FormatError::RequestName { field })
    }
}

#[derive(Deserialize)]
struct Version {
    version: u64,
}

#[derive(Serialize, Deserialize)]
struct RecordFile {
    version: u64,
    boot_id: String,
    volume: VolumeId,
    target: TargetPath,
    pod: Pod,
    namespace: String,
    service_account: String,
    fs_group: Option<u32>,
    going: bool,
    /// Absent from older records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    obtained: Option<Timestamp>,
    #[serde(flatten)]
    requests: RequestNames,
}

const VERSION: u64 = 1;
