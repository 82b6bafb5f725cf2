//! Profiles the predictions of a model version while they are made.

use super::block::{Block, Pending};
use super::columns::Profile;
use super::elements::{extend_numbers, has_numbers};
use super::layout::{Layout, declared, layout};
use super::names::{Names, Side};
use super::settings::ProfileSettings;
use super::sink::ColumnSink;
use crate::error::Result;
use crate::signature::{ClassRole, Signature};
use crate::tensor::{DType, Tensor, Value};
use parking_lot::{Mutex, RwLock};
use std::collections::HashMap;

/// Numbers that wait before they are folded into the profile together, which costs a fraction of folding each.
const FOLD_NUMBERS: usize = 1024;
/// Values of one prediction that are profiled. Of more every second, third... row is taken, or of a single row such elements; the
/// count of rows is that of all.
const MAX_VALUES: usize = 64 << 10;
/// Numbers of a vector that are looked at: of more every second, third...
pub const MAX_VECTOR_VALUES: usize = MAX_VALUES;
/// Bytes of text that count as one value.
const BYTES_PER_VALUE: usize = 8;

/// What was profiled since it was taken last. Predictions of many threads wait for each other only to append their numbers.
#[derive(Debug, Default)]
pub struct Profiler {
    /// How the uploader calls the columns of inputs.
    names: RwLock<HashMap<String, Vec<String>>>,
    pending: Mutex<Pending>,
    profile: Mutex<Profile>,
}

/// The named values of a prediction: those it was given, and those it gave.
#[derive(Clone, Copy)]
pub struct Sides<'a> {
    pub signature: &'a Signature,
    pub inputs: &'a [(String, Value)],
    pub outputs: &'a [(String, Value)],
}

impl Profiler {
    /// Calls the columns of inputs by names. Where their number is not that of the columns, positions stay their names.
    pub fn name_columns(&self, names: HashMap<String, Vec<String>>) {
        *self.names.write() = names;
    }

    /// Adds a prediction that succeeded.
    pub fn observe(&self, settings: ProfileSettings, prediction: Sides<'_>) {
        if settings.max_columns == 0 {
            return;
        }
        let step = values_of(prediction).div_ceil(MAX_VALUES).max(1);
        let mut full = None;
        let rest = {
            let mut pending = self.pending.lock();
            let rest = Rest::behind(settings, prediction, step, &mut pending);
            if pending.numbers() >= FOLD_NUMBERS {
                full = Some(std::mem::take(&mut *pending));
            }
            rest
        };
        if full.is_none() && rest.is_nothing() {
            return;
        }
        let mut profile = self.profile.lock();
        if let Some(full) = full {
            full.fold(&self.names.read(), &mut *profile);
        }
        rest.add(&mut *profile);
    }

    /// What was profiled since the last call.
    pub fn take(&self) -> Profile {
        std::mem::take(&mut *self.folded())
    }

    /// The same, which stays.
    pub fn profile(&self) -> Profile {
        self.folded().clone()
    }

    /// Gives back what was taken and could not be stored.
    ///
    /// # Errors
    /// As [`Profile::merge`].
    pub fn restore(&self, profile: &Profile) -> Result<()> {
        self.profile.lock().merge(profile)
    }

    fn folded(&self) -> parking_lot::MutexGuard<'_, Profile> {
        let pending = std::mem::take(&mut *self.pending.lock());
        let mut profile = self.profile.lock();
        pending.fold(&self.names.read(), &mut *profile);
        profile
    }
}

/// Hands on all the values of a prediction, however many they are. `names` are those of the columns of inputs that have names.
///
/// Returns how many rows they are.
pub fn split(
    settings: ProfileSettings,
    names: &HashMap<String, Vec<String>>,
    prediction: Sides<'_>,
    sink: &mut impl ColumnSink,
) -> usize {
    let mut pending = Pending::default();
    let rest = Rest::behind(settings, prediction, 1, &mut pending);
    pending.fold(names, sink);
    rest.add(sink);
    rest.rows
}

/// What of a prediction does not wait.
struct Rest<'a> {
    prediction: Sides<'a>,
    others: Vec<(Seen<'a>, &'a Value)>,
    rows: usize,
    /// Whether inputs were not given.
    is_sparse: bool,
}

impl<'a> Rest<'a> {
    /// What is left when all that waits is appended.
    fn behind(settings: ProfileSettings, prediction: Sides<'a>, step: usize, pending: &mut Pending) -> Self {
        let features = if settings.features { prediction.inputs } else { &[] };
        let sides = features
            .iter()
            .map(|named| (Side::Feature, named))
            .chain(prediction.outputs.iter().map(|named| (Side::Output, named)));
        let mut rows = 0;
        let mut others = Vec::new();
        for (at, (side, (name, value))) in sides.enumerate() {
            let seen = Seen { settings, signature: prediction.signature, side, name, step };
            match seen.append(at, value, pending) {
                Some(appended) => rows = rows.max(appended),
                None => others.push((seen, value)),
            }
        }
        rows = others.iter().map(|(seen, value)| seen.rows(value)).fold(rows, usize::max);
        pending.rows += rows as u64;
        let is_sparse = settings.features && prediction.inputs.len() < prediction.signature.inputs.len();
        Self { prediction, others, rows, is_sparse }
    }

    fn is_nothing(&self) -> bool {
        self.others.is_empty() && !self.is_sparse
    }

    fn add(&self, sink: &mut impl ColumnSink) {
        self.others.iter().for_each(|(seen, value)| seen.add(value, sink));
        if self.is_sparse {
            let Sides { signature, inputs, .. } = self.prediction;
            let is_absent = |name: &str| inputs.iter().all(|(given, _)| given != name);
            for input in signature.inputs.iter().filter(|input| is_absent(&input.name)) {
                (0..self.rows.max(1)).for_each(|_| sink.add_missing(&Side::Feature.name(&input.name)));
            }
        }
    }
}

/// One input or output.
struct Seen<'a> {
    settings: ProfileSettings,
    signature: &'a Signature,
    side: Side,
    name: &'a str,
    step: usize,
}

impl Seen<'_> {
    /// Appends what is nothing but columns of numbers to those that wait, and answers how many rows it has.
    fn append(&self, at: usize, value: &Value, pending: &mut Pending) -> Option<usize> {
        match value {
            Value::Tensor(tensor) => self.append_tensor(at, tensor, pending),
            Value::Sequence(maps) => self.append_maps(at, maps, pending),
            Value::Map { .. } => self.append_maps(at, std::slice::from_ref(value), pending),
            Value::None => None,
        }
    }

    fn append_tensor(&self, at: usize, tensor: &Tensor, pending: &mut Pending) -> Option<usize> {
        let Layout { rows, columns, .. } = self.layout(tensor);
        if !self.is_columns(tensor) || !has_numbers(tensor) {
            return None;
        }
        let is_same = |names: &Names| names.count() == columns;
        let block = pending.block(at, self.side, self.name, is_same, || self.block(columns));
        if self.step == 1 {
            extend_numbers(tensor, 0..rows * columns, &mut block.numbers);
        } else {
            for row in (0..rows).step_by(self.step) {
                extend_numbers(tensor, row * columns..(row + 1) * columns, &mut block.numbers);
            }
        }
        Some(rows)
    }

    /// Of a sequence of maps, each with the numbers of a row by class.
    fn append_maps(&self, at: usize, maps: &[Value], pending: &mut Pending) -> Option<usize> {
        let columns_of = |map: &Value| match map {
            Value::Map { values, .. } if has_numbers(values) => Some(values.len()),
            _ => None,
        };
        if !maps.iter().all(|map| columns_of(map).is_some_and(|columns| columns <= self.settings.max_columns)) {
            return None;
        }
        for map in maps.iter().step_by(self.step) {
            let Value::Map { keys, values } = map else { continue };
            let is_same = |names: &Names| matches!(names, Names::Keyed(own) if own == keys);
            let new = || Block::new(self.side, self.name, Names::Keyed(keys.clone()), false);
            let block = pending.block(at, self.side, self.name, is_same, new);
            extend_numbers(values, 0..values.len(), &mut block.numbers);
        }
        Some(maps.len())
    }

    fn block(&self, columns: usize) -> Block {
        let told = match self.side {
            Side::Output => self.signature.class_outputs.iter().find(|told| told.name == self.name),
            Side::Feature => None,
        };
        let names = Names::of_output(told, columns);
        Block::new(self.side, self.name, names, told.is_some_and(|told| told.role == ClassRole::Label))
    }

    /// Adds what does not wait: strings, vectors, what is missing.
    fn add(&self, value: &Value, sink: &mut impl ColumnSink) {
        let name = || self.side.name(self.name);
        match value {
            Value::None => sink.add_missing(&name()),
            Value::Tensor(tensor) if tensor.dtype == DType::String && self.is_columns(tensor) => {
                self.add_strings(tensor, sink);
            }
            Value::Tensor(tensor) if has_numbers(tensor) => self.add_vectors(tensor, sink),
            Value::Tensor(tensor) => sink.leave_out(tensor.len()),
            Value::Sequence(values) => sink.leave_out(values.len()),
            Value::Map { values, .. } => sink.leave_out(values.len()),
        }
    }

    fn add_strings(&self, tensor: &Tensor, sink: &mut impl ColumnSink) {
        let (Some(strings), Layout { columns, .. }) = (tensor.strings(), self.layout(tensor)) else { return };
        let names = if columns == 1 { Names::Whole } else { Names::Indexed(columns) };
        for at in 0..columns {
            let column = names.column(self.side, self.name, at);
            let values = strings.iter().skip(at).step_by(columns * self.step);
            values.for_each(|value| sink.add_category(&column, value));
        }
    }

    fn add_vectors(&self, tensor: &Tensor, sink: &mut impl ColumnSink) {
        let Layout { rows, columns, .. } = self.layout(tensor);
        let column = self.side.name(self.name);
        let mut elements = Vec::new();
        for row in (0..rows).step_by(if rows > 1 { self.step } else { 1 }) {
            elements.clear();
            extend_numbers(tensor, row * columns..(row + 1) * columns, &mut elements);
            if elements.len() > MAX_VALUES {
                let step = elements.len().div_ceil(MAX_VALUES);
                elements = elements.into_iter().step_by(step).collect();
            }
            sink.add_vector(&column, &elements);
        }
    }

    /// Whether each column is profiled on its own.
    fn is_columns(&self, tensor: &Tensor) -> bool {
        let Layout { columns, is_flat, .. } = self.layout(tensor);
        is_flat && (1..=self.settings.max_columns).contains(&columns)
    }

    fn layout(&self, tensor: &Tensor) -> Layout {
        layout(tensor, declared(self.signature, self.side == Side::Feature, self.name))
    }

    fn rows(&self, value: &Value) -> usize {
        match value {
            Value::Tensor(tensor) => self.layout(tensor).rows,
            Value::Sequence(values) => values.len(),
            Value::Map { .. } | Value::None => 1,
        }
    }
}

/// How much there is to look at.
fn values_of(prediction: Sides<'_>) -> usize {
    let of_tensor = |tensor: &Tensor| match tensor.strings() {
        Some(strings) => strings.iter().map(|text| 1 + text.len() / BYTES_PER_VALUE).sum(),
        None => tensor.len(),
    };
    let of_value = |(_, value): &(String, Value)| match value {
        Value::Tensor(tensor) => of_tensor(tensor),
        Value::Sequence(values) => values.len(),
        Value::Map { values, .. } => values.len(),
        Value::None => 0,
    };
    prediction.inputs.iter().chain(prediction.outputs).map(of_value).sum()
}
