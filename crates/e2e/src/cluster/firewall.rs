//! Simulates lost connections between a pod and the API server: the kernel of this machine drops
//! the packets.
//!
//! Invariant: every rule is in our own chain, which is removed when a [`Silence`] is dropped,
//! before the next one, and at the end of the cluster.

use std::net::Ipv4Addr;
use std::process::Command;

use anyhow::Result;

use super::place::API_PORT;
use crate::command;

/// Connections on which nothing arrives any more, until this is dropped.
#[derive(Debug)]
pub(crate) struct Silence(());

impl Silence {
    /// Drops every packet of these connections of a pod to the API server, which are named by the
    /// pod's ports. Connections from other ports work.
    ///
    /// # Errors
    /// When iptables refuses a rule; those before are taken away.
    pub(crate) fn of(pod: Ipv4Addr, ports: &[u16]) -> Result<Self> {
        end();
        let silence = Self(());
        iptables(&["--new-chain", CHAIN])?;
        let (pod, api_port) = (pod.to_string(), API_PORT.to_string());
        for port in ports.iter().map(u16::to_string) {
            let there = ["--source", &pod, "--sport", &port, "--dport", &api_port];
            let back = [
                "--destination",
                &pod,
                "--dport",
                &port,
                "--sport",
                &api_port,
            ];
            for words in [there, back] {
                let rule = ["--append", CHAIN, "--protocol", "tcp"];
                iptables(&[&rule[..], &words, &["--jump", "DROP"]].concat())?;
            }
        }
        for hook in HOOKS {
            iptables(&["--insert", hook, "--jump", CHAIN])?;
        }
        Ok(silence)
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        end();
    }
}

/// Takes away every rule, if there are any.
pub(crate) fn end() {
    for hook in HOOKS {
        drop(iptables(&["--delete", hook, "--jump", CHAIN]));
    }
    drop(iptables(&["--flush", CHAIN]));
    drop(iptables(&["--delete-chain", CHAIN]));
}

fn iptables(words: &[&str]) -> Result<()> {
    command::text(Command::new("iptables").arg("--wait").args(words)).map(drop)
}

/// What a pod sends comes in here, since the API server runs on this machine, and its answers go
/// out.
const HOOKS: [&str; 2] = ["INPUT", "OUTPUT"];
const CHAIN: &str = "CSI-SPIFFE-SILENCE";
