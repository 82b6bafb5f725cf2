//! The names of columns.

use super::limits::shortened;
use crate::signature::{ClassOutput, ClassRole};
use crate::tensor::MapKeys;
use std::fmt::Display;

/// What the names of outputs begin with.
pub const OUTPUT_PREFIX: &str = "output.";
/// What the name of a feature begins with that would otherwise be taken for an output, or for such a one.
const INPUT_PREFIX: &str = "input.";

/// Whose column it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Feature,
    Output,
}

impl Side {
    /// The name of a column that is a whole input or output.
    pub fn name(self, name: &str) -> String {
        match self {
            Self::Output => format!("{OUTPUT_PREFIX}{name}"),
            Self::Feature if name.starts_with(OUTPUT_PREFIX) || name.starts_with(INPUT_PREFIX) => {
                format!("{INPUT_PREFIX}{name}")
            }
            Self::Feature => name.to_owned(),
        }
    }
}

/// How the columns of an input or output are called.
#[derive(Debug, Clone, PartialEq)]
pub enum Names {
    /// By its own name: it is one column.
    Whole,
    /// By their positions.
    Indexed(usize),
    /// By the classes that they are of.
    Keyed(MapKeys),
}

impl Names {
    /// Those of so many columns of an output of which the model tells that.
    pub fn of_output(told: Option<&ClassOutput>, columns: usize) -> Self {
        let classes = told.filter(|told| told.role == ClassRole::Scores).and_then(|told| told.classes.as_ref());
        match classes {
            _ if columns == 1 => Self::Whole,
            Some(classes) if classes.len() == columns => Self::Keyed(MapKeys::Strings(classes.clone())),
            _ => Self::Indexed(columns),
        }
    }

    pub fn count(&self) -> usize {
        match self {
            Self::Whole => 1,
            Self::Indexed(count) => *count,
            Self::Keyed(MapKeys::Ints(keys)) => keys.len(),
            Self::Keyed(MapKeys::Strings(keys)) => keys.len(),
        }
    }

    /// The name of a column of the input or output of that name.
    pub fn column(&self, side: Side, name: &str, at: usize) -> String {
        let part = |part: &dyn Display| format!("{}[{part}]", side.name(name));
        match self {
            Self::Whole => side.name(name),
            Self::Indexed(_) => part(&at),
            Self::Keyed(MapKeys::Ints(keys)) => part(&keys[at]),
            Self::Keyed(MapKeys::Strings(keys)) => part(&shortened(&keys[at])),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_and_outputs_share_no_name() {
        assert_eq!(Side::Feature.name("x"), "x");
        assert_eq!(Side::Output.name("x"), "output.x");
        assert_eq!(Side::Feature.name("output.x"), "input.output.x");
        assert_eq!(Side::Feature.name("input.output.x"), "input.input.output.x");
        assert_eq!(Names::Indexed(3).column(Side::Feature, "x", 2), "x[2]");
        let classes = Names::Keyed(MapKeys::Strings(vec!["cat".to_owned(), "dog".to_owned()]));
        assert_eq!((classes.count(), classes.column(Side::Output, "p", 1)), (2, "output.p[dog]".to_owned()));
    }
}
