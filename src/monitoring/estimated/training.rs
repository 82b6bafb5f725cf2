//! Training data with predictions and labels, to which an estimator is fitted.

use super::estimator::Estimator;
use super::features::MAX_FEATURES;
use super::reference::Labelled;
use crate::error::Result;
use crate::monitoring::outcome::Maker;
use crate::monitoring::profile::OUTPUT_PREFIX;
use crate::monitoring::reference::{Column, Kind, Part, RowBlock, RowSink, Schema, Values};
use serde_json::{Map, Value as Json, json};

/// The largest whole number up to which a double has all.
const MAX_WHOLE: f64 = 9_007_199_254_740_992.0;

/// Rows with labels that are looked at: some of them may be of no use.
const MAX_ROWS: usize = 200_000;

/// Takes rows as if each were a prediction and its outcome.
pub struct LabelledTraining {
    schema: Schema,
    /// As the record of the model has them.
    outputs: String,
    class_names: Option<Vec<String>>,
    is_classifier: bool,
    labelled: Labelled,
    /// The inputs and outputs that the rows have, as soon as their columns are known.
    values: Option<Vec<Columns>>,
    /// Rows with predictions and labels that were looked at.
    looked: usize,
}

/// The columns of an input or output.
struct Columns {
    name: String,
    is_output: bool,
    /// Where each stands in a block, in the order of the value.
    places: Vec<(usize, Part)>,
}

impl LabelledTraining {
    /// `outputs` is the `outputSchema` of the record of the model, `class_names` are its labels.
    pub fn new(schema: Schema, outputs: String, class_names: Option<Vec<String>>) -> Self {
        let is_classifier = tells_class(&outputs);
        let labelled = Labelled::default();
        Self { schema, outputs, class_names, is_classifier, labelled, values: None, looked: 0 }
    }

    /// `None` for data without labels or without predictions.
    ///
    /// # Errors
    /// As of [`Labelled::fit`].
    pub fn fit(&self) -> Option<Result<Estimator>> {
        (self.looked > 0).then(|| self.labelled.fit(None, None))
    }
}

impl RowSink for LabelledTraining {
    fn take(&mut self, columns: &[Column], block: &RowBlock) -> Result<()> {
        let Some(labels) = &block.labels else { return Ok(()) };
        let Self { schema, outputs, class_names, is_classifier, labelled, values, looked } = self;
        let values = values.get_or_insert_with(|| values_of(schema, columns));
        if !values.iter().any(|value| value.is_output) {
            return Ok(());
        }
        let confident_rows = is_classifier.then_some(1);
        let maker = Maker { outputs: Some(outputs), labels: class_names.as_deref(), confident_rows };
        for (row, label) in labels.iter().enumerate() {
            let Some(label) = label else { continue };
            if *looked >= MAX_ROWS {
                break;
            }
            *looked += 1;
            let side = |is_output: bool| {
                let is_taken = |value: &&Columns| is_output || value.width(block) <= MAX_FEATURES;
                let of_side = values.iter().filter(|value| value.is_output == is_output).filter(is_taken);
                let read = |value: &Columns| (value.name.clone(), json!([value.at(row, columns, block)]));
                Json::Object(of_side.map(read).collect())
            };
            let (prediction, features) = (side(true).to_string(), side(false).to_string());
            if !labelled.add(&prediction, &json!([truth(label)]).to_string(), Some(&features), &maker) {
                break;
            }
        }
        Ok(())
    }
}

/// Whether an output has the part of a class or of its scores.
fn tells_class(outputs: &str) -> bool {
    let schema: Json = serde_json::from_str(outputs).unwrap_or_default();
    schema["outputs"].as_array().is_some_and(|outputs| outputs.iter().any(|output| output.get("role").is_some()))
}

fn values_of(schema: &Schema, columns: &[Column]) -> Vec<Columns> {
    let mut values: Vec<(usize, Columns)> = Vec::new();
    for (place, column) in columns.iter().enumerate() {
        let Some((value, part)) = schema.find(&column.name) else { continue };
        if let Some((_, known)) = values.iter_mut().find(|(known, _)| *known == value) {
            known.places.push((place, part));
            continue;
        }
        let base = &schema.values[value].base;
        let output = base.strip_prefix(OUTPUT_PREFIX);
        let name = output.unwrap_or(base).to_owned();
        values.push((value, Columns { name, is_output: output.is_some(), places: vec![(place, part)] }));
    }
    let position = |part: &Part| if let Part::At(position) = part { *position } else { 0 };
    values.iter_mut().for_each(|(_, value)| value.places.sort_by_key(|(_, part)| position(part)));
    values.into_iter().map(|(_, value)| value).collect()
}

impl Columns {
    /// Numbers or texts of a row.
    fn width(&self, block: &RowBlock) -> usize {
        let of = |(place, _): &(usize, Part)| match &block.values[*place] {
            Values::Vectors { dimensions, .. } => *dimensions,
            Values::Numbers(_) | Values::Texts(_) => 1,
        };
        self.places.iter().map(of).sum()
    }

    /// A row of the value, as JSON has it.
    fn at(&self, row: usize, columns: &[Column], block: &RowBlock) -> Json {
        let cell = |place: usize| cell(columns[place].kind, &block.values[place], row);
        match self.places.as_slice() {
            [(only, Part::Whole | Part::At(0))] => cell(*only),
            places if places.iter().all(|(_, part)| matches!(part, Part::Key(_))) => {
                let keyed = places.iter().map(|(place, part)| match part {
                    Part::Key(key) => (key.clone(), cell(*place)),
                    Part::Whole | Part::At(_) => (String::new(), Json::Null),
                });
                Json::Object(keyed.collect::<Map<_, _>>())
            }
            places => places.iter().map(|(place, _)| cell(*place)).collect(),
        }
    }
}

/// Null where it is missing.
fn cell(kind: Kind, values: &Values, row: usize) -> Json {
    match values {
        Values::Numbers(numbers) if matches!(kind, Kind::Class(_)) => whole(numbers[row]),
        Values::Numbers(numbers) => json!(numbers[row]),
        Values::Texts(texts) => json!(texts.get(row)),
        Values::Vectors { dimensions, elements } => json!(elements[row * dimensions..(row + 1) * dimensions]),
    }
}

/// A label as feedback would tell it: a number where it is one.
fn truth(label: &str) -> Json {
    label.trim().parse::<f64>().ok().filter(|number| number.is_finite()).map_or_else(|| json!(label), whole)
}

fn whole(number: f64) -> Json {
    if number.fract() == 0.0 && number.abs() <= MAX_WHOLE { json!(number as i64) } else { json!(number) }
}
