//! Rows as a profile.

use super::rows::{Column, Kind, RowBlock, RowSink, Texts, Values};
use crate::error::Result;
use crate::monitoring::profile::{MAX_VECTOR_VALUES, Profile};
use std::collections::HashMap;

/// The profile of the rows, and that of their labels, which are no column of the model.
#[derive(Debug, Default)]
pub struct ProfiledRows {
    pub profile: Profile,
    /// Its column is called by the empty name.
    pub labels: Profile,
}

impl RowSink for ProfiledRows {
    fn take(&mut self, columns: &[Column], block: &RowBlock) -> Result<()> {
        self.profile.add_rows(block.rows as u64);
        for (Column { name, kind }, values) in columns.iter().zip(&block.values) {
            match values {
                Values::Numbers(numbers) if matches!(kind, Kind::Class(_)) => {
                    self.profile.add_classes(name, numbers);
                }
                Values::Numbers(numbers) => self.profile.add_numbers(name, numbers),
                Values::Texts(texts) => add_texts(&mut self.profile, name, texts),
                Values::Vectors { dimensions, elements } => {
                    let step = dimensions.div_ceil(MAX_VECTOR_VALUES).max(1);
                    for vector in elements.chunks_exact(*dimensions) {
                        if step == 1 {
                            self.profile.add_vector(name, vector);
                        } else {
                            let thinned: Vec<f64> = vector.iter().copied().step_by(step).collect();
                            self.profile.add_vector(name, &thinned);
                        }
                    }
                }
            }
        }
        if let Some(labels) = &block.labels {
            self.labels.add_rows(block.rows as u64);
            add_texts(&mut self.labels, "", labels);
        }
        Ok(())
    }
}

/// Each distinct one once: most repeat.
fn add_texts(profile: &mut Profile, name: &str, texts: &Texts) {
    let mut counts: HashMap<&str, u64> = HashMap::new();
    let mut missing = 0;
    for text in texts.iter() {
        match text {
            Some(text) => *counts.entry(text).or_default() += 1,
            None => missing += 1,
        }
    }
    // In a fixed order, so that the same file has the same profile.
    let mut counts: Vec<(&str, u64)> = counts.into_iter().collect();
    counts.sort_unstable();
    counts.iter().for_each(|(text, count)| profile.add_categories(name, text, *count));
    profile.add_missing_values(name, missing);
}
