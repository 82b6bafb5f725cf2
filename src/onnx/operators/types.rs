//! The element types of what operators give.

use super::rows::RowRule;
use crate::tensor::DType;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TypeRule {
    Unknown,
    /// Of every output.
    All(ElementType),
    /// Of one output after the other; those behind are not known.
    Each(&'static [ElementType]),
    /// That of the one attribute of `Constant`.
    Constant,
    /// That of the attribute `value`, or float32.
    Fill,
    /// Those of the outputs of its graph from this one on.
    Bodies(usize),
}

/// The element type of one output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ElementType {
    Is(DType),
    /// That of this input.
    Like(usize),
    /// From an attribute that holds a type's code, or else this one.
    ByAttribute(&'static str, Option<DType>),
    /// That of a classifier's labels: text where `classlabels_strings` holds some, else int64.
    Labels,
    /// From an attribute that holds a type's code, or else that of this input.
    ByAttributeOrLike(&'static str, usize),
}

impl TypeRule {
    /// What is so for operators of the standard domain whose rows pass in one way, but for those that say otherwise.
    pub(super) const fn of_rows(rows: RowRule) -> Self {
        use ElementType::{Is, Like};
        match rows {
            RowRule::ElementWise | RowRule::Keep | RowRule::Quantize => Self::All(Like(0)),
            RowRule::Reduce | RowRule::MeanVariance | RowRule::Softmax | RowRule::AlongLast => Self::All(Like(0)),
            RowRule::Cumulate | RowRule::Dft | RowRule::LastTwo | RowRule::ReverseSequence => Self::All(Like(0)),
            RowRule::MatMul(..) | RowRule::Gemm | RowRule::Einsum => Self::All(Like(0)),
            RowRule::Transpose | RowRule::Reshape | RowRule::Flatten | RowRule::Squeeze => Self::All(Like(0)),
            RowRule::Unsqueeze | RowRule::Expand | RowRule::Tile | RowRule::Concat => Self::All(Like(0)),
            RowRule::Split | RowRule::Slice | RowRule::Gather | RowRule::Elements => Self::All(Like(0)),
            RowRule::GatherNd | RowRule::ScatterNd | RowRule::Pad | RowRule::Resize => Self::All(Like(0)),
            RowRule::Compress | RowRule::Leading | RowRule::LeadingKeep | RowRule::Convolution => Self::All(Like(0)),
            RowRule::Recurrent => Self::All(Like(0)),
            // What they tell beside may be of another type.
            RowRule::NormalizeLast | RowRule::BatchNormalization | RowRule::Dropout => Self::Each(&[Like(0)]),
            RowRule::Position | RowRule::Shape | RowRule::Size => Self::All(Is(DType::Int64)),
            RowRule::Top => Self::Each(&[Like(0), Is(DType::Int64)]),
            RowRule::ConstantOfShape => Self::Fill,
            RowRule::OneHot => Self::All(Like(2)),
            RowRule::If | RowRule::Scan => Self::Bodies(0),
            RowRule::Loop => Self::Bodies(1),
            RowRule::NormalizeStrings => Self::All(Is(DType::String)),
            RowRule::SplitText => Self::Each(&[Is(DType::String), Is(DType::Int64)]),
            RowRule::CountWords => Self::All(Is(DType::Float32)),
            RowRule::Unknown | RowRule::Graph | RowRule::Mixes(_) | RowRule::Random => Self::Unknown,
            RowRule::ExtractFeatures | RowRule::Records(_) | RowRule::ZipMap => Self::Unknown,
            RowRule::AddAxis | RowRule::LastAxis => Self::Unknown,
        }
    }
}
