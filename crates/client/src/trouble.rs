//! A failure that goes on: said when it begins, then at intervals, and once when it is over.
//!
//! Pure: time is an argument. Whoever tries again keeps one [`Trouble`] per thing that is tried and
//! logs what it returns.

use std::time::Duration;

use tokio::time::Instant;

/// What goes wrong again and again in one place.
#[derive(Debug, Default)]
pub struct Trouble {
    series: Option<Series>,
}

/// Failures without a success in between.
#[derive(Debug)]
struct Series {
    /// The texts that were said.
    texts: Vec<String>,
    failures: u32,
    first: Instant,
    last: Instant,
    /// When something was last said.
    said: Instant,
}

/// What is to be said of a series of failures now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    /// How many there were.
    pub failures: u32,
    /// From the first one to the last.
    pub for_seconds: u64,
}

impl Trouble {
    /// One more failure, with this text. What is to be said of it, if anything: the first one is
    /// said, one with another cause is said, and after that one in `INTERVAL`.
    pub fn fails(&mut self, text: &str, now: Instant) -> Option<Said> {
        if self
            .series
            .as_ref()
            .is_some_and(|series| series.is_over(now))
        {
            self.series = None;
        }
        let series = self.series.get_or_insert_with(|| Series {
            texts: Vec::new(),
            failures: 0,
            first: now,
            last: now,
            said: now,
        });
        series.failures = series.failures.saturating_add(1);
        series.last = now;
        let is_new =
            series.texts.len() < MOST_TEXTS && !series.texts.iter().any(|known| known == text);
        if is_new {
            series.texts.push(text.to_owned());
        } else if now.saturating_duration_since(series.said) < INTERVAL {
            return None;
        }
        series.said = now;
        Some(series.so_far())
    }

    /// It worked. What is to be said of the series that ends with this, if there was one:
    /// nothing if it has not failed for `INTERVAL`, since a quiet watch learns late that it works.
    pub fn ends(&mut self, now: Instant) -> Option<Said> {
        let series = self.series.take()?;
        (!series.is_over(now)).then(|| series.so_far())
    }
}

impl Series {
    fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.last) > INTERVAL
    }

    fn so_far(&self) -> Said {
        Said {
            failures: self.failures,
            for_seconds: self.last.saturating_duration_since(self.first).as_secs(),
        }
    }
}

/// How often a failure that goes on is said. If this were halved, an API server that is away for a
/// night would cost 100 lines per task in place of 50.
const INTERVAL: Duration = Duration::from_secs(600);
/// So many causes of one series are said at once; texts that differ each time are not.
const MOST_TEXTS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn said(failures: u32, for_seconds: u64) -> Option<Said> {
        Some(Said {
            failures,
            for_seconds,
        })
    }

    #[test]
    fn the_first_failure_is_said_then_one_in_ten_minutes_and_the_end() {
        let start = Instant::now();
        let mut trouble = Trouble::default();
        let lines: Vec<_> = (0..1500)
            .filter_map(|at| trouble.fails("refused", start + Duration::from_secs(2 * at)))
            .collect();
        let expected = [(1, 0), (301, 600), (601, 1200), (901, 1800), (1201, 2400)];
        let expected = expected.map(|(failures, seconds)| said(failures, seconds).unwrap());
        assert_eq!(lines, expected);
        let end = start + Duration::from_secs(3000);
        assert_eq!(trouble.ends(end), said(1500, 2998));
        assert_eq!(trouble.ends(end), None);
        assert_eq!(trouble.fails("refused", end), said(1, 0));
    }

    #[test]
    fn another_cause_is_said_at_once_and_causes_that_take_turns_are_not() {
        let now = Instant::now();
        let mut trouble = Trouble::default();
        for (at, text) in ["refused", "timed out", "refused", "timed out"]
            .into_iter()
            .enumerate()
        {
            assert_eq!(trouble.fails(text, now).is_some(), at < 2, "{at}");
        }
        let texts = (0..1000).map(|at| format!("request {at} failed"));
        let lines = texts.filter_map(|text| trouble.fails(&text, now)).count();
        assert_eq!(lines, MOST_TEXTS - 2);
    }

    #[test]
    fn what_has_not_failed_for_long_begins_a_new_series() {
        let now = Instant::now();
        let mut trouble = Trouble::default();
        assert_eq!(trouble.fails("silent", now), said(1, 0));
        let next_day = now + Duration::from_secs(86_400);
        assert_eq!(trouble.fails("silent", next_day), said(1, 0));
        assert_eq!(trouble.ends(next_day + Duration::from_secs(86_400)), None);
    }
}
