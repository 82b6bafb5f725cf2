//! Sizes that must agree: of dimensions that share a name, and the rows of inputs and outputs.

use super::{Dim, Signature, ValueInfo, ValueType};
use crate::error::{Error, Result, error};
use crate::tensor::Value;
use serde_json::json;
use smallvec::SmallVec;

impl Signature {
    /// Checks that dimensions of one name have one size, and that columns of a table have as many rows; the values stand in the
    /// order of the inputs. Gives the rows of the inputs when all that have a batch dimension have the same number.
    ///
    /// # Errors
    /// `INVALID_INPUT` that names both inputs and their sizes.
    pub(super) fn agreed_rows(&self, values: &[(String, Value)]) -> Result<Option<usize>> {
        let is_table = self.inputs.len() > 1 && self.required_inputs().all(is_column);
        let mut sizes: SmallVec<[(&str, usize, &str); 8]> = SmallVec::new();
        let mut rows = None;
        let mut is_one = true;
        let mut inputs = self.inputs.iter();
        let shapes = values.iter().filter_map(|(name, value)| {
            let input = inputs.find(|input| input.name == *name)?;
            Some((input, &value.as_tensor()?.shape))
        });
        for (input, shape) in shapes {
            for (at, (dim, &size)) in dims_of(input).iter().zip(shape).enumerate() {
                let name = match dim {
                    Dim::Free(Some(name)) => name.as_str(),
                    Dim::Free(None) if at == 0 && is_table && !input.optional => ROWS,
                    _ => continue,
                };
                match sizes.iter().find(|(known, ..)| *known == name) {
                    Some(&(_, other, by)) if other != size => {
                        return Err(differ(name, (by, other), (input.name.as_str(), size)));
                    }
                    Some(_) => {}
                    None => sizes.push((name, size, input.name.as_str())),
                }
            }
            if !input.optional && !shape.is_empty() {
                is_one &= *rows.get_or_insert(shape[0]) == shape[0];
            }
        }
        Ok(rows.filter(|_| is_one))
    }

    /// Checks that a model that was given so many rows has not left some out: an answer would be taken for that of another row.
    ///
    /// # Errors
    /// `RUN_FAILED` for an output with fewer rows whose declared shape has the rows of the inputs, or of a model that drops rows
    /// by their values.
    pub fn check_rows(&self, rows: Option<usize>, outputs: &[(String, Value)]) -> Result<()> {
        let Some(rows) = rows.filter(|&rows| rows > 1) else { return Ok(()) };
        for (name, value) in outputs {
            let declared = self.outputs.iter().find(|output| output.name == *name).map(dims_of);
            let is_of_rows = match declared.and_then(<[Dim]>::first) {
                Some(Dim::Free(Some(dim))) => {
                    self.drops_rows || self.required_inputs().any(|input| is_led_by(input, dim))
                }
                Some(Dim::Free(None)) => self.drops_rows,
                _ => false,
            };
            match value.as_tensor().and_then(|tensor| tensor.shape.first()) {
                Some(&given) if is_of_rows && given < rows => {
                    return Err(error!(
                        RunFailed,
                        "output \"{name}\" has {given} rows for {rows} rows of the inputs: the model leaves rows out; send them \
                         one by one"
                    ));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// What the dimension of rows is called in a table whose columns give it no name.
const ROWS: &str = "";

fn dims_of(info: &ValueInfo) -> &[Dim] {
    match &info.value_type {
        ValueType::Tensor { shape: Some(shape), .. } => shape,
        _ => &[],
    }
}

fn is_column(input: &ValueInfo) -> bool {
    matches!(dims_of(input), [Dim::Free(_), Dim::Fixed(1)])
}

fn is_led_by(input: &ValueInfo, dim: &str) -> bool {
    matches!(dims_of(input).first(), Some(Dim::Free(Some(name))) if name == dim)
}

fn differ(name: &str, (one, one_size): (&str, usize), (other, other_size): (&str, usize)) -> Error {
    let what = if name == ROWS {
        "are columns of one table and must have as many rows".to_owned()
    } else {
        format!("must have the same size in dimension \"{name}\"")
    };
    let (problem, sizes) = if one == other {
        (format!("input \"{one}\": its dimensions \"{name}\" must have the same size"), json!([one_size, other_size]))
    } else {
        (format!("the inputs \"{one}\" and \"{other}\" {what}"), json!({ one: one_size, other: other_size }))
    };
    error!(InvalidInput, "{problem}, received {one_size} and {other_size}").with_details(json!({ "sizes": sizes }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::{DType, Tensor};

    fn info(name: &str, dims: &[Dim]) -> ValueInfo {
        let value_type = ValueType::Tensor { dtype: DType::Float32, shape: Some(dims.to_vec()) };
        ValueInfo { name: name.to_owned(), value_type, optional: false }
    }

    fn named(name: &str) -> Dim {
        Dim::Free(Some(name.to_owned()))
    }

    fn zeros(name: &str, shape: &[usize]) -> (String, Value) {
        (name.to_owned(), Tensor::from_elements(shape, &vec![0f32; shape.iter().product()]).into())
    }

    fn agreed(inputs: &[ValueInfo], shapes: &[&[usize]]) -> Result<Option<usize>> {
        let values: Vec<_> = inputs.iter().zip(shapes).map(|(input, shape)| zeros(&input.name, shape)).collect();
        Signature { inputs: inputs.to_vec(), ..Signature::default() }.agreed_rows(&values)
    }

    #[test]
    fn dimensions_of_one_name_have_one_size() {
        let inputs = [info("a", &[named("N"), named("T")]), info("b", &[named("T"), Dim::Fixed(2)])];
        assert_eq!(agreed(&inputs, &[&[3, 4], &[4, 2]]).unwrap(), None);
        let problem = agreed(&inputs, &[&[3, 4], &[3, 2]]).unwrap_err().message;
        assert_eq!(problem, "the inputs \"a\" and \"b\" must have the same size in dimension \"T\", received 4 and 3");
        let square = [info("a", &[named("N"), named("N")])];
        assert!(agreed(&square, &[&[2, 3]]).unwrap_err().message.contains("\"a\""));
        assert_eq!(agreed(&square, &[&[2, 2]]).unwrap(), Some(2));
    }

    #[test]
    fn columns_have_as_many_rows_whatever_they_are_called() {
        let column = |name: &str| info(name, &[Dim::Free(None), Dim::Fixed(1)]);
        let inputs = [column("a"), column("b")];
        assert_eq!(agreed(&inputs, &[&[3, 1], &[3, 1]]).unwrap(), Some(3));
        assert!(agreed(&inputs, &[&[3, 1], &[1, 1]]).unwrap_err().message.contains("rows, received 3 and 1"));
        // What is no table may have leading dimensions of several kinds.
        let others = [column("a"), info("b", &[Dim::Free(None), Dim::Fixed(2)])];
        assert_eq!(agreed(&others, &[&[3, 1], &[1, 2]]).unwrap(), None);
        let default = [column("a"), ValueInfo { optional: true, ..column("b") }];
        assert_eq!(agreed(&default, &[&[3, 1], &[1, 1]]).unwrap(), Some(3));
    }

    #[test]
    fn a_model_that_leaves_rows_out_is_found() {
        let signature = |dim: Dim, drops_rows: bool| Signature {
            inputs: vec![info("x", &[named("N"), Dim::Fixed(1)])],
            outputs: vec![info("y", &[dim])],
            drops_rows,
            ..Signature::default()
        };
        let check = |signature: &Signature, rows, given| signature.check_rows(Some(rows), &[zeros("y", &[given])]);
        let of_rows = signature(named("N"), false);
        assert!(check(&of_rows, 3, 2).unwrap_err().message.contains("2 rows for 3 rows"));
        check(&of_rows, 3, 3).unwrap();
        check(&of_rows, 1, 0).unwrap();
        check(&signature(named("detections"), false), 3, 2).unwrap();
        check(&signature(Dim::Free(None), false), 3, 2).unwrap();
        assert!(check(&signature(Dim::Free(None), true), 3, 2).is_err());
        of_rows.check_rows(None, &[zeros("y", &[0])]).unwrap();
    }
}
