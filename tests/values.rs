//! What values may be, and what becomes of them, on every protocol.

mod support;

use harper_edge_ai::engine::Session;
use harper_edge_ai::error::ErrorCode;
use harper_edge_ai::format::Format;
use harper_edge_ai::onnx::Attribute;
use harper_edge_ai::onnx::proto::{Dimension, DimensionValue, GraphProto, NodeProto, TypeValue, ValueInfoProto};
use harper_edge_ai::prediction::PredictRequest;
use harper_edge_ai::tensor::DType;
use serde_json::{Value as Json, json};
use std::sync::Arc;
use support::predictions::{assert_refused, identity, infer, own, predicted, serve};
use support::{load, model, wrap};

/// Adds two columns whose rows have one name.
fn columns() -> Arc<Session> {
    let named = |name: &str| {
        let mut info = ValueInfoProto::tensor(name, DType::Float32, &[None, Some(1)]);
        let Some(TypeValue::TensorType(tensor)) = info.r#type.as_mut().and_then(|kind| kind.value.as_mut()) else {
            panic!("a tensor")
        };
        let value = Some(DimensionValue::DimParam("N".to_owned()));
        tensor.shape.as_mut().unwrap().dim[0] = Dimension { value, denotation: None };
        info
    };
    let graph = GraphProto {
        name: Some("test".to_owned()),
        node: vec![NodeProto::new("Add", ["price", "tax"], ["total"])],
        input: vec![named("price"), named("tax")],
        output: vec![named("total")],
        ..GraphProto::default()
    };
    load(wrap(graph)).unwrap()
}

#[test]
fn inputs_that_share_a_dimension_agree_in_it_on_every_protocol() {
    let session = columns();
    let part = "\"price\" and \"tax\" must have the same size in dimension \"N\", received 3 and 1";
    for features in [json!({ "price": [[1], [2], [3]], "tax": [[1]] }), json!({ "price": [1, 2, 3], "tax": 1 })] {
        let body = json!({ "modelId": "m", "features": features });
        assert_refused(own(&session, &body), ErrorCode::InvalidInput, part);
    }
    assert_refused(serve(&session, r#"{"inputs":{"price":[[1],[2],[3]],"tax":[[1]]}}"#), ErrorCode::InvalidInput, part);
    let tensor = |name: &str, rows: usize| json!({ "name": name, "shape": [rows, 1], "datatype": "FP32", "data": vec![1; rows] });
    let body = json!({ "inputs": [tensor("price", 3), tensor("tax", 1)] }).to_string();
    assert_refused(infer(&session, &body, &[]), ErrorCode::InvalidInput, part);
    let equal = own(&session, &json!({ "modelId": "m", "features": { "price": [1, 2], "tax": [3, 4] } })).unwrap();
    assert_eq!(equal.json.as_deref(), Some(r#"{"total":[[4.0],[6.0]]}"#));
    let none = own(&session, &json!({ "modelId": "m", "features": { "price": [], "tax": [] } })).unwrap();
    assert_eq!((none.json.as_deref(), none.confidence.as_deref()), (Some(r#"{"total":[]}"#), Some("null")));
}

#[test]
fn a_scalar_may_stand_in_a_list_of_one() {
    let session = load(model(
        vec![NodeProto::new("Mul", ["x", "factor"], ["y"])],
        &[("x", DType::Float32, 2), ("factor", DType::Float32, 0)],
        &[("y", DType::Float32, 2)],
    ))
    .unwrap();
    for factor in [json!(2), json!([2]), json!(2.0)] {
        let answer = own(&session, &json!({ "modelId": "m", "features": { "x": [1, 3], "factor": factor } })).unwrap();
        assert_eq!(answer.json.as_deref(), Some(r#"{"y":[2.0,6.0]}"#));
    }
    let two = json!({ "modelId": "m", "features": { "x": [1, 3], "factor": [2, 3] } });
    assert_refused(own(&session, &two), ErrorCode::InvalidInput, "received shape [2]");
}

#[test]
fn a_model_that_drops_rows_answers_only_single_ones() {
    let normalizer = NodeProto::new("StringNormalizer", ["x"], ["y"])
        .with("stopwords", Attribute::Strings(vec!["the".to_owned()]))
        .with("is_case_sensitive", 1);
    let session = load(model(vec![normalizer], &[("x", DType::String, 1)], &[("y", DType::String, 1)])).unwrap();
    let predict = |words: Json| own(&session, &json!({ "modelId": "m", "features": { "x": words } }));
    assert_eq!(predict(json!(["good", "bad"])).unwrap().json.as_deref(), Some(r#"{"y":["good","bad"]}"#));
    assert_eq!(predict(json!("good")).unwrap().json.as_deref(), Some(r#"{"y":"good"}"#));
    assert_refused(predict(json!(["good", "the", "bad"])), ErrorCode::RunFailed, "has 2 rows for 3 rows of the inputs");
}

#[test]
fn booleans_and_numbers_stand_for_each_other_and_nothing_else_does() {
    let (truth, number) = (identity(DType::Bool), identity(DType::Int64));
    let predict = |session, x: Json| own(session, &json!({ "modelId": "m", "features": { "x": x } }));
    assert_eq!(predict(&truth, json!([1, 0.0, true])).unwrap().json.as_deref(), Some(r#"{"y":[true,false,true]}"#));
    assert_eq!(predict(&number, json!([true, 7])).unwrap().json.as_deref(), Some(r#"{"y":[1,7]}"#));
    assert_refused(predict(&truth, json!([2])), ErrorCode::InvalidInput, "expected a boolean, 0 or 1, received 2");
    let body = r#"{"inputs":[{"name":"x","shape":[1,2],"datatype":"BOOL","parameters":{"binary_data_size":2}}],
        "outputs":[{"name":"y"}]}"#;
    assert_eq!(infer(&truth, body, &[1, 0]).unwrap().0[0]["data"], json!([true, false]));
    assert_refused(infer(&truth, body, &[1, 2]), ErrorCode::InvalidInput, "a boolean is the byte 0 or 1, received 2");
}

#[test]
fn digits_are_kept_or_refused() {
    let session = identity(DType::Int64);
    let body = |x: &str| format!(r#"{{"modelId":"m","features":{{"x":[{x}]}}}}"#);
    let parse = |x: &str| PredictRequest::parse(body(x).as_bytes(), Format::Json).unwrap();
    let mut request = parse("9007199254740993.0,-1e3");
    let prediction = predicted(&session, &mut request, Format::Json).unwrap();
    assert_eq!(prediction.json.as_deref(), Some(r#"{"y":["9007199254740993",-1000]}"#));
    assert_eq!(request.features_json(100).unwrap(), r#"{"x":[9007199254740993.0,-1e3]}"#);
    for x in ["9007199254740992.5", "1.00000000000000000001", "1e-400", "9223372036854775808.0"] {
        assert_refused(predicted(&session, &mut parse(x), Format::Json), ErrorCode::InvalidInput, "int64");
    }
    let session = identity(DType::Float64);
    let mut request = parse("9007199254740993,-0,-0.0");
    let prediction = predicted(&session, &mut request, Format::Json).unwrap();
    assert_eq!(prediction.json.as_deref(), Some(r#"{"y":[9007199254740992.0,-0.0,-0.0]}"#));
    assert_eq!(request.features_json(100).unwrap(), r#"{"x":[9007199254740993,-0,-0.0]}"#);
    assert_refused(
        predicted(&session, &mut parse("1e400"), Format::Json),
        ErrorCode::InvalidInput,
        "1e400 does not fit",
    );
}

#[test]
fn bare_words_for_numbers_are_served_and_named_elsewhere() {
    let session = identity(DType::Float32);
    let (text, request) = serve(&session, r#"{"instances":[[NaN,Infinity,-Infinity,1]]}"#).unwrap();
    assert_eq!(text, r#"{"predictions":[["NaN","Infinity","-Infinity",1.0]]}"#);
    assert_eq!(
        request.features_json(1000).unwrap(),
        r#"{"x":{"data":[[null,"Infinity","-Infinity",1]],"shape":[1,4]}}"#
    );
    assert_refused(serve(&identity(DType::Int64), r#"{"instances":[[NaN]]}"#), ErrorCode::InvalidInput, "null");
    let body = r#"{"modelId":"m","features":{"x":[NaN,1]}}"#;
    let outcome = PredictRequest::parse(body.as_bytes(), Format::Json);
    assert_refused(outcome, ErrorCode::InvalidJson, "JSON has no NaN; send null or the string \"NaN\"");
    let body = r#"{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[-Infinity]}]}"#;
    let outcome = infer(&session, body, &[]);
    assert_refused(outcome, ErrorCode::InvalidJson, "JSON has no -Infinity; send the string \"-Infinity\"");
}
