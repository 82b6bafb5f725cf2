//! The functions of a graph: how they are found and called, and what goes into the body of an operation and comes out.

use super::definition::{Function, Reference};
use super::item::Item;
use super::list::{Rows, TensorList};
use super::node::{Graph, MAX_DEPTH, Node};
use super::scope::Scope;
use crate::error::{Result, error};
use crate::tensorflow::emit::{Emit, Value};
use std::rc::Rc;

impl<'a> Graph<'a> {
    /// Translates a function with these arguments and returns its results.
    pub fn call(
        &self,
        emit: &mut Emit,
        scope: &mut Scope<'_>,
        function: &Function<'a>,
        arguments: &[Item],
    ) -> Result<Vec<Item>> {
        if function.arguments.len() != arguments.len() {
            return Err(error!(
                InvalidModel,
                "a function of {} arguments is given {}",
                function.arguments.len(),
                arguments.len()
            ));
        }
        if self.depth.get() >= MAX_DEPTH {
            return Err(error!(InvalidModel, "functions are nested more than {MAX_DEPTH} deep"));
        }
        self.depth.set(self.depth.get() + 1);
        for (name, argument) in function.arguments.iter().zip(arguments) {
            scope.set(name, vec![argument.clone()]);
        }
        let order = self.order(&function.nodes, &function.results)?;
        self.run(emit, scope, &order)?;
        self.depth.set(self.depth.get() - 1);
        function
            .results
            .iter()
            .map(|result| {
                scope.get(result).ok_or_else(|| {
                    let Reference { node, output } = result;
                    error!(UnsupportedModel, "its function cannot give \"{node}:{output}\"")
                })
            })
            .collect()
    }
}

impl<'a> Node<'a> {
    /// The function that an attribute names.
    pub fn function(&self, attribute: &str) -> Result<Rc<Function<'a>>> {
        let name = self.definition.function(attribute);
        let found = name.and_then(|name| self.graph.functions.get(name));
        found.cloned().ok_or_else(|| error!(InvalidModel, "there is no function for {attribute}"))
    }

    /// Both functions of a conditional or loop. Those made of control flow see the names around them.
    pub fn two_functions(&self, attributes: [&str; 2]) -> Result<([Rc<Function<'a>>; 2], bool)> {
        match self.definition.functions.as_slice() {
            [first, second] => Ok(([first.clone(), second.clone()], true)),
            _ => Ok(([self.function(attributes[0])?, self.function(attributes[1])?], false)),
        }
    }
}

/// The scope of a function's nodes.
pub fn inner_scope<'s>(around: &'s Scope<'s>, functionalized: bool) -> Scope<'s> {
    if functionalized { Scope::within(around) } else { Scope::default() }
}

/// The tensors that an item is made of.
pub fn flatten(emit: &mut Emit, item: &Item) -> Result<Vec<Value>> {
    Ok(match item {
        Item::Tensor(value) | Item::Blocks { blocks: value, .. } => vec![*value],
        Item::Complex(real, imaginary) => vec![*real, *imaginary],
        Item::List(list) => vec![list.dense(emit)?],
        Item::Resource(_) => Vec::new(),
    })
}

/// An item like `like`, made of other tensors.
pub fn rebuild(emit: &Emit, like: &Item, values: &mut impl Iterator<Item = Value>) -> Result<Item> {
    let mut next = || values.next().ok_or_else(|| error!(Internal, "a body has too few outputs"));
    Ok(match like {
        Item::Tensor(_) | Item::Blocks { .. } => Item::Tensor(next()?),
        Item::Complex(..) => Item::Complex(next()?, next()?),
        Item::List(list) => {
            let rows = next()?;
            let element = emit.shape(rows).filter(|shape| !shape.is_empty()).map(|shape| shape[1..].to_vec());
            Item::List(TensorList {
                rows: Rows::Dense(rows),
                element: element.or(list.element.clone()),
                ..list.clone()
            })
        }
        Item::Resource(name) => Item::Resource(name.clone()),
    })
}
