//! How many requests are in the states that are counted.

use super::entry::{State, Wakes};

/// Kept up to date on every change of a state.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) left_alone: usize,
    pub(super) undecidable: usize,
    pub(super) written: usize,
}

impl Counts {
    /// A request comes to be in this state.
    pub(super) fn enter(&mut self, state: &State) {
        if let Some(count) = self.of(state) {
            *count += 1;
        }
    }

    /// A request is no longer in this state.
    pub(super) fn leave(&mut self, state: &State) {
        if let Some(count) = self.of(state) {
            *count = count.saturating_sub(1);
        }
    }

    fn of(&mut self, state: &State) -> Option<&mut usize> {
        match state {
            State::LeftAlone => Some(&mut self.left_alone),
            State::Written { .. } => Some(&mut self.written),
            State::Resting {
                wakes: Wakes::OnChange,
                ..
            } => Some(&mut self.undecidable),
            State::Queued { .. }
            | State::Running { .. }
            | State::Resting {
                wakes: Wakes::OnTime,
                ..
            } => None,
        }
    }
}
