//! Owns `inspect`: what is in a volume's folder, and whether it is a good SVID.
//!
//! Must not judge a certificate itself, that is `svid_core::svid::examine`; what is judged here is
//! what only a file system knows: which files there are, and who may read them. Invariant: no byte
//! of the key is printed.

mod changes;
mod files;
mod report;
mod text;
mod watch;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use svid_core::identity::SpiffeId;
use svid_node::driver::{FileNames, Line, Overview, VolumeOverview};

use crate::args::{InspectArgs, InspectTarget, PodName, Stay};
use crate::output::{self, Verdict};
use crate::{process, status};
use files::VolumeFiles;
use report::{InspectReport, Requirements};

/// Looks at the folder, or at every folder of the pod, and prints the result. The exit code is 0
/// for good SVIDs, 1 for any other, and 2 if not everything could be looked at.
///
/// # Errors
/// A folder cannot be read, the driver cannot be asked, or standard output is closed.
pub(crate) fn run(args: &InspectArgs) -> anyhow::Result<ExitCode> {
    let subjects = subjects(args)?;
    if args.stay == Stay::Watch {
        return process::run_to_end(watch::run(&subjects, args));
    }
    let mut verdict = Verdict::Good;
    for subject in subjects {
        let report = look(&subject, args, Timestamp::now())?;
        output::print(&report, args.output, text::write)?;
        verdict = verdict.max(report.verdict());
    }
    Ok(verdict.into())
}

/// One volume to look at.
struct Subject {
    folder: PathBuf,
    names: FileNames,
    expected_id: Option<String>,
}

fn subjects(args: &InspectArgs) -> anyhow::Result<Vec<Subject>> {
    let expected_id = args.expected_id.as_ref().map(SpiffeId::to_string);
    match &args.place {
        InspectTarget::Folder { folder, names } => Ok(vec![Subject {
            folder: folder.clone(),
            names: names.clone(),
            expected_id,
        }]),
        InspectTarget::Pod { pod, socket } => {
            let overview = status::overview(socket.as_deref())?;
            volumes_of(pod, &overview, expected_id.as_deref())
        }
    }
}

/// The volumes of a pod, as the driver knows them.
fn volumes_of(
    pod: &PodName,
    overview: &Overview,
    expected_id: Option<&str>,
) -> anyhow::Result<Vec<Subject>> {
    let names = &overview.file_names;
    let names = [&names.certificate, &names.key, &names.bundle].map(Line::as_str);
    let [certificate, key, bundle] = names;
    let Ok(names) = FileNames::new(certificate, key, bundle) else {
        bail!("the driver reports the file names {names:?}, which are not valid in a volume");
    };
    let subject = |volume: &VolumeOverview| Subject {
        folder: volume.target.as_str().into(),
        names: names.clone(),
        expected_id: Some(expected_id.unwrap_or(volume.spiffe_id.as_str()).to_owned()),
    };
    let volumes = overview.volumes.iter();
    let subjects: Vec<Subject> = volumes
        .filter(|volume| status::is_of(volume, pod))
        .map(subject)
        .collect();
    if subjects.is_empty() {
        bail!(
            "the driver on node {} has no volume of the pod {pod}: kubectl get pod -o wide shows \
             which node it is on",
            overview.node
        );
    }
    Ok(subjects)
}

fn look(subject: &Subject, args: &InspectArgs, now: Timestamp) -> anyhow::Result<InspectReport> {
    let metadata = std::fs::metadata(&subject.folder)
        .with_context(|| format!("looking at {}", subject.folder.display()))?;
    if !metadata.is_dir() {
        bail!("looking at {}: not a directory", subject.folder.display());
    }
    let folder = VolumeFiles::read(&subject.folder, &subject.names);
    let expectation = Requirements {
        spiffe_id: subject.expected_id.as_deref(),
        min_left: args.min_left,
    };
    Ok(InspectReport::new(
        &subject.folder,
        &folder,
        &expectation,
        now,
    ))
}
