//! Which layers there are, and on what each is called: the same for all versions of Keras.

use crate::error::Result;
use crate::tensor::DType;
use crate::tensorflow::emit::Dims;
use crate::tensorflow::layers::config::Config;
use serde_json::Value as Json;

/// A graph of layers.
#[derive(Debug)]
pub struct Model<'a> {
    pub name: &'a str,
    pub layers: Vec<Spec<'a>>,
    /// Indices of the input layers.
    pub inputs: Vec<usize>,
    pub outputs: Vec<Place>,
}

/// A layer, which may be called several times.
#[derive(Debug)]
pub struct Spec<'a> {
    pub name: String,
    pub class: &'a str,
    /// It is an operation of Keras 3, not a layer of the same class.
    pub operation: bool,
    pub config: Config<'a>,
    pub kind: Kind<'a>,
    /// On what the layer is called, each time.
    pub calls: Vec<Call<'a>>,
}

#[derive(Debug)]
pub enum Kind<'a> {
    Input { shape: Option<Dims>, dtype: DType },
    Model(Model<'a>),
    Layer,
}

/// One output of one call of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    pub layer: usize,
    pub call: usize,
    pub tensor: usize,
}

/// What is given to a layer: a tensor `T`, a structure of arguments, or a plain value.
#[derive(Debug, Clone)]
pub enum Argument<'a, T> {
    Tensor(T),
    List(Vec<Argument<'a, T>>),
    Plain(&'a Json),
}

#[derive(Debug)]
pub struct Call<'a, T = Place> {
    pub arguments: Vec<Argument<'a, T>>,
    pub named: Vec<(&'a str, Argument<'a, T>)>,
}

impl<'a, T> Argument<'a, T> {
    /// Python's `None`.
    pub fn is_nothing(&self) -> bool {
        matches!(self, Self::Plain(Json::Null))
    }

    /// The tensors in it, in order.
    pub fn tensors<'t>(&'t self, found: &mut Vec<&'t T>) {
        match self {
            Self::Tensor(tensor) => found.push(tensor),
            Self::List(items) => items.iter().for_each(|item| item.tensors(found)),
            Self::Plain(_) => {}
        }
    }

    /// The same with other tensors.
    pub fn map<U>(&self, change: &mut impl FnMut(&T) -> Result<U>) -> Result<Argument<'a, U>> {
        Ok(match self {
            Self::Tensor(tensor) => Argument::Tensor(change(tensor)?),
            Self::List(items) => Argument::List(items.iter().map(|item| item.map(change)).collect::<Result<_>>()?),
            Self::Plain(json) => Argument::Plain(json),
        })
    }
}

impl<'a, T> Call<'a, T> {
    pub fn map<U>(&self, change: &mut impl FnMut(&T) -> Result<U>) -> Result<Call<'a, U>> {
        let arguments = self.arguments.iter().map(|argument| argument.map(change)).collect::<Result<_>>()?;
        let named = self.named.iter().map(|(name, argument)| Ok((*name, argument.map(change)?)));
        Ok(Call { arguments, named: named.collect::<Result<_>>()? })
    }

    /// All tensors, those with names last.
    pub fn tensors(&self) -> Vec<&T> {
        let mut found = Vec::new();
        self.arguments
            .iter()
            .chain(self.named.iter().map(|(_, argument)| argument))
            .for_each(|argument| argument.tensors(&mut found));
        found
    }
}
