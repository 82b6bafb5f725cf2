//! One feature or output.

use super::number::Number;
use super::strings::Strings;
use super::vector::Vectors;
use crate::error::Result;
use serde::{Deserialize, Serialize};

/// What a column holds, which its first value decides.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub enum Kind {
    /// No value yet.
    #[default]
    Unknown,
    Number(Box<Number>),
    /// Categories or text: [`Strings::is_text`] says which.
    Strings(Box<Strings>),
    Vectors(Box<Vectors>),
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Column {
    /// Values that were not given, and NaN.
    pub missing: u64,
    /// Values of another kind than the column's, which are counted and not profiled.
    pub mismatched: u64,
    pub kind: Kind,
}

impl Column {
    /// Values of any kind, missing ones included.
    pub fn values(&self) -> u64 {
        let kind = match &self.kind {
            Kind::Unknown => 0,
            Kind::Number(numbers) => numbers.count().saturating_add(numbers.infinite()),
            Kind::Strings(strings) => strings.count(),
            Kind::Vectors(vectors) => vectors.count().saturating_add(vectors.infinite()),
        };
        self.missing.saturating_add(self.mismatched).saturating_add(kind)
    }

    pub(super) fn add_numbers(&mut self, values: &[f64]) {
        let missing = values.iter().filter(|value| value.is_nan()).count() as u64;
        self.missing = self.missing.saturating_add(missing);
        let given = values.len() as u64 - missing;
        if given == 0 {
            return;
        }
        if matches!(self.kind, Kind::Unknown) {
            self.kind = Kind::Number(Box::default());
        }
        match &mut self.kind {
            Kind::Number(numbers) => numbers.add(values),
            _ => self.mismatched = self.mismatched.saturating_add(given),
        }
    }

    pub(super) fn add_strings(&mut self, value: &str, count: u64) {
        if matches!(self.kind, Kind::Unknown) {
            self.kind = Kind::Strings(Box::default());
        }
        match &mut self.kind {
            Kind::Strings(strings) => strings.add(value, count),
            _ => self.mismatched = self.mismatched.saturating_add(count),
        }
    }

    pub(super) fn add_vector(&mut self, elements: &[f64]) {
        if elements.iter().any(|element| element.is_nan()) {
            self.missing = self.missing.saturating_add(1);
            return;
        }
        if matches!(self.kind, Kind::Unknown) {
            self.kind = Kind::Vectors(Box::default());
        }
        match &mut self.kind {
            Kind::Vectors(vectors) => vectors.add(elements),
            _ => self.mismatched = self.mismatched.saturating_add(1),
        }
    }

    pub(super) fn merge(&mut self, other: &Self) -> Result<()> {
        let (missing, mismatched) = (other.missing, other.mismatched);
        self.missing = self.missing.saturating_add(missing);
        self.mismatched = self.mismatched.saturating_add(mismatched);
        match (&mut self.kind, &other.kind) {
            (_, Kind::Unknown) => {}
            (Kind::Unknown, kind) => self.kind = kind.clone(),
            (Kind::Number(own), Kind::Number(other)) => own.merge(other)?,
            (Kind::Strings(own), Kind::Strings(other)) => own.merge(other)?,
            (Kind::Vectors(own), Kind::Vectors(other)) => own.merge(other)?,
            _ => self.mismatched = self.mismatched.saturating_add(other.values() - missing - mismatched),
        }
        Ok(())
    }

    pub(super) fn is_sound(&self) -> bool {
        match &self.kind {
            Kind::Unknown => true,
            Kind::Number(numbers) => numbers.is_sound(),
            Kind::Strings(strings) => strings.is_sound(),
            Kind::Vectors(vectors) => vectors.is_sound(),
        }
    }
}
