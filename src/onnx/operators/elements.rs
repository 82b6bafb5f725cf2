//! How operators compute the elements of small tensors: what arithmetic on shapes consists of.

/// One for each kind that is computed before a model runs, by whoever knows elements of its inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ElementRule {
    /// Elements of this operator are left to the engine.
    None,
    /// Those of the first input as they are.
    Keep,
    Cast,
    Shape,
    Size,

    Negate,
    Absolute,
    Floor,
    Ceiling,
    Round,
    SquareRoot,
    Reciprocal,
    Not,

    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Maximum,
    Minimum,
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    And,
    Or,
    /// `Where`
    Choose,

    Expand,
    /// `ConstantOfShape`
    Fill,
    Range,
    Concat,
    Gather,
    Slice,
    Transpose,

    Product,
    Sum,
    Largest,
    Smallest,
}
