//! Metrics of what is owned elsewhere, read at scrape.

use std::fmt;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use super::status::DriverStatus;

pub(super) fn register(status: DriverStatus, registry: &mut Registry) {
    registry.register_collector(Box::new(Scrape(status)));
}

#[derive(Debug)]
struct Scrape(DriverStatus);

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let Self(status) = self;
        let now = status.clock.now();
        let mut gauge = |name, help, value| {
            let metric = ConstGauge::<f64>::new(value);
            let encoder = encoder.encode_descriptor(name, help, None, metric.metric_type())?;
            metric.encode(encoder)
        };
        if let Some(is_registered) = status.is_registered() {
            gauge(
                "csi_driver_spiffe_driver_registered",
                "1 while the kubelet has this driver registered, else 0",
                f64::from(u8::from(is_registered)),
            )?;
        }
        gauge(
            "csi_driver_spiffe_driver_volumes",
            "Volumes managed by this driver",
            count(status.board.volumes()),
        )?;
        gauge(
            "csi_driver_spiffe_driver_volumes_without_certificate",
            "Volumes without a valid certificate",
            count(status.board.without_certificate(now)),
        )?;
        gauge(
            "csi_driver_spiffe_driver_volumes_awaiting_token",
            "Volumes that wait for the kubelet to bring a token",
            count(status.board.awaiting_token()),
        )?;
        // Without a certificate there is no expiry, and no number could stand for that.
        if let Some(expiry) = status.board.nearest_expiry() {
            gauge(
                "csi_driver_spiffe_driver_nearest_expiration_timestamp_seconds",
                "Unix time at which the first of the certificates that pods see expires",
                expiry.as_duration().as_secs_f64(),
            )?;
        }
        gauge(
            "csi_driver_spiffe_driver_certificate_duration_seconds",
            "Requested lifetime of certificates",
            Duration::try_from(status.installation.duration)
                .unwrap_or_default()
                .as_secs_f64(),
        )?;
        let mut counter = |name, help, value| {
            let metric = ConstCounter::new(value);
            let encoder = encoder.encode_descriptor(name, help, None, metric.metric_type())?;
            metric.encode(encoder)
        };
        counter(
            "csi_driver_spiffe_driver_trust_bundles_refused",
            "Changes to the trust bundle's file that were refused",
            status.refusals.count(),
        )?;
        counter(
            "csi_driver_spiffe_driver_events_sent",
            "Events on pods that the API server accepted",
            status.events.sent(),
        )?;
        counter(
            "csi_driver_spiffe_driver_events_dropped",
            "Events on pods that were dropped",
            status.events.dropped(),
        )
    }
}

fn count(volumes: usize) -> f64 {
    u32::try_from(volumes).unwrap_or(u32::MAX).into()
}
