//! Many rows in one body. They stay as they came, and are taken one by one.

use crate::error::{Error, Result, error};
use crate::format::{Encoded, Format, Values};
use bytes::Bytes;

const ROWS: &str = "rows";

/// The rows of `[row, ...]` or `{..., "rows": [row, ...]}`.
#[derive(Debug)]
pub struct Rows {
    /// The object around the rows, with no features in their place: a body of `/predict` in JSON. `None` for rows in no object.
    pub fields: Option<String>,
    rows: Values,
}

impl Rows {
    /// # Errors
    /// `INVALID_JSON` when it is not JSON but should be; `INVALID_REQUEST` for what is malformed or has no rows.
    pub fn parse(body: &[u8], format: Format) -> Result<Self> {
        let body = Encoded::parse(format, Bytes::copy_from_slice(body))?;
        if !body.is_object() {
            return Ok(Self { fields: None, rows: body.values().map_err(|_| no_rows())? });
        }
        let fields = body.fields().map_err(|problem| error!(InvalidRequest, "{problem}"))?;
        let rows = fields.iter().find(|(name, value)| name == ROWS && !value.is_null());
        let (_, rows) = rows.ok_or_else(no_rows)?;
        let rows = rows.values().map_err(|problem| error!(InvalidRequest, "rows: {problem}"))?;
        let written = fields.iter().map(|(name, value)| match name.as_str() {
            ROWS => "\"features\":{}".to_owned(),
            name => format!("{}:{}", serde_json::Value::from(name), value.to_json()),
        });
        Ok(Self { fields: Some(format!("{{{}}}", written.collect::<Vec<_>>().join(","))), rows })
    }

    /// The next row; `None` at the end.
    ///
    /// # Errors
    /// `INTERNAL`
    pub fn take(&mut self) -> Result<Option<Encoded>> {
        self.rows.take().map_err(|problem| error!(Internal, "a row cannot be read again: {problem}"))
    }
}

fn no_rows() -> Error {
    error!(InvalidRequest, "the body must be a list of rows, or an object with the field rows")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;

    fn rows(body: &str) -> (Option<String>, Vec<String>) {
        let mut rows = Rows::parse(body.as_bytes(), Format::Json).unwrap();
        let mut texts = Vec::new();
        while let Some(row) = rows.take().unwrap() {
            texts.push(row.to_json());
        }
        (rows.fields, texts)
    }

    #[test]
    fn rows_stand_in_a_list_or_an_object() {
        let expected = vec![r#"{"x":1}"#.to_owned(), "2".to_owned()];
        assert_eq!(rows(r#"[{"x":1},2]"#), (None, expected.clone()));
        let (fields, found) = rows(r#"{"modelId":"m","rows":[{"x":1},2],"a\"b":[null]}"#);
        assert_eq!(found, expected);
        assert_eq!(fields.as_deref(), Some(r#"{"modelId":"m","features":{},"a\"b":[null]}"#));
    }

    #[test]
    fn what_has_no_rows_is_refused() {
        for (body, part) in [
            ("1", "a list of rows"),
            ("null", "a list of rows"),
            ("{}", "the field rows"),
            (r#"{"rows":null}"#, "the field rows"),
            (r#"{"rows":{}}"#, "rows: expected a list"),
            (r#"{"rows":[],"rows":[]}"#, "given twice"),
        ] {
            let problem = Rows::parse(body.as_bytes(), Format::Json).unwrap_err();
            assert_eq!(problem.code, ErrorCode::InvalidRequest, "{body}");
            assert!(problem.message.contains(part), "{body}: {problem}");
        }
    }
}
