use super::*;
use crate::signature::{ClassOutput, ClassRole, Dim, Signature, ValueInfo, ValueType};
use crate::tensor::{DType, MapKeys, Tensor, Value};

const SETTINGS: ProfileSettings = ProfileSettings { max_columns: 4, features: true };

fn info(name: &str, dtype: DType, shape: &[Dim]) -> ValueInfo {
    let value_type = ValueType::Tensor { dtype, shape: Some(shape.to_vec()) };
    ValueInfo { name: name.to_owned(), value_type, optional: false }
}

fn signature(inputs: Vec<ValueInfo>) -> Signature {
    let label = ClassOutput { name: "label".to_owned(), role: ClassRole::Label, classes: None };
    let classes = Some(vec!["cat".to_owned(), "dog".to_owned()]);
    let scores = ClassOutput { name: "scores".to_owned(), role: ClassRole::Scores, classes };
    Signature { inputs, class_outputs: vec![label, scores], ..Signature::default() }
}

fn of(name: &str, value: impl Into<Value>) -> (String, Value) {
    (name.to_owned(), value.into())
}

fn count(profile: &Profile, name: &str) -> u64 {
    profile.columns[name].values()
}

#[test]
fn tensors_become_columns() {
    let signature = signature(vec![info("x", DType::Float32, &[Dim::Free(None), Dim::Fixed(3)])]);
    let profiler = Profiler::default();
    for row in 0..=u8::MAX {
        let at = f32::from(row % 100);
        let inputs = [of("x", Tensor::from_elements(&[1, 3], &[at, 2.0, f32::NAN]))];
        let map = Value::Map { keys: MapKeys::Ints(vec![0, 7]), values: Tensor::from_elements(&[2], &[0.25f32, 0.75]) };
        let outputs = [
            of("label", Tensor::from_elements(&[1], &[i64::from(row % 2)])),
            of("scores", Tensor::from_elements(&[1, 2], &[0.1f64, 0.9])),
            of("map", Value::Sequence(vec![map])),
        ];
        profiler.observe(SETTINGS, Sides { signature: &signature, inputs: &inputs, outputs: &outputs });
    }
    let profile = profiler.take();
    let names: Vec<&str> = profile.columns.keys().map(String::as_str).collect();
    let outputs = ["output.label", "output.map[0]", "output.map[7]", "output.scores[cat]", "output.scores[dog]"];
    assert_eq!(names, [&outputs[..], &["x[0]", "x[1]", "x[2]"]].concat());
    assert_eq!(profile.rows, 256);
    assert!(profile.columns.values().all(|column| column.values() == 256));
    assert_eq!(profile.columns["x[2]"].missing, 256);
    let Kind::Number(first) = &profile.columns["x[0]"].kind else { panic!("no numbers") };
    assert_eq!((first.min(), first.max()), (Some(0.0), Some(99.0)));
    let Kind::Strings(label) = &profile.columns["output.label"].kind else { panic!("no classes") };
    assert_eq!(label.counts(), [("0", 128, 0), ("1", 128, 0)]);
    assert_eq!(profiler.take().rows, 0);
    profiler.restore(&profile).unwrap();
    assert_eq!(profiler.profile().rows, 256);
}

#[test]
fn columns_have_the_names_they_were_given() {
    let signature = signature(vec![info("x", DType::Float32, &[Dim::Free(None), Dim::Fixed(2)])]);
    let profiler = Profiler::default();
    profiler.name_columns([("x".to_owned(), vec!["age".to_owned(), "income".to_owned()])].into());
    let inputs = [of("x", Tensor::from_elements(&[2, 2], &[1i32, 2, 3, 4]))];
    profiler.observe(SETTINGS, Sides { signature: &signature, inputs: &inputs, outputs: &[] });
    let profile = profiler.profile();
    assert_eq!(profile.columns.keys().collect::<Vec<_>>(), ["age", "income"]);
    assert_eq!((profile.rows, count(&profile, "age")), (2, 2));
}

#[test]
fn what_is_no_column_of_numbers_is_profiled_too() {
    let inputs = vec![
        info("wide", DType::Float32, &[Dim::Free(None), Dim::Fixed(5)]),
        info("texts", DType::String, &[Dim::Free(None), Dim::Fixed(2)]),
        info("image", DType::UInt8, &[Dim::Free(None), Dim::Fixed(2), Dim::Fixed(2)]),
        info("row", DType::Float64, &[Dim::Fixed(3)]),
        info("given", DType::Float64, &[Dim::Fixed(1)]),
    ];
    let signature = signature(inputs);
    let texts = ["red", "a", "green", "b"].map(str::to_owned).to_vec();
    let inputs = [
        of("wide", Tensor::from_elements(&[2, 5], &[1.0f32; 10])),
        of("texts", Tensor::from_strings(&[2, 2], texts)),
        of("image", Tensor::from_elements(&[2, 2, 2], &[0u8; 8])),
        of("row", Tensor::from_elements(&[3], &[1.0f64, 2.0, 3.0])),
    ];
    let profiler = Profiler::default();
    let outputs = [of("complex", Tensor { dtype: DType::Complex64, ..Tensor::from_elements(&[1], &[0f64]) })];
    profiler.observe(SETTINGS, Sides { signature: &signature, inputs: &inputs, outputs: &outputs });
    let profile = profiler.take();
    let names: Vec<&str> = profile.columns.keys().map(String::as_str).collect();
    assert_eq!(names, ["given", "image", "row[0]", "row[1]", "row[2]", "texts[0]", "texts[1]", "wide"]);
    assert_eq!((profile.rows, profile.left_out, profile.columns["given"].missing), (2, 1, 2));
    assert!(matches!(&profile.columns["wide"].kind, Kind::Vectors(vectors) if vectors.dimensions() == Some(5)));
    assert!(matches!(&profile.columns["texts[0]"].kind, Kind::Strings(strings) if strings.counts().len() == 2));
}

#[test]
fn settings_say_what_is_profiled() {
    let signature = signature(vec![info("x", DType::Float32, &[Dim::Free(None)])]);
    let values = [of("x", Tensor::from_elements(&[1], &[1f32]))];
    let names = |settings: ProfileSettings| {
        let profiler = Profiler::default();
        profiler.observe(settings, Sides { signature: &signature, inputs: &values, outputs: &values });
        profiler.take().columns.into_keys().collect::<Vec<_>>()
    };
    assert_eq!(names(SETTINGS), ["output.x", "x"]);
    assert_eq!(names(ProfileSettings { features: false, ..SETTINGS }), ["output.x"]);
    assert_eq!(names(ProfileSettings { max_columns: 0, ..SETTINGS }), [""; 0]);
}

#[test]
fn of_a_large_request_some_rows_are_profiled_and_all_are_counted() {
    let signature = signature(vec![info("x", DType::Float32, &[Dim::Free(None), Dim::Fixed(2)])]);
    let values: Vec<f32> = (0..400_000u32).map(|at| (at / 2) as f32).collect();
    let inputs = [of("x", Tensor::from_elements(&[200_000, 2], &values))];
    let profiler = Profiler::default();
    profiler.observe(SETTINGS, Sides { signature: &signature, inputs: &inputs, outputs: &[] });
    let profile = profiler.take();
    assert_eq!((profile.rows, count(&profile, "x[0]")), (200_000, 200_000u64.div_ceil(7)));
}

#[test]
fn threads_lose_nothing() {
    let signature = signature(vec![info("x", DType::Float32, &[Dim::Free(None), Dim::Fixed(4)])]);
    let profiler = Profiler::default();
    let mut taken = Profile::default();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    for at in 0..5000u16 {
                        let inputs = [of("x", Tensor::from_elements(&[1, 4], &[f32::from(at); 4]))];
                        profiler.observe(SETTINGS, Sides { signature: &signature, inputs: &inputs, outputs: &[] });
                    }
                })
            })
            .collect();
        while workers.iter().any(|worker| !worker.is_finished()) {
            taken.merge(&profiler.take()).unwrap();
        }
    });
    taken.merge(&profiler.take()).unwrap();
    assert_eq!((taken.rows, count(&taken, "x[3]")), (20_000, 20_000));
}
