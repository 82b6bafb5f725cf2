//! Shapes and sizes.

use super::*;

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

#[test]
fn an_input_without_a_free_first_dimension_has_no_rows() {
    graph([node("Neg", &["x"], "y")]).input(&[Some(1), Some(4)]).mixes("no free first dimension");
    graph([node("Neg", &["x"], "y")]).input(&[]).mixes("no free first dimension");
}

#[test]
fn padding_to_the_longest_row_shows_in_the_output() {
    let split = NodeProto::new("StringSplit", ["x"], ["y", "counts"]);
    graph([split]).input(&[None]).mixes("as long as the longest row");
    let stops = node("StringNormalizer", &["x"], "y").with("stopwords", vec!["the".to_owned()]);
    graph([stops]).input(&[None]).mixes("stop words");
}
