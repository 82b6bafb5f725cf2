use super::*;
use crate::monitoring::online::Split;
use crate::signature::{ClassOutput, ClassRole, Dim, Signature, ValueInfo, ValueType};
use crate::tensor::{DType, MapKeys, Tensor, Value};

const ADWIN: ChangeSettings = ChangeSettings { adwin: true, page_hinkley: false };
const BOTH: ChangeSettings = ChangeSettings { adwin: true, page_hinkley: true };

fn signature(names: &[&str]) -> Signature {
    let shape = Some(vec![Dim::Free(None)]);
    let info = |name: &&str| ValueInfo {
        name: (*name).to_owned(),
        value_type: ValueType::Tensor { dtype: DType::Float64, shape: shape.clone() },
        optional: false,
    };
    Signature { outputs: names.iter().map(info).collect(), ..Signature::default() }
}

fn of(name: &str, value: impl Into<Value>) -> (String, Value) {
    (name.to_owned(), value.into())
}

fn observe(watch: &Watch, settings: ChangeSettings, unix_ms: u64, signature: &Signature, outputs: &[(String, Value)]) {
    watch.observe(settings, Answered { unix_ms, signature, outputs });
}

/// Predictions of one value each, the place of which is its time.
fn watched(settings: ChangeSettings, pause_ms: u64, values: impl Iterator<Item = f64>) -> Vec<Change> {
    let (watch, signature) = (Watch::new(pause_ms), signature(&["y"]));
    for (at, value) in values.enumerate() {
        let outputs = [of("y", Tensor::from_elements(&[1], &[value]))];
        observe(&watch, settings, at as u64, &signature, &outputs);
    }
    watch.take()
}

/// As noise: of no pattern that a detector could find.
fn noise(at: u64) -> f64 {
    let mixed = (at + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    ((mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 11) as f64 / (1u64 << 53) as f64 - 0.5
}

#[test]
fn a_shift_is_told_on_any_scale_with_what_was_on_both_sides() {
    for scale in [1e-7, 1.0, 1e7] {
        let stream = (0..2000u64).map(|at| scale * (100.0 + noise(at) + if at < 1000 { 0.0 } else { 1.0 }));
        let changes = watched(BOTH, 1_000_000, stream);
        let by = |detector| changes.iter().filter(|change| change.detector == detector).count();
        assert_eq!((by(Detector::Adwin), by(Detector::PageHinkley)), (1, 1), "{scale}: {changes:?}");
        for Change { signal, unix_ms, split: Split { before, after }, skipped, .. } in changes {
            assert_eq!((signal.as_str(), skipped), ("output.y", 0));
            assert!((1000..1100).contains(&unix_ms), "{scale}: {unix_ms}");
            let above = |found: f64| found / scale - 100.0;
            assert!(above(before.mean).abs() < 0.1 && above(after.mean) > 0.4, "{before:?} {after:?}");
            assert!(before.count > 800 && after.count > 0);
        }
    }
}

#[test]
fn what_does_not_change_is_not_told() {
    for scale in [1e-7, 1.0, 1e7] {
        assert_eq!(watched(BOTH, 0, (0..20_000).map(|at| scale * noise(at))), []);
    }
    assert_eq!(watched(BOTH, 0, std::iter::repeat_n(0.1, 10_000)), []);
    // One outlier is no change, nor is what is no number.
    let outlier = |at: u64| if at == 5_000 { 1e6 } else { 0.5 };
    assert_eq!(watched(ChangeSettings { adwin: false, page_hinkley: true }, 0, (0..10_000).map(outlier)), []);
    let stranger =
        |at: u64| if at.is_multiple_of(3) { [f64::NAN, f64::INFINITY, 1e300][at as usize / 3 % 3] } else { noise(at) };
    assert_eq!(watched(BOTH, 0, (0..10_000).map(stranger)), []);
    assert_eq!(watched(ChangeSettings::default(), 0, (0..2000).map(|at| f64::from(at / 1000))), []);
}

#[test]
fn changes_that_follow_too_soon_are_counted() {
    let stream = || (0..4000u64).map(|at| (at / 1000 % 2) as f64);
    let all = watched(ADWIN, 0, stream());
    assert!(all.len() == 3 && all.iter().all(|change| change.skipped == 0), "{all:?}");
    let some = watched(ADWIN, 1500, stream());
    let expected = vec![all[0].clone(), Change { skipped: 1, ..all[2].clone() }];
    assert_eq!(some, expected);
}

#[test]
fn errors_are_watched_as_feedback_tells_them() {
    let watch = Watch::new(0);
    for at in 0..1000 {
        watch.observe_correctness(ADWIN, at, at < 500 || at % 2 == 0);
    }
    let [Change { signal, split, .. }] = &watch.changes()[..] else { panic!("one change") };
    assert_eq!((signal.as_str(), split.before.mean), ("correctness", 0.0));
    assert!(split.after.mean > 0.2);
    assert_eq!((watch.take().len(), watch.take().len()), (1, 0));
}

#[test]
fn numbers_of_outputs_are_watched_and_classes_are_not() {
    let mut signature = signature(&["label", "scores", "wide", "map"]);
    let classes = Some(vec!["cat".to_owned(), "dog".to_owned()]);
    signature.class_outputs = vec![
        ClassOutput { name: "label".to_owned(), role: ClassRole::Label, classes: None },
        ClassOutput { name: "scores".to_owned(), role: ClassRole::Scores, classes },
    ];
    let watch = Watch::new(0);
    for at in 0..1000u64 {
        let is_late = at >= 500;
        let level = f64::from(u8::from(is_late));
        // Many rows: of them some.
        let (many, two) = (vec![level; 3000], [0.5, level].repeat(2));
        let keys = MapKeys::Ints(vec![7]);
        let map = Value::Map { keys, values: Tensor::from_elements(&[1], &[1.0 - level]) };
        let outputs = [
            of("label", Tensor::from_elements(&[1], &[i64::from(is_late)])),
            of("scores", Tensor::from_elements(&[2, 2], &two)),
            of("wide", Tensor::from_elements(&[1, 17], &[level; 17])),
            of("many", Tensor::from_elements(&[3000], &many)),
            of("map", Value::Sequence(vec![map])),
            of("text", Tensor::from_strings(&[1], vec![at.to_string()])),
        ];
        observe(&watch, ADWIN, at, &signature, &outputs);
    }
    let mut signals: Vec<String> = watch.take().into_iter().map(|change| change.signal).collect();
    signals.sort();
    signals.dedup();
    assert_eq!(signals, ["output.many", "output.map[7]", "output.scores[dog]"]);
}

#[test]
fn memory_is_bounded() {
    let (watch, signature) = (Watch::new(0), signature(&[]));
    for at in 0..40_000u64 {
        let columns = (at % 5 + 1) as usize;
        let level = (at / 500 % 2) as f64;
        let outputs = [of("y", Tensor::from_elements(&[1, columns], &vec![level; columns]))];
        observe(&watch, ADWIN, at, &signature, &outputs);
    }
    let changes = watch.take();
    // Of 1, 2, 3, 4 and 5 columns: one set more than there are signals for would be.
    assert!(changes.iter().all(|change| {
        ["output.y", "output.y[0]", "output.y[4]"].iter().any(|name| change.signal.starts_with(&name[..8]))
    }));
    assert_eq!(changes.len(), 100);
}
