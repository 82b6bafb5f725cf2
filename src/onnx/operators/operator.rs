//! A row of the table, and how it is written.

use super::elements::ElementRule;
use super::guarded::{Empty, Form, Guarded, Reads, TextRule, Training, What, When};
use super::rows::RowRule;
use super::shapes::ShapeRule;
use super::types::TypeRule;

/// An operator of a domain.
#[derive(Debug, Clone, Copy)]
pub struct Operator {
    /// Empty for the standard one.
    pub domain: &'static str,
    pub name: &'static str,
    /// What the sizes of its outputs, and so its work, come from.
    pub sizes: Sizes,
    /// Whether rows of its inputs stay apart in its outputs.
    pub rows: RowRule,
    pub types: TypeRule,
    /// Of the first output, and of the others where the rule tells them.
    pub shape: ShapeRule,
    pub elements: ElementRule,
    /// The places of tables among its inputs, each with that of the indices of its rows.
    pub picks: &'static [(usize, usize)],
    /// Whether its attributes are the nodes of decision trees, as [`tree_ensemble`](crate::onnx::tree_ensemble) reads them.
    pub has_trees: bool,
    pub guarded: Guarded,
}

/// What decides how much an operator computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sizes {
    /// The shapes of its inputs and its attributes.
    Shapes,
    /// Also the values of the inputs at these places.
    Inputs(&'static [usize]),
    /// Values of its inputs, without a bound that its shapes give; also where it runs a graph of its own, and where its values
    /// are random.
    Values,
}

pub const STANDARD: &str = "";
pub const ML: &str = "ai.onnx.ml";
pub const MICROSOFT: &str = "com.microsoft";

impl Operator {
    pub(super) const fn new(domain: &'static str, name: &'static str, sizes: Sizes, rows: RowRule) -> Self {
        let guarded = Guarded {
            needs: &[],
            when: When::Always,
            without: Empty::Fails { like: 0 },
            reads: Reads::Given,
            names_outputs: false,
            within: &[],
            form: Form::Any,
            texts: TextRule::None,
            trains: Training::Never,
        };
        let (types, shape) = (TypeRule::Unknown, ShapeRule::Unknown);
        Self {
            domain,
            name,
            sizes,
            rows,
            types,
            shape,
            elements: ElementRule::None,
            picks: &[],
            has_trees: false,
            guarded,
        }
    }

    /// Whether it is a convolution, of whatever kind.
    pub fn convolves(&self) -> bool {
        self.name.contains("Conv")
    }

    pub(super) const fn types(self, types: TypeRule) -> Self {
        Self { types, ..self }
    }

    pub(super) const fn shape(self, shape: ShapeRule) -> Self {
        Self { shape, ..self }
    }

    pub(super) const fn elements(self, elements: ElementRule) -> Self {
        Self { elements, ..self }
    }

    pub(super) const fn picks(self, picks: &'static [(usize, usize)]) -> Self {
        Self { picks, ..self }
    }

    pub(super) const fn trees(self) -> Self {
        Self { has_trees: true, ..self }
    }

    pub(super) const fn needs(self, needs: &'static [(usize, What)]) -> Self {
        Self { guarded: Guarded { needs, ..self.guarded }, ..self }
    }

    pub(super) const fn only(self, when: When) -> Self {
        Self { guarded: Guarded { when, ..self.guarded }, ..self }
    }

    pub(super) const fn without(self, without: Empty) -> Self {
        Self { guarded: Guarded { without, ..self.guarded }, ..self }
    }

    pub(super) const fn reads(self, reads: Reads) -> Self {
        Self { guarded: Guarded { reads, ..self.guarded }, ..self }
    }

    pub(super) const fn names_outputs(self) -> Self {
        Self { guarded: Guarded { names_outputs: true, ..self.guarded }, ..self }
    }

    pub(super) const fn within(self, within: &'static [(&'static str, i64, i64)]) -> Self {
        Self { guarded: Guarded { within, ..self.guarded }, ..self }
    }

    pub(super) const fn form(self, form: Form) -> Self {
        Self { guarded: Guarded { form, ..self.guarded }, ..self }
    }

    pub(super) const fn texts(self, texts: TextRule) -> Self {
        Self { guarded: Guarded { texts, ..self.guarded }, ..self }
    }

    pub(super) const fn trains(self, trains: Training) -> Self {
        Self { guarded: Guarded { trains, ..self.guarded }, ..self }
    }
}
