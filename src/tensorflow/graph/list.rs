//! A list or array of tensors: one tensor with an axis more, of which the elements are the rows.

use crate::error::{Result, error};
use crate::tensor::DType;
use crate::tensorflow::emit::{Dims, Emit, Value};

#[derive(Debug, Clone)]
pub struct TensorList {
    pub dtype: DType,
    /// The shape of an element as far as it is known.
    pub element: Option<Dims>,
    pub rows: Rows,
}

#[derive(Debug, Clone)]
pub enum Rows {
    /// So many elements that are not set yet, as a list of one int64.
    Reserved(Value),
    /// The elements. Before any is set, sizes that were not known are 1.
    Dense(Value),
}

impl TensorList {
    pub fn of(emit: &Emit, rows: Value) -> Self {
        let element = emit.shape(rows).filter(|shape| !shape.is_empty()).map(|shape| shape[1..].to_vec());
        Self { dtype: emit.dtype(rows), element, rows: Rows::Dense(rows) }
    }

    /// A list of as many elements of that shape, all zero.
    pub fn zeros(&self, emit: &mut Emit) -> Self {
        Self { rows: Rows::Reserved(self.count(emit)), ..self.clone() }
    }

    /// The elements as one tensor.
    ///
    /// # Errors
    /// `UNSUPPORTED_MODEL` when nothing tells the rank of the elements.
    pub fn dense(&self, emit: &mut Emit) -> Result<Value> {
        let count = match self.rows {
            Rows::Dense(rows) => return Ok(rows),
            Rows::Reserved(count) => count,
        };
        let Some(element) = &self.element else {
            return Err(error!(UnsupportedModel, "the shape of the list's elements is not known"));
        };
        let sizes: Vec<i64> = element.iter().map(|size| size.unwrap_or(1)).collect();
        let sizes = emit.int64s(&sizes);
        let shape = emit.concat(&[count, sizes], 0);
        let zeros = emit.fill(0.0, self.dtype, shape);
        if element.iter().all(Option::is_some) {
            return Ok(zeros);
        }
        let loose = [emit.size(zeros, 0)].into_iter().chain(element.iter().copied()).collect();
        Ok(emit.loosened(zeros, loose))
    }

    pub fn count(&self, emit: &mut Emit) -> Value {
        match self.rows {
            Rows::Reserved(count) => count,
            Rows::Dense(rows) => {
                let shape = emit.shape_of(rows);
                emit.slice(shape, 0, 0, 1)
            }
        }
    }

    /// Takes over what an element tells about the shape of all.
    pub fn learn(&mut self, emit: &Emit, element: Value) {
        let Some(shape) = emit.shape(element) else { return };
        self.element = Some(match self.element.take() {
            Some(known) if known.len() == shape.len() => {
                known.iter().zip(shape).map(|(known, size)| known.or(*size)).collect()
            }
            _ => shape.clone(),
        });
    }

    pub fn replaced(&self, emit: &mut Emit, rows: Value, count: Option<i64>) -> Self {
        if let Some(element) = &self.element {
            let shape: Dims = [count].into_iter().chain(element.iter().copied()).collect();
            emit.assume_shape(rows, &shape);
        }
        Self { rows: Rows::Dense(rows), ..self.clone() }
    }
}
