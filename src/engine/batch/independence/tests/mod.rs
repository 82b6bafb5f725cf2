//! Graphs and what they say of their rows.

mod control;
mod operators;
mod shapes;

use super::{Independence, analyse};
use crate::onnx::proto::{
    FunctionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, ValueInfoProto,
};
use crate::signature::Signature;
use crate::tensor::{DType, Element, Tensor};

/// A graph from `x` of `[N, 4]` to `y`, with constants `i<number>` and `i<number>_<number>...` of int64.
struct Graph {
    nodes: Vec<NodeProto>,
    constants: Vec<TensorProto>,
    shape: Vec<Option<i64>>,
    opset: i64,
}

fn graph(nodes: impl IntoIterator<Item = NodeProto>) -> Graph {
    Graph { nodes: nodes.into_iter().collect(), constants: Vec::new(), shape: vec![None, Some(4)], opset: 18 }
}

fn node(kind: &str, inputs: &[&str], output: &str) -> NodeProto {
    NodeProto::new(kind, inputs.iter().copied(), [output])
}

impl Graph {
    fn input(mut self, shape: &[Option<i64>]) -> Self {
        self.shape = shape.to_vec();
        self
    }

    fn opset(mut self, opset: i64) -> Self {
        self.opset = opset;
        self
    }

    fn with<T: Element>(mut self, name: &str, shape: &[usize], elements: &[T]) -> Self {
        self.constants.push(TensorProto::from_tensor(name, &Tensor::from_elements(shape, elements)));
        self
    }

    fn model(self) -> ModelProto {
        let numbers = |name: &str| {
            let numbers: Option<Vec<i64>> =
                name.strip_prefix('i')?.split('_').map(|number| number.replace('m', "-").parse().ok()).collect();
            Some(TensorProto::from_tensor(name, &Tensor::from_elements(&[numbers.as_ref()?.len()], &numbers?)))
        };
        let mut names: Vec<&String> = self.nodes.iter().flat_map(|node| &node.input).collect();
        names.sort();
        names.dedup();
        let made: Vec<TensorProto> = names.into_iter().filter_map(|name| numbers(name)).collect();
        ModelProto {
            opset_import: vec![OperatorSetIdProto { domain: None, version: Some(self.opset) }],
            graph: Some(GraphProto {
                node: self.nodes,
                initializer: self.constants.into_iter().chain(made).collect(),
                input: vec![ValueInfoProto::tensor("x", DType::Float32, &self.shape)],
                output: vec![ValueInfoProto::tensor("y", DType::Float32, &[None])],
                ..GraphProto::default()
            }),
            ..ModelProto::default()
        }
    }

    fn verdict(self) -> Independence {
        of(&self.model())
    }

    fn proved(self) {
        assert_eq!(self.verdict(), Independence::Proved);
    }

    fn mixes(self, reason: &str) {
        match self.verdict() {
            Independence::Mixing(found) => assert!(found.contains(reason), "{found}"),
            other => panic!("{other:?}, expected {reason}"),
        }
    }

    fn doubtful(self) {
        let verdict = self.verdict();
        assert!(matches!(verdict, Independence::Doubtful(_)), "{verdict:?}");
    }
}

fn of(model: &ModelProto) -> Independence {
    let signature = Signature::of_model(model).unwrap();
    analyse(model, &signature).independence
}

fn microsoft(node: NodeProto) -> NodeProto {
    NodeProto { domain: Some("com.microsoft".to_owned()), ..node }
}
