//! What ONNX Runtime must be kept from, operator by operator: the guard in front of it reads this.

/// What a guard has to see to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guarded {
    /// What the node needs to survive: a place among its inputs, and what must hold of that input.
    pub needs: &'static [(usize, What)],
    pub when: When,
    /// What it gives where a need is not met.
    pub without: Empty,
    pub reads: Reads,
    /// Whether it writes outputs that have no name.
    pub names_outputs: bool,
    /// Attributes, with the least and the most that they may be.
    pub within: &'static [(&'static str, i64, i64)],
    pub form: Form,
    pub texts: TextRule,
    pub trains: Training,
}

/// The most that an attribute may be which something is counted by.
pub const MAX_COUNT: i64 = i32::MAX as i64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// It has elements.
    Elements,
    /// None of the axes from this one up to that one is empty.
    Axes(i64, i64),
    /// The axis that a `DFT` works along is not empty.
    Signal,
    /// None of its values is zero.
    Values,
    /// It has as many axes.
    Rank(i64),
    /// It has two axes more than the node's attribute `ndim` says.
    SpatialRank,
    /// Its last two axes have one size.
    Square,
    /// It has an element for each axis of the first input.
    ForEachAxis,
}

/// The nodes of an operator that have its needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    Always,
    WithAttribute(&'static str),
    /// The forms with more inputs are checked by ONNX Runtime.
    WithInputs(usize),
}

/// What stands for a node whose input lacks what it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Empty {
    /// The run fails; the outputs have the element type of this input.
    Fails {
        like: usize,
    },
    /// The first input.
    Input,
    /// The sum of the first two inputs.
    Sum,
    TopK,
    Unique,
    /// The axis of the recurrence weights that has the size of the state.
    Recurrent {
        hidden_axis: i64,
    },
    Transform,
    Quantize,
    Features,
}

/// Inputs that are read although they are absent, also where the operator's description calls them optional.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    Given,
    All,
    At(&'static [usize]),
}

/// What else has to be checked of a node's attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Any,
    /// No form is safe.
    Refused,
    /// A normal distribution: `scale`.
    Normal,
    /// A uniform distribution: `low` and `high`.
    Uniform,
    /// A pool of n-grams with an index for each.
    NGrams,
}

/// How many texts come of those that a node is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextRule {
    /// It makes none, or those that its attributes hold.
    None,
    /// The texts of these inputs once more.
    Copy(&'static [usize]),
    CopyAll,
    /// The words of the first input, filled up with a text of its own.
    Tokenize,
    Repeat,
    Broadcast,
    Gather,
    /// Along the last axis.
    Features,
    Elements,
    GatherNd,
    OneHot,
    /// Two texts joined to one.
    Join,
    /// One of two texts.
    Choose,
}

/// When an operator is in training mode, in which it changes what it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Training {
    Never,
    /// When the attribute `training_mode` says so.
    ByAttribute,
    /// Also when it has further outputs, which ask for it before operator set 14.
    ByAttributeOrOutputs,
}
