//! What a monitoring system reads of this process.

use super::error::throw;
use super::monitoring::LOST_EVENTS;
use crate::engine::Engine;
use crate::error::error;
use crate::monitoring::drift::DriftGauges;
use crate::monitoring::exposition::{self, Drift, ExpositionFormat, exposition};
use crate::monitoring::meter::Meters;
use crate::process::unix_ms;
use napi::Env;
use napi_derive::napi;

/// What Node.js tells of the process; `started` in Unix seconds.
#[napi(object)]
pub struct ProcessUse {
    pub cpu_seconds: f64,
    pub resident_bytes: f64,
    pub started: f64,
}

/// Of which columns the drift may be shown.
#[napi(object)]
pub struct ShownColumns {
    pub features: bool,
    pub outputs: bool,
}

/// The metrics of this process, of all its threads, in the format "openmetrics" or "text".
#[napi(catch_unwind, js_name = "exposition")]
pub fn exposition_text(env: &Env, format: String, process: ProcessUse, shown: ShownColumns) -> napi::Result<String> {
    let format = match format.as_str() {
        "openmetrics" => Ok(ExpositionFormat::OpenMetrics),
        "text" => Ok(ExpositionFormat::Text),
        unknown => Err(error!(InvalidRequest, "format must be openmetrics or text, received \"{unknown}\"")),
    };
    let ProcessUse { cpu_seconds, resident_bytes, started } = process;
    let process = exposition::ProcessUse { cpu_seconds, resident_bytes, started };
    let ShownColumns { features, outputs } = shown;
    let shown = exposition::ShownColumns { features, outputs };
    let drift = Drift { versions: DriftGauges::shared().current(unix_ms()), shown };
    format
        .and_then(|format| {
            exposition(format, Meters::shared(), Engine::shared().status(), LOST_EVENTS.by_model(), drift, process)
        })
        .map_err(|problem| throw(env, &problem))
}
