//! Random graphs of many operators, in float64 so that what differs differs visibly: rows that are kept apart along any axis, and,
//! as often as asked for, operators that mix them.
#![allow(dead_code)]

use crate::support::wrap;
use harper_edge_ai::onnx::proto::{GraphProto, NodeProto, TensorProto, ValueInfoProto};
use harper_edge_ai::tensor::{DType, Tensor};

/// Park and Miller's generator.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        let mut random = Self(seed * 7_919 + 17);
        for _ in 0..8 {
            random.next();
        }
        random
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0 * 48_271 % 2_147_483_647;
        self.0
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 3) as usize % limit
    }

    pub fn number(&mut self) -> f64 {
        self.next() as f64 / 2_147_483_647.0 * 2.0 - 1.0
    }
}

pub const FEATURES: usize = 4;

/// A value with its sizes; `None`: as many as there are rows.
#[derive(Clone)]
struct Made {
    name: String,
    sizes: Vec<Option<usize>>,
}

impl Made {
    fn rows(&self) -> usize {
        self.sizes.iter().position(Option::is_none).expect("every value has rows")
    }

    /// An axis that is not that of the rows.
    fn other_axis(&self, random: &mut Random) -> usize {
        let axes: Vec<usize> = (0..self.sizes.len()).filter(|&axis| axis != self.rows()).collect();
        axes[random.below(axes.len())]
    }
}

pub struct RandomGraph {
    random: Random,
    nodes: Vec<NodeProto>,
    initializers: Vec<TensorProto>,
    pool: Vec<Made>,
    names: usize,
    /// What mixing operators were put in.
    pub mixing: Vec<&'static str>,
}

impl RandomGraph {
    /// A model of at least `operators` operators, of which one in `mixing_every` mixes rows; zero: none does.
    pub fn make(seed: u64, operators: usize, mixing_every: usize) -> (Self, Vec<u8>) {
        let x = Made { name: "x".to_owned(), sizes: vec![None, Some(FEATURES)] };
        let mut graph = Self {
            random: Random::new(seed),
            nodes: Vec::new(),
            initializers: Vec::new(),
            pool: vec![x],
            names: 0,
            mixing: Vec::new(),
        };
        while graph.nodes.len() < operators {
            let from = graph.pick();
            let mixes = mixing_every > 0 && graph.random.below(mixing_every) == 0;
            let made = if mixes { graph.mix(&from) } else { graph.keep_apart(&from) };
            // Bounded, so that long chains neither overflow nor lose the rows.
            let bounded = graph.one("Tanh", &[&made.name], made.sizes.clone());
            graph.pool.push(bounded);
            if graph.pool.len() > 5 {
                let dropped = graph.random.below(3);
                graph.pool.remove(dropped);
            }
        }
        let bytes = graph.finish();
        (graph, bytes)
    }

    fn pick(&mut self) -> Made {
        let at = self.random.below(self.pool.len());
        self.pool[at].clone()
    }

    fn name(&mut self) -> String {
        self.names += 1;
        format!("v{}", self.names)
    }

    fn add(&mut self, node: NodeProto, sizes: Vec<Option<usize>>) -> Made {
        let name = node.output[0].clone();
        self.nodes.push(node);
        Made { name, sizes }
    }

    fn node(&mut self, kind: &str, inputs: &[&str]) -> NodeProto {
        NodeProto::new(kind, inputs.iter().copied(), [self.name()])
    }

    fn one(&mut self, kind: &str, inputs: &[&str], sizes: Vec<Option<usize>>) -> Made {
        let node = self.node(kind, inputs);
        self.add(node, sizes)
    }

    fn integers(&mut self, numbers: &[i64]) -> String {
        let name = self.name();
        self.initializers.push(TensorProto::from_tensor(&name, &Tensor::from_elements(&[numbers.len()], numbers)));
        name
    }

    fn numbers(&mut self, sizes: &[usize]) -> String {
        let name = self.name();
        let count = sizes.iter().product();
        let numbers: Vec<f64> = (0..count).map(|_| self.random.number()).collect();
        self.initializers.push(TensorProto::from_tensor(&name, &Tensor::from_elements(sizes, &numbers)));
        name
    }

    /// Rows along the first axis of a matrix.
    fn flat(&mut self, from: &Made) -> Made {
        let rows = from.rows();
        let mut order: Vec<usize> = (0..from.sizes.len()).collect();
        order.swap(0, rows);
        let sizes: Vec<Option<usize>> = order.iter().map(|&axis| from.sizes[axis]).collect();
        let order: Vec<i64> = order.into_iter().map(|axis| axis as i64).collect();
        let node = self.node("Transpose", &[&from.name]).with("perm", order);
        let turned = self.add(node, sizes.clone());
        let width = sizes[1..].iter().flatten().product::<usize>();
        let shape = self.integers(&[-1, width as i64]);
        self.one("Reshape", &[&turned.name, &shape], vec![None, Some(width)])
    }

    fn keep_apart(&mut self, from: &Made) -> Made {
        match self.random.below(16) {
            kind @ 0..8 => self.computed(kind, from),
            kind => self.laid_out(kind, from),
        }
    }

    fn computed(&mut self, kind: usize, from: &Made) -> Made {
        let sizes = from.sizes.clone();
        let name = from.name.as_str();
        match kind {
            0 => {
                let kind = ["Abs", "Neg", "Sigmoid", "Relu", "Identity", "Softplus", "Exp"][self.random.below(7)];
                self.one(kind, &[name], sizes)
            }
            1 => {
                let other = self.pool.iter().find(|other| other.sizes == sizes && other.name != from.name).cloned();
                let other = other.unwrap_or_else(|| from.clone());
                let kind = ["Add", "Mul", "Sub", "Max", "Min"][self.random.below(5)];
                self.one(kind, &[name, &other.name], sizes)
            }
            2 => {
                let shape: Vec<usize> = sizes.iter().map(|size| size.unwrap_or(1)).collect();
                let constant = self.numbers(&shape);
                let kind = ["Add", "Mul"][self.random.below(2)];
                self.one(kind, &[name, &constant], sizes)
            }
            3 => {
                let axis = from.other_axis(&mut self.random) as i64;
                let kind = ["Softmax", "LogSoftmax"][self.random.below(2)];
                let node = self.node(kind, &[name]).with("axis", axis);
                self.add(node, sizes)
            }
            4 | 5 => {
                let axis = from.other_axis(&mut self.random);
                self.centred(from, Some(axis))
            }
            6 => {
                let axis = from.other_axis(&mut self.random) as i64;
                self.cumulated(from, axis)
            }
            _ => {
                let axis = from.other_axis(&mut self.random);
                let count = self.integers(&[sizes[axis].unwrap_or(1) as i64]);
                let output = [self.name(), self.name()];
                let node = NodeProto::new("TopK", [name, &count], output).with("axis", axis as i64);
                self.add(node, sizes)
            }
        }
    }

    fn laid_out(&mut self, kind: usize, from: &Made) -> Made {
        let sizes = from.sizes.clone();
        let name = from.name.as_str();
        match kind {
            8 => {
                let order: Vec<usize> = (0..sizes.len()).rev().collect();
                let node = self.node("Transpose", &[name]);
                self.add(node, order.iter().map(|&axis| sizes[axis]).collect())
            }
            9 | 10 => {
                let flat = self.flat(from);
                let width = flat.sizes[1].unwrap_or(1);
                if width.is_multiple_of(2) && self.random.below(2) == 0 {
                    let shape = self.integers(&[0, 2, width as i64 / 2]);
                    return self.one("Reshape", &[&flat.name, &shape], vec![None, Some(2), Some(width / 2)]);
                }
                flat
            }
            11 => {
                let flat = self.flat(from);
                let weights = self.numbers(&[flat.sizes[1].unwrap_or(1), FEATURES]);
                if self.random.below(2) == 0 {
                    return self.one("MatMul", &[&flat.name, &weights], vec![None, Some(FEATURES)]);
                }
                let node = self.node("Gemm", &[&weights, &flat.name]).with("transA", 1i64).with("transB", 1i64);
                self.add(node, vec![Some(FEATURES), None])
            }
            12 => {
                let axis = from.other_axis(&mut self.random);
                let mut joined = sizes.clone();
                joined[axis] = Some(2 * sizes[axis].unwrap_or(1));
                let node = self.node("Concat", &[name, name]).with("axis", axis as i64);
                let joined = self.add(node, joined);
                let (starts, ends, axes) = (
                    self.integers(&[1]),
                    self.integers(&[1 + sizes[axis].unwrap_or(1) as i64]),
                    self.integers(&[axis as i64]),
                );
                self.one("Slice", &[&joined.name, &starts, &ends, &axes], sizes)
            }
            13 => {
                let axis = from.other_axis(&mut self.random);
                let size = sizes[axis].unwrap_or(1);
                let picked: Vec<i64> = (0..size).map(|_| self.random.below(size) as i64).collect();
                let indices = self.integers(&picked);
                let node = self.node("Gather", &[name, &indices]).with("axis", axis as i64);
                self.add(node, sizes)
            }
            14 => {
                // A constant that is made as large as there are rows.
                let shape = self.one("Shape", &[name], Vec::new());
                let like: Vec<usize> = sizes.iter().map(|size| size.unwrap_or(1)).collect();
                let constant = self.numbers(&like);
                let wide = self.one("Expand", &[&constant, &shape.name], sizes.clone());
                self.one("Add", &[name, &wide.name], sizes)
            }
            _ => self.branched(from),
        }
    }

    /// A branch that every row takes.
    fn branched(&mut self, from: &Made) -> Made {
        let flat = self.flat(from);
        let width = self.integers(&[1]);
        let shape = self.one("Shape", &[&flat.name], Vec::new());
        let size = self.one("Gather", &[&shape.name, &width], Vec::new());
        let limit = self.integers(&[5]);
        let wide = self.one("Greater", &[&size.name, &limit], Vec::new());
        self.chosen(&flat, &wide.name)
    }

    /// The distance of each element to a mean or largest of its axis, or of all.
    fn centred(&mut self, from: &Made, axis: Option<usize>) -> Made {
        let kind = ["ReduceMean", "ReduceMax", "ReduceSum", "ReduceL2"][self.random.below(4)];
        let rank = from.sizes.len() as i64;
        let from_the_end = if self.random.below(2) == 0 { rank } else { 0 };
        let axes = axis.map(|axis| self.integers(&[axis as i64 - from_the_end]));
        let inputs: Vec<&str> = [from.name.as_str()].into_iter().chain(axes.as_deref()).collect();
        let reduced = self.one(kind, &inputs, Vec::new());
        self.one("Sub", &[&from.name, &reduced.name], from.sizes.clone())
    }

    fn cumulated(&mut self, from: &Made, axis: i64) -> Made {
        let axis = self.integers(&[axis]);
        self.one("CumSum", &[&from.name, &axis], from.sizes.clone())
    }

    fn chosen(&mut self, from: &Made, condition: &str) -> Made {
        let body = |kind: &str, output: String| GraphProto {
            name: Some(output.clone()),
            node: vec![NodeProto::new(kind, [from.name.as_str()], [output.as_str()])],
            output: vec![ValueInfoProto::tensor(
                &output,
                DType::Float64,
                &[None, from.sizes[1].map(|size| size as i64)],
            )],
            ..GraphProto::default()
        };
        let (yes, no) = (body("Neg", self.name()), body("Identity", self.name()));
        let node = self.node("If", &[condition]).with("then_branch", yes).with("else_branch", no);
        self.add(node, from.sizes.clone())
    }

    fn mix(&mut self, from: &Made) -> Made {
        let sizes = from.sizes.clone();
        let (name, rows) = (from.name.as_str(), from.rows());
        let (kind, made) = match self.random.below(9) {
            0 => {
                let node = self.node("Softmax", &[name]).with("axis", rows as i64);
                ("Softmax", self.add(node, sizes))
            }
            1 => ("a reduction along the rows", self.centred(from, Some(rows))),
            2 => ("a reduction of everything", self.centred(from, None)),
            3 => ("CumSum", self.cumulated(from, rows as i64)),
            4 => {
                let (starts, ends) = (self.integers(&[-1]), self.integers(&[i64::MIN]));
                let (axes, steps) = (self.integers(&[rows as i64]), self.integers(&[-1]));
                ("Slice", self.one("Slice", &[name, &starts, &ends, &axes, &steps], sizes))
            }
            5 => {
                let flat = self.flat(from);
                let turned = self.one("Transpose", &[&flat.name], vec![flat.sizes[1], None]);
                let products = self.one("MatMul", &[&flat.name, &turned.name], Vec::new());
                ("MatMul", self.one("MatMul", &[&products.name, &flat.name], flat.sizes))
            }
            6 => {
                let flat = self.flat(from);
                let largest = self.one("ReduceMax", &[&flat.name], Vec::new());
                let limit = self.numbers(&[1, 1]);
                let above = self.one("Greater", &[&largest.name, &limit], Vec::new());
                ("If", self.chosen(&flat, &above.name))
            }
            7 => {
                let shape = self.one("Shape", &[name], Vec::new());
                let count = self.one("Size", &[name], Vec::new());
                let node = self.node("Cast", &[&count.name]).with("to", i64::from(DType::Float64.code()));
                let count = self.add(node, Vec::new());
                drop(shape);
                ("the number of rows", self.one("Div", &[name, &count.name], sizes))
            }
            _ => {
                let node = self.node("Cast", &[name]).with("to", i64::from(DType::Float32.code()));
                let single = self.add(node, sizes.clone());
                let outputs = [self.name(), self.name(), self.name()];
                self.nodes.push(NodeProto::new("DynamicQuantizeLinear", [&single.name], outputs.clone()));
                let [quantized, scale, zero] = outputs;
                let back = self.one("DequantizeLinear", &[&quantized, &scale, &zero], sizes.clone());
                let node = self.node("Cast", &[&back.name]).with("to", i64::from(DType::Float64.code()));
                ("DynamicQuantizeLinear", self.add(node, sizes))
            }
        };
        self.mixing.push(kind);
        made
    }

    fn finish(&mut self) -> Vec<u8> {
        let mut outputs = Vec::new();
        for last in std::mem::take(&mut self.pool) {
            let flat = self.flat(&last);
            let name = format!("y{}", outputs.len());
            self.nodes.push(NodeProto::new("Identity", [flat.name.as_str()], [name.as_str()]));
            outputs.push(ValueInfoProto::tensor(&name, DType::Float64, &[None, flat.sizes[1].map(|size| size as i64)]));
        }
        wrap(GraphProto {
            name: Some("random".to_owned()),
            node: std::mem::take(&mut self.nodes),
            initializer: std::mem::take(&mut self.initializers),
            input: vec![ValueInfoProto::tensor("x", DType::Float64, &[None, Some(FEATURES as i64)])],
            output: outputs,
            ..GraphProto::default()
        })
    }
}
