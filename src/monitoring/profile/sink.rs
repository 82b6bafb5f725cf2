//! Who takes the values of predictions.

use super::columns::Profile;

/// Takes values column by column. The columns are called as in profiles.
pub trait ColumnSink {
    fn add_rows(&mut self, count: u64);
    /// NaN is missing.
    fn add_numbers(&mut self, column: &str, values: &[f64]);
    /// Whole numbers that are names of classes.
    fn add_classes(&mut self, column: &str, labels: &[f64]);
    fn add_category(&mut self, column: &str, value: &str);
    /// One with a NaN is missing.
    fn add_vector(&mut self, column: &str, elements: &[f64]);
    fn add_missing(&mut self, column: &str);
    /// Counts values that no column has.
    fn leave_out(&mut self, values: usize);
}

impl ColumnSink for Profile {
    fn add_rows(&mut self, count: u64) {
        self.add_rows(count);
    }

    fn add_numbers(&mut self, column: &str, values: &[f64]) {
        self.add_numbers(column, values);
    }

    fn add_classes(&mut self, column: &str, labels: &[f64]) {
        self.add_classes(column, labels);
    }

    fn add_category(&mut self, column: &str, value: &str) {
        self.add_category(column, value);
    }

    fn add_vector(&mut self, column: &str, elements: &[f64]) {
        self.add_vector(column, elements);
    }

    fn add_missing(&mut self, column: &str) {
        self.add_missing(column);
    }

    fn leave_out(&mut self, values: usize) {
        self.leave_out(values);
    }
}
