//! Drift of columns against a reference, off the event loop.

use super::channel::Channel;
use super::error::{panicked, throw};
use super::worker::on_worker;
use crate::error::{Result, error};
use crate::monitoring::drift::{
    Choices, Column, ColumnReport, DriftGauges, Histogram, Kind, Method, Options, ProfileReport,
    RecordedRows as InnerRecordedRows, Report, Rows, Values, compare, compare_profiles, compare_recorded,
};
use crate::monitoring::profile::{OUTPUT_PREFIX, Profile};
use crate::process::unix_ms;
use crate::statistics::Correction;
use napi::Env;
use napi::bindgen_prelude::{Float64Array, Uint8Array};
use napi_derive::napi;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

/// One column on both sides.
#[napi(object)]
pub struct DriftColumn {
    pub name: String,
    /// "number", "category", "text" or "vector".
    pub kind: String,
    /// Numbers, NaN where one is missing, of vectors row by row; of other kinds how often each category occurs.
    pub reference: Float64Array,
    pub current: Float64Array,
    /// Of categories and text: rows without a value.
    pub missing_reference: f64,
    pub missing_current: f64,
    /// Numbers of a vector.
    pub dimension: Option<u32>,
    pub method: Option<String>,
    pub threshold: Option<f64>,
}

#[napi(object)]
pub struct DriftOptions {
    pub min_rows: f64,
    pub drift_share: f64,
    pub correction: Option<String>,
}

/// Which version a comparison is of.
#[napi(object)]
pub struct DriftedVersion {
    pub model_id: String,
    pub version: String,
}

#[napi(object)]
pub struct DriftRows {
    pub count: f64,
    pub missing: f64,
    pub infinite: f64,
    pub distinct: f64,
}

#[napi(object)]
pub struct DriftHistogram {
    /// Of numbers.
    pub edges: Option<Vec<f64>>,
    /// Of categories: their places.
    pub shown: Option<Vec<u32>>,
    pub reference: Vec<f64>,
    pub current: Vec<f64>,
    pub others: Option<DriftOthers>,
}

#[napi(object)]
pub struct DriftOthers {
    pub categories: f64,
    pub reference: f64,
    pub current: f64,
}

#[napi(object)]
pub struct DriftOfColumn {
    pub name: String,
    pub kind: String,
    pub verdict: String,
    pub reason: Option<String>,
    pub method: Option<String>,
    pub why: String,
    pub statistic: Option<f64>,
    pub degrees_of_freedom: Option<f64>,
    pub location: Option<f64>,
    pub p_value: Option<f64>,
    pub adjusted_p_value: Option<f64>,
    pub distance: Option<f64>,
    pub threshold: Option<f64>,
    pub reference: DriftRows,
    pub current: DriftRows,
    pub histogram: Option<DriftHistogram>,
}

#[napi(object)]
pub struct DriftReport {
    pub verdict: String,
    pub drifted_columns: u32,
    pub insufficient_columns: u32,
    pub drifted_share: f64,
    pub columns: Vec<DriftOfColumn>,
}

/// The names of the methods, and of the corrections.
#[napi(catch_unwind)]
pub fn drift_methods() -> Vec<&'static str> {
    Method::ALL.iter().map(|method| method.name()).collect()
}

#[napi(catch_unwind)]
pub fn drift_corrections() -> Vec<&'static str> {
    Correction::ALL.iter().map(|correction| correction.name()).collect()
}

/// Compares columns; answered on the channel with a `DriftReport`, or INVALID_REQUEST.
#[napi(catch_unwind)]
pub fn drift(
    env: &Env,
    channel: &Channel,
    id: u32,
    columns: Vec<DriftColumn>,
    options: DriftOptions,
) -> napi::Result<()> {
    let options = read_options(options).map_err(|problem| throw(env, &problem))?;
    let columns: Vec<Column> =
        columns.into_iter().map(read_column).collect::<Result<_>>().map_err(|problem| throw(env, &problem))?;
    on_worker(env, channel.reply(id), move || compare(columns, &options).map(report_to_js))
}

/// How profiles are compared.
#[napi(object)]
pub struct ProfileDriftOptions {
    /// Of all columns that it fits.
    pub method: Option<String>,
    /// Of a column by its name.
    pub method_of: Option<HashMap<String, String>>,
    pub threshold: Option<f64>,
    pub min_rows: f64,
    pub drift_share: f64,
    pub correction: Option<String>,
    /// Which columns are compared.
    pub features: bool,
    pub outputs: bool,
}

/// Compares profiles, given as their bytes; answered on the channel with the report as JSON text, or `INVALID_REQUEST`,
/// `SCHEMA_MISMATCH`.
#[napi(catch_unwind)]
pub fn drift_of_profiles(
    env: &Env,
    channel: &Channel,
    id: u32,
    reference: Uint8Array,
    current: Uint8Array,
    options: ProfileDriftOptions,
) -> napi::Result<()> {
    let Asked { choices, options, is_shown } = read_asked(options).map_err(|problem| throw(env, &problem))?;
    let (reference, current) = (reference.to_vec(), current.to_vec());
    on_worker(env, channel.reply(id), move || {
        let read = |bytes: &[u8]| {
            Profile::from_bytes(bytes).map(|mut profile| {
                profile.columns.retain(|name, _| is_shown(name));
                profile
            })
        };
        let report = compare_profiles(&read(&reference)?, &read(&current)?, &choices, &options)?;
        Ok(report.to_json().to_string())
    })
}

/// Recorded predictions on their way into a comparison value by value.
#[napi]
pub struct RecordedRows {
    inner: InnerRecordedRows,
}

#[napi]
impl RecordedRows {
    /// A tensor with more than `max_columns` is a vector.
    #[napi(constructor, catch_unwind)]
    pub fn new(max_columns: u32) -> Self {
        Self { inner: InnerRecordedRows::new(max_columns as usize) }
    }

    /// Adds a model, by its schemas as its record has them; answers its place. Throws INVALID_REQUEST.
    #[napi(catch_unwind)]
    pub fn add_model(&mut self, env: &Env, input_schema: String, output_schema: String) -> napi::Result<u32> {
        let place = self.inner.add_model(&input_schema, &output_schema);
        place.map(|place| place as u32).map_err(|problem| throw(env, &problem))
    }

    /// Adds a prediction of the model at a place, and its features where they are known, as JSON texts; answers how many rows there are.
    #[napi(catch_unwind)]
    pub fn add(&mut self, model: u32, features: Option<String>, prediction: String) -> f64 {
        self.inner.add(model as usize, features.as_deref(), &prediction);
        self.inner.rows() as f64
    }

    /// Values that are kept.
    #[napi(getter, catch_unwind)]
    pub fn size(&self) -> f64 {
        self.inner.size() as f64
    }

    /// Predictions whose outputs alone are known.
    #[napi(getter, catch_unwind)]
    pub fn without_features(&self) -> f64 {
        self.inner.without_features() as f64
    }

    /// Predictions that were not understood.
    #[napi(getter, catch_unwind)]
    pub fn left_out(&self) -> f64 {
        self.inner.left_out() as f64
    }
}

/// Compares recorded predictions on a thread of its own, after which nothing is left in either; answered as `drift_of_profiles`.
#[napi(catch_unwind)]
pub fn drift_of_recorded(
    env: &Env,
    channel: &Channel,
    id: u32,
    reference: &mut RecordedRows,
    current: &mut RecordedRows,
    options: ProfileDriftOptions,
) -> napi::Result<()> {
    let Asked { choices, options, is_shown } = read_asked(options).map_err(|problem| throw(env, &problem))?;
    let (mut reference, mut current) = (reference.inner.take(), current.inner.take());
    let reply = channel.reply(id);
    let compared = move || -> Result<String> {
        reference.retain(&is_shown);
        current.retain(&is_shown);
        let report = compare_recorded(reference, current, &choices, &options)?;
        Ok(report.to_json().to_string())
    };
    let work = move || reply.send_value(catch_unwind(AssertUnwindSafe(compared)).unwrap_or_else(|_| Err(panicked())));
    let spawned = thread::Builder::new().name("drift".to_owned()).spawn(work);
    spawned.map(|_| ()).map_err(|problem| throw(env, &error!(Internal, "no thread for a comparison: {problem}")))
}

/// What is asked for.
struct Asked<F> {
    choices: Choices,
    options: Options,
    /// Which columns are compared.
    is_shown: F,
}

fn read_asked(asked: ProfileDriftOptions) -> Result<Asked<impl Fn(&str) -> bool + Send + 'static>> {
    let ProfileDriftOptions { method, method_of, threshold, min_rows, drift_share, correction, features, outputs } =
        asked;
    let choices = Choices { method, method_of: method_of.unwrap_or_default().into_iter().collect(), threshold };
    let options = read_options(DriftOptions { min_rows, drift_share, correction })?;
    let is_shown = move |name: &str| if name.starts_with(OUTPUT_PREFIX) { outputs } else { features };
    Ok(Asked { choices, options, is_shown })
}

/// Compares profiles, each column by the method that is chosen for it, and keeps how far they have drifted for `exposition`. Resolves to
/// the verdict.
#[napi(catch_unwind)]
pub fn gauge_drift(
    env: &Env,
    channel: &Channel,
    id: u32,
    of: DriftedVersion,
    reference: Uint8Array,
    current: Uint8Array,
    options: DriftOptions,
) -> napi::Result<()> {
    let options = read_options(options).map_err(|problem| throw(env, &problem))?;
    let (reference, current) = (reference.to_vec(), current.to_vec());
    on_worker(env, channel.reply(id), move || {
        let (reference, current) = (Profile::from_bytes(&reference)?, Profile::from_bytes(&current)?);
        let ProfileReport { report, .. } = compare_profiles(&reference, &current, &Choices::default(), &options)?;
        DriftGauges::shared().set(of.model_id, of.version, &report, unix_ms());
        Ok(report.verdict.name().to_owned())
    })
}

fn read_options(options: DriftOptions) -> Result<Options> {
    let DriftOptions { min_rows, drift_share, correction } = options;
    let correction = correction.map(|name| Correction::parse(&name)).transpose()?;
    Ok(Options { min_rows: min_rows as u64, drift_share, correction })
}

fn read_column(column: DriftColumn) -> Result<Column> {
    let DriftColumn {
        name,
        kind,
        reference,
        current,
        missing_reference,
        missing_current,
        dimension,
        method,
        threshold,
    } = column;
    let kinds = [Kind::Number, Kind::Category, Kind::Text, Kind::Vector];
    let Some(kind) = kinds.into_iter().find(|known| known.name() == kind) else {
        return Err(error!(InvalidRequest, "column \"{name}\": the kind is number, category, text or vector"));
    };
    let values = if kind == Kind::Number {
        Values::Numbers { reference: reference.to_vec(), current: current.to_vec() }
    } else if let (Kind::Vector, Some(dimension @ 1..)) = (kind, dimension) {
        Values::Vectors { dimension: dimension as usize, reference: reference.to_vec(), current: current.to_vec() }
    } else {
        Values::Categories {
            counts: reference.iter().zip(current.iter()).map(|(a, b)| (*a as u64, *b as u64)).collect(),
            missing: (missing_reference as u64, missing_current as u64),
            is_text: kind == Kind::Text,
        }
    };
    Ok(Column { name, values, method, threshold })
}

fn report_to_js(report: Report) -> DriftReport {
    DriftReport {
        verdict: report.verdict.name().to_owned(),
        drifted_columns: report.drifted as u32,
        insufficient_columns: report.undecided as u32,
        drifted_share: report.share,
        columns: report.columns.into_iter().map(column_to_js).collect(),
    }
}

fn column_to_js(column: ColumnReport) -> DriftOfColumn {
    let is_p_value = column.method.is_some_and(Method::is_p_value);
    DriftOfColumn {
        name: column.name,
        kind: column.kind.name().to_owned(),
        verdict: column.verdict.name().to_owned(),
        reason: column.reason,
        method: column.method.map(|method| method.name().to_owned()),
        why: column.why,
        statistic: column.statistic,
        degrees_of_freedom: column.degrees_of_freedom,
        location: column.location,
        p_value: column.score.filter(|_| is_p_value),
        adjusted_p_value: column.adjusted,
        distance: column.score.filter(|_| !is_p_value),
        threshold: column.threshold,
        reference: rows_to_js(column.reference),
        current: rows_to_js(column.current),
        histogram: column.histogram.map(histogram_to_js),
    }
}

fn rows_to_js(rows: Rows) -> DriftRows {
    DriftRows {
        count: rows.count as f64,
        missing: rows.missing as f64,
        infinite: rows.infinite as f64,
        distinct: rows.distinct as f64,
    }
}

fn histogram_to_js(histogram: Histogram) -> DriftHistogram {
    let counts = |counts: Vec<u64>| counts.into_iter().map(|count| count as f64).collect();
    match histogram {
        Histogram::Numbers { edges, reference, current } => DriftHistogram {
            edges: Some(edges),
            shown: None,
            reference: counts(reference),
            current: counts(current),
            others: None,
        },
        Histogram::Categories { shown, reference, current, others } => DriftHistogram {
            edges: None,
            shown: Some(shown.into_iter().map(|at| at as u32).collect()),
            reference: counts(reference),
            current: counts(current),
            others: others.map(|others| DriftOthers {
                categories: others.categories as f64,
                reference: others.reference as f64,
                current: others.current as f64,
            }),
        },
    }
}
