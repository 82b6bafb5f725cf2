use super::*;

fn zip_head(entry: &str) -> Vec<u8> {
    let mut head = b"PK\x03\x04".to_vec();
    head.extend([0; 22]);
    head.extend(u16::try_from(entry.len()).unwrap().to_le_bytes());
    head.extend([0; 2]);
    head.extend(entry.as_bytes());
    head
}

fn utf_16(text: &str) -> Vec<u8> {
    [0xFEFF].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

#[test]
fn each_format_is_told_by_its_first_bytes() {
    let cases: &[(&str, Vec<u8>, &str)] = &[
        ("model.onnx", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n".to_vec(), "Git LFS"),
        ("model.onnx", b"\xEF\xBB\xBF\n <!DOCTYPE html>".to_vec(), "HTML"),
        ("model.pmml", b"<?xml version=\"1.0\"?><PMML>".to_vec(), "XML"),
        ("model.json", utf_16("{\"modelTopology\": {}}"), "UTF-16"),
        ("model.pt", zip_head("archive/data.pkl"), "torch.onnx.export"),
        ("model.pth", b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.".to_vec(), "PyTorch"),
        ("data.pkl", b"\x80\x02ctorch._utils\n_rebuild".to_vec(), "PyTorch"),
        ("model.pkl", b"\x80\x04\x95\x10\0\0\0\0\0\0\0\x8c".to_vec(), "skl2onnx"),
        ("model.joblib", b"\x80\x03csklearn.svm\nSVC\n".to_vec(), "pickle"),
        ("model.joblib", b"\x78\x9c\0\0".to_vec(), "pickle"),
        ("m", b"\x80\x02}q\0(X".to_vec(), "pickle"),
        ("model.safetensors", b"\x40\0\0\0\0\0\0\0{\"w\":{".to_vec(), "optimum-cli"),
        ("model.h5", b"\x89HDF\r\n\x1a\n".to_vec(), "format=\"onnx\""),
        ("model.tflite", b"\x1c\0\0\0TFL3".to_vec(), "tf2onnx"),
        ("model.ort", b"\x1c\0\0\0ORTM".to_vec(), "ORT format"),
        ("saved_model.pb", b"\x08\x01\x12\x90\x4e\x0a\x20".to_vec(), "SavedModel"),
        ("frozen.pb", b"\x0a\x17\x0a\x05input\x12\x0bPlaceholder\x2a\0".to_vec(), "frozen"),
        ("model.json", b"{\"learner\":{\"attributes\":{}}}".to_vec(), "XGBoost"),
        ("model.ubj", b"{L\0\0\0\0\0\0\0\x07learner{".to_vec(), "convert_xgboost"),
        ("model.txt", b"tree\nversion=v4\n".to_vec(), "convert_lightgbm"),
        ("model.cbm", b"CBM1\0\0".to_vec(), "format=\"onnx\""),
        ("model.gguf", b"GGUF\x03\0".to_vec(), "GGUF"),
        ("w.npy", b"\x93NUMPY\x01\0".to_vec(), "NumPy"),
        ("model.7z", b"7z\xBC\xAF\x27\x1C\0".to_vec(), ".zip or .tar.gz"),
    ];
    for (name, head, expected) in cases {
        let foreign = recognize(name, head).unwrap_or_else(|| panic!("{name}: {expected}"));
        let problem = foreign.refuse(name);
        assert!(problem.message.contains(expected) && problem.message.contains(name), "{problem}");
    }
}

#[test]
fn models_and_their_parts_are_not_mistaken() {
    let heads: &[(&str, Vec<u8>)] = &[
        ("model.onnx", b"\x08\x08\x12\x07pytorch\x1a\x032.1".to_vec()),
        ("model.onnx", b"\x08\x01\x12\x08CNTK 2.0".to_vec()),
        ("model.onnx", b"\x3a\x10\x0a\x08\x0a\x01x\x12\x01y".to_vec()),
        ("model.json", b"{\"format\": \"layers-model\", \"modelTopology\": {}}".to_vec()),
        ("model.zip", zip_head("model/model.json")),
        ("model.zip", zip_head("metadata.json")),
        ("model.tar.gz", b"\x1f\x8b\x08\0".to_vec()),
        ("weights.bin", b"\x80\x02\x01\x3f\0\0\0\0\0\0\0".to_vec()),
        ("weights.bin", vec![0; 64]),
        ("empty", Vec::new()),
    ];
    for (name, head) in heads {
        assert!(recognize(name, head).is_none(), "{name} {:?}", recognize(name, head));
    }
}

#[test]
fn what_cannot_be_read_tells_why() {
    let problem = |bytes: &[u8]| unreadable("m.onnx", bytes).message;
    assert!(problem(b"").contains("empty"));
    assert!(problem(b"hello\nworld").contains("text"));
    assert!(problem(b"\x08\x08\x3a\x80\x01\x0a").contains("127 bytes too early"));
    assert!(problem(&[0xFF; 32]).contains("protobuf"));
}
