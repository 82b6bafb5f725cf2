//! The formats of bodies: JSON, CBOR and MessagePack. Values are read item by item where they stand, without a tree of them.

mod answer;
mod binary;
mod cbor;
mod compact;
mod decimal;
mod elements;
mod encoded;
mod item;
mod json;
mod message_pack;
mod nesting;
mod text;
mod values;
mod words;

pub use answer::{write_answer, write_value};
pub use compact::compact;
pub(crate) use elements::each_element;
pub use encoded::{Encoded, Format, Items};
pub use item::{Item, Number};
pub use text::{MAX_SAFE_INTEGER, not_a_number};
pub use values::Values;
