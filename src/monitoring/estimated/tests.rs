use super::*;
use crate::monitoring::cbpe::{Cbpe, CbpeSums, Reference};
use crate::monitoring::dle::{self, Dle, DleSums};
use crate::monitoring::outcome::Maker;
use crate::monitoring::profile::Sides;
use crate::signature::Signature;
use crate::tensor::{Tensor, Value};
use serde_json::{Value as Json, json};

/// Between 0 and 1, the same ones for the same start.
fn random(mut state: u64) -> impl FnMut() -> f64 {
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / (1u64 << 31) as f64
    }
}

/// Rows of probabilities, which of them is predicted, and which is true about as often as they say.
fn rows(count: usize, classes: usize, next: &mut impl FnMut() -> f64) -> (Vec<f64>, Vec<u32>, Vec<u32>) {
    let (mut probabilities, mut predicted, mut truth) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..count {
        let row: Vec<f64> = (0..classes).map(|_| next().powi(3) + 1e-3).collect();
        let sum: f64 = row.iter().sum();
        // Some rows have the same scores.
        let row: Vec<f64> = row.iter().map(|value| value / sum).collect();
        let best = (0..classes).max_by(|one, other| row[*one].total_cmp(&row[*other])).unwrap();
        let drawn = next();
        let mut above = 0.0;
        let actual = row.iter().position(|value| {
            above += value;
            drawn < above
        });
        probabilities.extend(&row);
        predicted.push(best as u32);
        truth.push(actual.unwrap_or(best) as u32);
    }
    (probabilities, predicted, truth)
}

#[test]
fn sums_tell_what_rows_tell_and_areas_within_their_bound() {
    let mut next = random(7);
    let (mut largest, mut largest_precision): (f64, f64) = (0.0, 0.0);
    for round in 0..60 {
        let classes = 2 + round % 4;
        let values: Vec<f64> = (0..classes * classes).map(|_| next() * 20.0 - 10.0).collect();
        let (probabilities, predicted, truth) = rows(300, classes, &mut next);
        let reference = Reference {
            classes,
            truth: &truth,
            predicted: &predicted,
            probabilities: &probabilities,
            chunk_rows: 50,
            calibrate: if round % 3 == 0 { None } else { Some(&[true; 5][..classes]) },
            business_value: Some(&values),
        };
        let cbpe = Cbpe::fit(&reference).unwrap();
        for set in 0..50 {
            let (probabilities, predicted, _) = rows(1 + (set * 7) % 160, classes, &mut next);
            let exact = cbpe.estimate(&predicted, &probabilities).unwrap();
            let mut parts: Vec<CbpeSums> = (0..3).map(|_| cbpe.no_sums()).collect();
            let mut calibrated = Vec::new();
            for (at, (row, predicted)) in probabilities.chunks(classes).zip(&predicted).enumerate() {
                cbpe.add(row, *predicted as usize, &mut calibrated, &mut parts[at % 3]);
            }
            let mut sums = cbpe.no_sums();
            for part in &parts {
                let bytes = rmp_serde::to_vec(part).unwrap();
                assert!(sums.merge(&rmp_serde::from_slice(&bytes).unwrap()));
            }
            let found = cbpe.estimates(&sums);
            assert_eq!(found.count, exact.count);
            for (name, exact) in &exact.measures {
                let found = &found.measures[name];
                let tolerance = found.bound.unwrap_or(0.0) + 1e-9;
                assert_eq!(found.value.is_some(), exact.value.is_some());
                let is_area = ["rocAuc", "averagePrecision"].contains(name);
                assert_eq!(found.bound.is_some(), is_area && exact.value.is_some());
                let off = found.value.zip(exact.value).map_or(0.0, |(found, exact)| (found - exact).abs());
                assert!(off <= tolerance, "{name} of round {round}: {found:?}, exactly {exact:?}");
                // What predictions are worth grows with them, and its thresholds are of as many.
                let chunks = if *name == "businessValue" { predicted.len() as f64 / 50.0 } else { 1.0 };
                assert_eq!(
                    (found.sampling_error, found.lower_threshold),
                    (exact.sampling_error, exact.lower_threshold.map(|lower| lower * chunks))
                );
                if predicted.len() > 100 && is_area {
                    let largest = if *name == "rocAuc" { &mut largest } else { &mut largest_precision };
                    *largest = largest.max(found.bound.unwrap_or(0.0));
                }
            }
        }
    }
    assert!(largest < 0.05 && largest_precision < 0.15, "{largest}, {largest_precision}");
}

#[test]
fn sums_of_losses_tell_what_rows_tell() {
    let mut next = random(11);
    let mut sets = 0;
    for round in 0..25 {
        let (columns, rows) = (1 + round % 4, 120 + round * 7);
        // Of every second one some numbers are below 0, where no logarithm is.
        let shift = if round % 2 == 0 { 0.5 } else { -0.5 * columns as f64 };
        let mut sample = |rows: usize| -> (Vec<f64>, Vec<f64>, Vec<f64>) {
            let features: Vec<f64> = (0..rows * columns).map(|_| next()).collect();
            let predicted: Vec<f64> = features.chunks(columns).map(|row| row.iter().sum::<f64>() + shift).collect();
            let truth = predicted.iter().map(|predicted| predicted + (next() - 0.5) * predicted).collect();
            (features, predicted, truth)
        };
        let (features, predicted, truth) = sample(rows);
        let reference =
            dle::Reference { predicted: &predicted, truth: &truth, features: Some(&features), chunk_rows: 20 };
        let dle = Dle::fit(&reference).unwrap();
        for set in 0..80 {
            let (features, predicted, _) = sample(1 + (set * 13) % 90);
            let exact = dle.estimate(&features, &predicted).unwrap();
            assert_eq!(exact.measures.contains_key("rmsle"), predicted_above_zero(round));
            let mut parts = [DleSums::default(); 3];
            for (at, (row, predicted)) in features.chunks(columns).zip(&predicted).enumerate() {
                dle.add(&[row, &[*predicted]].concat(), &mut parts[at % 3]);
            }
            let mut sums = DleSums::default();
            for part in &parts {
                sums.merge(&rmp_serde::from_slice(&rmp_serde::to_vec(part).unwrap()).unwrap());
            }
            let found = dle.estimates(&sums);
            assert_eq!(found.count, exact.count);
            assert_eq!(found.measures.keys().collect::<Vec<_>>(), exact.measures.keys().collect::<Vec<_>>());
            for (name, exact) in &exact.measures {
                let found = &found.measures[name];
                let (value, wanted) = (found.value.unwrap(), exact.value.unwrap());
                assert!((value - wanted).abs() <= 1e-9 * wanted.max(1.0), "{name}: {value}, exactly {wanted}");
                assert_eq!(
                    (found.sampling_error, found.lower_threshold, found.upper_threshold, found.bound),
                    (exact.sampling_error, exact.lower_threshold, exact.upper_threshold, None)
                );
            }
            sets += 1;
        }
    }
    assert_eq!(sets, 2000);
}

/// Whether all numbers of a round are.
const fn predicted_above_zero(round: usize) -> bool {
    round.is_multiple_of(2)
}

fn classified(rows: usize, next: &mut impl FnMut() -> f64) -> Labelled {
    let mut labelled = Labelled::default();
    let maker = classifier();
    for _ in 0..rows {
        let (probabilities, _, truth) = self::rows(1, 3, next);
        let prediction = json!({ "scores": [probabilities] }).to_string();
        assert!(labelled.add(&prediction, &truth[0].to_string(), None, &maker));
    }
    labelled
}

const SCORES: &str = r#"{"outputs":[{"name":"scores","dtype":"float32","shape":[null,3],"role":"scores"}]}"#;
const VALUE: &str = r#"{"outputs":[{"name":"y","dtype":"float32","shape":[null,1]}]}"#;

fn classifier() -> Maker<'static> {
    Maker { outputs: Some(SCORES), labels: None, confident_rows: Some(1) }
}

fn observe(live: &Live, inputs: &[(String, Value)], output: &str, values: Tensor) {
    let (signature, outputs) = (Signature::default(), [(output.to_owned(), Value::Tensor(values))]);
    live.observe(Sides { signature: &signature, inputs, outputs: &outputs });
}

#[test]
fn classifications_are_estimated_while_they_are_made() {
    let mut next = random(1);
    let estimator = classified(400, &mut next).fit(None, None).unwrap();
    let estimator = Estimator::from_bytes(&estimator.to_bytes().unwrap()).unwrap();
    assert_eq!(estimator.described()["kind"], "classification");
    assert_eq!((&estimator.described()["rows"], &estimator.described()["chunkRows"]), (&json!(400), &json!(40)));
    let live = Live::default();
    observe(&live, &[], "scores", Tensor::from_elements(&[1, 3], &[0.2f32, 0.3, 0.5]));
    assert!(live.take().is_none() && live.id().is_none());
    live.install(Some(("one".to_owned(), estimator.clone())));
    observe(&live, &[], "scores", Tensor::from_elements(&[2, 3], &[0.2f32, 0.3, 0.5, 0.9, 0.05, 0.05]));
    // No probabilities, another output, and rows of another width.
    observe(&live, &[], "scores", Tensor::from_elements(&[1, 3], &[2.0f32, 3.0, -5.0]));
    observe(&live, &[], "other", Tensor::from_elements(&[1, 3], &[0.2f32, 0.3, 0.5]));
    observe(&live, &[], "scores", Tensor::from_elements(&[1, 2], &[0.5f32, 0.5]));
    let (id, sums) = live.take().unwrap();
    let answer = sums.answer(&estimator).unwrap();
    assert_eq!((id.as_str(), &answer["count"], &answer["leftOut"]), ("one", &json!(2), &json!(3)));
    assert!(live.take().is_none());
    live.restore("one", &EstimateSums::from_bytes(&sums.to_bytes().unwrap()).unwrap()).unwrap();
    assert_eq!(live.pending().unwrap().1.answer(&estimator).unwrap(), answer);
    // What is of an estimator that another one has followed is gone.
    live.install(Some(("two".to_owned(), estimator)));
    live.restore("one", &sums).unwrap();
    assert!(live.take().is_none());
    live.install(None);
    assert!(live.id().is_none());
}

#[test]
fn regressions_are_estimated_while_they_are_made() {
    let mut next = random(3);
    let mut labelled = Labelled::default();
    let maker = Maker { outputs: Some(VALUE), labels: None, confident_rows: None };
    for row in 0..600 {
        let (a, b) = (next(), next());
        let off = if row % 2 == 0 { b } else { -b };
        // Inputs come in any order, and texts are no features.
        let features = json!({ "b": [b], "a": [[a]], "text": ["x"] }).to_string();
        assert!(labelled.add(&json!({ "y": [[a]] }).to_string(), &json!(a + off).to_string(), Some(&features), &maker));
    }
    let estimator = labelled.fit(Some(100), None).unwrap();
    assert_eq!(estimator.described()["features"], 2);
    let live = Live::default();
    live.install(Some(("one".to_owned(), Estimator::from_bytes(&estimator.to_bytes().unwrap()).unwrap())));
    let input =
        |name: &str, values: [f32; 2]| (name.to_owned(), Value::Tensor(Tensor::from_elements(&[2, 1], &values)));
    let inputs = [input("a", [0.5, 0.4]), input("b", [0.9, 0.95])];
    observe(&live, &inputs, "y", Tensor::from_elements(&[2, 1], &[0.5f32, 0.4]));
    observe(&live, &inputs[..1], "y", Tensor::from_elements(&[2, 1], &[0.5f32, 0.4]));
    let answer = live.take().unwrap().1.answer(&estimator).unwrap();
    let mae = &answer["measures"]["mae"];
    assert_eq!((&answer["count"], &answer["leftOut"], &mae["alert"]), (&json!(2), &json!(1), &json!(true)));
    assert!((mae["value"].as_f64().unwrap() - 0.92).abs() < 0.1, "{answer}");
    assert!(answer["measures"].get("bound").is_none());
}

#[test]
fn references_that_say_too_little_are_refused() {
    let mut next = random(5);
    let message = |labelled: &Labelled, chunk_rows| labelled.fit(chunk_rows, None).unwrap_err().to_string();
    assert!(message(&classified(99, &mut next), None).contains("at least 100 rows"));
    assert!(message(&classified(150, &mut next), Some(100)).contains("two chunks of 100 rows"));
    let mut labelled = Labelled::default();
    let maker = Maker {
        outputs: Some(
            r#"{"outputs":[{"name":"scores","dtype":"float32","shape":[null,2],"role":"scores"},{"name":"label","dtype":"int64","shape":[null],"role":"label"}]}"#,
        ),
        ..classifier()
    };
    for row in 0..200 {
        let said = i64::from(row % 10 == 0);
        labelled.add(&json!({ "scores": [[0.6, 0.4]], "label": [said] }).to_string(), "0", None, &maker);
    }
    assert!(message(&labelled, None).contains("10.0 % of the rows"));
    for (prediction, outcome) in [("{}", "1"), ("no JSON", "1"), (r#"{"scores":[[0.6,0.4]]}"#, "\"neither\"")] {
        assert!(labelled.add(prediction, outcome, None, &maker));
    }
    assert_eq!(labelled.left_out(), 3);
}

#[test]
fn bytes_that_are_none_are_refused() {
    let mut next = random(9);
    let bytes = classified(120, &mut next).fit(None, None).unwrap().to_bytes().unwrap();
    assert!(Estimator::from_bytes(&bytes[..bytes.len() - 1]).is_err());
    assert!(Estimator::from_bytes(b"EAET\x02").is_err() && EstimateSums::from_bytes(&bytes).is_err());
    let mut damaged = 0;
    for at in 5..bytes.len().min(600) {
        let mut bytes = bytes.clone();
        bytes[at] ^= 0x41;
        if let Ok(estimator) = Estimator::from_bytes(&bytes) {
            let live = Live::default();
            live.install(Some((String::new(), estimator.clone())));
            observe(&live, &[], "scores", Tensor::from_elements(&[1, 3], &[0.2f32, 0.3, 0.5]));
            let seen: Vec<Json> = live.take().iter().filter_map(|(_, sums)| sums.answer(&estimator).ok()).collect();
            damaged += seen.len();
        }
    }
    assert!(damaged > 0);
}
