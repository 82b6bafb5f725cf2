//! The values of columns as they were.

use crate::monitoring::profile::{ColumnSink, Kind, Profile, shortened};
use std::collections::{BTreeMap, HashMap};

/// Bytes of text that count as one value.
const BYTES_PER_VALUE: usize = 8;

/// The values of columns, and what a profile has of them.
#[derive(Debug, Default)]
pub struct RawColumns {
    pub profile: Profile,
    /// Of columns of the profile with a value; what is missing, and values of another kind than the column's, only the profile counts.
    pub values: BTreeMap<String, Raw>,
    /// Values that are kept; texts count by their length.
    pub size: usize,
}

#[derive(Debug)]
pub enum Raw {
    Numbers(Vec<f64>),
    /// How often each occurs.
    Categories(HashMap<String, u64>),
    Vectors(RawVectors),
}

#[derive(Debug)]
pub struct RawVectors {
    /// Of the first one.
    pub dimension: usize,
    /// Row by row.
    pub elements: Vec<f64>,
    /// Whether others have another number of elements.
    pub are_varied: bool,
}

impl RawColumns {
    /// Keeps only some columns.
    pub fn retain(&mut self, is_kept: impl Fn(&str) -> bool) {
        self.profile.columns.retain(|name, _| is_kept(name));
        self.values.retain(|name, _| is_kept(name));
    }

    /// The values of a column that the profile has with such a kind.
    fn raw(&mut self, column: &str, is_kind: fn(&Kind) -> bool, new: impl FnOnce() -> Raw) -> Option<&mut Raw> {
        let name = shortened(column);
        let own = self.profile.columns.get(&*name).filter(|own| is_kind(&own.kind));
        own.is_some().then(|| self.values.entry(name.into_owned()).or_insert_with(new))
    }

    fn count(&mut self, column: &str, category: &str) {
        let is_kind = |kind: &Kind| matches!(kind, Kind::Strings(_));
        let Some(Raw::Categories(counts)) = self.raw(column, is_kind, || Raw::Categories(HashMap::new())) else {
            return;
        };
        let category = shortened(category);
        if let Some(count) = counts.get_mut(&*category) {
            *count += 1;
        } else {
            let size = 1 + category.len() / BYTES_PER_VALUE;
            counts.insert(category.into_owned(), 1);
            self.size += size;
        }
    }
}

impl ColumnSink for RawColumns {
    fn add_rows(&mut self, count: u64) {
        self.profile.add_rows(count);
    }

    fn add_numbers(&mut self, column: &str, values: &[f64]) {
        self.profile.add_numbers(column, values);
        let is_kind = |kind: &Kind| matches!(kind, Kind::Number(_));
        if let Some(Raw::Numbers(numbers)) = self.raw(column, is_kind, || Raw::Numbers(Vec::new())) {
            let before = numbers.len();
            numbers.extend(values.iter().filter(|value| !value.is_nan()));
            let added = numbers.len() - before;
            self.size += added;
        }
    }

    fn add_classes(&mut self, column: &str, labels: &[f64]) {
        self.profile.add_classes(column, labels);
        for label in labels.iter().filter(|label| !label.is_nan()) {
            self.count(column, &(*label as i64).to_string());
        }
    }

    fn add_category(&mut self, column: &str, value: &str) {
        self.profile.add_category(column, value);
        self.count(column, value);
    }

    fn add_vector(&mut self, column: &str, elements: &[f64]) {
        self.profile.add_vector(column, elements);
        if elements.is_empty() || elements.iter().any(|element| element.is_nan()) {
            return;
        }
        let new = || Raw::Vectors(RawVectors { dimension: elements.len(), elements: Vec::new(), are_varied: false });
        let is_kind = |kind: &Kind| matches!(kind, Kind::Vectors(_));
        let Some(Raw::Vectors(vectors)) = self.raw(column, is_kind, new) else { return };
        if vectors.dimension == elements.len() {
            vectors.elements.extend_from_slice(elements);
            self.size += elements.len();
        } else {
            vectors.are_varied = true;
        }
    }

    fn add_missing(&mut self, column: &str) {
        self.profile.add_missing(column);
    }

    fn leave_out(&mut self, values: usize) {
        self.profile.leave_out(values);
    }
}
