//! The operators of `ai.onnx.ml`, by name.

use super::guarded::{Empty, MAX_COUNT, TextRule, What};
use super::operator::{ML, Operator, Sizes};
use super::rows::RowRule::{self, *};
use super::types::ElementType::{Is, Labels, Like};
use super::types::TypeRule::{All, Each};
use crate::tensor::DType::Float32;
use Sizes::{Shapes, Values};

const fn row(name: &'static str, sizes: Sizes, rows: RowRule) -> Operator {
    Operator::new(ML, name, sizes, rows)
}

pub static OPERATORS: &[Operator] = &[
    row("ArrayFeatureExtractor", Shapes, ExtractFeatures).types(All(Like(0))).texts(TextRule::Features),
    row("Binarizer", Shapes, ElementWise).types(All(Like(0))),
    row("CastMap", Values, Unknown),
    row("CategoryMapper", Shapes, ElementWise),
    row("DictVectorizer", Values, Unknown),
    row("FeatureVectorizer", Shapes, Records(&[2]))
        .types(All(Is(Float32)))
        .needs(&[(0, What::Axes(0, 1))])
        .without(Empty::Features)
        .within(&[("inputdimensions", 0, MAX_COUNT)]),
    row("Imputer", Shapes, Records(&[2])).types(All(Like(0))),
    row("LabelEncoder", Shapes, ElementWise),
    row("LinearClassifier", Shapes, Records(&[1, 2])).types(Each(&[Labels, Is(Float32)])),
    row("LinearRegressor", Shapes, Records(&[2])).types(All(Is(Float32))),
    row("Normalizer", Shapes, Records(&[2])).types(All(Is(Float32))),
    row("OneHotEncoder", Shapes, AddAxis).types(All(Is(Float32))),
    row("SVMClassifier", Shapes, Records(&[1, 2])).types(Each(&[Labels, Is(Float32)])),
    row("SVMRegressor", Shapes, Records(&[2])).types(All(Is(Float32))),
    row("Scaler", Shapes, Records(&[2])).types(All(Is(Float32))),
    row("TreeEnsemble", Values, Records(&[2])).types(All(Like(0))),
    row("TreeEnsembleClassifier", Shapes, Records(&[1, 2])).types(Each(&[Labels, Is(Float32)])).trees(),
    row("TreeEnsembleRegressor", Shapes, Records(&[2])).types(All(Is(Float32))).trees(),
    row("ZipMap", Shapes, ZipMap),
];
