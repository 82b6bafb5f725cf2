//! The features of the rows of a prediction, in one order however they came.

/// Numbers of a row of one input at most: an image is no list of features.
pub const MAX_FEATURES: usize = 256;

/// Numbers of inputs, by their names.
pub struct Features {
    rows: usize,
    /// Row by row.
    inputs: Vec<(String, Vec<f64>)>,
}

impl Features {
    pub const fn new(rows: usize) -> Self {
        Self { rows, inputs: Vec::new() }
    }

    /// Adds an input; `None` for one that does not have as many numbers for each row.
    pub fn add(&mut self, name: &str, numbers: Vec<f64>) -> Option<()> {
        if self.rows == 0 || !numbers.len().is_multiple_of(self.rows) {
            return None;
        }
        self.inputs.push((name.to_owned(), numbers));
        Some(())
    }

    /// In the order of the names.
    pub fn ordered(mut self) -> Self {
        self.inputs.sort_by(|one, other| one.0.cmp(&other.0));
        self
    }

    pub fn columns(&self) -> usize {
        self.inputs.iter().map(|(_, numbers)| numbers.len() / self.rows).sum()
    }

    pub fn extend_row(&self, row: usize, numbers: &mut Vec<f64>) {
        for (_, input) in &self.inputs {
            let width = input.len() / self.rows;
            numbers.extend_from_slice(&input[row * width..(row + 1) * width]);
        }
    }
}
