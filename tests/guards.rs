//! The results of operators on tensors without elements, which ONNX Runtime itself does not survive; and that guarded nodes give what
//! they give without a guard. `operators_that_kill.rs` has everything that the scan found.

mod support;

use harper_edge_ai::engine::control::RunControl;
use harper_edge_ai::error::ErrorCode;
use harper_edge_ai::onnx::proto::{
    GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TypeProto, ValueInfoProto,
};
use harper_edge_ai::tensor::{DType, Tensor, Value};
use prost::Message;
use support::{endless_loop, engine, load, model, run, source, wrap};

const FLOAT: DType = DType::Float32;

fn floats(shape: &[usize], elements: &[f32]) -> Value {
    Tensor::from_elements(shape, elements).into()
}

fn integers(shape: &[usize], elements: &[i64]) -> Value {
    Tensor::from_elements(shape, elements).into()
}

fn values(bytes: Vec<u8>, inputs: Vec<(&str, Value)>) -> Vec<Value> {
    let outputs = run(&load(bytes).unwrap(), inputs).unwrap();
    outputs.into_iter().map(|(_, value)| value).collect()
}

fn top_k(rank: usize) -> Vec<u8> {
    model(
        vec![NodeProto::new("TopK", ["x", "k"], ["y", "at"])],
        &[("x", FLOAT, rank), ("k", DType::Int64, 1)],
        &[("y", FLOAT, rank), ("at", DType::Int64, rank)],
    )
}

#[test]
fn the_top_of_no_rows_is_no_rows() {
    let outputs = values(top_k(2), vec![("x", floats(&[0, 4], &[])), ("k", integers(&[1], &[3]))]);
    assert_eq!(outputs, [floats(&[0, 3], &[]), integers(&[0, 3], &[])]);
    let outputs = values(top_k(3), vec![("x", floats(&[3, 0, 4], &[])), ("k", integers(&[1], &[1]))]);
    assert_eq!(outputs, [floats(&[3, 0, 1], &[]), integers(&[3, 0, 1], &[])]);
    let outputs = values(top_k(2), vec![("x", floats(&[1, 4], &[1.0, 4.0, 2.0, 3.0])), ("k", integers(&[1], &[2]))]);
    assert_eq!(outputs, [floats(&[1, 2], &[4.0, 3.0]), integers(&[1, 2], &[1, 3])]);
    let session = load(top_k(2)).unwrap();
    let more_than_there_are = vec![("x", floats(&[0, 4], &[])), ("k", integers(&[1], &[5]))];
    assert_eq!(run(&session, more_than_there_are).unwrap_err().code, ErrorCode::RunFailed);
}

#[test]
fn rows_that_are_missing_within_the_graph_are_missing_in_the_result() {
    let bytes = model(
        vec![
            NodeProto::new("Compress", ["x", "keep"], ["kept"]).with("axis", 0i64),
            NodeProto::new("TopK", ["kept", "k"], ["y", "at"]),
        ],
        &[("x", FLOAT, 2), ("keep", DType::Bool, 1), ("k", DType::Int64, 1)],
        &[("y", FLOAT, 2), ("at", DType::Int64, 2)],
    );
    let keep = |flag: u8| Value::Tensor(Tensor::from_bytes(DType::Bool, vec![1], one_byte(flag)).unwrap());
    let inputs = |flag| vec![("x", floats(&[1, 2], &[1.0, 2.0])), ("keep", keep(flag)), ("k", integers(&[1], &[1]))];
    assert_eq!(values(bytes.clone(), inputs(0)), [floats(&[0, 1], &[]), integers(&[0, 1], &[])]);
    assert_eq!(values(bytes, inputs(1)), [floats(&[1, 1], &[2.0]), integers(&[1, 1], &[1])]);
}

fn one_byte(value: u8) -> harper_edge_ai::tensor::Bytes {
    harper_edge_ai::tensor::Bytes::copy_from(&[value])
}

/// Hidden size 2 and one feature.
fn recurrent(op_type: &str, gates: usize, outputs: &[&str]) -> Vec<u8> {
    let weights = |features: usize| {
        let count = gates * 2 * features;
        let tensor = Tensor::from_elements(&[1, gates * 2, features], &vec![0.5f32; count]);
        harper_edge_ai::onnx::proto::TensorProto::from_tensor("", &tensor)
    };
    let ranks = [("y", FLOAT, 4), ("h", FLOAT, 3), ("c", FLOAT, 3)];
    model(
        vec![
            NodeProto::new("Constant", [""; 0], ["w"]).with("value", weights(1)),
            NodeProto::new("Constant", [""; 0], ["r"]).with("value", weights(2)),
            NodeProto::new(op_type, ["x", "w", "r", "", "", "h0"], outputs.iter().copied()).with("hidden_size", 2i64),
        ],
        &[("x", FLOAT, 3), ("h0", FLOAT, 3)],
        &ranks[..outputs.len()],
    )
}

#[test]
fn without_steps_or_rows_the_state_stays() {
    for (op_type, gates, outputs) in [("LSTM", 4, &["y", "h", "c"][..]), ("GRU", 3, &["y", "h"])] {
        let bytes = recurrent(op_type, gates, outputs);
        let state = [floats(&[1, 2, 2], &[1.0, 2.0, 3.0, 4.0]), floats(&[1, 2, 2], &[0.0; 4])];
        let inputs = vec![("x", floats(&[0, 2, 1], &[])), ("h0", state[0].clone())];
        let no_steps = values(bytes.clone(), inputs);
        assert_eq!(no_steps[0], floats(&[0, 1, 2, 2], &[]), "{op_type}");
        assert_eq!(no_steps[1..], state[..outputs.len() - 1], "{op_type}");
        let inputs = vec![("x", floats(&[3, 0, 1], &[])), ("h0", floats(&[1, 0, 2], &[]))];
        let no_rows = values(bytes, inputs);
        assert_eq!(no_rows[0], floats(&[3, 1, 0, 2], &[]), "{op_type}");
        assert!(no_rows[1..].iter().all(|value| *value == floats(&[1, 0, 2], &[])), "{op_type}");
    }
}

#[test]
fn unique_values_of_nothing() {
    let unique = |axis: Option<i64>, rank: usize| {
        let node = NodeProto::new("Unique", ["x"], ["y", "first", "inverse", "counts"]);
        let node = axis.into_iter().fold(node, |node, axis| node.with("axis", axis));
        let lists = [("first", DType::Int64, 1), ("inverse", DType::Int64, 1), ("counts", DType::Int64, 1)];
        let outputs = [&[("y", FLOAT, rank)][..], &lists].concat();
        model(vec![node], &[("x", FLOAT, 2)], &outputs)
    };
    let none = integers(&[0], &[]);
    let outputs = values(unique(None, 1), vec![("x", floats(&[3, 0], &[]))]);
    assert_eq!(outputs, [floats(&[0], &[]), none.clone(), none.clone(), none]);
    let outputs = values(unique(Some(0), 2), vec![("x", floats(&[3, 0], &[]))]);
    let expected = [floats(&[1, 0], &[]), integers(&[1], &[0]), integers(&[3], &[0, 0, 0]), integers(&[1], &[3])];
    assert_eq!(outputs, expected, "as numpy.unique");
}

#[test]
fn shapes_are_kept_where_nothing_is_normalized_or_transformed() {
    let normalize = model(
        vec![NodeProto::new("InstanceNormalization", ["x", "s", "b"], ["y"])],
        &[("x", FLOAT, 4), ("s", FLOAT, 1), ("b", FLOAT, 1)],
        &[("y", FLOAT, 4)],
    );
    let one = || floats(&[2], &[1.0, 1.0]);
    let outputs = values(normalize, vec![("x", floats(&[1, 2, 0, 4], &[])), ("s", one()), ("b", one())]);
    assert_eq!(outputs, [floats(&[1, 2, 0, 4], &[])]);

    let transform = |inputs: &[&str]| {
        let node = NodeProto::new("DFT", inputs.iter().copied(), ["y"]).with("axis", 1i64);
        let declared = [("x", FLOAT, 3), ("length", DType::Int64, 0)];
        model(vec![node], &declared[..inputs.len()], &[("y", FLOAT, 3)])
    };
    let outputs = values(transform(&["x"]), vec![("x", floats(&[0, 3, 1], &[]))]);
    assert_eq!(outputs, [floats(&[0, 3, 2], &[])]);
    let filled = vec![("x", floats(&[1, 0, 1], &[])), ("length", integers(&[], &[2]))];
    assert_eq!(values(transform(&["x", "length"]), filled), [floats(&[1, 2, 2], &[0.0; 4])]);
    let problem = run(&load(transform(&["x"])).unwrap(), vec![("x", floats(&[1, 0, 1], &[]))]).unwrap_err();
    assert_eq!(problem.code, ErrorCode::RunFailed);
    assert!(problem.message.contains("DFT"), "{problem}");
}

#[test]
fn a_node_in_a_branch_is_guarded_too() {
    let branch = |prefix: &str| {
        let [y, at] = ["y", "at"].map(|name| format!("{prefix}{name}"));
        GraphProto {
            name: Some(prefix.to_owned()),
            node: vec![NodeProto::new("TopK", ["x", "k"], [&y, &at])],
            output: vec![ValueInfoProto::tensor(&y, FLOAT, &[None, None])],
            ..GraphProto::default()
        }
    };
    let node =
        NodeProto::new("If", ["c"], ["y"]).with("then_branch", branch("then")).with("else_branch", branch("else"));
    let bytes =
        model(vec![node], &[("c", DType::Bool, 0), ("x", FLOAT, 2), ("k", DType::Int64, 1)], &[("y", FLOAT, 2)]);
    let flag = Value::Tensor(Tensor::from_bytes(DType::Bool, vec![], one_byte(1)).unwrap());
    let inputs = vec![("c", flag), ("x", floats(&[0, 4], &[])), ("k", integers(&[1], &[2]))];
    assert_eq!(values(bytes, inputs), [floats(&[0, 2], &[])]);
}

#[test]
fn the_remainder_of_the_smallest_number_by_minus_one_is_zero() {
    for fmod in [0i64, 1] {
        let node = NodeProto::new("Mod", ["a", "b"], ["y"]).with("fmod", fmod);
        let bytes = model(vec![node], &[("a", DType::Int64, 1), ("b", DType::Int64, 1)], &[("y", DType::Int64, 1)]);
        let inputs = vec![("a", integers(&[3], &[i64::MIN, 7, -7])), ("b", integers(&[3], &[-1, 2, 4]))];
        let signed = if fmod == 1 { -3 } else { 1 };
        assert_eq!(values(bytes, inputs), [integers(&[3], &[0, 1, signed])]);
    }
}

/// Operator sets before 10 have the number in the node, before 9 no `ConstantOfShape`.
#[test]
fn old_operator_sets_are_guarded_too() {
    let graph = GraphProto {
        name: Some("old".to_owned()),
        node: vec![NodeProto::new("TopK", ["x"], ["y", "at"]).with("k", 2i64)],
        input: vec![ValueInfoProto::tensor("x", FLOAT, &[None, None])],
        output: vec![
            ValueInfoProto::tensor("y", FLOAT, &[None, None]),
            ValueInfoProto::tensor("at", DType::Int64, &[None, None]),
        ],
        ..GraphProto::default()
    };
    let model = ModelProto {
        ir_version: Some(4),
        opset_import: vec![OperatorSetIdProto { domain: None, version: Some(7) }],
        graph: Some(graph),
        ..ModelProto::default()
    };
    let outputs = values(model.encode_to_vec(), vec![("x", floats(&[0, 3], &[]))]);
    assert_eq!(outputs, [floats(&[0, 2], &[]), integers(&[0, 2], &[])]);
}

/// A model of operator set 8 as old exporters wrote it, without declared types in between.
fn opset_8(nodes: Vec<NodeProto>, inputs: &[(&str, DType)], output: (&str, DType)) -> Vec<u8> {
    let info = |&(name, dtype): &(&str, DType)| ValueInfoProto::tensor(name, dtype, &[None, None]);
    let graph = GraphProto {
        name: Some("opset 8".to_owned()),
        node: nodes,
        input: inputs.iter().map(info).collect(),
        output: vec![info(&output)],
        ..GraphProto::default()
    };
    let domains = [("", 8), ("ai.onnx.ml", 1)];
    let import =
        |(domain, version): (&str, i64)| OperatorSetIdProto { domain: Some(domain.to_owned()), version: Some(version) };
    ModelProto {
        ir_version: Some(4),
        opset_import: domains.map(import).to_vec(),
        graph: Some(graph),
        ..ModelProto::default()
    }
    .encode_to_vec()
}

#[test]
fn the_smallest_number_is_divided_by_minus_one_in_old_operator_sets() {
    let nodes = vec![NodeProto::new("Div", ["a", "b"], ["y"])];
    let bytes = opset_8(nodes.clone(), &[("a", DType::Int64), ("b", DType::Int64)], ("y", DType::Int64));
    let inputs = vec![("a", integers(&[1, 4], &[i64::MIN, 7, -7, 9])), ("b", integers(&[1, 4], &[-1, 2, -1, -3]))];
    assert_eq!(values(bytes, inputs), [integers(&[1, 4], &[i64::MIN, 3, 7, -3])]);
    let bytes = opset_8(nodes, &[("a", DType::Int32), ("b", DType::Int32)], ("y", DType::Int32));
    let int32s = |elements: &[i32]| Value::from(Tensor::from_elements(&[1, 2], elements));
    let inputs = vec![("a", int32s(&[i32::MIN, 8])), ("b", int32s(&[-1, -1]))];
    assert_eq!(values(bytes, inputs), [int32s(&[i32::MIN, -8])]);
}

#[test]
fn a_division_of_floats_is_none_of_integers_behind_operators_of_any_kind() {
    let ml = |op_type: &str, output: &str| NodeProto {
        domain: Some("ai.onnx.ml".to_owned()),
        ..NodeProto::new(op_type, ["x"], [output])
    };
    let regressor = ml("LinearRegressor", "a").with("coefficients", vec![2.0f32, 0.0]);
    let scaler = ml("Scaler", "a").with("offset", vec![0.0f32]).with("scale", vec![2.0f32]);
    let normalizer = ml("Normalizer", "a").with("norm", "MAX");
    let binarizer = ml("Binarizer", "a").with("threshold", 0.5f32);
    let tanh = NodeProto::new("ScaledTanh", ["x"], ["a"]).with("alpha", 1.0f32).with("beta", 1.0f32);
    for node in [regressor, scaler, normalizer, binarizer, tanh] {
        let op_type = node.op_type().to_owned();
        let nodes =
            vec![node, NodeProto::new("Div", ["a", "a"], ["b"]), NodeProto::new("Cast", ["b"], ["y"]).with("to", 1i64)];
        let bytes = opset_8(nodes, &[("x", FLOAT)], ("y", FLOAT));
        let outputs = values(bytes, vec![("x", floats(&[1, 2], &[1.0, 4.0]))]);
        let columns = if op_type == "LinearRegressor" { 1 } else { 2 };
        assert_eq!(outputs, [floats(&[1, columns], &[1.0; 2][..columns])], "{op_type}");
    }
}

#[test]
fn what_an_old_model_lists_as_inputs_and_holds_itself_is_no_input() {
    let weight = |name| TensorProto::from_tensor(name, &Tensor::from_elements(&[1, 2], &[2.0f32, 3.0]));
    let input = |name: &str| ValueInfoProto::tensor(name, FLOAT, &[None, Some(2)]);
    let graph = GraphProto {
        name: Some("old".to_owned()),
        node: vec![NodeProto::new("Add", ["w", "x"], ["a"]), NodeProto::new("Mul", ["a", "v"], ["y"])],
        // Nothing reads the last one.
        input: vec![input("w"), input("x"), input("v"), input("u")],
        output: vec![input("y")],
        initializer: vec![weight("w"), weight("v"), weight("u")],
        ..GraphProto::default()
    };
    let of = |ir_version| ModelProto {
        ir_version: Some(ir_version),
        opset_import: vec![OperatorSetIdProto { domain: None, version: Some(8) }],
        graph: Some(graph.clone()),
        ..ModelProto::default()
    };
    for (ir_version, names) in [(3, vec!["x"]), (4, vec!["x", "w", "v", "u"])] {
        let session = load(of(ir_version).encode_to_vec()).unwrap();
        assert_eq!(session.signature.inputs.iter().map(|input| input.name.as_str()).collect::<Vec<_>>(), names);
        let outputs = run(&session, vec![("x", floats(&[1, 2], &[1.0, 1.0]))]).unwrap();
        assert_eq!(outputs[0].1, floats(&[1, 2], &[6.0, 12.0]));
        let given = run(&session, vec![("x", floats(&[1, 2], &[1.0, 1.0])), ("w", floats(&[1, 2], &[0.0, 0.0]))]);
        assert_eq!(given.is_ok(), ir_version == 4);
    }
}

/// A model of floats that reshapes them to a shape which does not follow from the graph before it runs.
fn reshaped(columns: Option<i64>, size: f32) -> Vec<u8> {
    let constant = |name: &str, value: f32| {
        let tensor = TensorProto::from_tensor("", &Tensor::from_elements(&[1], &[value]));
        NodeProto::new("Constant", [""; 0], [name]).with("value", tensor)
    };
    let graph = GraphProto {
        name: Some("reshaped".to_owned()),
        node: vec![
            constant("zero", 0.0),
            constant("size", size),
            NodeProto::new("Mul", ["x", "zero"], ["nothing"]),
            NodeProto::new("ReduceSum", ["nothing"], ["sum"]).with("keepdims", 0i64),
            NodeProto::new("Add", ["sum", "size"], ["float shape"]),
            NodeProto::new("Cast", ["float shape"], ["shape"]).with("to", i64::from(DType::Int64.code())),
            NodeProto::new("Reshape", ["x", "shape"], ["y"]),
        ],
        input: vec![ValueInfoProto::tensor("x", FLOAT, &[None, columns])],
        output: vec![ValueInfoProto::tensor("y", FLOAT, &[None])],
        ..GraphProto::default()
    };
    wrap(graph)
}

#[test]
fn a_model_that_can_never_run_is_refused_and_one_that_may_has_a_warning() {
    let inspect = |bytes| engine().inspect(None, &source(bytes), None, None, &RunControl::default());
    let never = inspect(reshaped(Some(3), 77.0)).err().unwrap();
    assert_eq!(never.code, ErrorCode::InvalidModel);
    assert!(never.message.contains("Reshape"), "{never}");
    assert_eq!(inspect(reshaped(Some(3), 12.0)).unwrap().warnings, Vec::<String>::new(), "with four rows");
    let doubtful = inspect(reshaped(None, 77.0)).unwrap().warnings;
    assert!(doubtful.len() == 1 && doubtful[0].contains("others may run"), "{doubtful:?}");
    let start = std::time::Instant::now();
    assert_eq!(inspect(endless_loop()).unwrap().warnings, Vec::<String>::new());
    assert!(start.elapsed() < std::time::Duration::from_secs(30), "it is stopped");
}

/// An optional tensor of float32, and an optional sequence of such.
const OPTIONALS: [&[u8]; 2] =
    [b"\x4a\x06\x0a\x04\x0a\x02\x08\x01", b"\x4a\x0a\x0a\x08\x22\x06\x0a\x04\x0a\x02\x08\x01"];

#[test]
fn an_empty_optional_is_a_value() {
    for (kind, element) in
        OPTIONALS.into_iter().zip([floats(&[2], &[1.0, 2.0]), Value::Sequence(vec![floats(&[1], &[3.0])])])
    {
        let graph = GraphProto {
            name: Some("optional".to_owned()),
            node: vec![NodeProto::new("OptionalHasElement", ["x"], ["y"])],
            input: vec![ValueInfoProto {
                name: Some("x".to_owned()),
                r#type: Some(TypeProto::decode(kind).unwrap()),
                ..ValueInfoProto::default()
            }],
            output: vec![ValueInfoProto::tensor("y", DType::Bool, &[])],
            ..GraphProto::default()
        };
        let session = load(wrap(graph)).unwrap();
        let has = |inputs| {
            let outputs = run(&session, inputs).unwrap();
            outputs[0].1.as_tensor().unwrap().bytes().unwrap().to_vec()
        };
        assert_eq!(has(vec![("x", Value::None)]), [0]);
        assert_eq!(has(vec![("x", element)]), [1]);
        assert_eq!(has(Vec::new()), [0], "left out");
    }
}

#[test]
fn training_mode_is_refused_with_what_to_do() {
    let node = NodeProto::new("BatchNormalization", ["x", "s", "s", "s", "s"], ["y", "mean", "variance"])
        .with("training_mode", 1i64);
    let bytes = model(vec![node], &[("x", FLOAT, 2), ("s", FLOAT, 1)], &[("y", FLOAT, 2)]);
    let problem = load(bytes).err().unwrap();
    assert_eq!(problem.code, ErrorCode::UnsupportedModel);
    assert!(problem.message.contains("model.eval()"), "{problem}");
}

#[test]
fn a_name_of_many_bytes_is_refused_before_an_engine_sees_it() {
    let mut node = NodeProto::new("Relu", ["x"], ["y"]);
    node.name = Some("n".repeat(20 << 20));
    let problem = load(model(vec![node], &[("x", FLOAT, 1)], &[("y", FLOAT, 1)])).err().unwrap();
    assert_eq!(problem.code, ErrorCode::InvalidModel);
    assert!(problem.message.len() < 200);
}

/// A text of a mebibyte, copied a thousand times by each operator that can.
#[test]
fn texts_cannot_grow_beyond_the_limit_of_a_run() {
    const TEXT: DType = DType::String;
    let growing = |node: NodeProto, rank: usize| {
        model(vec![node], &[("x", TEXT, 1), ("n", DType::Int64, 1)], &[("y", TEXT, rank)])
    };
    let (few, many) = (integers(&[1], &[2]), integers(&[1], &[1000]));
    for (node, rank) in [
        (NodeProto::new("Tile", ["x", "n"], ["y"]), 1),
        (NodeProto::new("Expand", ["x", "n"], ["y"]), 1),
        (kept_in_rounds(), 2),
    ] {
        let session = load(growing(node.clone(), rank)).unwrap();
        let inputs = |text: String, count: &Value| {
            vec![("x", Value::from(Tensor::from_strings(&[1], vec![text]))), ("n", count.clone())]
        };
        run(&session, inputs("a".repeat(1 << 20), &few)).unwrap();
        run(&session, inputs("a".to_owned(), &many)).unwrap();
        let problem = run(&session, inputs("a".repeat(1 << 20), &many)).unwrap_err();
        assert_eq!(problem.code, ErrorCode::RunFailed, "{}", node.op_type());
        assert!(problem.message.contains("more text"), "{problem}");
    }
}

/// Each round of the loop keeps the text.
fn kept_in_rounds() -> NodeProto {
    let text = |name: &str| ValueInfoProto::tensor(name, DType::String, &[None]);
    let flag = |name: &str| ValueInfoProto::tensor(name, DType::Bool, &[]);
    let body = GraphProto {
        name: Some("body".to_owned()),
        node: vec![NodeProto::new("Identity", ["go"], ["again"])],
        input: vec![ValueInfoProto::tensor("at", DType::Int64, &[]), flag("go"), text("v")],
        output: vec![flag("again"), text("v"), text("v")],
        ..GraphProto::default()
    };
    NodeProto::new("Loop", ["n", "", "x"], ["last", "y"]).with("body", body)
}

#[test]
fn many_long_labels_are_counted_too() {
    let mut node = NodeProto::new("LabelEncoder", ["x"], ["y"])
        .with("keys_int64s", &[1i64][..])
        .with("values_strings", vec!["b".repeat(1 << 20)]);
    node.domain = Some("ai.onnx.ml".to_owned());
    let mut model =
        ModelProto::decode(&*model(vec![node], &[("x", DType::Int64, 1)], &[("y", DType::String, 1)])).unwrap();
    model.opset_import.push(OperatorSetIdProto { domain: Some("ai.onnx.ml".to_owned()), version: Some(2) });
    let session = load(model.encode_to_vec()).unwrap();
    run(&session, vec![("x", integers(&[3], &[1; 3]))]).unwrap();
    let problem = run(&session, vec![("x", integers(&[1000], &[1; 1000]))]).unwrap_err();
    assert_eq!(problem.code, ErrorCode::RunFailed);
}
