//! Owns what the kernel says of this process, under the names that Prometheus' client libraries
//! agree on (<https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics>).
//!
//! Must not measure anything else. Invariant: what cannot be read is left out, since no number
//! could stand for it.

use std::fmt;
use std::fs;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

/// Read at scrape.
#[derive(Debug)]
pub(super) struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let gauges = [
            (
                "process_resident_memory_bytes",
                "Resident memory, in bytes",
                bytes(&status, "VmRSS:"),
            ),
            (
                "process_virtual_memory_bytes",
                "Virtual memory, in bytes",
                bytes(&status, "VmSize:"),
            ),
            ("process_threads", "Threads", number(&status, "Threads:")),
            ("process_open_fds", "Open file descriptors", open_files()),
            (
                "process_max_fds",
                "The most file descriptors that may be open",
                getrlimit(Resource::Nofile).current,
            ),
        ];
        let mut write = |name: &str, help: &str, metric: &dyn EncodeMetric| {
            let encoder = encoder.encode_descriptor(name, help, None, metric.metric_type())?;
            metric.encode(encoder)
        };
        for (name, help, value) in gauges {
            if let Some(value) = value {
                write(name, help, &ConstGauge::new(value))?;
            }
        }
        if let Some(start) = start() {
            write(
                "process_start_time_seconds",
                "When the process was started, in seconds since 1970",
                &ConstGauge::new(start),
            )?;
        }
        write(
            "process_cpu_seconds",
            "Processor time that was used, in user and system mode together, in seconds",
            &ConstCounter::new(processor_time().as_secs_f64()),
        )
    }
}

/// Of all threads, those that ended included.
fn processor_time() -> Duration {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(used).unwrap_or_default()
}

/// The descriptor that lists them is not counted.
fn open_files() -> Option<u64> {
    let count = fs::read_dir("/proc/self/fd").ok()?.count();
    u64::try_from(count.saturating_sub(1)).ok()
}

/// A value of `/proc/self/status` that is given in kB, which are KiB there.
fn bytes(status: &str, key: &str) -> Option<u64> {
    number(status, key)?.checked_mul(1024)
}

/// A value of `/proc/self/status` (proc_pid_status(5)).
fn number(status: &str, key: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix(key))?;
    value.split_whitespace().next()?.parse().ok()
}

/// Seconds since 1970: the machine's boot, and the ticks from there to the process' start.
fn start() -> Option<f64> {
    let machine = fs::read_to_string("/proc/stat").ok()?;
    let process = fs::read_to_string("/proc/self/stat").ok()?;
    let boot = number(&machine, "btime ")?;
    let boot = u32::try_from(boot).ok()?;
    Some(f64::from(boot) + since_boot(&process)?.as_secs_f64())
}

/// The 22nd field of `/proc/self/stat` (proc_pid_stat(5)). The second is the program's name, in
/// parentheses, which may hold anything.
fn since_boot(stat: &str) -> Option<Duration> {
    let (_name, fields) = stat.rsplit_once(')')?;
    let ticks: u64 = fields.split_whitespace().nth(22 - 3)?.parse().ok()?;
    Some(Duration::from_millis(ticks.checked_mul(1000 / TICKS)?))
}

/// In a second, of the times that the kernel shows to programs (`USER_HZ`), on every architecture
/// that there is an image for.
const TICKS: u64 = 100;

#[cfg(test)]
mod tests {
    use std::time::{SystemTime, UNIX_EPOCH};

    use prometheus_client::registry::Registry;

    use super::*;

    fn scraped() -> String {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Process));
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        text
    }

    fn value(text: &str, name: &str) -> f64 {
        let value = text.lines().find_map(|line| line.strip_prefix(name));
        value
            .unwrap_or_else(|| panic!("no {name} in {text}"))
            .trim()
            .parse()
            .unwrap()
    }

    #[test]
    fn the_process_is_described_as_the_kernel_sees_it() {
        let text = scraped();

        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let age = now.as_secs_f64() - value(&text, "process_start_time_seconds ");
        assert!((-2.0..86_400.0).contains(&age), "started {age} s ago");
        let resident = value(&text, "process_resident_memory_bytes ");
        assert!(resident > 100_000.0, "{resident}");
        assert!(value(&text, "process_virtual_memory_bytes ") >= resident);
        assert!(value(&text, "process_threads ") >= 2.0);
        assert!(value(&text, "process_max_fds ") >= value(&text, "process_open_fds "));
    }

    #[test]
    fn a_file_that_is_opened_is_counted() {
        // Other tests open files too, so it is not one more but many.
        let before = value(&scraped(), "process_open_fds ");
        let files: Vec<_> = (0..200)
            .map(|_| fs::File::open("/dev/null").unwrap())
            .collect();
        let after = value(&scraped(), "process_open_fds ");
        drop(files);
        assert!(after > before + 100.0, "{before}, {after}");
    }

    #[test]
    fn work_takes_processor_time() {
        let before = value(&scraped(), "process_cpu_seconds_total ");
        while processor_time() < Duration::from_secs_f64(before + 0.01) {
            std::hint::spin_loop();
        }
        assert!(value(&scraped(), "process_cpu_seconds_total ") >= before + 0.01);
    }

    #[test]
    fn a_name_with_spaces_and_parentheses_does_not_move_the_fields() {
        let stat = "7 (a) b) c) S 1 7 7 0 -1 0 0 0 0 0 3 4 0 0 20 0 1 0 4242 1 2";
        assert_eq!(since_boot(stat), Some(Duration::from_millis(42_420)));
        assert_eq!(since_boot("7 (a) S 1"), None);
    }

    #[test]
    fn what_the_kernel_does_not_say_is_left_out() {
        let status = "Name:\tx\nVmRSS:\t   12 kB\nThreads:\t3\n";
        assert_eq!(bytes(status, "VmRSS:"), Some(12_288));
        assert_eq!(number(status, "Threads:"), Some(3));
        assert_eq!(bytes(status, "VmSize:"), None);
    }
}
