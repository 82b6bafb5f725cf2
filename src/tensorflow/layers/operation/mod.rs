//! Operations that stand between layers: those of Keras 3, such as the `Add` of `x + 1`, and TensorFlow's functions that
//! Keras 2 wraps as `TFOpLambda`. Shapes are broadcast as NumPy does, unlike those of layers with the same names.

mod element_wise;
mod functions;
mod image;
mod literal;
mod matrix;
mod movement;
mod network;
mod number;
mod operands;
mod ordering;
mod products;
mod reduction;
mod reshaping;
mod selection;
mod statistics;
mod table;
mod two;

pub use functions::WRAPPED;
pub use table::RULES;
