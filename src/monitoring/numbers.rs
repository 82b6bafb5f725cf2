//! The numbers that predictions answer.

use super::mean::Mean;
use super::sketch::{Relative, Signed, Sketch};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;

/// Outputs of a model that are measured: the first ones by name, whichever a prediction was asked for.
const MAX_OUTPUTS: usize = 4;
/// Bytes of a prediction; a longer one answers no numbers to be measured.
const MAX_PREDICTION_BYTES: usize = 4096;

/// By output what its numbers were, in memory that does not grow with them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Numbers(BTreeMap<String, NumberMeasures>);

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct NumberMeasures {
    mean: Mean,
    values: Sketch<Signed>,
}

impl Numbers {
    /// Adds the finite numbers of a prediction, JSON text of values by output name: of each output that is a number, a list of numbers,
    /// or a list of lists of one number each.
    pub fn add(&mut self, prediction: &str) {
        if prediction.len() > MAX_PREDICTION_BYTES {
            return;
        }
        let Ok(outputs) = serde_json::from_str::<Map<String, Json>>(prediction) else { return };
        for (name, value) in outputs {
            let Some(numbers) = numbers_of(&value) else { continue };
            let mut finite = numbers.into_iter().filter(|number| number.is_finite()).peekable();
            if finite.peek().is_some() {
                let measures = self.0.entry(name).or_default();
                finite.for_each(|number| measures.add(number));
            }
        }
        self.bound();
    }

    pub fn merge(&mut self, other: &Self) {
        for (name, measures) in &other.0 {
            let own = self.0.entry(name.clone()).or_default();
            own.mean.merge(&measures.mean);
            own.values.merge(&measures.values);
        }
        self.bound();
    }

    /// Of outputs that are among the first of all, every part has all numbers: there they are among the first, too.
    fn bound(&mut self) {
        while self.0.len() > MAX_OUTPUTS {
            self.0.pop_last();
        }
    }

    /// `{<output>: {count, mean, min, max, p10, p50, p90, p95, p99}}`
    pub fn answer(&self) -> Json {
        self.0.iter().map(|(name, measures)| (name.clone(), measures.answer())).collect::<Map<_, _>>().into()
    }

    pub fn is_sound(&self) -> bool {
        self.0.values().all(|measures| measures.values.is_sound())
    }
}

impl NumberMeasures {
    fn add(&mut self, number: f64) {
        self.mean.add(number);
        self.values.add(number);
    }

    fn answer(&self) -> Json {
        let (min, max) = self.values.range().unzip();
        let quantile = |q: f64| self.values.quantile(q);
        json!({
            "count": self.mean.count(), "mean": self.mean.mean(), "min": min, "max": max,
            "p10": quantile(0.1), "p50": quantile(0.5), "p90": quantile(0.9), "p95": quantile(0.95), "p99": quantile(0.99),
            "quantileRelativeError": Relative::ERROR,
        })
    }
}

/// The numbers of an output; none where it is something else.
fn numbers_of(value: &Json) -> Option<Vec<f64>> {
    let Json::Array(rows) = value else { return Some(vec![value.as_f64()?]) };
    let number_of = |row: &Json| match row {
        Json::Array(row) if row.len() == 1 => row[0].as_f64(),
        row => row.as_f64(),
    };
    rows.iter().map(number_of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(predictions: &[&str]) -> Numbers {
        let mut numbers = Numbers::default();
        predictions.iter().for_each(|prediction| numbers.add(prediction));
        numbers
    }

    #[test]
    fn what_is_one_number_a_row_is_measured() {
        let found = numbers(&[r#"{"y":[1.5],"z":[[2],[4]],"label":["a"],"scores":[[0.1,0.9]]}"#, r#"{"y":-2}"#]);
        let answer = found.answer();
        assert_eq!(answer.as_object().unwrap().keys().collect::<Vec<_>>(), ["y", "z"]);
        assert_eq!((&answer["y"]["count"], &answer["y"]["mean"]), (&json!(2), &json!(-0.25)));
        assert_eq!(
            (&answer["y"]["min"], &answer["y"]["max"], &answer["z"]["mean"]),
            (&json!(-2.0), &json!(1.5), &json!(3.0))
        );
        assert!((answer["z"]["p99"].as_f64().unwrap() - 4.0).abs() <= 0.04);
    }

    #[test]
    fn what_is_no_number_measures_nothing() {
        let long = format!(r#"{{"y":[{}1]}}"#, "1,".repeat(MAX_PREDICTION_BYTES / 2));
        for prediction in
            ["", "null", "[1]", r#"{"y":["NaN"]}"#, r#"{"y":[]}"#, r#"{"y":[[1,2]]}"#, r#"{"y":[1,null]}"#, &long]
        {
            assert_eq!(numbers(&[prediction]), Numbers::default(), "{prediction}");
        }
    }

    #[test]
    fn the_first_outputs_by_name_are_measured_in_whichever_parts_they_come() {
        let predictions: Vec<String> =
            (0..40).map(|at| format!(r#"{{"y{:02}":[{at}],"y{:02}":[1]}}"#, at * 7 % 20, at % 9)).collect();
        let texts: Vec<&str> = predictions.iter().map(String::as_str).collect();
        let whole = numbers(&texts);
        assert_eq!(whole.0.keys().collect::<Vec<_>>(), ["y00", "y01", "y02", "y03"]);
        for middle in [0, 1, 13, 40] {
            let mut merged = numbers(&texts[middle..]);
            merged.merge(&numbers(&texts[..middle]));
            assert_eq!(merged, whole, "{middle}");
        }
    }
}
