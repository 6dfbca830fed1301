//! The process of a role, as this machine sees it: its memory, its sockets, its ports.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::installation;
use super::world::World;
use crate::cluster;

/// One container's process, which must not have been started again.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) address: Ipv4Addr,
    id: u32,
}

impl Process {
    /// That of the only pod with this label `app`.
    pub(super) fn of(world: &World, app: &str) -> Result<Self> {
        let pods = installation::pods_of(world, app)?;
        let [pod] = pods.as_slice() else {
            anyhow::bail!("{} pods of {app}", pods.len());
        };
        let status = &pod["status"];
        let container = &status["containerStatuses"][0];
        ensure!(
            container["restartCount"] == 0,
            "{app} was restarted: {container}"
        );
        let name = container["containerID"].as_str().context("no container")?;
        let name = name.trim_start_matches("containerd://");
        Ok(Self {
            address: status["podIP"].as_str().context("no address")?.parse()?,
            id: cluster::process_of(&world.place, &world.tools, name)?,
        })
    }

    /// The most memory that it has had resident, in KiB, files that are mapped included (`VmHWM`,
    /// proc(5)). Fails if it has ended.
    pub(super) fn peak_memory(&self) -> Result<u64> {
        let path = format!("/proc/{}/status", self.id);
        let text = fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = line.and_then(|line| line.trim().strip_suffix(" kB"));
        Ok(peak
            .with_context(|| format!("no peak in {path}"))?
            .parse()?)
    }

    /// The local ports of its connections to the API server.
    pub(super) fn connections(&self) -> Result<Vec<u16>> {
        let path = format!("/proc/{}/net/tcp", self.id);
        let table = fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
        let [a, b, c, d] = cluster::SERVICE_ADDRESS.parse::<Ipv4Addr>()?.octets();
        // Both in the table's notation: the address by its bytes in the machine's order.
        let api_server = format!(
            "{:08X}:{:04X}",
            u32::from_ne_bytes([a, b, c, d]),
            cluster::API_PORT
        );
        let mut ports = Vec::new();
        for line in table.lines() {
            let fields: Vec<_> = line.split_whitespace().collect();
            if let [_, local, remote, ESTABLISHED, ..] = fields.as_slice()
                && *remote == api_server
            {
                let (_, port) = local.split_once(':').context("an address without port")?;
                ports.push(u16::from_str_radix(port, 16)?);
            }
        }
        Ok(ports)
    }

    /// Asks one of its ports, as the kubelet and Prometheus do: on a new connection, with their
    /// patience.
    pub(super) fn get(&self, port: u16, path: &str) -> Result<String> {
        let ask = || -> Result<String> {
            let address = SocketAddr::from((self.address, port));
            let mut stream = TcpStream::connect_timeout(&address, PROBE_LIMIT)?;
            stream.set_read_timeout(Some(PROBE_LIMIT))?;
            let request = format!("GET {path} HTTP/1.1\r\nHost: pod\r\nConnection: close\r\n\r\n");
            stream.write_all(request.as_bytes())?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            let (head, body) = answer.split_once("\r\n\r\n").context("no whole answer")?;
            ensure!(head.starts_with("HTTP/1.1 200"), "{answer}");
            Ok(body.to_owned())
        };
        ask().with_context(|| format!("GET {path} on port {port}"))
    }

    /// The sum of all samples of a metric.
    pub(super) fn metric(&self, name: &str) -> Result<f64> {
        let text = self.get(METRICS_PORT, "/metrics")?;
        let samples = text.lines().filter_map(|line| {
            let rest = line.strip_prefix(name)?;
            let is_whole_name = rest.starts_with(['{', ' ']);
            is_whole_name.then(|| rest.rsplit_once(' ')?.1.parse::<f64>().ok())?
        });
        Ok(samples.sum())
    }
}

/// A state of proc(5)'s net/tcp.
const ESTABLISHED: &str = "01";
/// What the chart gives a probe.
const PROBE_LIMIT: Duration = Duration::from_secs(5);
/// Of both roles.
pub(super) const METRICS_PORT: u16 = 9402;
/// The driver's, for its probes.
pub(super) const DRIVER_PROBES_PORT: u16 = 9809;
/// The approver's, for its probes.
pub(super) const APPROVER_PROBES_PORT: u16 = 6060;
