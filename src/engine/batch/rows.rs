//! Rows of several requests put together along the leading dimension, and the answers taken apart again.

use crate::tensor::{Bytes, DType, Tensor, TensorData, Value};

/// Rows of a tensor: the size of its leading dimension. `None` without one, or for packed element types, whose rows may share
/// a byte.
pub fn count(value: &Value) -> Option<usize> {
    value.as_tensor().and_then(count_of)
}

/// Puts tensors of one dtype and row shape together.
pub fn join(parts: &[&Tensor]) -> Tensor {
    let mut shape = parts[0].shape.clone();
    shape[0] = parts.iter().map(|part| part.shape[0]).sum();
    let data = match &parts[0].data {
        TensorData::Strings(_) => {
            TensorData::Strings(parts.iter().flat_map(|part| part.strings().unwrap_or(&[])).cloned().collect())
        }
        TensorData::Bytes(_) => {
            let slices = || parts.iter().filter_map(|part| part.bytes());
            let mut joined = Bytes::zeroed(slices().map(<[u8]>::len).sum());
            let mut rest = joined.as_mut_slice();
            for slice in slices() {
                let (head, tail) = rest.split_at_mut(slice.len());
                head.copy_from_slice(slice);
                rest = tail;
            }
            TensorData::Bytes(joined)
        }
    };
    Tensor { dtype: parts[0].dtype, shape, data }
}

/// Takes a value of as many rows as `sizes` sum up to apart. `None` when it does not have that many rows.
pub fn split(value: Value, sizes: &[usize]) -> Option<Vec<Value>> {
    let total: usize = sizes.iter().sum();
    match value {
        Value::Tensor(tensor) => {
            if count_of(&tensor)? != total {
                return None;
            }
            let mut start = 0;
            Some(
                sizes
                    .iter()
                    .map(|&size| {
                        let rows = slice(&tensor, start, size);
                        start += size;
                        Value::Tensor(rows)
                    })
                    .collect(),
            )
        }
        // One item a row: the maps of a ZipMap.
        Value::Sequence(items) if items.len() == total => {
            let mut items = items.into_iter();
            Some(sizes.iter().map(|&size| Value::Sequence(items.by_ref().take(size).collect())).collect())
        }
        _ => None,
    }
}

fn count_of(tensor: &Tensor) -> Option<usize> {
    (tensor.dtype == DType::String || tensor.dtype.bits().is_multiple_of(8)).then_some(*tensor.shape.first()?)
}

fn slice(tensor: &Tensor, start: usize, size: usize) -> Tensor {
    let mut shape = tensor.shape.clone();
    shape[0] = size;
    let row: usize = shape[1..].iter().product();
    let data = match &tensor.data {
        TensorData::Strings(strings) => TensorData::Strings(strings[start * row..(start + size) * row].to_vec()),
        TensorData::Bytes(bytes) => {
            let width = row * tensor.dtype.bits() / 8;
            TensorData::Bytes(Bytes::copy_from(&bytes.as_slice()[start * width..(start + size) * width]))
        }
    };
    Tensor { dtype: tensor.dtype, shape, data }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_together_comes_apart_again() {
        let a = Tensor::from_elements(&[1, 2], &[1.0f32, 2.0]);
        let b = Tensor::from_elements(&[2, 2], &[3.0f32, 4.0, 5.0, 6.0]);
        let joined = join(&[&a, &b]);
        assert_eq!(joined, Tensor::from_elements(&[3, 2], &[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0]));
        assert_eq!(split(joined.into(), &[1, 2]), Some(vec![a.into(), b.into()]));
    }

    #[test]
    fn strings_and_sequences_have_rows_too() {
        let text = |items: &[&str]| {
            Tensor::from_strings(&[items.len()], items.iter().map(|item| (*item).to_owned()).collect())
        };
        assert_eq!(join(&[&text(&["a"]), &text(&["b", "c"])]), text(&["a", "b", "c"]));
        let items = vec![Value::from(text(&["a"])), text(&["b"]).into()];
        let parts = split(Value::Sequence(items.clone()), &[1, 1]).unwrap();
        assert_eq!(parts, items.into_iter().map(|item| Value::Sequence(vec![item])).collect::<Vec<_>>());
    }

    #[test]
    fn a_value_of_another_number_of_rows_is_not_taken_apart() {
        assert_eq!(split(Tensor::from_elements(&[1], &[1.0f32]).into(), &[1, 1]), None);
        assert_eq!(split(Value::Sequence(Vec::new()), &[1, 1]), None);
        assert_eq!(split(Value::None, &[1]), None);
    }
}
