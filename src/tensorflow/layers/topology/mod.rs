//! The topology of a layers-model: which layers there are, and on what each is called. All versions of Keras, Sequential
//! and Functional, end as the same structure.

mod input;
mod parse;
mod references;
mod structure;

pub use structure::{Argument, Call, Kind, Model, Spec};
