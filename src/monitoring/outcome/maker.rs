//! What made a prediction.

/// What is known of the model that made a prediction.
#[derive(Debug, Default, Clone, Copy)]
pub struct Maker<'a> {
    /// Its outputs as [`crate::signature::Signature::outputs_json`] describes them, as JSON text.
    pub outputs: Option<&'a str>,
    /// The names of its classes in the order of their positions.
    pub labels: Option<&'a [String]>,
    /// How many rows have a confidence; 0 for a prediction that is one row and no batch. `None` where there is no confidence.
    pub confident_rows: Option<usize>,
}
