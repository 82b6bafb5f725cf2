//! Graphs and what they say of their rows.

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
    let signature = Signature::of_graph(model.graph.as_ref().unwrap()).unwrap();
    analyse(model, &signature).independence
}

fn microsoft(node: NodeProto) -> NodeProto {
    NodeProto { domain: Some("com.microsoft".to_owned()), ..node }
}

#[test]
fn reductions_over_rows_mix_and_others_do_not() {
    for (axes, keeps) in [("i1", 1), ("im1", 1)] {
        let reduced = node("ReduceMax", &["x", axes], "largest").with("keepdims", keeps);
        graph([reduced, node("Div", &["x", "largest"], "y")]).proved();
    }
    let dropped = node("ReduceSum", &["x", "i1"], "y").with("keepdims", 0i64);
    graph([dropped]).proved();
    for axes in ["i0", "im2", "i0_1"] {
        let reduced = node("ReduceMax", &["x", axes], "largest");
        graph([reduced, node("Div", &["x", "largest"], "y")])
            .mixes("ReduceMax node \"largest\" computes over the rows");
    }
    graph([node("ReduceMax", &["x"], "all"), node("Div", &["x", "all"], "y")]).mixes("computes over all rows");
    let idle = node("ReduceMax", &["x"], "same").with("noop_with_empty_axes", 1i64);
    graph([idle, node("Neg", &["same"], "y")]).proved();
    let old = node("ReduceMean", &["x"], "mean").with("axes", vec![0i64]);
    graph([old, node("Sub", &["x", "mean"], "y")]).opset(11).mixes("computes over the rows");
    // A vector without its axis, set against the rows.
    let means = node("ReduceMean", &["x", "i1"], "means").with("keepdims", 0i64);
    graph([means, node("Sub", &["x", "means"], "y")]).mixes("sets rows against rows");
}

#[test]
fn softmax_has_another_meaning_until_operator_set_12() {
    let softmax = |axis: i64| graph([node("Softmax", &["x"], "y").with("axis", axis)]);
    softmax(1).proved();
    softmax(0).mixes("along the rows");
    softmax(-2).mixes("along the rows");
    softmax(1).opset(11).proved();
    softmax(0).opset(11).mixes("along the rows");
    graph([node("Softmax", &["x"], "y")]).opset(11).proved();
    graph([node("LogSoftmax", &["x"], "y")]).proved();
}

#[test]
fn what_goes_along_rows_mixes() {
    graph([node("CumSum", &["x", "i0"], "y")]).mixes("along the rows");
    graph([node("CumSum", &["x", "i1"], "y")]).proved();
    graph([NodeProto::new("TopK", ["x", "i2"], ["y", "places"]).with("axis", 0i64)]).mixes("along the rows");
    graph([NodeProto::new("TopK", ["x", "i2"], ["y", "places"])]).proved();
    graph([node("Unique", &["x"], "y")]).mixes("compares the rows");
    graph([node("NonZero", &["x"], "places"), node("Transpose", &["places"], "y")]).mixes("lists places");
    graph([node("ArgMax", &["x"], "y")]).mixes("over the rows");
    graph([node("ArgMax", &["x"], "y").with("axis", 1i64).with("keepdims", 0i64)]).proved();
    graph([node("Compress", &["x", "kept"], "y").with("axis", 0i64)])
        .with("kept", &[2], &[1u8, 0])
        .mixes("among the rows");
    graph([node("Slice", &["x", "i0", "i1", "i0"], "y")]).mixes("takes a part of the rows");
    graph([node("Slice", &["x", "i0", "i2147483647", "i0"], "y")]).proved();
    graph([node("Slice", &["x", "i0", "i2", "i1"], "y")]).proved();
    graph([node("Gather", &["x", "i0"], "y")]).mixes("picks among the rows");
    graph([node("Gather", &["x", "i2_0"], "y").with("axis", 1i64)]).proved();
    graph([node("Concat", &["x", "x"], "y").with("axis", 0i64)]).mixes("behind the rows");
    graph([node("Concat", &["x", "x"], "y").with("axis", 1i64)]).proved();
    graph([node("Tile", &["x", "i2_1"], "y")]).mixes("repeats the rows");
    graph([node("Tile", &["x", "i1_2"], "y")]).proved();
    graph([node("Pad", &["x", "i0_1_0_1"], "y")]).proved();
    graph([node("Pad", &["x", "i1_0_0_0"], "y")]).mixes("adds rows");
}

#[test]
fn dynamic_quantization_takes_one_scale_for_all() {
    let quantize = NodeProto::new("DynamicQuantizeLinear", ["x"], ["q", "scale", "zero"]);
    graph([quantize, node("DequantizeLinear", &["q", "scale", "zero"], "y")]).mixes("takes one scale for all rows");
    let fused = microsoft(node("DynamicQuantizeMatMul", &["x", "w"], "y"));
    graph([fused]).with("w", &[4, 2], &[0u8; 8]).mixes("takes one scale for all rows");
    let fixed =
        [node("QuantizeLinear", &["x", "scale", "zero"], "q"), node("DequantizeLinear", &["q", "scale", "zero"], "y")];
    graph(fixed).with("scale", &[], &[0.5f32]).with("zero", &[], &[0u8]).proved();
}

#[test]
fn random_and_training_nodes_are_not_batched() {
    graph([node("RandomNormalLike", &["x"], "noise"), node("Add", &["x", "noise"], "y")]).mixes("draws random numbers");
    let noise = node("RandomUniform", &[], "noise").with("shape", vec![1i64, 4]);
    graph([noise, node("Add", &["x", "noise"], "y")]).mixes("draws random numbers");
    let weights =
        |graph: Graph| ["a", "b", "c", "d"].iter().fold(graph, |graph, name| graph.with(name, &[4], &[1.0f32; 4]));
    let norm = |trains: i64| node("BatchNormalization", &["x", "a", "b", "c", "d"], "y").with("training_mode", trains);
    weights(graph([norm(0)])).proved();
    weights(graph([norm(1)])).mixes("as in training");
    graph([node("Dropout", &["x"], "y")]).proved();
    graph([node("Dropout", &["x", "", "train"], "y")]).with("train", &[], &[1u8]).mixes("at random");
}

#[test]
fn products_that_sum_over_rows_mix() {
    graph([node("MatMul", &["x", "w"], "y")]).with("w", &[4, 2], &[0.0f32; 8]).proved();
    graph([node("Transpose", &["x"], "t"), node("MatMul", &["x", "t"], "y")]).mixes("multiplies rows with rows");
    graph([node("Transpose", &["x"], "t"), node("MatMul", &["t", "x"], "y")]).mixes("sums over the rows");
    let turned = node("Gemm", &["t", "w"], "y").with("transA", 1i64);
    graph([node("Transpose", &["x"], "t"), turned]).with("w", &[4, 2], &[0.0f32; 8]).proved();
    graph([node("Gemm", &["x", "w", "c"], "y")])
        .with("w", &[4, 2], &[0.0f32; 8])
        .with("c", &[2], &[0.0f32; 2])
        .proved();
    let own_rows = node("Gemm", &["x", "w", "c"], "y");
    graph([own_rows]).with("w", &[4, 2], &[0.0f32; 8]).with("c", &[3, 2], &[0.0f32; 6]).mixes("its own number of rows");
    let einsum = |equation: &str| graph([node("Einsum", &["x", "x"], "y").with("equation", equation)]);
    einsum("nd,nd->nd").proved();
    einsum("nd,md->nm").mixes("sets rows against rows");
    einsum("nd,nd->d").mixes("sums over the rows");
}

#[test]
fn shapes_that_leave_the_batch_mix() {
    graph([node("Reshape", &["x", "im1_2_2"], "y")]).proved();
    graph([node("Reshape", &["x", "i0_2_2"], "y")]).proved();
    graph([node("Reshape", &["x", "i1_4"], "y")]).mixes("without room for more rows");
    graph([node("Reshape", &["x", "i2_m1"], "y")]).mixes("another axis");
    graph([node("Reshape", &["x", "i1_m1"], "y")]).mixes("no row for each row");
    graph([node("Reshape", &["x", "im1"], "flat"), node("Reshape", &["flat", "im1_4"], "y")]).proved();
    graph([node("Reshape", &["x", "im1_2"], "y")]).mixes("no row for each row");
    graph([node("Transpose", &["x"], "y")]).mixes("no row for each row");
    graph([node("Flatten", &["x"], "y").with("axis", 0i64)]).mixes("no row for each row");
    graph([node("Squeeze", &["x"], "y")]).mixes("when there is one row");
    graph([node("Squeeze", &["x", "i1"], "y")]).input(&[None, Some(1)]).proved();
    graph([node("Squeeze", &["x", "i0"], "y")]).mixes("drops the axis of the rows");
    graph([node("Unsqueeze", &["x", "i0"], "wide"), node("Squeeze", &["wide", "i0"], "y")]).proved();
    graph([node("Add", &["x", "rows"], "y")]).with("rows", &[3, 4], &[0.0f32; 12]).mixes("its own number of rows");
    graph([node("Add", &["x", "bias"], "y")]).with("bias", &[4], &[0.0f32; 4]).proved();
}

#[test]
fn rows_that_lie_within_another_axis_for_a_while_come_back() {
    let turn = || node("Transpose", &["x"], "steps").with("perm", vec![1i64, 0, 2]);
    let all = || node("Reshape", &["steps", "im1_4"], "all");
    let of = |nodes: Vec<NodeProto>| graph(nodes).input(&[None, Some(5), Some(4)]).with("w", &[4, 2], &[0.0f32; 8]);
    // A layer for every step, as recurrent networks and PyTorch's attention have it: (T, N, 4), (T * N, 4), and back.
    let layer = |back: &str| {
        let made = node("MatMul", &["all", "w"], "made");
        let last = node("Transpose", &["apart"], "y").with("perm", vec![1i64, 0, 2]);
        of(vec![turn(), all(), made, node("Reshape", &["made", back], "apart"), last])
    };
    layer("i5_m1_2").proved();
    layer("i3_m1_2").mixes("another axis");
    of(vec![turn(), all(), node("Neg", &["all"], "y")]).mixes("the rows in another order");
    let plain = node("Reshape", &["x", "im1_4"], "plain");
    of(vec![turn(), all(), plain, node("Add", &["all", "plain"], "y")]).mixes("in another order");
}

#[test]
fn sizes_are_followed_through_the_nodes_that_exporters_write() {
    // view(x.size(0), -1, 2): Shape, Gather, Unsqueeze, Concat, Reshape.
    let sized = |tail: &'static str| {
        [
            node("Shape", &["x"], "shape"),
            node("Gather", &["shape", "zero"], "n"),
            node("Unsqueeze", &["n", "i0"], "n1"),
            node("Concat", &["n1", tail], "target").with("axis", 0i64),
            node("Reshape", &["x", "target"], "y"),
        ]
    };
    let zero = |graph: Graph| graph.with("zero", &[], &[0i64]);
    zero(graph(sized("im1_2"))).proved();
    zero(graph(sized("i4"))).proved();
    // Heads in front of the rows' own elements: (N * 2, 2).
    let heads = [
        node("Shape", &["x"], "shape"),
        node("Gather", &["shape", "i0"], "n"),
        node("Mul", &["n", "i2"], "n2"),
        node("Concat", &["n2", "i2"], "target").with("axis", 0i64),
        node("Reshape", &["x", "target"], "heads"),
        node("Reshape", &["heads", "im1_4"], "y"),
    ];
    graph(heads).proved();
    let expanded = [
        node("Shape", &["x"], "shape"),
        node("Expand", &["token", "shape"], "tokens"),
        node("Concat", &["tokens", "x"], "y").with("axis", 1i64),
    ];
    graph(expanded).with("token", &[1, 1], &[0.0f32]).proved();
    let zeros = [
        node("Shape", &["x"], "shape"),
        node("ConstantOfShape", &["shape"], "zeros"),
        node("Add", &["x", "zeros"], "y"),
    ];
    graph(zeros).proved();
    // The places of a sequence, as an index of a table: they are those of every row.
    let places = [
        node("Shape", &["x"], "shape"),
        node("Gather", &["shape", "one"], "length"),
        node("Range", &["zero", "length", "one"], "places"),
        node("Gather", &["table", "places"], "embedded"),
        node("Unsqueeze", &["x", "i2"], "column"),
        node("Add", &["column", "embedded"], "y"),
    ];
    zero(graph(places)).with("one", &[], &[1i64]).with("table", &[9, 3], &[0.0f32; 27]).proved();
    // Values that follow from the number of rows.
    let counted = [
        node("Shape", &["x"], "shape"),
        node("Gather", &["shape", "i0"], "n"),
        node("Cast", &["n"], "count").with("to", 1i64),
        node("Div", &["x", "count"], "y"),
    ];
    graph(counted).mixes("computes with the number of rows");
    let numbered = [
        node("Shape", &["x"], "shape"),
        node("Gather", &["shape", "zero"], "n"),
        node("Range", &["zero", "n", "one"], "places"),
        node("Unsqueeze", &["places", "i1"], "column"),
        node("Add", &["x", "column"], "y"),
    ];
    zero(graph(numbered)).with("one", &[], &[1i64]).mixes("number of rows");
}

/// Negated or not, as the condition says.
fn choice(condition: &str) -> NodeProto {
    let body = |kind: &str, output: &str| GraphProto {
        node: vec![node(kind, &["x"], output)],
        output: vec![ValueInfoProto::tensor(output, DType::Float32, &[None, Some(4)])],
        ..GraphProto::default()
    };
    node("If", &[condition], "y").with("then_branch", body("Neg", "yes")).with("else_branch", body("Identity", "no"))
}

#[test]
fn rows_may_not_decide_for_others() {
    let by_values = [node("ReduceMax", &["x"], "most"), node("Greater", &["most", "two"], "above"), choice("above")];
    graph(by_values).with("two", &[], &[2.0f32]).mixes("");
    let by_count = [
        node("Shape", &["x"], "shape"),
        node("Gather", &["shape", "i0"], "n"),
        node("Equal", &["n", "i1"], "single"),
        choice("single"),
    ];
    graph(by_count).mixes("decides by the number of rows");
    let by_size = [
        node("Shape", &["x"], "shape"),
        node("Gather", &["shape", "i1"], "size"),
        node("Equal", &["size", "i4"], "wide"),
        choice("wide"),
    ];
    graph(by_size).proved();
    let first_row =
        [node("ReduceSum", &["x", "i1"], "sums"), node("Greater", &["sums", "two"], "above"), choice("above")];
    graph(first_row).with("two", &[], &[2.0f32]).mixes("decides by what the rows hold");
}

/// Adds `x` to what it carries, three times or while `goes_on` says so.
fn repeat(limit: &str, goes_on: &str) -> NodeProto {
    let body = GraphProto {
        node: vec![node("Add", &["carried", "x"], "next"), node("Cast", &[goes_on], "again").with("to", 9i64)],
        input: ["i", "go", "carried"].map(|name| ValueInfoProto::tensor(name, DType::Float32, &[])).to_vec(),
        output: ["again", "next", "next"].map(|name| ValueInfoProto::tensor(name, DType::Float32, &[])).to_vec(),
        ..GraphProto::default()
    };
    NodeProto::new("Loop", [limit, "", "x"], ["y", "steps"]).with("body", body)
}

#[test]
fn loops_are_followed() {
    graph([repeat("i3", "go")]).proved();
    graph([
        node("ReduceMax", &["x"], "most"),
        node("Cast", &["most"], "times").with("to", 7i64),
        repeat("times", "go"),
    ])
    .mixes("");
    graph([repeat("i3", "carried")]).mixes("decides by what the rows hold");
    let scan = |axis: i64| {
        let body = GraphProto {
            node: vec![node("Add", &["state", "item"], "next"), node("Identity", &["next"], "out")],
            input: ["state", "item"].map(|name| ValueInfoProto::tensor(name, DType::Float32, &[])).to_vec(),
            output: ["next", "out"].map(|name| ValueInfoProto::tensor(name, DType::Float32, &[])).to_vec(),
            ..GraphProto::default()
        };
        let node =
            NodeProto::new("Scan", ["zero", "x"], ["last", "all"]).with("body", body).with("num_scan_inputs", 1i64);
        node.with("scan_input_axes", vec![axis]).with("scan_output_axes", vec![1i64])
    };
    graph([scan(0), node("Identity", &["last"], "y")]).with("zero", &[1], &[0.0f32]).mixes("steps along the rows");
    graph([scan(1), node("Identity", &["all"], "y")]).with("zero", &[1], &[0.0f32]).doubtful();
}

#[test]
fn functions_are_followed_and_unknown_operators_are_doubted() {
    let call = NodeProto { domain: Some("local".to_owned()), ..node("Scale", &["x"], "y") };
    let function = |axis: i64| FunctionProto {
        name: Some("Scale".to_owned()),
        domain: Some("local".to_owned()),
        input: vec!["a".to_owned()],
        output: vec!["b".to_owned()],
        node: vec![node("Softmax", &["a"], "b").with("axis", axis)],
        opset_import: vec![OperatorSetIdProto { domain: None, version: Some(18) }],
        ..FunctionProto::default()
    };
    let with = |axis| ModelProto { functions: vec![function(axis)], ..graph([call.clone()]).model() };
    assert_eq!(of(&with(1)), Independence::Proved);
    assert!(matches!(of(&with(0)), Independence::Mixing(reason) if reason.contains("along the rows")));
    let unknown = || NodeProto { domain: Some("their.own".to_owned()), ..node("Custom", &["x"], "made") };
    graph([unknown(), node("Neg", &["made"], "y")]).doubtful();
    // What mixes after it is never left to the check.
    graph([unknown(), node("ReduceMax", &["made"], "most"), node("Div", &["x", "most"], "y")]).mixes("");
}

#[test]
fn recurrent_layers_and_images_keep_rows_apart_where_their_batch_is() {
    let weights = |graph: Graph| graph.with("w", &[1, 12, 4], &[0.0f32; 48]).with("r", &[1, 12, 3], &[0.0f32; 36]);
    let steps = |first: bool| {
        let to_steps =
            node("Transpose", &["x"], "steps").with("perm", if first { vec![1i64, 0, 2] } else { vec![0, 1, 2] });
        let gru = NodeProto::new("GRU", ["steps", "w", "r"], ["all", "last"]).with("hidden_size", 3i64);
        [to_steps, gru, node("Squeeze", &["last", "i0"], "y")]
    };
    weights(graph(steps(true)).input(&[None, Some(5), Some(4)])).proved();
    weights(graph(steps(false)).input(&[None, Some(5), Some(4)])).mixes("another axis than its batch");
    let image = &[None, Some(3), Some(8), Some(8)];
    let convolve =
        [node("Conv", &["x", "k"], "c"), node("GlobalAveragePool", &["c"], "p"), node("Flatten", &["p"], "y")];
    graph(convolve).input(image).with("k", &[2, 3, 3, 3], &[0.0f32; 54]).proved();
    let pooled = NodeProto::new("MaxPool", ["x"], ["y", "places"]).with("kernel_shape", vec![2i64, 2]);
    graph([pooled]).input(image).proved();
    let places = NodeProto::new("MaxPool", ["x"], ["pooled", "y"]).with("kernel_shape", vec![2i64, 2]);
    graph([places]).input(image).mixes("counts places over all rows");
}

#[test]
fn an_input_without_a_free_first_dimension_has_no_rows() {
    graph([node("Neg", &["x"], "y")]).input(&[Some(1), Some(4)]).mixes("no free first dimension");
    graph([node("Neg", &["x"], "y")]).input(&[]).mixes("no free first dimension");
}

#[test]
fn a_huge_graph_is_followed_in_bounded_time() {
    let chain =
        |at: usize| node("Neg", &[&if at == 0 { "x".to_owned() } else { format!("v{at}") }], &format!("v{}", at + 1));
    let nodes: Vec<NodeProto> = (0..50_000).map(chain).chain([node("Neg", &["v50000"], "y")]).collect();
    graph(nodes).proved();
    // Each of these functions calls the one before it twice.
    let double = |at: usize| FunctionProto {
        name: Some(format!("f{at}")),
        domain: Some("local".to_owned()),
        input: vec!["a".to_owned()],
        output: vec!["c".to_owned()],
        node: ["b", "c"]
            .iter()
            .zip(["a", "b"])
            .map(|(to, from)| match at {
                0 => node("Neg", &[from], to),
                _ => NodeProto { domain: Some("local".to_owned()), ..node(&format!("f{}", at - 1), &[from], to) },
            })
            .collect(),
        ..FunctionProto::default()
    };
    let call = NodeProto { domain: Some("local".to_owned()), ..node("f20", &["x"], "y") };
    let model = ModelProto { functions: (0..21).map(double).collect(), ..graph([call]).model() };
    assert!(matches!(of(&model), Independence::Mixing(reason) if reason.contains("too large")));
}

#[test]
fn padding_to_the_longest_row_shows_in_the_output() {
    let split = NodeProto::new("StringSplit", ["x"], ["y", "counts"]);
    graph([split]).input(&[None]).mixes("as long as the longest row");
    let stops = node("StringNormalizer", &["x"], "y").with("stopwords", vec!["the".to_owned()]);
    graph([stops]).input(&[None]).mixes("stop words");
}
