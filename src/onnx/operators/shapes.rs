//! The shapes of what operators give, named here and computed by whoever knows the shapes of their inputs.

use super::rows::RowRule;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShapeRule {
    Unknown,
    /// It follows from values.
    Untold,
    /// That to which all inputs are broadcast.
    Broadcast,
    /// That of this input.
    SameAs(usize),

    Shape,
    Size,
    Reshape,
    Transpose,
    Squeeze,
    Unsqueeze,
    Flatten,
    Expand,
    Tile,
    ConstantOfShape,
    Concat,
    Split,
    Slice,
    Gather,
    GatherNd,
    Pad,
    Resize,
    OneHot,
    Range,
    NonZero,
    NonMaxSuppression,

    Reduce,
    /// `ArgMax` and `ArgMin`.
    Position,
    Top,
    /// The places of its operands.
    MatMul(usize, usize),
    Gemm,
    Einsum,
    Convolution,
    ConvolutionTranspose,
    Pool,
    GlobalPool,
    DepthToSpace,
    SpaceToDepth,
    Recurrent,

    If,
    Loop,
    Scan,
}

impl ShapeRule {
    /// What is so for operators of the standard domain whose rows pass in one way, but for those that say otherwise.
    pub(super) const fn of_rows(rows: RowRule) -> Self {
        match rows {
            RowRule::ElementWise => Self::Broadcast,
            RowRule::Keep | RowRule::Quantize | RowRule::MeanVariance | RowRule::Softmax => Self::SameAs(0),
            RowRule::AlongLast | RowRule::Cumulate | RowRule::NormalizeLast | RowRule::LastTwo => Self::SameAs(0),
            RowRule::ReverseSequence | RowRule::ScatterNd | RowRule::LeadingKeep => Self::SameAs(0),
            RowRule::BatchNormalization | RowRule::Dropout => Self::SameAs(0),
            RowRule::Reduce => Self::Reduce,
            RowRule::Position => Self::Position,
            RowRule::Top => Self::Top,
            RowRule::MatMul(left, right, _) => Self::MatMul(left, right),
            RowRule::Gemm => Self::Gemm,
            RowRule::Einsum => Self::Einsum,
            RowRule::Transpose => Self::Transpose,
            RowRule::Reshape => Self::Reshape,
            RowRule::Flatten => Self::Flatten,
            RowRule::Squeeze => Self::Squeeze,
            RowRule::Unsqueeze => Self::Unsqueeze,
            RowRule::Expand => Self::Expand,
            RowRule::Tile => Self::Tile,
            RowRule::ConstantOfShape => Self::ConstantOfShape,
            RowRule::Concat => Self::Concat,
            RowRule::Split => Self::Split,
            RowRule::Slice => Self::Slice,
            RowRule::Gather => Self::Gather,
            RowRule::GatherNd => Self::GatherNd,
            RowRule::Pad => Self::Pad,
            RowRule::Resize => Self::Resize,
            RowRule::OneHot => Self::OneHot,
            RowRule::Shape => Self::Shape,
            RowRule::Size => Self::Size,
            RowRule::Recurrent => Self::Recurrent,
            RowRule::If => Self::If,
            RowRule::Loop => Self::Loop,
            RowRule::Scan => Self::Scan,
            RowRule::Unknown | RowRule::Graph | RowRule::Mixes(_) | RowRule::Random | RowRule::AddAxis => Self::Unknown,
            RowRule::Dft | RowRule::LastAxis | RowRule::Elements | RowRule::Compress => Self::Unknown,
            RowRule::ExtractFeatures | RowRule::Leading | RowRule::Convolution | RowRule::Records(_) => Self::Unknown,
            RowRule::ZipMap | RowRule::NormalizeStrings | RowRule::SplitText | RowRule::CountWords => Self::Unknown,
        }
    }

    /// Whether what has this shape has elements when all inputs have.
    pub fn keeps_filled(self) -> bool {
        match self {
            Self::Broadcast | Self::SameAs(_) | Self::Reshape | Self::Transpose | Self::Squeeze => true,
            Self::Unsqueeze | Self::Flatten | Self::Concat | Self::MatMul(..) | Self::Gemm => true,
            Self::Convolution | Self::ConvolutionTranspose | Self::Pool | Self::GlobalPool | Self::Recurrent => true,
            Self::Unknown | Self::Untold | Self::Expand | Self::Tile | Self::ConstantOfShape => false,
            // These are computed from shapes, which ONNX Runtime does before a run.
            Self::Shape | Self::Size => false,
            Self::Split | Self::Slice | Self::Gather | Self::GatherNd | Self::Pad | Self::Resize => false,
            Self::OneHot | Self::Range | Self::NonZero | Self::NonMaxSuppression => false,
            Self::Reduce | Self::Position | Self::Top | Self::Einsum => false,
            Self::DepthToSpace | Self::SpaceToDepth | Self::If | Self::Loop | Self::Scan => false,
        }
    }
}
