//! Watches the predictions of a model version.

use super::change::Change;
use super::outputs::{Outputs, step};
use super::settings::ChangeSettings;
use super::signal::Signal;
use crate::signature::{Confidence, Signature, confidence};
use crate::tensor::Value;
use parking_lot::Mutex;
use smallvec::SmallVec;

/// Changes that are kept until they are taken; beyond them the oldest are forgotten.
const MAX_CHANGES: usize = 100;

/// The detectors of a model version, and what they have detected.
#[derive(Debug)]
pub struct Watch {
    /// Of each signal and detector at most one change is told in such a time.
    pause_ms: u64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    correctness: Signal,
    confidence: Signal,
    outputs: Outputs,
    /// The oldest first.
    changes: Vec<Change>,
}

/// A prediction that was answered.
#[derive(Clone, Copy)]
pub struct Answered<'a> {
    pub unix_ms: u64,
    pub signature: &'a Signature,
    pub outputs: &'a [(String, Value)],
}

impl Watch {
    pub fn new(pause_ms: u64) -> Self {
        let signal = |name: &str| Signal::new(name.to_owned());
        let (correctness, confidence) = (signal("correctness"), signal("confidence"));
        let state = State { correctness, confidence, outputs: Outputs::default(), changes: Vec::new() };
        Self { pause_ms, state: Mutex::new(state) }
    }

    /// Adds a prediction; of one with many rows some of them.
    pub fn observe(&self, settings: ChangeSettings, Answered { unix_ms, signature, outputs }: Answered<'_>) {
        if settings.is_off() {
            return;
        }
        let named: SmallVec<[(&str, &Value); 4]> = outputs.iter().map(|(name, value)| (name.as_str(), value)).collect();
        let confidences = match confidence(signature, &named, false) {
            Confidence::None => Vec::new(),
            Confidence::Row(one) => vec![Some(one)],
            Confidence::Batch(rows) => rows,
        };
        let state = &mut *self.state.lock();
        let changes = &mut state.changes;
        for value in confidences.iter().step_by(step(confidences.len())).flatten() {
            state.confidence.update(settings, *value, unix_ms, self.pause_ms, changes);
        }
        for output in outputs {
            state.outputs.update(signature, output, |signal, number| {
                signal.update(settings, number, unix_ms, self.pause_ms, changes);
            });
        }
        forget_oldest(changes);
    }

    /// Adds what became known of a prediction.
    pub fn observe_correctness(&self, settings: ChangeSettings, unix_ms: u64, is_correct: bool) {
        let state = &mut *self.state.lock();
        let error = f64::from(u8::from(!is_correct));
        state.correctness.update(settings, error, unix_ms, self.pause_ms, &mut state.changes);
        forget_oldest(&mut state.changes);
    }

    /// What was detected since the last call, the oldest first.
    pub fn take(&self) -> Vec<Change> {
        std::mem::take(&mut self.state.lock().changes)
    }

    /// The same, which stays.
    pub fn changes(&self) -> Vec<Change> {
        self.state.lock().changes.clone()
    }
}

fn forget_oldest(changes: &mut Vec<Change>) {
    let over = changes.len().saturating_sub(MAX_CHANGES);
    changes.drain(..over);
}
