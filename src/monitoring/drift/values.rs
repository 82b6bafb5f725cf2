//! The columns as they are given, and what of them counts.

use super::histogram::Histogram;
use super::method::Method;
use super::samples::{Categories, Numbers, Vectors};
use crate::error::Result;
use std::collections::HashSet;

/// How the values of a column are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Number,
    Category,
    /// Words, ids and the like, which are nearly all different: they are counted and not compared.
    Text,
    /// Embeddings and the like: as many numbers in each row.
    Vector,
}

impl Kind {
    /// The name in APIs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Category => "category",
            Self::Text => "text",
            Self::Vector => "vector",
        }
    }
}

/// One column of a data set on both sides.
#[derive(Debug, Clone)]
pub struct Column {
    pub name: String,
    pub values: Values,
    /// A name of a method; without one the method is chosen.
    pub method: Option<String>,
    /// Instead of the method's own.
    pub threshold: Option<f64>,
}

#[derive(Debug, Clone)]
pub enum Values {
    /// NaN stands for a missing number.
    Numbers { reference: Vec<f64>, current: Vec<f64> },
    /// How often each category occurs, `(reference, current)`, and how many rows have none.
    Categories { counts: Vec<(u64, u64)>, missing: (u64, u64), is_text: bool },
    /// Row by row; a row with a NaN is missing.
    Vectors { dimension: usize, reference: Vec<f64>, current: Vec<f64> },
}

/// What one side has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rows {
    /// Those that are compared.
    pub count: u64,
    pub missing: u64,
    /// Infinite numbers, which are not compared.
    pub infinite: u64,
    pub distinct: u64,
}

/// Values that can be compared, and the rows of both sides. `None` when a side has no value.
pub struct Cleaned {
    pub reference: Rows,
    pub current: Rows,
    pub samples: Option<Samples>,
    /// Of categories by their places as they were given.
    pub histogram: Option<Histogram>,
}

pub enum Samples {
    Numbers(Numbers),
    Categories(Categories),
    Vectors(Vectors),
}

impl Values {
    pub fn kind(&self) -> Kind {
        match self {
            Self::Numbers { .. } => Kind::Number,
            Self::Categories { is_text: false, .. } => Kind::Category,
            Self::Categories { is_text: true, .. } => Kind::Text,
            Self::Vectors { .. } => Kind::Vector,
        }
    }

    pub fn cleaned(self) -> Cleaned {
        match self {
            Self::Numbers { reference, current } => {
                let (mut rows_reference, reference) = finite(reference);
                let (mut rows_current, current) = finite(current);
                let numbers = Numbers::of(reference, current);
                for group in numbers.iter().flat_map(|numbers| &numbers.pooled.groups) {
                    rows_reference.distinct += u64::from(group.reference > 0);
                    rows_current.distinct += u64::from(group.current > 0);
                }
                let histogram = numbers.as_ref().map(Histogram::of_numbers);
                let samples = numbers.map(Samples::Numbers);
                Cleaned { reference: rows_reference, current: rows_current, samples, histogram }
            }
            Self::Categories { counts, missing, .. } => {
                let (mut reference, mut current) =
                    (Rows { missing: missing.0, ..Rows::default() }, Rows { missing: missing.1, ..Rows::default() });
                for (of_reference, of_current) in &counts {
                    reference.add(*of_reference);
                    current.add(*of_current);
                }
                let histogram = Histogram::of_categories(&counts);
                let samples = Categories::of(counts).map(Samples::Categories);
                Cleaned { reference, current, histogram: samples.is_some().then_some(histogram), samples }
            }
            Self::Vectors { dimension, reference, current } => {
                let (reference, mut values) = finite_rows(&reference, dimension);
                let (current, of_current) = finite_rows(&current, dimension);
                values.extend(of_current);
                let vectors = Vectors { dimension, reference: reference.count, current: current.count, values };
                let samples = (reference.count > 0 && current.count > 0).then_some(Samples::Vectors(vectors));
                Cleaned { reference, current, samples, histogram: None }
            }
        }
    }
}

impl Samples {
    /// Different values of both sides together.
    pub fn distinct(&self) -> u64 {
        match self {
            Self::Numbers(numbers) => numbers.distinct,
            Self::Categories(categories) => categories.counts.len() as u64,
            Self::Vectors(vectors) => vectors.reference + vectors.current,
        }
    }

    /// Refuses a column that the method cannot compare.
    pub fn check(&self, method: Method, column: &str) -> Result<()> {
        match self {
            Self::Numbers(numbers) => method.check_numbers(column, numbers),
            Self::Categories(_) => method.check_categories(column, self.distinct()),
            Self::Vectors(_) => method.check_vectors(column),
        }
    }
}

impl Rows {
    fn add(&mut self, count: u64) {
        self.distinct += u64::from(count > 0);
        self.count += count;
    }
}

fn finite(mut values: Vec<f64>) -> (Rows, Vec<f64>) {
    let missing = values.iter().filter(|value| value.is_nan()).count() as u64;
    let infinite = values.iter().filter(|value| value.is_infinite()).count() as u64;
    values.retain(|value| value.is_finite());
    (Rows { count: values.len() as u64, missing, infinite, distinct: 0 }, values)
}

/// Rows of finite numbers alone.
fn finite_rows(values: &[f64], dimension: usize) -> (Rows, Vec<f64>) {
    let mut rows = Rows::default();
    let mut kept = Vec::with_capacity(values.len());
    for row in values.chunks_exact(dimension) {
        if row.iter().any(|value| value.is_nan()) {
            rows.missing += 1;
        } else if row.iter().any(|value| value.is_infinite()) {
            rows.infinite += 1;
        } else {
            rows.count += 1;
            kept.extend(row);
        }
    }
    // Both zeros are one number.
    let bits = |row: &[f64]| row.iter().map(|value| (value + 0.0).to_bits()).collect::<Vec<_>>();
    rows.distinct = kept.chunks_exact(dimension).map(bits).collect::<HashSet<_>>().len() as u64;
    (rows, kept)
}
