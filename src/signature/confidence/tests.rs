use super::*;
use crate::onnx::Attribute;
use crate::onnx::operators::ML;
use crate::onnx::proto::{GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, ValueInfoProto};
use crate::tensor::MapKeys;

/// A model whose input `x` is float32 of shape [?, 3], with the constants `one` and `axis`.
struct Graph {
    nodes: Vec<NodeProto>,
    outputs: Vec<ValueInfoProto>,
    inputs: Vec<ValueInfoProto>,
    opset: i64,
}

fn graph<const N: usize>(nodes: [NodeProto; N]) -> Graph {
    let inputs = vec![ValueInfoProto::tensor("x", DType::Float32, &[None, Some(3)])];
    Graph { nodes: nodes.to_vec(), outputs: Vec::new(), inputs, opset: 18 }
}

impl Graph {
    fn gives(mut self, name: &str, dtype: DType, shape: &[Option<i64>]) -> Self {
        self.outputs.push(ValueInfoProto::tensor(name, dtype, shape));
        self
    }

    /// Classes behind rows: float32 of shape [?, 3].
    fn gives_rows(self, name: &str) -> Self {
        self.gives(name, DType::Float32, &[None, Some(3)])
    }

    fn takes(mut self, name: &str, shape: &[Option<i64>]) -> Self {
        self.inputs.push(ValueInfoProto::tensor(name, DType::Float32, shape));
        self
    }

    fn opset(self, opset: i64) -> Self {
        Self { opset, ..self }
    }

    fn signature(self) -> Signature {
        let constant = |name: &str, tensor: &Tensor| TensorProto::from_tensor(name, tensor);
        let graph = GraphProto {
            node: self.nodes,
            input: self.inputs,
            output: self.outputs,
            initializer: vec![
                constant("one", &Tensor::from_elements(&[1], &[1.0f32])),
                constant("axis", &Tensor::from_elements(&[1], &[1i64])),
            ],
            ..GraphProto::default()
        };
        let opset_import = vec![OperatorSetIdProto { domain: None, version: Some(self.opset) }];
        Signature::of_model(&ModelProto { graph: Some(graph), opset_import, ..ModelProto::default() }).unwrap()
    }

    /// The confidence in values of its outputs.
    fn of(self, values: &[(&str, Value)]) -> Confidence {
        let values: Vec<_> = values.iter().map(|(name, value)| (*name, value)).collect();
        confidence(&self.signature(), &values, false)
    }

    /// The confidence in rows of three values each, which sum up to one, of the output `y`.
    fn of_thirds(self) -> Confidence {
        self.of(&[("y", floats(&[2, 3], &[0.2, 0.3, 0.5, 0.7, 0.1, 0.2]))])
    }
}

fn node(op_type: &str, inputs: &[&str], output: &str) -> NodeProto {
    NodeProto::new(op_type, inputs.iter().copied(), [output])
}

fn ml(op_type: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
    NodeProto {
        domain: Some(ML.to_owned()),
        ..NodeProto::new(op_type, inputs.iter().copied(), outputs.iter().copied())
    }
}

fn classifier(op_type: &str, post_transform: &str, classes: i64) -> NodeProto {
    ml(op_type, &["x"], &["label", "y"])
        .with("post_transform", post_transform)
        .with("classlabels_int64s", (0..classes).collect::<Vec<i64>>())
}

fn floats(shape: &[usize], values: &[f32]) -> Value {
    Tensor::from_elements(shape, values).into()
}

fn batch(rows: &[f64]) -> Confidence {
    Confidence::Batch(rows.iter().map(|&row| Some(row)).collect())
}

#[test]
fn a_softmax_over_classes_tells_it_in_every_shape() {
    let rows = || graph([node("Softmax", &["x"], "y")]).gives_rows("y");
    assert_eq!(rows().of_thirds(), batch(&[0.5, 0.7]));
    assert_eq!(rows().opset(11).of_thirds(), batch(&[0.5, 0.7]));
    let reshaped =
        graph([node("Softmax", &["x"], "p"), node("Cast", &["p"], "c").with("to", 1), node("Flatten", &["c"], "y")]);
    assert_eq!(reshaped.gives_rows("y").of_thirds(), batch(&[0.5, 0.7]));
    let single = graph([node("Softmax", &["x"], "y")]).gives("y", DType::Float32, &[Some(3)]);
    assert_eq!(single.of(&[("y", floats(&[3], &[0.2, 0.3, 0.5]))]), Confidence::Row(0.5));
    for (shape, axis) in [([2, 3, 1, 1], 1), ([2, 1, 1, 3], 3), ([2, 1, 1, 3], -1)] {
        let dims = [None, Some(shape[1]), Some(shape[2]), Some(shape[3])];
        let image = graph([node("Softmax", &["x"], "y").with("axis", axis)]).gives("y", DType::Float32, &dims);
        let shape = shape.map(|size| size as usize);
        let values = floats(&shape, &[0.2, 0.3, 0.5, 0.7, 0.1, 0.2]);
        assert_eq!(image.of(&[("y", values)]), batch(&[0.5, 0.7]), "{shape:?}");
    }
}

#[test]
fn a_softmax_over_anything_else_does_not() {
    let softmax = |axis: i64| graph([node("Softmax", &["x"], "y").with("axis", axis)]);
    assert_eq!(softmax(0).gives_rows("y").of_thirds(), Confidence::None, "over rows");
    let positions = softmax(-1).gives("y", DType::Float32, &[None, Some(2), Some(3)]);
    assert_eq!(positions.of(&[("y", floats(&[1, 2, 3], &[0.2, 0.3, 0.5, 0.7, 0.1, 0.2]))]), Confidence::None);
    let pixels = softmax(1).gives("y", DType::Float32, &[None, Some(2), Some(2), Some(1)]);
    assert_eq!(pixels.of(&[("y", floats(&[1, 2, 2, 1], &[0.5, 0.5, 0.5, 0.5]))]), Confidence::None);
    let over_rows = softmax(0).gives("y", DType::Float32, &[None]);
    assert_eq!(over_rows.of(&[("y", floats(&[2], &[0.5, 0.5]))]), Confidence::None);
}

#[test]
fn weights_of_an_attention_are_no_probabilities_of_classes() {
    let attention = |product: NodeProto| {
        graph([node("Softmax", &["x"], "y"), node("Unsqueeze", &["y", "axis"], "w"), product])
            .takes("v", &[None, Some(3), Some(4)])
            .gives_rows("y")
            .gives("z", DType::Float32, &[None, Some(4)])
    };
    assert_eq!(attention(node("MatMul", &["w", "v"], "z")).of_thirds(), Confidence::None);
    assert_eq!(attention(node("Mul", &["v", "w"], "z")).of_thirds(), Confidence::None);
    // Products with what comes from the probabilities themselves are further answers.
    let entropy = graph([node("Softmax", &["x"], "y"), node("Log", &["y"], "l"), node("Mul", &["y", "l"], "z")]);
    assert_eq!(entropy.gives_rows("y").gives_rows("z").of_thirds(), batch(&[0.5, 0.7]));
}

#[test]
fn an_axis_that_an_input_names_is_one_of_positions() {
    use crate::onnx::proto::{Dimension, DimensionValue, TypeValue};
    let named = |input: &str| {
        let mut made = graph([node("Softmax", &["x"], "y")]).gives("y", DType::Float32, &[None, None]);
        for (info, name) in [(&mut made.inputs[0], input), (&mut made.outputs[0], "classes")] {
            let Some(TypeValue::TensorType(tensor)) = info.r#type.as_mut().and_then(|kind| kind.value.as_mut()) else {
                panic!("a tensor")
            };
            let value = Some(DimensionValue::DimParam(name.to_owned()));
            tensor.shape.as_mut().unwrap().dim[1] = Dimension { value, denotation: None };
        }
        made.of_thirds()
    };
    assert_eq!(named("features"), batch(&[0.5, 0.7]));
    assert_eq!(named("classes"), Confidence::None);
}

#[test]
fn what_only_looks_like_probabilities_is_none() {
    for (nodes, why) in [
        (vec![node("Sigmoid", &["x"], "y")], "independent tags"),
        (vec![node("Relu", &["x"], "y")], "anything"),
        (vec![node("ReduceSum", &["x", "axis"], "s"), node("Div", &["x", "s"], "y")], "shares"),
        (vec![ml("Normalizer", &["x"], &["y"]).with("norm", "L1")], "shares"),
        (vec![node("LpNormalization", &["x"], "y").with("p", 1)], "shares"),
        (vec![classifier("LinearClassifier", "NONE", 3)], "scores"),
        (vec![classifier("LinearClassifier", "LOGISTIC", 3)], "a classifier for each class"),
        (vec![classifier("SVMClassifier", "NONE", 3)], "votes"),
        (vec![node("ArgMax", &["x"], "label"), node("Identity", &["x"], "y")], "scores beside a label"),
    ] {
        let made = Graph { nodes, ..graph([]) }.gives_rows("y");
        assert_eq!(made.of_thirds(), Confidence::None, "{why}");
    }
}

#[test]
fn classifiers_tell_it() {
    let weights = |weight: f32| {
        classifier("TreeEnsembleClassifier", "NONE", 3).with("class_weights", Attribute::Floats(vec![weight; 2]))
    };
    let averaged = node("Sum", &["y", "y"], "z");
    for (nodes, output) in [
        (vec![classifier("LinearClassifier", "SOFTMAX", 3)], "y"),
        (vec![classifier("LinearClassifier", "LOGISTIC", 3), ml("Normalizer", &["y"], &["z"]).with("norm", "L1")], "z"),
        (vec![classifier("TreeEnsembleClassifier", "SOFTMAX", 3)], "y"),
        (vec![weights(0.5)], "y"),
        (vec![weights(0.5), averaged, node("Div", &["z", "one"], "w")], "w"),
        (vec![classifier("SVMClassifier", "NONE", 3).with("prob_a", Attribute::Floats(vec![1.0]))], "y"),
    ] {
        let shown = format!("{nodes:?}");
        let made = Graph { nodes, ..graph([]) }.gives_rows(output).gives("label", DType::Int64, &[None]);
        let values = floats(&[1, 3], &[0.2, 0.3, 0.5]);
        assert_eq!(made.of(&[(output, values)]), batch(&[0.5]), "{shown}");
    }
    let votes = graph([
        ml("TreeEnsembleRegressor", &["x"], &["v"]),
        node("ReduceSum", &["v", "axis"], "s"),
        node("Div", &["v", "s"], "q"),
        ml("Scaler", &["q"], &["y"]),
    ]);
    assert_eq!(votes.gives_rows("y").of_thirds(), batch(&[0.5, 0.7]));
    let margins = Graph { nodes: vec![weights(-0.5)], ..graph([]) }.gives_rows("y");
    assert_eq!(margins.of_thirds(), Confidence::None);
    // Neighbours are counted, and the counts divided by their sum.
    let votes = graph([
        node("Relu", &["x"], "votes"),
        node("ReduceSum", &["votes", "axis"], "s"),
        node("Div", &["votes", "s"], "y"),
        node("ArgMax", &["votes"], "at"),
        ml("ArrayFeatureExtractor", &["one", "at"], &["label"]),
    ]);
    assert_eq!(votes.gives("label", DType::Float32, &[None]).gives_rows("y").of_thirds(), Confidence::None);
}

#[test]
fn normalized_votes_are_probabilities_beside_a_label() {
    let votes = |label: &str| {
        graph([
            node("ReduceSum", &["x", "axis"], "s"),
            node("Add", &["s", "one"], "t"),
            node("Add", &["x", "one"], "v"),
            node("Div", &["v", "t"], "y"),
            node(label, &["x"], "at"),
            node("Cast", &["at"], "label").with("to", 7),
        ])
        .gives("label", DType::Int64, &[None])
        .gives_rows("y")
    };
    assert_eq!(votes("ArgMax").of_thirds(), batch(&[0.5, 0.7]));
    assert_eq!(votes("ArgMin").of_thirds(), Confidence::None, "the nearest of centres");
}

#[test]
fn a_softmax_is_known_by_its_parts() {
    let exponentials = graph([
        node("ReduceMax", &["x"], "m"),
        node("Sub", &["x", "m"], "d"),
        node("Exp", &["d"], "e"),
        node("ReduceSum", &["e", "axis"], "s"),
        node("Div", &["e", "s"], "y"),
    ]);
    assert_eq!(exponentials.gives_rows("y").of_thirds(), batch(&[0.5, 0.7]));
    let likelihoods = graph([
        node("ReduceLogSumExp", &["x"], "l"),
        node("Reshape", &["l", "axis"], "r"),
        node("Sub", &["x", "r"], "d"),
        node("Exp", &["d"], "y"),
    ]);
    assert_eq!(likelihoods.gives_rows("y").of_thirds(), batch(&[0.5, 0.7]));
    let logarithms = graph([node("LogSoftmax", &["x"], "y")]).gives_rows("y");
    let given = logarithms.of(&[("y", floats(&[1, 3], &[0.25f32.ln(), 0.5f32.ln(), 0.25f32.ln()]))]);
    assert!(matches!(&given, Confidence::Batch(rows) if (rows[0].unwrap() - 0.5).abs() < 1e-6), "{given:?}");
    let complements =
        graph([node("Sigmoid", &["x"], "p"), node("Sub", &["one", "p"], "q"), node("Concat", &["q", "p"], "y")]);
    let complements = complements.gives("y", DType::Float32, &[None, Some(2)]);
    assert_eq!(complements.of(&[("y", floats(&[1, 2], &[0.25, 0.75]))]), batch(&[0.75]));
}

#[test]
fn the_single_probability_of_a_sigmoid_tells_it_of_both_classes() {
    let sigmoid = |shape: &[Option<i64>]| graph([node("Sigmoid", &["x"], "y")]).gives("y", DType::Float32, shape);
    for (dims, shape) in [(&[None, Some(1)][..], &[2, 1][..]), (&[None], &[2]), (&[None, None], &[2, 1])] {
        assert_eq!(sigmoid(dims).of(&[("y", floats(shape, &[0.25, 0.875]))]), batch(&[0.75, 0.875]), "{dims:?}");
    }
    assert_eq!(sigmoid(&[Some(2)]).of(&[("y", floats(&[2], &[0.25, 0.875]))]), Confidence::None, "tags of one row");
    assert_eq!(sigmoid(&[]).of(&[("y", floats(&[], &[0.25]))]), Confidence::Row(0.75));
    let gate = graph([node("Sigmoid", &["x"], "y"), node("Mul", &["y", "x"], "z")]);
    let gate = gate.gives("y", DType::Float32, &[None, Some(1)]).gives_rows("z");
    assert_eq!(gate.of(&[("y", floats(&[1, 1], &[0.25]))]), Confidence::None, "it opens and closes what passes");
    let tags = graph([node("Sigmoid", &["x"], "y"), node("Neg", &["x"], "n"), node("Sigmoid", &["n"], "z")]);
    let tags = tags.gives("y", DType::Float32, &[None, Some(1)]).gives("z", DType::Float32, &[None, Some(1)]);
    assert_eq!(tags.of(&[("y", floats(&[1, 1], &[0.25])), ("z", floats(&[1, 1], &[0.5]))]), Confidence::None);
}

#[test]
fn class_maps_and_columns_tell_it() {
    let map = |p: [f32; 2]| Value::Map { keys: MapKeys::Ints(vec![0, 1]), values: Tensor::from_elements(&[2], &p) };
    let columns = |further: NodeProto| {
        graph([node("Softmax", &["x"], "p"), NodeProto::new("Split", ["p"], ["a", "b"]), further])
            .gives("score", DType::Float32, &[None, Some(1)])
            .gives("a", DType::Float32, &[None, Some(1)])
            .gives("b", DType::Float32, &[None, Some(1)])
            .of(&[("score", floats(&[1, 1], &[0.5])), ("a", floats(&[1, 1], &[0.25])), ("b", floats(&[1, 1], &[0.75]))])
    };
    assert_eq!(columns(node("Relu", &["x"], "score")), batch(&[0.75]));
    let signature = {
        let mut made = graph([node("Softmax", &["x"], "p"), ml("ZipMap", &["p"], &["maps"])]).gives_rows("maps");
        made.outputs[0].r#type = Some(sequence_of_maps());
        made
    };
    let maps = Value::Sequence(vec![map([0.1, 0.9]), map([0.75, 0.25])]);
    assert_eq!(signature.of(&[("maps", maps)]), batch(&[0.9, 0.75]));
}

fn sequence_of_maps() -> crate::onnx::proto::TypeProto {
    use crate::onnx::proto::{MapType, SequenceType, TypeProto, TypeValue};
    let of = |value| TypeProto { value: Some(value), denotation: None };
    let number = ValueInfoProto::tensor("", DType::Float32, &[]).r#type.map(Box::new);
    let map = MapType { key_type: Some(DType::Int64.code()), value_type: number };
    of(TypeValue::SequenceType(Box::new(SequenceType {
        elem_type: Some(Box::new(of(TypeValue::MapType(Box::new(map))))),
    })))
}

#[test]
fn of_several_classifications_the_one_with_a_label_tells_it() {
    let heads = |labelled: &str| {
        graph([
            node("Softmax", &["x"], "y"),
            node("Neg", &["x"], "n"),
            node("Softmax", &["n"], "z"),
            node("ArgMax", &[labelled], "label"),
        ])
        .gives_rows("y")
        .gives_rows("z")
    };
    let values = [("y", floats(&[1, 3], &[0.2, 0.3, 0.5])), ("z", floats(&[1, 3], &[0.1, 0.2, 0.7]))];
    assert_eq!(heads("n").of(&values), Confidence::None);
    assert_eq!(heads("n").gives("label", DType::Int64, &[None]).of(&values), batch(&[0.7]));
    assert_eq!(heads("y").gives("label", DType::Int64, &[None]).of(&values), batch(&[0.5]));
    let twice = graph([node("Softmax", &["x"], "y"), node("LogSoftmax", &["x"], "z")]).gives_rows("z").gives_rows("y");
    assert_eq!(twice.of_thirds(), batch(&[0.5, 0.7]), "the same, of which only one was asked for");
}

#[test]
fn it_is_clamped_and_none_where_a_row_is_no_probability() {
    let softmax = || graph([node("Softmax", &["x"], "y")]).gives_rows("y");
    assert_eq!(softmax().of(&[("y", floats(&[1, 3], &[1.000_001, 0.0, -1e-7]))]), batch(&[1.0]));
    let rows = softmax().of(&[("y", floats(&[2, 3], &[0.2, 0.3, 0.5, f32::NAN, 0.5, 0.5]))]);
    assert_eq!(rows, Confidence::Batch(vec![Some(0.5), None]));
    assert_eq!(softmax().of(&[("y", floats(&[0, 3], &[]))]), Confidence::None);
    assert_eq!(softmax().of(&[("other", floats(&[1, 3], &[0.2, 0.3, 0.5]))]), Confidence::None);
}

#[test]
fn functions_and_branches_are_followed() {
    use crate::onnx::proto::FunctionProto;
    let body = |name: &str| GraphProto {
        node: vec![node("Softmax", &["x"], name)],
        output: vec![ValueInfoProto::tensor(name, DType::Float32, &[None, Some(3)])],
        ..GraphProto::default()
    };
    let branches = node("If", &["x"], "y").with("then_branch", body("t")).with("else_branch", body("e"));
    assert_eq!(graph([branches]).gives_rows("y").of_thirds(), batch(&[0.5, 0.7]));
    let call = NodeProto { domain: Some("mine".to_owned()), ..node("Classify", &["x"], "y") };
    let made = graph([call]).gives_rows("y");
    let function = FunctionProto {
        name: Some("Classify".to_owned()),
        domain: Some("mine".to_owned()),
        input: vec!["logits".to_owned()],
        output: vec!["p".to_owned()],
        node: vec![node("Softmax", &["logits"], "p")],
        opset_import: vec![OperatorSetIdProto { domain: None, version: Some(18) }],
        ..FunctionProto::default()
    };
    let main = GraphProto { node: made.nodes, input: made.inputs, output: made.outputs, ..GraphProto::default() };
    let model = ModelProto { graph: Some(main), functions: vec![function], ..ModelProto::default() };
    let values = floats(&[1, 3], &[0.2, 0.3, 0.5]);
    assert_eq!(confidence(&Signature::of_model(&model).unwrap(), &[("y", &values)], false), batch(&[0.5]));
}

#[test]
fn circles_and_long_chains_end() {
    let circle = graph([node("Identity", &["y"], "a"), node("Identity", &["a"], "y")]).gives_rows("y");
    assert_eq!(circle.of_thirds(), Confidence::None);
    let sums = graph([node("Add", &["b", "b"], "a"), node("Add", &["a", "a"], "b"), node("Add", &["b", "a"], "y")]);
    assert_eq!(sums.gives_rows("y").of_thirds(), Confidence::None);
    let nodes = (0..50_000).map(|at| node("Add", &[&format!("v{at}"), &format!("v{at}")], &format!("v{}", at + 1)));
    let long = Graph { nodes: nodes.collect(), ..graph([]) }.gives_rows("v50000");
    assert!(long.signature().confidence.is_empty());
}
