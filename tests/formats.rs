//! The same request in JSON, CBOR and MessagePack, and what is no request in any of them.

use ciborium::Value as Cbor;
use harper_edge_ai::error::{Error, ErrorCode};
use harper_edge_ai::format::{Format, write_answer, write_value};
use harper_edge_ai::prediction::PredictRequest;
use harper_edge_ai::signature::{Inputs, Outputs, Signature, ValueInfo, ValueType};
use harper_edge_ai::tensor::{DType, MapKeys, Tensor, Value};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

const FORMATS: [Format; 3] = [Format::Json, Format::Cbor, Format::MessagePack];

fn input(name: &str, value_type: ValueType) -> ValueInfo {
    ValueInfo { name: name.to_owned(), value_type, optional: false }
}

fn tensor(dtype: DType) -> ValueType {
    ValueType::Tensor { dtype, shape: None }
}

fn signature(value_type: ValueType) -> Signature {
    Signature { inputs: vec![input("x", value_type)], ..Signature::default() }
}

fn encode(format: Format, value: &Json) -> Vec<u8> {
    let mut body = Vec::new();
    write_value(format, value, &mut body).unwrap();
    body
}

fn converted(body: &[u8], format: Format, signature: &Signature) -> Result<(Inputs, String), Error> {
    let mut request = PredictRequest::parse(body, format)?;
    let inputs = request.inputs(signature)?;
    Ok((inputs, request.features_json(usize::MAX)?))
}

/// CBOR of a request whose one feature has these bytes.
fn cbor_with(feature: &[u8]) -> Vec<u8> {
    let mut body = vec![0xA2];
    body.extend(b"\x67modelId\x61m\x68features\xA1\x61x");
    body.extend(feature);
    body
}

fn message_pack_with(feature: &[u8]) -> Vec<u8> {
    let mut body = vec![0x82];
    body.extend(b"\xA7modelId\xA1m\xA8features\x81\xA1x");
    body.extend(feature);
    body
}

fn read_cbor(dtype: DType, feature: &[u8]) -> Result<(Tensor, String), Error> {
    let (inputs, text) = converted(&cbor_with(feature), Format::Cbor, &signature(tensor(dtype)))?;
    Ok((inputs.values[0].1.as_tensor().unwrap().clone(), text))
}

/// Numbers that look random and are the same in every run.
fn random(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

fn random_number(dtype: DType, seed: &mut u64) -> Json {
    let bits = random(seed);
    match (dtype, bits % 7) {
        (DType::Float64 | DType::Float32 | DType::Float16, 0) => json!("NaN"),
        (DType::Float64 | DType::Float32 | DType::Float16, 1) => Json::Null,
        (DType::Float64, 2) => json!(f64::from_bits(bits >> 2)),
        (DType::Float64 | DType::Float32 | DType::Float16, _) => json!((bits >> 40) as f64 / 1024.0),
        (DType::Int64, 0) => json!((bits as i64).to_string()),
        (DType::Int64, _) => json!(bits as i64),
        (DType::UInt64, _) => json!(bits),
        (DType::UInt8, 0) => json!(f64::from(bits as u8)),
        (DType::UInt8, _) => json!(bits as u8),
        (DType::Bool, _) => json!(bits & 8 == 0),
        _ => json!(format!("{:x} \"\\\u{e9}\u{1F600}\n", bits >> 20)),
    }
}

#[test]
fn the_same_request_gives_the_same_tensors_and_the_same_record() {
    let mut seed = 7;
    let dtypes = [
        DType::Float32,
        DType::Float64,
        DType::Float16,
        DType::Int64,
        DType::UInt64,
        DType::UInt8,
        DType::Bool,
        DType::String,
    ];
    for round in 0..400 {
        let dtype = dtypes[round % dtypes.len()];
        let (rows, columns) = ((random(&mut seed) % 5) as usize, (random(&mut seed) % 5) as usize);
        let list: Vec<Vec<Json>> =
            (0..rows).map(|_| (0..columns).map(|_| random_number(dtype, &mut seed)).collect()).collect();
        let feature =
            if round % 3 == 0 { json!({ "data": list.concat(), "shape": [rows, columns] }) } else { json!(list) };
        let body = json!({ "modelId": "m", "timeoutMs": 20.5, "labels": true, "outputs": ["y"], "features": { "x": feature } });
        let results = FORMATS.map(|format| converted(&encode(format, &body), format, &signature(tensor(dtype))));
        let [(inputs, text), others @ ..] =
            results.map(|result| result.unwrap_or_else(|problem| panic!("{body}: {problem}")));
        assert_eq!(serde_json::from_str::<Json>(&text).unwrap(), body["features"]);
        let bytes = |inputs: &Inputs| format!("{:?}", inputs.values);
        for (other, other_text) in others {
            assert_eq!(bytes(&inputs), bytes(&other), "{body}");
            let (text, other_text): (Json, Json) =
                (serde_json::from_str(&text).unwrap(), serde_json::from_str(&other_text).unwrap());
            assert_eq!(readable(text), other_text, "{body}");
        }
    }
}

/// Integers beyond 2^53 as the strings that answers and records have.
fn readable(value: Json) -> Json {
    match value {
        Json::Array(values) => values.into_iter().map(readable).collect(),
        Json::Object(fields) => fields.into_iter().map(|(name, value)| (name, readable(value))).collect(),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(value), _) if value.unsigned_abs() >= 1 << 53 => json!(value.to_string()),
            (None, Some(value)) => json!(value.to_string()),
            _ => Json::Number(number),
        },
        other => other,
    }
}

#[test]
fn every_field_is_read_from_every_format() {
    let body = json!({
        "modelId": "m", "version": null, "features": {}, "userId": "u", "sessionId": "s", "segment": "eu", "requestId": "r",
        "entityId": "e",
        "outputs": ["y", "z"], "labels": true, "timeoutMs": 1500, "priority": -3, "record": false,
    });
    for format in FORMATS {
        let request = PredictRequest::parse(&encode(format, &body), format).unwrap();
        assert_eq!((request.model_id.as_str(), request.version), ("m", None), "{format:?}");
        assert_eq!((request.user_id.as_deref(), request.session_id.as_deref()), (Some("u"), Some("s")));
        assert_eq!((request.request_id.as_deref(), request.entity_id.as_deref()), (Some("r"), Some("e")));
        assert_eq!(request.segment.as_deref(), Some("eu"));
        assert_eq!(request.outputs, ["y", "z"]);
        assert_eq!(
            (request.timeout_ms, request.priority, request.labels, request.record),
            (Some(1500.0), -3, true, false)
        );
        for (field, wrong) in
            [("modelId", json!(7)), ("record", json!("no")), ("features", json!([])), ("outputs", json!({}))]
        {
            let mut body = body.clone();
            body[field] = wrong;
            let problem = PredictRequest::parse(&encode(format, &body), format).unwrap_err();
            assert_eq!(problem.code, ErrorCode::InvalidRequest);
            assert!(problem.message.contains(field), "{format:?}: {problem}");
        }
    }
}

#[test]
fn stored_features_join_those_of_every_format() {
    for format in FORMATS {
        let body = json!({ "modelId": "m", "entityId": "e", "features": { "a": 1 } });
        let mut request = PredictRequest::parse(&encode(format, &body), format).unwrap();
        request.add_features(br#"{"a":5,"b":[2]}"#, Format::Json).unwrap();
        assert_eq!(request.features_json(100).unwrap(), r#"{"a":1,"b":[2]}"#);
    }
}

#[test]
fn large_features_are_summarized_alike() {
    let body = json!({ "modelId": "m", "features": { "x": [[1.5, 2], [3, 4]] } });
    for format in FORMATS {
        let mut request = PredictRequest::parse(&encode(format, &body), format).unwrap();
        request.inputs(&signature(tensor(DType::Float32))).unwrap();
        let record: Json = serde_json::from_str(&request.features_json(10).unwrap()).unwrap();
        assert_eq!(record["summary"], json!([{ "name": "x", "shape": [2, 2], "dtype": "float32" }]));
        let sent = match format {
            Format::Json => serde_json::to_vec(&body["features"]).unwrap(),
            format => encode(format, &body["features"]["x"]),
        };
        assert_eq!(record["bytes"], sent.len());
        let digest: String = Sha256::digest(&sent).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(record["digest"], digest);
    }
}

#[test]
fn typed_arrays_become_the_declared_type() {
    let floats: Vec<u8> = [0.1f32, f32::NAN].iter().flat_map(|value| value.to_le_bytes()).collect();
    let little = [&[0xD8, 85, 0x48][..], &floats].concat();
    let (own, text) = read_cbor(DType::Float32, &little).unwrap();
    assert_eq!((own.bytes(), own.shape.as_slice()), (Some(&floats[..]), &[2][..]));
    assert_eq!(text, r#"{"x":[0.10000000149011612,"NaN"]}"#);
    assert_eq!(read_cbor(DType::Float64, &little).unwrap().0.elements::<f64>().unwrap()[0], f64::from(0.1f32));
    assert!(read_cbor(DType::Int64, &little).unwrap_err().message.contains("int64"));

    let cases: [(u8, &[u8], &[i64]); 8] = [
        (64, &[1, 255], &[1, 255]),
        (65, &[1, 2], &[0x102]),
        (69, &[1, 2], &[0x201]),
        (72, &[0xFF], &[-1]),
        (74, &[0xFF, 0xFF, 0xFF, 0xFE], &[-2]),
        (78, &[0xFE, 0xFF, 0xFF, 0xFF], &[-2]),
        (71, &[0, 0, 0, 0, 0, 0, 0, 1], &[1 << 56]),
        (75, &[0x80, 0, 0, 0, 0, 0, 0, 0], &[i64::MIN]),
    ];
    for (tag, bytes, expected) in cases {
        let feature = [&[0xD8, tag, 0x40 | bytes.len() as u8][..], bytes].concat();
        assert_eq!(read_cbor(DType::Int64, &feature).unwrap().0.elements(), Some(expected), "tag {tag}");
    }
    assert_eq!(read_cbor(DType::Float32, &[0xD8, 80, 0x42, 0x3C, 0]).unwrap().0.elements(), Some(&[1f32][..]));

    // Rows of typed arrays, and {data, shape}.
    let rows = read_cbor(DType::UInt8, &[0x82, 0xD8, 64, 0x42, 1, 2, 0xD8, 64, 0x42, 3, 4]).unwrap().0;
    assert_eq!(rows, Tensor::from_elements(&[2, 2], &[1u8, 2, 3, 4]));
    let shaped = read_cbor(DType::UInt8, b"\xA2\x64data\xD8\x40\x44\x01\x02\x03\x04\x65shape\x82\x02\x02").unwrap().0;
    assert_eq!(shaped, Tensor::from_elements(&[2, 2], &[1u8, 2, 3, 4]));
}

#[test]
fn byte_strings_are_elements_of_the_declared_type() {
    let bytes = [1.5f32.to_le_bytes(), f32::INFINITY.to_le_bytes()].concat();
    let cbor = cbor_with(&[&[0x48][..], &bytes].concat());
    let parts = cbor_with(&[&[0x5F, 0x43][..], &bytes[..3], &[0x45], &bytes[3..], &[0xFF]].concat());
    let message_pack = message_pack_with(&[&[0xC4, 8][..], &bytes].concat());
    for (format, body) in [(Format::Cbor, cbor), (Format::Cbor, parts), (Format::MessagePack, message_pack)] {
        let (inputs, text) = converted(&body, format, &signature(tensor(DType::Float32))).unwrap();
        assert_eq!(inputs.values[0].1, Tensor::from_elements(&[2], &[1.5f32, f32::INFINITY]).into());
        assert_eq!(text, r#"{"x":[1.5,"Infinity"]}"#);
        let (inputs, text) = converted(&body, format, &signature(tensor(DType::UInt8))).unwrap();
        assert_eq!(inputs.values[0].1.as_tensor().unwrap().bytes(), Some(&bytes[..]));
        assert_eq!(text, r#"{"x":[0,0,192,63,0,0,128,127]}"#);
        for dtype in [DType::String, DType::Bool, DType::Int4, DType::Complex128] {
            let problem = converted(&body, format, &signature(tensor(dtype))).unwrap_err();
            assert_eq!(problem.code, ErrorCode::InvalidInput, "{problem}");
        }
        let unknown = PredictRequest::parse(&body, format).unwrap().features_json(100).unwrap();
        assert_eq!(unknown, r#"{"x":"AADAPwAAgH8="}"#);
    }
    assert!(read_cbor(DType::Float32, &[0x43, 1, 2, 3]).unwrap_err().message.contains("3 bytes"));
    assert_eq!(read_cbor(DType::Bool, &[0x42, 0, 1]).unwrap().0.bytes(), Some(&[0, 1][..]));
}

#[test]
fn what_cbor_has_besides_is_read() {
    let is = |feature: &[u8], expected: &[f64]| {
        let mut body = vec![0xD9, 0xD9, 0xF7];
        body.extend(cbor_with(feature));
        let (inputs, _) = converted(&body, Format::Cbor, &signature(tensor(DType::Float64))).unwrap();
        let values: Vec<u64> =
            inputs.values[0].1.as_tensor().unwrap().elements::<f64>().unwrap().iter().map(|v| v.to_bits()).collect();
        assert_eq!(values, expected.iter().map(|value| value.to_bits()).collect::<Vec<_>>(), "{feature:x?}");
    };
    is(&[0x9F, 1, 0x20, 0xFF], &[1.0, -1.0]);
    is(&[0xF9, 0x3C, 0], &[1.0]);
    is(&[0xFA, 0x7F, 0x80, 0, 0], &[f64::INFINITY]);
    is(&[0xF7], &[f64::NAN]);
    is(&[0x3B, 255, 255, 255, 255, 255, 255, 255, 255], &[-18_446_744_073_709_551_616.0]);
    // A text in parts.
    is(&[0x7F, 0x62, b'N', b'a', 0x61, b'N', 0xFF], &[f64::NAN]);
}

#[test]
fn maps_have_texts_or_whole_numbers_as_keys() {
    let map = ValueType::Map { key: DType::Int64, value: Box::new(tensor(DType::Float32)) };
    for (format, body) in [
        (Format::Cbor, cbor_with(&[0xA2, 3, 1, 0x20, 2])),
        (Format::MessagePack, message_pack_with(&[0x82, 3, 1, 0xFF, 2])),
    ] {
        let (inputs, text) = converted(&body, format, &signature(map.clone())).unwrap();
        let Value::Map { keys, values } = &inputs.values[0].1 else { panic!("{inputs:?}") };
        assert_eq!((keys, values), (&MapKeys::Ints(vec![3, -1]), &Tensor::from_elements(&[2], &[1f32, 2.0])));
        assert_eq!(text, r#"{"x":{"3":1,"-1":2}}"#);
    }
}

#[test]
fn malformed_bodies_are_refused() {
    let nested = |open: u8| cbor_with(&vec![open; 100_000]);
    let cases: Vec<(Format, Vec<u8>, &str)> = vec![
        (Format::Cbor, vec![], "ends early"),
        (Format::MessagePack, vec![], "ends early"),
        (Format::Cbor, nested(0x81), "more than 64 deep"),
        (Format::Cbor, nested(0x9F), "more than 64 deep"),
        (Format::MessagePack, message_pack_with(&[0x91; 100_000]), "more than 64 deep"),
        (Format::Cbor, cbor_with(&[0x9B, 255, 255, 255, 255, 255, 255, 255, 255]), "ends early"),
        (Format::Cbor, cbor_with(&[0xBB, 255, 255, 255, 255, 255, 255, 255, 255]), "ends early"),
        (Format::Cbor, cbor_with(&[0x5B, 0x7F, 255, 255, 255, 255, 255, 255, 255]), "ends early"),
        (Format::Cbor, cbor_with(&[0x7B, 255, 255, 255, 255, 255, 255, 255, 255]), "ends early"),
        (Format::MessagePack, message_pack_with(&[0xDD, 255, 255, 255, 255]), "ends early"),
        (Format::MessagePack, message_pack_with(&[0xDF, 255, 255, 255, 255]), "ends early"),
        (Format::MessagePack, message_pack_with(&[0xC6, 255, 255, 255, 255]), "ends early"),
        (Format::Cbor, [cbor_with(&[1]), vec![0]].concat(), "1 bytes follow"),
        (Format::MessagePack, [message_pack_with(&[1]), vec![0xC0; 3]].concat(), "3 bytes follow"),
        (Format::Cbor, vec![0xFF], "break"),
        (Format::Cbor, cbor_with(&[0x81, 0xFF]), "break"),
        (Format::Cbor, cbor_with(&[0xBF, 0x61, b'a', 0xFF]), "break"),
        (Format::Cbor, cbor_with(&[0xBF, 0x61, b'a', 0xFF, 0xFF]), "break"),
        (Format::Cbor, cbor_with(&[0x1C]), "begins no value"),
        (Format::Cbor, cbor_with(&[0x61, 0xFF]), "UTF-8"),
        (Format::MessagePack, message_pack_with(&[0xA1, 0xFF]), "UTF-8"),
        (Format::Cbor, cbor_with(&[0x7F, 0x41, 0, 0xFF]), "part of another kind"),
        (Format::Cbor, cbor_with(&[0x7F, 0x7F, 0xFF, 0xFF]), "part of another kind"),
        (Format::Cbor, cbor_with(&[0xC2, 0x41, 1]), "tag 2"),
        (Format::Cbor, cbor_with(&[0xD8, 76, 0x41, 1]), "tag 76"),
        (Format::Cbor, cbor_with(&[0xD8, 83, 0x50, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), "tag 83"),
        (Format::Cbor, cbor_with(&[0xD8, 85, 0x81, 1]), "tag 85"),
        (Format::Cbor, cbor_with(&[0xD8, 85, 0x43, 1, 2, 3]), "3 bytes are no whole number of float32"),
        (Format::Cbor, cbor_with(&[0xE0]), "simple value 0"),
        (Format::Cbor, cbor_with(&[0xA1, 0x80, 1]), "keys of a map"),
        (Format::Cbor, cbor_with(&[0xA1, 0xF9, 0, 0, 1]), "keys of a map"),
        (Format::MessagePack, message_pack_with(&[0xC1]), "begins no value"),
        (Format::MessagePack, message_pack_with(&[0xD4, 0, 0]), "extension"),
        (Format::MessagePack, message_pack_with(&[0xC7, 1, 0, 0]), "extension"),
        (Format::Cbor, b"\xA2\x67modelId\x61m\x67modelId\x61m".to_vec(), "given twice"),
        (
            Format::Cbor,
            cbor_with(&[0x01]).iter().map(|byte| if *byte == 0xA1 { 0xA0 } else { *byte }).collect(),
            "follow",
        ),
        (Format::MessagePack, b"\x92\x01\x02".to_vec(), "expected an object, received a list"),
        (Format::Cbor, b"{\"modelId\":1}".to_vec(), ""),
        (Format::MessagePack, b"{\"modelId\":1}".to_vec(), "12 bytes follow"),
    ];
    for (format, body, said) in cases {
        let problem = PredictRequest::parse(&body, format).unwrap_err();
        assert_eq!(problem.code, ErrorCode::InvalidRequest, "{format:?} {:x?}: {problem}", &body[..body.len().min(60)]);
        assert!(problem.message.contains(said), "{said}: {problem}");
    }
}

#[test]
fn no_part_and_no_change_of_a_body_does_harm() {
    let body = json!({
        "modelId": "m", "outputs": ["y"],
        "features": { "x": [[1, 2.5, "NaN"], [null, -70_000, 4]], "y": { "data": [1], "shape": [1] } },
    });
    let signature = Signature {
        inputs: vec![input("x", tensor(DType::Float32)), input("y", tensor(DType::Int8))],
        ..Signature::default()
    };
    for format in FORMATS {
        let whole = encode(format, &body);
        converted(&whole, format, &signature).unwrap();
        for end in 0..whole.len() {
            PredictRequest::parse(&whole[..end], format).unwrap_err();
        }
        let mut seed = 99;
        for _ in 0..20_000 {
            let mut changed = whole.clone();
            for _ in 0..=random(&mut seed) % 3 {
                let at = random(&mut seed) as usize % changed.len();
                changed[at] = random(&mut seed) as u8;
            }
            if let Ok(mut request) = PredictRequest::parse(&changed, format) {
                let text = request.features_json(usize::MAX).unwrap();
                serde_json::from_str::<Json>(&text).unwrap_or_else(|problem| panic!("{changed:x?}: {text}: {problem}"));
                if request.inputs(&signature).is_ok() {
                    request.features_json(10).unwrap();
                }
            }
        }
    }
}

#[test]
fn answers_carry_numbers_as_they_are() {
    let outputs = vec![
        ("f".to_owned(), Tensor::from_elements(&[1, 3], &[0.1f32, f32::NAN, f32::NEG_INFINITY]).into()),
        ("d".to_owned(), Tensor::from_elements(&[1], &[0.1f64]).into()),
        ("i".to_owned(), Tensor::from_elements(&[2], &[i64::MIN, 7]).into()),
        ("u".to_owned(), Tensor::from_elements(&[], &[u64::MAX]).into()),
        ("s".to_owned(), Tensor::from_strings(&[1], vec!["\u{e9}".to_owned()]).into()),
        (
            "m".to_owned(),
            Value::Map { keys: MapKeys::Ints(vec![-1, 2]), values: Tensor::from_elements(&[2], &[0.5f32, 0.25]) },
        ),
    ];
    let outputs = Outputs { outputs: &outputs, unbatched: false, labels: None };
    let fields = r#"{"inferenceId":"i","confidence":[null,0.5],"latencyMs":0.125}"#;
    for format in [Format::Cbor, Format::MessagePack] {
        let mut prediction = Vec::new();
        write_value(format, &outputs, &mut prediction).unwrap();
        let answer = write_answer(format, fields, Some(("prediction", &prediction))).unwrap();
        let read: Cbor = match format {
            Format::Cbor => ciborium::from_reader(&answer[..]).unwrap(),
            _ => rmp_serde::from_slice(&answer).unwrap(),
        };
        let map = |value: &Cbor| value.as_map().unwrap().clone();
        let field =
            |value: &Cbor, name: &str| map(value).into_iter().find(|(key, _)| key.as_text() == Some(name)).unwrap().1;
        assert_eq!(map(&read).len(), 4);
        assert_eq!(field(&read, "inferenceId"), Cbor::from("i"));
        assert_eq!(field(&read, "confidence"), Cbor::Array(vec![Cbor::Null, Cbor::from(0.5)]));
        assert_eq!(field(&read, "latencyMs"), Cbor::from(0.125));
        let prediction = field(&read, "prediction");
        let floats = field(&prediction, "f").as_array().unwrap()[0].as_array().unwrap().clone();
        assert_eq!(floats[0], Cbor::from(f64::from(0.1f32)));
        assert!(floats[1].as_float().unwrap().is_nan());
        assert_eq!(floats[2], Cbor::from(f64::NEG_INFINITY));
        assert_eq!(field(&prediction, "d"), Cbor::Array(vec![Cbor::from(0.1)]));
        assert_eq!(field(&prediction, "i"), Cbor::Array(vec![Cbor::from(i64::MIN), Cbor::from(7)]));
        assert_eq!(field(&prediction, "u"), Cbor::from(u64::MAX));
        assert_eq!(field(&prediction, "s"), Cbor::Array(vec![Cbor::from("\u{e9}")]));
        let classes = map(&field(&prediction, "m"));
        assert_eq!(classes, [(Cbor::from(-1), Cbor::from(0.5)), (Cbor::from(2), Cbor::from(0.25))]);
    }
    assert_eq!(write_answer(Format::Cbor, r#"{"error":"e"}"#, None).unwrap(), b"\xA1\x65error\x61e");
    assert_eq!(write_answer(Format::Json, "{}", None).unwrap_err().code, ErrorCode::Internal);
}
