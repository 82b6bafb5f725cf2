//! Branches, loops and functions.

use super::*;

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
