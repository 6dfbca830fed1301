//! Durations of one measurement, and what is said of them.

use std::time::Duration;

/// Durations in order.
#[derive(Clone, Debug)]
pub(crate) struct Sample(Vec<Duration>);

impl Sample {
    pub(crate) fn new(mut durations: Vec<Duration>) -> Self {
        durations.sort_unstable();
        Self(durations)
    }

    /// In milliseconds: a percentile by the nearest rank.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        let rank = (self.0.len() * percent).div_ceil(100).max(1);
        let found = self.0.get(rank - 1).or(self.0.last());
        found.map_or(0.0, |duration| duration.as_secs_f64() * 1000.0)
    }
}

/// A count as a figure.
pub(crate) fn figure(count: usize) -> f64 {
    u32::try_from(count).unwrap_or(u32::MAX).into()
}

/// The same figure of several rounds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rounds(Vec<f64>);

impl Rounds {
    pub(crate) fn push(&mut self, figure: f64) {
        self.0.push(figure);
        self.0.sort_unstable_by(f64::total_cmp);
    }

    pub(crate) fn median(&self) -> f64 {
        let upper = self.0.len() / 2;
        let lower = self.0.len().saturating_sub(1) / 2;
        let at = |index: usize| self.0.get(index).copied().unwrap_or(f64::NAN);
        f64::midpoint(at(lower), at(upper))
    }

    pub(crate) fn least(&self) -> f64 {
        self.0.first().copied().unwrap_or(f64::NAN)
    }

    pub(crate) fn most(&self) -> f64 {
        self.0.last().copied().unwrap_or(f64::NAN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_by_the_nearest_rank() {
        let sample = Sample::new((1..=100).rev().map(Duration::from_millis).collect());
        let found = [50, 99, 100, 0].map(|percent| sample.percentile(percent));
        assert_eq!(found, [50.0, 99.0, 100.0, 1.0]);
        assert_eq!(Sample::new(Vec::new()).percentile(50), 0.0);
    }

    #[test]
    fn the_median_of_an_even_number_lies_between_the_two_in_the_middle() {
        let mut rounds = Rounds::default();
        for figure in [4.0, 1.0, 3.0, 2.0] {
            rounds.push(figure);
        }
        assert_eq!(
            (rounds.least(), rounds.median(), rounds.most()),
            (1.0, 2.5, 4.0)
        );
    }
}
