//! Owns the act in which certificates expire and are replaced.

use futures::future::select_all;
use jiff::Timestamp;

use crate::demo::actor::Actor;
use crate::demo::acts::handshake;
use crate::demo::stage::{LIFETIME, LIMIT};
use crate::demo::timeline::Timeline;
use crate::demo::unmet::Unexpected;
use crate::demo::vigil::{Findings, VolumeMonitor};

/// Waits until both pods have new certificates and keys, while their volumes are checked
/// continuously.
///
/// # Errors
/// A certificate is not replaced in time, or a pod was without a valid one for a moment.
pub(in crate::demo) async fn play(
    actors: &[Actor; 2],
    vigils: &[VolumeMonitor; 2],
    timeline: &mut Timeline,
) -> anyhow::Result<()> {
    timeline.act(
        "Certificates are renewed",
        &[
            "They are valid for 20 s here, usually for an hour, and are replaced after two thirds \
             of it: key and",
            "certificate are replaced together, in the same volume, without restarting anything.",
        ],
    )?;
    let mut waiting: Vec<_> = actors.iter().zip(vigils).collect();
    while !waiting.is_empty() {
        let progress = || progress(&waiting);
        let next = async {
            let all = waiting.iter().map(|(_, vigil)| Box::pin(vigil.renewed()));
            let (findings, index, _) = select_all(all).await;
            Ok((findings, index))
        };
        let next = timeline.wait("watching", LIMIT, progress, next);
        let (findings, index) = next.await?;
        let (actor, _) = waiting.remove(index);
        renewed(actor, &findings, timeline)?;
    }
    let [client, server] = actors;
    handshake::pods_meet(client, server, timeline).await?;
    timeline.seen("the pods connect again with their new certificates")?;
    let mut looks = 0;
    for (actor, vigil) in actors.iter().zip(vigils) {
        let findings = vigil.findings();
        sound(actor, &findings)?;
        looks += findings.looks;
    }
    timeline.seen(&format!(
        "{looks} checks of the volumes, through directories opened at the start: a valid \
         certificate every time"
    ))?;
    timeline.proved("certificates and keys were renewed, and no pod was ever without a valid one")
}

/// How long the certificates that are waited for remain valid.
fn progress(waiting: &[(&Actor, &VolumeMonitor)]) -> String {
    let now = Timestamp::now();
    let parts: Vec<String> = waiting
        .iter()
        .map(|(actor, vigil)| {
            let left = vigil.findings().last.seconds_left_at(now);
            format!("{} has {left} s left", actor.name)
        })
        .collect();
    parts.join(", ")
}

/// Shows both certificates, and judges them.
fn renewed(actor: &Actor, findings: &Findings, timeline: &mut Timeline) -> anyhow::Result<()> {
    sound(actor, findings)?;
    let Some(before) = &findings.before else {
        return Err(Unexpected::new("a new certificate", "the old one").into());
    };
    let now = &findings.last;
    timeline.seen(&format!("{} has a new certificate:", actor.name))?;
    for (age, sighting) in [("before", before), ("now", now)] {
        timeline.quote(&format!(
            "{age:<6}  serial {}  {:2} s left",
            sighting.serial(),
            sighting.seconds_left()
        ))?;
    }
    if before.key == now.key {
        return Err(Unexpected::new("a new key with the new certificate", "the old key").into());
    }
    if before.seconds_left() <= 0 || now.seconds_left() * 2 < lifetime() {
        let seen = format!("{} s and {} s", before.seconds_left(), now.seconds_left());
        return Err(Unexpected::new("a fresh certificate in good time", seen).into());
    }
    Ok(())
}

/// Every look so far found a valid SVID of the pod.
///
/// # Errors
/// One did not.
fn sound(actor: &Actor, findings: &Findings) -> anyhow::Result<()> {
    match &findings.fault {
        None => Ok(()),
        Some(fault) => {
            let expected = format!("a valid certificate of {} at any time", actor.name);
            Err(Unexpected::new(expected, fault).into())
        }
    }
}

fn lifetime() -> i64 {
    i64::try_from(LIFETIME.as_secs()).unwrap_or(i64::MAX)
}
