//! Operators.

use super::*;

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
