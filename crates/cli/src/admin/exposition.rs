//! Owns the two forms in which metrics are served, and which one a scrape wants: OpenMetrics where
//! it is asked for, else the text format that every scraper reads.
//!
//! Must not know which metrics there are. Invariant: both forms have the same samples.

use std::fmt::{self, Write as _};

use hyper::header::{ACCEPT, HeaderMap};
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

/// A form of the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Version 0.0.4 of Prometheus' text format.
    Text,
    /// `OpenMetrics` 1.0.
    OpenMetrics,
}

impl Form {
    /// The form that a request asks for: `OpenMetrics` if it names it and does not like plain text
    /// better. Whoever says nothing, or takes anything, is a tool that may not know it.
    pub(super) fn wanted(headers: &HeaderMap) -> Self {
        let accepted = headers.get_all(ACCEPT).iter();
        let accepted: Vec<&str> = accepted.filter_map(|value| value.to_str().ok()).collect();
        let open = weight(&accepted, "application/openmetrics-text");
        if open > 0.0 && open >= weight(&accepted, "text/plain") {
            Self::OpenMetrics
        } else {
            Self::Text
        }
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// The metrics of a registry.
    ///
    /// # Errors
    /// A metric cannot be written.
    pub(super) fn write(self, registry: &Registry) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, registry)?;
        match self {
            Self::Text => in_text(&text),
            Self::OpenMetrics => Ok(text),
        }
    }
}

/// The greatest weight (RFC 9110, section 12.4.2) of the ranges that name this type; 0 for none.
fn weight(accepted: &[&str], media_type: &str) -> f64 {
    let ranges = accepted.iter().flat_map(|value| value.split(','));
    let weights = ranges.filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        if !parts.next()?.eq_ignore_ascii_case(media_type) {
            return None;
        }
        let quality = parts.find_map(|part| part.strip_prefix("q="));
        quality.map_or(Some(1.0), |quality| quality.parse().ok())
    });
    weights.fold(0.0, f64::max)
}

/// Says the same in version 0.0.4: there are no units and no end, what a counter is is said of the
/// name that its samples have, and an info is a gauge.
fn in_text(open_metrics: &str) -> Result<String, fmt::Error> {
    let mut text = String::with_capacity(open_metrics.len());
    let mut help = None;
    for line in open_metrics.lines() {
        if let Some(described) = line.strip_prefix("# HELP ") {
            help = described.split_once(' ');
        } else if let Some(described) = line.strip_prefix("# TYPE ") {
            let (name, kind) = described.split_once(' ').ok_or(fmt::Error)?;
            let (suffix, kind) = match kind {
                "counter" => ("_total", "counter"),
                "info" => ("_info", "gauge"),
                "unknown" => ("", "untyped"),
                kind => ("", kind),
            };
            if let Some((_, help)) = help.take_if(|(of, _)| *of == name) {
                writeln!(text, "# HELP {name}{suffix} {help}")?;
            }
            writeln!(text, "# TYPE {name}{suffix} {kind}")?;
        } else if !line.starts_with('#') {
            writeln!(text, "{line}")?;
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;
    use prometheus_client::metrics::counter::Counter;
    use prometheus_client::metrics::gauge::Gauge;
    use prometheus_client::metrics::histogram::Histogram;
    use prometheus_client::metrics::info::Info;
    use prometheus_client::registry::Unit;

    use super::*;

    #[test]
    fn open_metrics_is_for_those_who_ask_for_it() {
        let prometheus = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
            application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;q=0.3,\
            text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
        let table: &[(&[&str], Form)] = &[
            (&[], Form::Text),
            (&["*/*"], Form::Text),
            (&["text/html, */*;q=0.8"], Form::Text),
            (&["text/plain;version=0.0.4;q=1,*/*;q=0.1"], Form::Text),
            (&["application/openmetrics-text;q=0"], Form::Text),
            (&["application/openmetrics-text; q=x"], Form::Text),
            (
                &["text/plain;version=0.0.4;q=0.5,application/openmetrics-text;q=0.2"],
                Form::Text,
            ),
            (&[prometheus], Form::OpenMetrics),
            (&["Application/OpenMetrics-Text"], Form::OpenMetrics),
            (
                &[
                    "text/plain;q=0.3",
                    "application/openmetrics-text; version=1.0.0; q=0.7",
                ],
                Form::OpenMetrics,
            ),
        ];
        for (accepted, expected) in table {
            let mut headers = HeaderMap::new();
            for value in *accepted {
                headers.append(ACCEPT, HeaderValue::from_static(value));
            }
            assert_eq!(Form::wanted(&headers), *expected, "{accepted:?}");
        }
    }

    #[test]
    fn the_text_format_has_the_same_samples_and_its_own_description() {
        let mut registry = Registry::default();
        let counter: Counter = Counter::default();
        counter.inc();
        registry.register("things", "Things that happened", counter);
        registry.register("volumes", "Volumes", Gauge::<i64>::default());
        let time = Histogram::new([0.5]);
        time.observe(0.25);
        registry.register_with_unit("wait", "How long", Unit::Seconds, time);
        registry.register("build", "The build", Info::new(vec![("version", "1")]));

        let expected = "# HELP things_total Things that happened.\n\
            # TYPE things_total counter\n\
            things_total 1\n\
            # HELP volumes Volumes.\n\
            # TYPE volumes gauge\n\
            volumes 0\n\
            # HELP wait_seconds How long.\n\
            # TYPE wait_seconds histogram\n\
            wait_seconds_sum 0.25\n\
            wait_seconds_count 1\n\
            wait_seconds_bucket{le=\"0.5\"} 1\n\
            wait_seconds_bucket{le=\"+Inf\"} 1\n\
            # HELP build_info The build.\n\
            # TYPE build_info gauge\n\
            build_info{version=\"1\"} 1\n";
        assert_eq!(Form::Text.write(&registry).unwrap(), expected);
        let samples = |text: &str| -> Vec<String> {
            let lines = text.lines().filter(|line| !line.starts_with('#'));
            lines.map(str::to_owned).collect()
        };
        let open = Form::OpenMetrics.write(&registry).unwrap();
        assert_eq!(samples(&open), samples(expected));
        assert!(open.ends_with("# EOF\n"), "{open}");
    }
}
