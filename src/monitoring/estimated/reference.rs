//! Predictions whose truth is known, to which an estimator is fitted.

use super::estimator::{Estimator, Kind, MAX_CLASSES};
use super::features::{Features, MAX_FEATURES};
use super::live::likeliest;
use crate::error::{Result, error};
use crate::monitoring::cbpe::{self, Cbpe};
use crate::monitoring::dle::{self, Dle};
use crate::monitoring::outcome::{LabelledRows, Maker, labelled_rows, numbers_of_features};
use serde_json::Value as Json;

/// Fewer say too little.
const MIN_ROWS: usize = 100;
/// Rows that are taken at most, and numbers of them.
const MAX_ROWS: usize = 100_000;
const MAX_NUMBERS: usize = 1 << 22;
/// Chunks of a reference whose chunks nobody has sized.
const CHUNKS: usize = 10;
/// The share of rows whose class may be another one than the most probable.
const OTHER_SHARE: f64 = 0.01;

/// Rows of one form: the first one decides, and rows of another form are left out.
#[derive(Default)]
pub struct Labelled {
    form: Option<Form>,
    /// Probabilities, or features, row by row.
    numbers: Vec<f64>,
    truth: Vec<f64>,
    predicted: Vec<f64>,
    /// Rows whose class is not the most probable one.
    others: usize,
    left_out: u64,
}

#[derive(Clone, PartialEq)]
enum Form {
    Classes { output: String, keys: Option<Vec<String>>, width: usize, classes: usize },
    Numbers { output: String, columns: usize },
}

impl Labelled {
    /// Adds a prediction and its outcome, and the features where they are known, all JSON; what it cannot read it leaves out. False when
    /// no more are taken.
    pub fn add(&mut self, prediction: &str, outcome: &str, features: Option<&str>, maker: &Maker) -> bool {
        if self.truth.len() >= MAX_ROWS || self.numbers.len() >= MAX_NUMBERS {
            return false;
        }
        let parse = |text: &str| serde_json::from_str::<Json>(text).ok();
        let rows = parse(prediction).zip(parse(outcome));
        let rows = rows.and_then(|(prediction, outcome)| labelled_rows(&prediction, &outcome, maker));
        let added = match rows {
            Some(LabelledRows::Classes { output, keys, width, probabilities, truth, predicted }) => {
                let classes = probabilities.first().map_or(0, Vec::len);
                self.is_of(Form::Classes { output, keys, width, classes })
                    && self.add_classes(&probabilities, &truth, &predicted)
            }
            Some(LabelledRows::Numbers { output, predicted, truth }) => {
                let features = features.and_then(parse);
                features_of(features.as_ref(), truth.len()).is_some_and(|features| {
                    self.is_of(Form::Numbers { output, columns: features.columns() })
                        && self.add_numbers(&features, &predicted, &truth)
                })
            }
            None => false,
        };
        self.left_out += u64::from(!added);
        true
    }

    /// Predictions that were left out.
    pub const fn left_out(&self) -> u64 {
        self.left_out
    }

    /// `business_value` is as of [`cbpe::Reference`].
    ///
    /// # Errors
    /// `INVALID_REQUEST` for too few rows, for a classifier that does not say the most probable class, and for values of other classes or
    /// of a regression; `TOO_LARGE` for too many classes.
    pub fn fit(&self, chunk_rows: Option<u32>, business_value: Option<&[f64]>) -> Result<Estimator> {
        let (rows, left_out) = (self.truth.len(), self.left_out);
        let Some(form) = self.form.as_ref().filter(|_| rows >= MIN_ROWS) else {
            return Err(error!(
                InvalidRequest,
                "an estimator needs at least {MIN_ROWS} rows with an outcome, and probabilities or one number each; found {rows}, and {left_out} predictions that it cannot use"
            ));
        };
        let chunk_rows = chunk_rows.unwrap_or((rows / CHUNKS) as u32);
        let kind = match form {
            Form::Classes { output, keys, width, classes } => {
                let cbpe = self.fit_classes(*classes, chunk_rows as usize, business_value)?;
                Kind::Classes { cbpe, output: output.clone(), keys: keys.clone(), width: *width }
            }
            Form::Numbers { .. } if business_value.is_some() => {
                return Err(error!(InvalidRequest, "businessValue is of classes, and this model is a regression"));
            }
            Form::Numbers { output, .. } => {
                let dle = Dle::fit(&dle::Reference {
                    predicted: &self.predicted,
                    truth: &self.truth,
                    features: Some(&self.numbers),
                    chunk_rows: chunk_rows as usize,
                })?;
                Kind::Numbers { dle, output: output.clone() }
            }
        };
        Ok(Estimator { kind, rows: rows as u64, chunk_rows })
    }

    fn fit_classes(&self, classes: usize, chunk_rows: usize, business_value: Option<&[f64]>) -> Result<Cbpe> {
        if classes > MAX_CLASSES {
            return Err(error!(TooLarge, "estimates are of at most {MAX_CLASSES} classes, the model has {classes}"));
        }
        let share = self.others as f64 / self.truth.len() as f64;
        if share > OTHER_SHARE {
            let percent = share * 100.0;
            return Err(error!(
                InvalidRequest,
                "estimates are of models that predict the most probable class; of {percent:.1} % of the rows it is another one"
            ));
        }
        let positions = |classes: &[f64]| classes.iter().map(|class| *class as u32).collect::<Vec<_>>();
        Cbpe::fit(&cbpe::Reference {
            classes,
            truth: &positions(&self.truth),
            predicted: &positions(&self.predicted),
            probabilities: &self.numbers,
            chunk_rows,
            calibrate: None,
            business_value,
        })
    }

    fn is_of(&mut self, form: Form) -> bool {
        *self.form.get_or_insert_with(|| form.clone()) == form
    }

    fn add_classes(&mut self, probabilities: &[Vec<f64>], truth: &[usize], predicted: &[Option<usize>]) -> bool {
        for ((row, truth), said) in probabilities.iter().zip(truth).zip(predicted) {
            let best = likeliest(row);
            // Of equals the model may say either.
            let is_other = said.is_some_and(|said| row.get(said).is_none_or(|said| *said < row[best]));
            self.others += usize::from(is_other);
            self.numbers.extend(row);
            self.truth.push(*truth as f64);
            self.predicted.push(best as f64);
        }
        true
    }

    fn add_numbers(&mut self, features: &Features, predicted: &[f64], truth: &[f64]) -> bool {
        for (row, (predicted, truth)) in predicted.iter().zip(truth).enumerate() {
            features.extend_row(row, &mut self.numbers);
            self.predicted.push(*predicted);
            self.truth.push(*truth);
        }
        true
    }
}

fn features_of(features: Option<&Json>, rows: usize) -> Option<Features> {
    let mut found = Features::new(rows);
    if let Some(features) = features {
        for (name, numbers) in numbers_of_features(features, rows, MAX_FEATURES)? {
            found.add(&name, numbers)?;
        }
    }
    Some(found.ordered())
}
