//! The outputs of a model version whose numbers are watched.

use super::signal::Signal;
use crate::monitoring::profile::{Layout, Names, Side, declared, extend_numbers, has_numbers, layout, shortened};
use crate::signature::{ClassOutput, ClassRole, Signature};
use crate::tensor::{Tensor, Value};

/// Columns of outputs that are watched. An output with more than what is left of them is not.
const MAX_SIGNALS: usize = 16;
/// Rows of one prediction that are watched: of more every second, third...
const MAX_ROWS: usize = 32;

#[derive(Debug, Default)]
pub struct Outputs {
    outputs: Vec<Output>,
    /// The numbers of a prediction's output, one row behind the other.
    numbers: Vec<f64>,
}

#[derive(Debug)]
struct Output {
    name: String,
    names: Names,
    signals: Vec<Signal>,
}

/// Of how many rows each so-manieth is watched.
pub fn step(rows: usize) -> usize {
    rows.div_ceil(MAX_ROWS).max(1)
}

impl Outputs {
    /// Hands each watched number of an output to its signal.
    pub fn update(
        &mut self,
        signature: &Signature,
        (name, value): &(String, Value),
        mut update: impl FnMut(&mut Signal, f64),
    ) {
        let told = signature.class_outputs.iter().find(|told| told.name == *name);
        self.numbers.clear();
        let found = match value {
            // A mean of classes says nothing.
            Value::Tensor(_) if told.is_some_and(|told| told.role == ClassRole::Label) => None,
            Value::Tensor(tensor) => self.of_tensor(signature, name, tensor, told),
            Value::Sequence(maps) => self.of_maps(name, maps),
            Value::Map { .. } => self.of_maps(name, std::slice::from_ref(value)),
            Value::None => None,
        };
        let Some(at) = found else { return };
        let signals = &mut self.outputs[at].signals;
        let columns = signals.len();
        for (at, number) in self.numbers.iter().enumerate() {
            update(&mut signals[at % columns], *number);
        }
    }

    /// Reads numbers of columns, and finds where their output stands.
    fn of_tensor(
        &mut self,
        signature: &Signature,
        name: &str,
        tensor: &Tensor,
        told: Option<&ClassOutput>,
    ) -> Option<usize> {
        let Layout { rows, columns, is_flat } = layout(tensor, declared(signature, false, name));
        if !is_flat || columns == 0 || columns > MAX_SIGNALS || !has_numbers(tensor) {
            return None;
        }
        let at = self.place(name, |names| names.count() == columns, || Names::of_output(told, columns))?;
        for row in (0..rows).step_by(step(rows)) {
            extend_numbers(tensor, row * columns..(row + 1) * columns, &mut self.numbers);
        }
        Some(at)
    }

    /// The same of a sequence of maps, each with the numbers of a row by class.
    fn of_maps(&mut self, name: &str, maps: &[Value]) -> Option<usize> {
        let mut found = None;
        for map in maps.iter().step_by(step(maps.len())) {
            let Value::Map { keys, values } = map else { return None };
            let is_same = |names: &Names| matches!(names, Names::Keyed(own) if own == keys);
            if values.is_empty() || values.len() > MAX_SIGNALS || !has_numbers(values) {
                return None;
            }
            let at = self.place(name, is_same, || Names::Keyed(keys.clone()))?;
            if *found.get_or_insert(at) != at {
                return None;
            }
            extend_numbers(values, 0..values.len(), &mut self.numbers);
        }
        found
    }

    fn place(&mut self, name: &str, is_same: impl Fn(&Names) -> bool, names: impl FnOnce() -> Names) -> Option<usize> {
        let found = self.outputs.iter().position(|output| output.name == name && is_same(&output.names));
        if found.is_some() {
            return found;
        }
        let taken: usize = self.outputs.iter().map(|output| output.signals.len()).sum();
        let names = names();
        if taken + names.count() > MAX_SIGNALS {
            return None;
        }
        let signal = |at| Signal::new(shortened(&names.column(Side::Output, name, at)).into_owned());
        let signals = (0..names.count()).map(signal).collect();
        self.outputs.push(Output { name: name.to_owned(), names, signals });
        Some(self.outputs.len() - 1)
    }
}
