//! The kinds of operators by what they make of rows: of what one of several axes of their inputs is about.

/// How rows of an operator's inputs come to be in its outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowRule {
    /// Not known.
    Unknown,
    If,
    Loop,
    Scan,
    /// It has other graphs of its own.
    Graph,
    /// Rows that meet in it, whatever its attributes say. What it does with them, after its name.
    Mixes(&'static str),
    /// Its outputs differ from run to run.
    Random,

    /// Each element by itself, operands broadcast.
    ElementWise,
    /// The first input as it is.
    Keep,
    Quantize,
    /// One more axis at the end.
    AddAxis,

    /// Along the axes that an attribute or an input names.
    Reduce,
    /// Along one axis, which may go.
    Position,
    MeanVariance,
    Softmax,
    /// Along one axis, the last unless an attribute says otherwise.
    AlongLast,
    /// Along one axis that an input names.
    Cumulate,
    Dft,
    Top,
    /// Over the last axes.
    NormalizeLast,
    /// Matrices of the last two axes.
    LastTwo,
    ReverseSequence,

    /// The places of its operands, and of what the rows of the left one may have of their own.
    MatMul(usize, usize, &'static [usize]),
    Gemm,
    /// A product with packed weights.
    LastAxis,
    Einsum,

    Transpose,
    Reshape,
    Flatten,
    Squeeze,
    Unsqueeze,
    Expand,
    Tile,
    ConstantOfShape,
    Concat,
    Split,
    Slice,
    Gather,
    /// An index for each element.
    Elements,
    GatherNd,
    ScatterNd,
    Pad,
    Resize,
    OneHot,
    Compress,
    ExtractFeatures,
    Shape,
    Size,

    /// An item of the first axis for itself.
    Leading,
    /// The same with weights that are one for all.
    Convolution,
    /// An item of the first axis for itself, its shape kept.
    LeadingKeep,
    BatchNormalization,
    Dropout,
    /// A row of a matrix is a record; the ranks of its outputs.
    Records(&'static [usize]),
    ZipMap,
    Recurrent,
    NormalizeStrings,
    SplitText,
    CountWords,
}

impl RowRule {
    /// Whether inputs behind the first say sizes, which may follow from the number of rows.
    pub fn takes_sizes(self) -> bool {
        use RowRule::{ConstantOfShape, Expand, Pad, Reshape, Resize, Slice, Tile};
        matches!(self, ConstantOfShape | Expand | Pad | Reshape | Resize | Slice | Tile)
    }

    /// Whether it can be told what it makes of rows that are filled up to the length of the longest.
    pub fn takes_padding(self) -> bool {
        use RowRule::{CountWords, Flatten, Keep, Reshape, Squeeze, Transpose, Unsqueeze};
        matches!(self, CountWords | Flatten | Keep | Reshape | Squeeze | Transpose | Unsqueeze)
    }
}
