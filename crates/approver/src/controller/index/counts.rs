//! How many requests are in the states that are counted.

use super::entry::{RequestState, RetryTrigger};

/// Kept up to date on every change of a state.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct StateCounts {
    pub(super) left_alone: usize,
    pub(super) undecidable: usize,
    pub(super) written: usize,
}

impl StateCounts {
    /// A request comes to be in this state.
    pub(super) fn enter(&mut self, state: &RequestState) {
        if let Some(count) = self.of(state) {
            *count += 1;
        }
    }

    /// A request is no longer in this state.
    pub(super) fn leave(&mut self, state: &RequestState) {
        if let Some(count) = self.of(state) {
            *count = count.saturating_sub(1);
        }
    }

    fn of(&mut self, state: &RequestState) -> Option<&mut usize> {
        match state {
            RequestState::LeftAlone => Some(&mut self.left_alone),
            RequestState::Written { .. } => Some(&mut self.written),
            RequestState::Resting {
                wakes: RetryTrigger::OnChange,
                ..
            } => Some(&mut self.undecidable),
            RequestState::Queued { .. }
            | RequestState::Running { .. }
            | RequestState::Resting {
                wakes: RetryTrigger::OnTime,
                ..
            } => None,
        }
    }
}
