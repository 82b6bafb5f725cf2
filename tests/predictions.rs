//! From the body of a request to the text of its answer, on every protocol, without Node.js.

mod support;

use harper_edge_ai::engine::Session;
use harper_edge_ai::error::ErrorCode;
use harper_edge_ai::format::Format;
use harper_edge_ai::onnx::proto::NodeProto;
use harper_edge_ai::prediction::PredictRequest;
use harper_edge_ai::tensor::DType;
use serde_json::{Value as Json, json};
use std::sync::Arc;
use support::predictions::{assert_refused, identity, infer, own, predicted, serve};
use support::{load, model};

/// The sum and the difference of two matrices.
fn two_and_two() -> Arc<Session> {
    let nodes = vec![NodeProto::new("Add", ["a", "b"], ["sum"]), NodeProto::new("Sub", ["a", "b"], ["difference"])];
    let inputs = [("a", DType::Float32, 2), ("b", DType::Float32, 2)];
    load(model(nodes, &inputs, &[("sum", DType::Float32, 2), ("difference", DType::Float32, 2)])).unwrap()
}

fn iris() -> Arc<Session> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/iris/model.onnx");
    load(std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn a_row_loses_its_batch_and_a_batch_keeps_it() {
    let session = identity(DType::Float32);
    let row = own(&session, &json!({ "modelId": "m", "features": { "x": [1, 2.5] } })).unwrap();
    assert_eq!(row.json.as_deref(), Some(r#"{"y":[1.0,2.5]}"#));
    assert_eq!((row.confidence.as_deref(), row.text, row.bytes), (Some("null"), None, None));
    let batch = own(&session, &json!({ "modelId": "m", "features": { "x": [[1, 2.5]] } })).unwrap();
    assert_eq!(batch.json.as_deref(), Some(r#"{"y":[[1.0,2.5]]}"#));
}

#[test]
fn confidence_and_outputs_are_those_of_the_model() {
    let session = iris();
    let body = json!({ "modelId": "m", "features": { "float_input": [5.1, 3.5, 1.4, 0.2] } });
    let whole = own(&session, &body).unwrap();
    let outputs: Json = serde_json::from_str(&whole.json.unwrap()).unwrap();
    assert_eq!(outputs["output_label"], 0);
    assert_eq!(outputs["output_probability"]["0"], serde_json::from_str::<Json>(&whole.confidence.unwrap()).unwrap());
    let mut wanted = body;
    wanted["outputs"] = json!(["output_label"]);
    assert_eq!(own(&session, &wanted).unwrap().json.as_deref(), Some(r#"{"output_label":0}"#));
    wanted["outputs"] = json!(["other"]);
    assert_refused(own(&session, &wanted), ErrorCode::InvalidInput, "no output \"other\"");
}

#[test]
fn an_answer_in_another_format_has_json_only_for_the_event() {
    let session = identity(DType::Float32);
    for (record, expected) in [(true, Some(r#"{"y":[1.0]}"#)), (false, None)] {
        let body = json!({ "modelId": "m", "features": { "x": [1] }, "record": record }).to_string();
        let mut request = PredictRequest::parse(body.as_bytes(), Format::Json).unwrap();
        let prediction = predicted(&session, &mut request, Format::Cbor).unwrap();
        assert_eq!(prediction.json.as_deref(), expected);
        let read: ciborium::Value = ciborium::from_reader(prediction.bytes.unwrap().as_slice()).unwrap();
        assert_eq!(read.as_map().unwrap()[0].0.as_text(), Some("y"));
    }
}

#[test]
fn inferred_tensors_keep_their_digits_and_their_shape() {
    let session = identity(DType::Int64);
    let data = "[9007199254740993,-9223372036854775808,9223372036854775807]";
    let body = format!(r#"{{"inputs":[{{"name":"x","shape":[1,3],"datatype":"INT64","data":{data}}}]}}"#);
    let (_, prediction, request) = infer(&session, &body, &[]).unwrap();
    let outputs = format!(r#"[{{"name":"y","shape":[1,3],"datatype":"INT64","data":{data}}}]"#);
    assert_eq!(prediction.text.as_deref(), Some(outputs.as_str()));
    assert_eq!(
        prediction.json.as_deref(),
        Some(r#"{"y":[["9007199254740993","-9223372036854775808","9223372036854775807"]]}"#)
    );
    assert_eq!(request.features_json(1000).unwrap(), format!(r#"{{"x":{{"data":{data},"shape":[1,3]}}}}"#));
}

#[test]
fn binary_data_is_inferred_and_recorded_like_json() {
    let session = two_and_two();
    let body = r#"{"id":"i","parameters":{"record":true,"timeout":2500,"priority":3,"userId":"u"},"inputs":[
        {"name":"b","shape":[1,2],"datatype":"FP32","parameters":{"binary_data_size":8}},
        {"name":"a","shape":[1,2],"datatype":"FP32","data":[[1,2]]}],
        "outputs":[{"name":"difference"},{"name":"sum","parameters":{"binary_data":true}}]}"#;
    let binary: Vec<u8> = [0.5f32, -1.0].iter().flat_map(|element| element.to_le_bytes()).collect();
    let (outputs, prediction, request) = infer(&session, body, &binary).unwrap();
    assert_eq!(
        outputs,
        json!([
            { "name": "difference", "shape": [1, 2], "datatype": "FP32", "data": [0.5, 3.0] },
            { "name": "sum", "shape": [1, 2], "datatype": "FP32", "parameters": { "binary_data_size": 8 } },
        ])
    );
    let sum: Vec<u8> = [1.5f32, 1.0].iter().flat_map(|element| element.to_le_bytes()).collect();
    assert_eq!(prediction.bytes, Some(sum));
    assert_eq!((request.request_id.as_deref(), request.user_id.as_deref()), (Some("i"), Some("u")));
    assert_eq!((request.timeout_ms, request.priority, request.record), (Some(2.5), 98, true));
    assert_eq!(
        request.features_json(1000).unwrap(),
        r#"{"b":{"data":[0.5,-1.0],"shape":[1,2]},"a":{"data":[[1,2]],"shape":[1,2]}}"#
    );
    let summary: Json = serde_json::from_str(&request.features_json(10).unwrap()).unwrap();
    assert_eq!(summary["summary"][0], json!({ "name": "b", "shape": [1, 2], "dtype": "float32" }));
    assert_eq!(summary["bytes"], 8 + "[[1,2]]".len());
}

#[test]
fn texts_are_inferred_as_binary_data() {
    let session = identity(DType::String);
    let body = r#"{"inputs":[{"name":"x","shape":[1,2],"datatype":"BYTES","parameters":{"binary_data_size":11}}],
        "parameters":{"binary_data_output":true}}"#;
    let texts = [&[3, 0, 0, 0][..], "\"ü".as_bytes(), &[0, 0, 0, 0]].concat();
    let (_, prediction, request) = infer(&session, body, &texts).unwrap();
    assert_eq!(prediction.bytes, Some(texts));
    assert_eq!(request.features_json(100).unwrap(), r#"{"x":{"data":["\"ü",""],"shape":[1,2]}}"#);
}

#[test]
fn class_maps_are_inferred_as_rows_of_classes() {
    let body = r#"{"inputs":[{"name":"float_input","shape":[1,4],"datatype":"FP32","data":[5.1,3.5,1.4,0.2]}]}"#;
    let (outputs, prediction, _) = infer(&iris(), body, &[]).unwrap();
    assert_eq!(outputs[0], json!({ "name": "output_label", "shape": [1], "datatype": "INT64", "data": [0] }));
    assert_eq!((&outputs[1]["shape"], &outputs[1]["datatype"]), (&json!([1, 3]), &json!("FP32")));
    let confidence: Json = serde_json::from_str(&prediction.confidence.unwrap()).unwrap();
    assert_eq!(confidence[0], outputs[1]["data"][0]);
}

#[test]
fn what_is_not_recorded_is_not_written_twice() {
    let body = r#"{"inputs":[{"name":"x","shape":[1,1],"datatype":"FP32","data":[1]}],"parameters":{"record":false}}"#;
    let (_, prediction, _) = infer(&identity(DType::Float32), body, &[]).unwrap();
    assert_eq!((prediction.json, prediction.confidence), (None, None));
}

#[test]
fn what_cannot_be_inferred_is_refused() {
    let session = identity(DType::Float32);
    let x = json!({ "name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1, 2] });
    let with = |changes: Json| {
        let mut input = x.clone();
        for (name, value) in changes.as_object().unwrap() {
            input[name] = value.clone();
        }
        json!({ "inputs": [input] }).to_string()
    };
    let output = |parameters: Json| json!({ "inputs": [x], "outputs": [{ "name": "y", "parameters": parameters }] });
    for (body, code, part) in [
        (String::new(), ErrorCode::InvalidJson, "JSON"),
        ("[]".to_owned(), ErrorCode::InvalidRequest, "expected an object"),
        ("{}".to_owned(), ErrorCode::InvalidRequest, "inputs is required"),
        (r#"{"inputs":[],"inputs":[]}"#.to_owned(), ErrorCode::InvalidRequest, "\"inputs\" is given twice"),
        (json!({ "inputs": [] }).to_string(), ErrorCode::InvalidInput, "input \"x\" is missing"),
        (json!({ "inputs": [x, x] }).to_string(), ErrorCode::InvalidInput, "input \"x\" is given twice"),
        (with(json!({ "name": "z" })), ErrorCode::InvalidInput, "no input \"z\"; its inputs are \"x\""),
        (with(json!({ "name": 1 })), ErrorCode::InvalidInput, "each input must have a name, received 1"),
        (with(json!({ "datatype": "FP64" })), ErrorCode::InvalidInput, "takes datatype FP32, received \"FP64\""),
        (with(json!({ "datatype": null })), ErrorCode::InvalidInput, "takes datatype FP32, received null"),
        (with(json!({ "shape": [-1, 2] })), ErrorCode::InvalidInput, "shape must be a list of sizes, received [-1,2]"),
        (with(json!({ "shape": [2] })), ErrorCode::InvalidInput, "received shape [2]"),
        (with(json!({ "shape": [2, 2] })), ErrorCode::InvalidInput, "shape [2, 2] does not fit 2 values"),
        (with(json!({ "data": [[1], [2]] })), ErrorCode::InvalidInput, "nested as [2, 1], its shape is [1, 2]"),
        (with(json!({ "data": 5 })), ErrorCode::InvalidInput, "data must be a list"),
        (with(json!({ "data": [1, "a"] })), ErrorCode::InvalidInput, "received \"a\""),
        (with(json!({ "parameters": { "binary_data_size": 8 } })), ErrorCode::InvalidInput, "send either data or"),
        (with(json!({ "parameters": { "shared_memory_region": "r" } })), ErrorCode::NotSupported, "shared memory"),
        (output(json!({ "classification": 2 })).to_string(), ErrorCode::NotSupported, "classification"),
        (output(json!({ "shared_memory_region": 2 })).to_string(), ErrorCode::NotSupported, "shared memory"),
        (output(json!([])).to_string(), ErrorCode::InvalidRequest, "parameters must be an object, received []"),
        (
            json!({ "inputs": [x], "outputs": [{ "name": "z" }] }).to_string(),
            ErrorCode::InvalidInput,
            "no output \"z\"; its outputs are \"y\"",
        ),
        (
            json!({ "inputs": [x], "outputs": [{ "name": "y" }, { "name": "y" }] }).to_string(),
            ErrorCode::InvalidInput,
            "output \"y\" is given twice",
        ),
        (json!({ "inputs": [x], "id": 7 }).to_string(), ErrorCode::InvalidRequest, "id must be a text, received 7"),
        (
            json!({ "inputs": [x], "parameters": { "timeout": -1 } }).to_string(),
            ErrorCode::InvalidRequest,
            "parameters.timeout must be a whole number, received -1",
        ),
        (
            json!({ "inputs": [x], "parameters": { "sequence_id": 1 } }).to_string(),
            ErrorCode::NotSupported,
            "sequence_id",
        ),
    ] {
        assert_refused(infer(&session, &body, &[]), code, part);
    }
}

#[test]
fn binary_data_that_does_not_fit_is_refused() {
    let session = identity(DType::Float32);
    let binary = |size: Json| {
        let input =
            json!({ "name": "x", "shape": [1, 2], "datatype": "FP32", "parameters": { "binary_data_size": size } });
        json!({ "inputs": [input] }).to_string()
    };
    for (size, bytes, part) in [
        (json!(16), 8, "binary_data_size is 16, but 8 bytes"),
        (json!(8), 12, "take 8 bytes of binary data, received 12"),
        (json!(4), 4, "takes 8 bytes, received 4"),
        (json!(-1), 8, "binary_data_size must be a number of bytes, received -1"),
    ] {
        assert_refused(infer(&session, &binary(size), &vec![0; bytes]), ErrorCode::InvalidInput, part);
    }
    let texts = r#"{"inputs":[{"name":"x","shape":[1,1],"datatype":"BYTES","parameters":{"binary_data_size":5}}]}"#;
    let session = identity(DType::String);
    assert_refused(infer(&session, texts, &[9, 0, 0, 0, 65]), ErrorCode::InvalidInput, "element 0 ends beyond");
    assert_refused(infer(&session, texts, &[1, 0, 0, 0, 255]), ErrorCode::InvalidInput, "element 0 is not UTF-8");
}

#[test]
fn rows_are_served_as_predictions_and_columns_as_outputs() {
    let session = identity(DType::Float32);
    for (body, expected) in [
        (r#"{"instances":[[1,2],[3,4]]}"#, r#"{"predictions":[[1.0,2.0],[3.0,4.0]]}"#),
        (r#"{"instances":[[1,2]]}"#, r#"{"predictions":[[1.0,2.0]]}"#),
        (r#"{"instances":[{"x":[1,2]}]}"#, r#"{"predictions":[[1.0,2.0]]}"#),
        (r#"{"inputs":[[1,2]]}"#, r#"{"outputs":[[1.0,2.0]]}"#),
        (r#"{"inputs":{"x":[[1,2]]},"signature_name":"serving_default"}"#, r#"{"outputs":[[1.0,2.0]]}"#),
    ] {
        assert_eq!(serve(&session, body).unwrap().0, expected, "{body}");
    }
    let session = two_and_two();
    let (rows, request) = serve(&session, r#"{"instances":[{"a":[1],"b":[2]},{"b":[4],"a":[3]}]}"#).unwrap();
    assert_eq!(rows, r#"{"predictions":[{"sum":[3.0],"difference":[-1.0]},{"sum":[7.0],"difference":[-1.0]}]}"#);
    assert_eq!(
        request.features_json(1000).unwrap(),
        r#"{"a":{"data":[[1],[3]],"shape":[2,1]},"b":{"data":[[2],[4]],"shape":[2,1]}}"#
    );
    let (columns, _) = serve(&session, r#"{"inputs":{"a":[[1]],"b":[[2]]}}"#).unwrap();
    assert_eq!(columns, r#"{"outputs":{"sum":[[3.0]],"difference":[[-1.0]]}}"#);
}

#[test]
fn rows_of_class_maps_are_served() {
    let (text, _) = serve(&iris(), r#"{"instances":[[5.1,3.5,1.4,0.2],[6.7,2.5,5.8,1.8]]}"#).unwrap();
    let rows: Json = serde_json::from_str(&text).unwrap();
    assert_eq!(rows["predictions"][0]["output_label"], 0);
    assert_eq!(rows["predictions"][1]["output_label"], 2);
    assert!(rows["predictions"][1]["output_probability"]["2"].as_f64().unwrap() > 0.5);
}

#[test]
fn bytes_are_served_as_texts() {
    let session = identity(DType::String);
    for (body, expected) in [
        (r#"{"instances":[[{"b64":"w7w="},"a"]]}"#, r#"{"predictions":[["ü","a"]]}"#),
        (r#"{"instances":[[{"b64":"w7w"},"b64"]]}"#, r#"{"predictions":[["ü","b64"]]}"#),
        (r#"{"inputs":{"x":[[{"b64":"Pj8_"}]]}}"#, r#"{"outputs":[[">??"]]}"#),
    ] {
        assert_eq!(serve(&session, body).unwrap().0, expected, "{body}");
    }
}

#[test]
fn what_cannot_be_served_is_refused() {
    let (one, two, texts) = (identity(DType::Float32), two_and_two(), identity(DType::String));
    for (session, body, code, part) in [
        (&one, "", ErrorCode::InvalidJson, "JSON"),
        (&one, "{}", ErrorCode::InvalidRequest, "send either"),
        (&one, r#"{"instances":[[1]],"inputs":[[1]]}"#, ErrorCode::InvalidRequest, "send either"),
        (&one, r#"{"instances":[]}"#, ErrorCode::InvalidRequest, "at least one row"),
        (&one, r#"{"instances":5}"#, ErrorCode::InvalidRequest, "at least one row"),
        (&one, r#"{"signature_name":"train","instances":[[1]]}"#, ErrorCode::InvalidRequest, "not \"train\""),
        (&one, r#"{"instances":[[1],[1,2]]}"#, ErrorCode::InvalidInput, "ragged"),
        (&one, r#"{"instances":[1,2]}"#, ErrorCode::InvalidInput, "received shape [2]"),
        (&two, r#"{"instances":[[1]]}"#, ErrorCode::InvalidInput, "give values by name: \"a\", \"b\""),
        (&two, r#"{"inputs":{"a":[[1]]}}"#, ErrorCode::InvalidInput, "\"b\" is missing"),
        (
            &two,
            r#"{"instances":[{"a":[1],"b":[1]},{"a":[1],"c":[1]}]}"#,
            ErrorCode::InvalidInput,
            "instances[1] has \"c\"",
        ),
        (&two, r#"{"instances":[{"a":[1],"b":[1]},{"a":[1]}]}"#, ErrorCode::InvalidInput, "instances[1] lacks \"b\""),
        (&texts, r#"{"instances":[[{"b64":"%%"}]]}"#, ErrorCode::InvalidInput, "b64 must be Base64, received \"%%\""),
        (&texts, r#"{"instances":[[{"b64":"/w=="}]]}"#, ErrorCode::InvalidInput, "Base64 of UTF-8"),
    ] {
        assert_refused(serve(session, body), code, part);
    }
}
