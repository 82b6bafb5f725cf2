//! The columns of a set of rows.

use super::column::{Column, Kind};
use super::limits::{self, MAX_COLUMNS, MAX_STRING_COLUMNS};
use crate::error::Result;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The profile of a set of rows.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Profile {
    pub rows: u64,
    pub columns: BTreeMap<String, Column>,
    /// Values that are not profiled: of columns beyond [`MAX_COLUMNS`] and [`MAX_STRING_COLUMNS`], and of types that no column has.
    pub left_out: u64,
}

impl Profile {
    pub fn add_rows(&mut self, count: u64) {
        self.rows = self.rows.saturating_add(count);
    }

    /// NaN counts as missing.
    pub fn add_number(&mut self, column: &str, value: f64) {
        self.add_numbers(column, &[value]);
    }

    /// Many at once cost a fraction of what each costs alone.
    pub fn add_numbers(&mut self, column: &str, values: &[f64]) {
        if let Some(column) = self.column(column, values.len()) {
            column.add_numbers(values);
        }
    }

    pub fn add_category(&mut self, column: &str, value: &str) {
        self.add_categories(column, value, 1);
    }

    /// The same category so many times.
    pub fn add_categories(&mut self, column: &str, value: &str, count: u64) {
        if let Some(column) = self.column_of_strings(column, count) {
            column.add_strings(value, count);
        }
    }

    pub fn add_vector(&mut self, column: &str, elements: &[f64]) {
        if let Some(column) = self.column(column, 1) {
            column.add_vector(elements);
        }
    }

    pub fn add_missing(&mut self, column: &str) {
        self.add_missing_values(column, 1);
    }

    pub fn add_missing_values(&mut self, column: &str, count: u64) {
        if count == 0 {
            return;
        }
        if let Some(column) = self.column(column, count) {
            column.missing = column.missing.saturating_add(count);
        }
    }

    /// Whole numbers that are names of classes.
    pub fn add_classes(&mut self, column: &str, labels: &[f64]) {
        let mut counts: BTreeMap<i64, u64> = BTreeMap::new();
        for label in labels.iter().filter(|label| !label.is_nan()) {
            *counts.entry(*label as i64).or_default() += 1;
        }
        counts.iter().for_each(|(label, count)| self.add_categories(column, &label.to_string(), *count));
        let missing = labels.iter().filter(|label| label.is_nan()).count();
        self.add_missing_values(column, missing as u64);
    }

    /// Counts values that are not profiled.
    pub fn leave_out(&mut self, values: usize) {
        self.left_out = self.left_out.saturating_add(values as u64);
    }

    /// # Errors
    /// `INVALID_REQUEST` for more values than 64 bits count.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        self.add_rows(other.rows);
        self.left_out = self.left_out.saturating_add(other.left_out);
        for (name, column) in &other.columns {
            let own = match column.kind {
                Kind::Strings(_) => self.column_of_strings(name, column.values()),
                _ => self.column(name, column.values()),
            };
            if let Some(own) = own {
                own.merge(column)?;
            }
        }
        Ok(())
    }

    /// The same as [`Self::column`], for one that becomes a column of strings if it is none of another kind yet.
    fn column_of_strings(&mut self, name: &str, values: u64) -> Option<&mut Column> {
        let is_known =
            self.columns.get(&*limits::shortened(name)).is_some_and(|own| !matches!(own.kind, Kind::Unknown));
        if !is_known && self.string_columns() >= MAX_STRING_COLUMNS {
            self.left_out = self.left_out.saturating_add(values);
            return None;
        }
        self.column(name, values)
    }

    pub(super) fn string_columns(&self) -> usize {
        self.columns.values().filter(|column| matches!(column.kind, Kind::Strings(_))).count()
    }

    /// `None`, and the values counted as left out, for one column too many.
    fn column(&mut self, name: &str, values: impl TryInto<u64>) -> Option<&mut Column> {
        let name = limits::shortened(name);
        if !self.columns.contains_key(&*name) {
            if self.columns.len() >= MAX_COLUMNS {
                self.left_out = self.left_out.saturating_add(values.try_into().unwrap_or(u64::MAX));
                return None;
            }
            self.columns.insert(name.clone().into_owned(), Column::default());
        }
        self.columns.get_mut(&*name)
    }
}
