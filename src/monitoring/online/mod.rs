//! Changes in a stream of values, such as whether predictions are right or how sure they are, seen value by value in memory that does
//! not grow with the stream.

mod adwin;
mod page_hinkley;
mod split;
mod value;

pub use adwin::{Adwin, AdwinOptions};
pub use page_hinkley::{Direction, PageHinkley, PageHinkleyOptions};
pub use split::{Part, Split};
pub use value::is_value;
