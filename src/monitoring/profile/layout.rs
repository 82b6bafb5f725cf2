//! Which elements of a tensor are rows and which are columns.

use crate::signature::{Dim, Signature, ValueInfo, ValueType};
use crate::tensor::Tensor;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    pub rows: usize,
    /// Elements of a row.
    pub columns: usize,
    /// Whether the row is a list of columns; otherwise it has more dimensions and is one thing, such as an image.
    pub is_flat: bool,
}

/// The leading dimension is that of the rows. Only a list whose length the model fixes is one row.
pub fn layout(tensor: &Tensor, declared: Option<&ValueInfo>) -> Layout {
    let is_row = || {
        let shape = match declared.map(|info| &info.value_type) {
            Some(ValueType::Tensor { shape: Some(shape), .. }) => shape.as_slice(),
            _ => &[],
        };
        matches!(shape, [Dim::Fixed(size)] if *size > 1)
    };
    match tensor.shape.as_slice() {
        [] => Layout { rows: 1, columns: 1, is_flat: true },
        [columns] if is_row() => Layout { rows: 1, columns: *columns, is_flat: true },
        [rows, row @ ..] => Layout { rows: *rows, columns: row.iter().product(), is_flat: row.len() <= 1 },
    }
}

/// What a signature says of an input or output.
pub fn declared<'a>(signature: &'a Signature, is_input: bool, name: &str) -> Option<&'a ValueInfo> {
    let infos = if is_input { &signature.inputs } else { &signature.outputs };
    infos.iter().find(|info| info.name == name)
}
