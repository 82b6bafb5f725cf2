use super::*;
use crate::error::ErrorCode;

fn numbers(values: impl IntoIterator<Item = f64>) -> Profile {
    let values: Vec<f64> = values.into_iter().collect();
    let mut profile = Profile::default();
    profile.add_rows(values.len() as u64);
    profile.add_numbers("x", &values);
    profile
}

fn number<'a>(profile: &'a Profile, name: &str) -> &'a Number {
    match &profile.columns[name].kind {
        Kind::Number(number) => number,
        other => panic!("{other:?}"),
    }
}

fn strings<'a>(profile: &'a Profile, name: &str) -> &'a Strings {
    match &profile.columns[name].kind {
        Kind::Strings(strings) => strings,
        other => panic!("{other:?}"),
    }
}

fn vectors(profile: &Profile) -> &Vectors {
    match &profile.columns["x"].kind {
        Kind::Vectors(vectors) => vectors,
        other => panic!("{other:?}"),
    }
}

/// With every kind of column, few and many values.
fn rich() -> Profile {
    let mut profile = numbers((0..5000).map(f64::from));
    profile.add_numbers("few", &[1.0, 2.0, 2.0, f64::INFINITY, f64::NAN]);
    for at in 0..3000 {
        profile.add_category("id", &format!("id {at}"));
        profile.add_category("color", ["red", "green"][at % 2]);
    }
    profile.add_vector("v", &[3.0; 300]);
    profile.add_missing("nothing");
    profile
}

#[test]
fn few_distinct_values_are_counted_each() {
    let profile = numbers((0..10_000).map(|at| f64::from(at % 4)));
    let column = number(&profile, "x");
    assert_eq!(column.counts().unwrap(), [(0.0, 2500), (1.0, 2500), (2.0, 2500), (3.0, 2500)]);
    assert_eq!((column.is_exact(), column.rank_error(), column.distinct().estimate), (true, 0.0, 4.0));
    assert_eq!((column.share_below(1.0, false), column.share_below(1.0, true)), (Some(0.25), Some(0.5)));
    assert_eq!(column.quantiles(&[0.0, 0.25, 0.26, 1.0]), [0.0, 0.0, 1.0, 3.0]);
    assert_eq!(column.moments().mean(), Some(1.5));
}

#[test]
fn what_is_missing_or_infinite_is_counted_and_not_measured() {
    let profile = numbers([f64::NAN, 1.0, f64::INFINITY, f64::NEG_INFINITY, 3.0]);
    let column = number(&profile, "x");
    assert_eq!((profile.columns["x"].missing, column.infinite(), column.count()), (1, 2, 2));
    assert_eq!((column.min(), column.max(), column.moments().mean()), (Some(1.0), Some(3.0), Some(2.0)));
    let nothing = numbers([f64::NAN; 100]);
    assert!(matches!(nothing.columns["x"].kind, Kind::Unknown));
    assert_eq!(nothing.to_json()["columns"]["x"], serde_json::json!({ "kind": null, "count": 0, "missing": 100 }));
    let infinite = numbers([f64::INFINITY; 10]);
    assert_eq!(infinite.to_json()["columns"]["x"]["mean"], serde_json::Value::Null);
    assert_eq!(infinite.to_json()["columns"]["x"]["nonFinite"], 10);
}

#[test]
fn parts_merge_into_the_whole() {
    let mut merged = Profile::default();
    (0..10).for_each(|part| merged.merge(&numbers((0..1000).map(|at| f64::from(at * 10 + part)))).unwrap());
    let column = number(&merged, "x");
    assert_eq!((merged.rows, column.count(), column.min(), column.max()), (10_000, 10_000, Some(0.0), Some(9999.0)));
    assert!((column.moments().mean().unwrap() - 4999.5).abs() < 1e-9);
    assert!((column.moments().variance().unwrap() - (1e8 - 1.0) / 12.0).abs() < 1e-3);
    assert!((column.distinct().estimate - 10_000.0).abs() < 1000.0);
    // Twice the error that holds in 99 of 100 cases.
    let median = column.quantiles(&[0.5])[0];
    assert!((median / 1e4 - 0.5).abs() < 2.0 * column.rank_error());
}

#[test]
fn a_column_keeps_its_kind() {
    let mut profile = numbers([1.0, 2.0]);
    profile.add_category("x", "three");
    let mut other = Profile::default();
    (0..5).for_each(|_| other.add_category("x", "four"));
    profile.merge(&other).unwrap();
    assert_eq!((profile.columns["x"].mismatched, number(&profile, "x").count()), (6, 2));
    assert_eq!(profile.columns["x"].values(), 8);
}

#[test]
fn strings_are_text_when_they_hardly_repeat_or_are_long() {
    let mut profile = Profile::default();
    for at in 0..1000 {
        profile.add_category("color", ["red", "green", "blue"][at % 3]);
        profile.add_category("comment", &format!("comment number {at}"));
        profile.add_category("long", &"word ".repeat(20));
    }
    profile.add_category("few", "one");
    let is_text = |name| strings(&profile, name).is_text();
    assert_eq!(["color", "comment", "long", "few"].map(is_text), [false, true, true, false]);
    assert_eq!(strings(&profile, "color").counts()[0], ("red", 334, 0));
    assert_eq!(strings(&profile, "color").lengths().max(), Some(5.0));
}

#[test]
fn new_words_are_those_that_the_reference_lacks() {
    let profile = |texts: &[&str]| {
        let mut profile = Profile::default();
        texts.iter().for_each(|text| profile.add_category("text", text));
        profile
    };
    let reference = profile(&["the quick brown fox", "jumps over the dog"]);
    let current = profile(&["The dog, the cat."]);
    assert_eq!(strings(&current, "text").new_words(strings(&reference, "text")), Some(0.25));
}

#[test]
fn a_million_categories_stay_bounded() {
    let mut profile = Profile::default();
    for at in 0..1_000_000 {
        profile.add_category("id", &format!("{at:0>200}"));
    }
    let column = strings(&profile, "id");
    assert_eq!(column.count(), 1_000_000);
    assert!((column.distinct().estimate / 1e6 - 1.0).abs() < 0.1, "{:?}", column.distinct());
    assert!(column.is_text() && column.count_error() <= 2000);
    assert!(profile.to_bytes().unwrap().len() < 300_000);
}

#[test]
fn columns_beyond_the_limit_are_counted() {
    let mut profile = Profile::default();
    (0..MAX_COLUMNS + 10).for_each(|at| profile.add_numbers(&format!("column {at}"), &[1.0, 2.0]));
    assert_eq!((profile.columns.len(), profile.left_out), (MAX_COLUMNS, 20));
    assert_eq!(profile.to_json()["leftOut"], 20);
}

#[test]
fn columns_of_strings_beyond_their_limit_are_counted() {
    let of = |first: usize| {
        let mut profile = Profile::default();
        (first..first + 200).for_each(|at| profile.add_categories(&format!("column {at}"), "value", 3));
        profile
    };
    let mut profile = of(0);
    profile.add_missing("column 1000");
    profile.add_numbers("number", &[1.0]);
    // 100 columns are new, and 56 of them have a place.
    profile.merge(&of(100)).unwrap();
    assert_eq!((profile.columns.len(), profile.left_out), (256 + 2, 44 * 3));
    profile.add_category("column 1000", "value");
    profile.add_category("column 0", "value");
    profile.add_category("number", "value");
    assert_eq!((profile.left_out, profile.columns["column 0"].values()), (44 * 3 + 1, 4));
    assert_eq!((profile.columns["number"].mismatched, profile.columns["column 1000"].missing), (1, 1));
    assert!(Profile::from_bytes(&profile.to_bytes().unwrap()).is_ok());
}

#[test]
fn a_profile_of_full_sketches_can_be_stored() {
    let mut column = Profile::default();
    for at in 0..4000 {
        column.add_category("x", &format!("word{at} {at:0>200}"));
    }
    let bytes_of_strings = column.to_bytes().unwrap().len();
    let bytes_of_numbers = numbers((0..1_000_000).map(f64::from)).to_bytes().unwrap().len();
    let most = bytes_of_strings * limits::MAX_STRING_COLUMNS + bytes_of_numbers * MAX_COLUMNS;
    assert!(most < limits::MAX_PROFILE_BYTES, "{bytes_of_strings} and {bytes_of_numbers} bytes a column");
}

#[test]
fn vectors_have_norms_and_directions() {
    let profile = |vectors: &[[f64; 2]]| {
        let mut profile = Profile::default();
        vectors.iter().for_each(|vector| profile.add_vector("x", vector));
        profile
    };
    let reference = profile(&[[1.0, 0.0], [3.0, 0.0]]);
    let current = profile(&[[5.0, 0.0], [0.0, 2.0], [0.0, 0.0], [f64::NAN, 1.0], [f64::INFINITY, 1.0]]);
    let column = vectors(&current);
    assert_eq!(column.mean_cosine(vectors(&reference)), Some(0.5));
    assert_eq!((column.count(), column.infinite(), current.columns["x"].missing), (3, 1, 1));
    assert_eq!((column.norms().max(), column.dimensions()), (Some(5.0), Some(2)));
    let mut varied = profile(&[[1.0, 0.0]]);
    varied.add_vector("x", &[1.0, 2.0, 3.0]);
    assert_eq!((vectors(&varied).dimensions(), column.mean_cosine(vectors(&varied))), (None, None));
}

#[test]
fn bytes_keep_everything() {
    let profile = rich();
    let again = Profile::from_bytes(&profile.to_bytes().unwrap()).unwrap();
    assert_eq!(again.to_json(), profile.to_json());
    assert_eq!(number(&again, "x").points(), number(&profile, "x").points());
}

#[test]
fn hostile_bytes_are_refused_or_a_profile() {
    let bytes = rich().to_bytes().unwrap();
    for length in (0..bytes.len()).step_by(97) {
        assert_eq!(Profile::from_bytes(&bytes[..length]).unwrap_err().code, ErrorCode::InvalidRequest);
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(Profile::from_bytes(&longer).is_err());
    let mut state = 1u64;
    let mut accepted = 0;
    for _ in 0..3000 {
        let mut changed = bytes.clone();
        for _ in 0..3 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let at = (state >> 20) as usize % changed.len();
            changed[at] = (state >> 56) as u8;
        }
        if let Ok(mut profile) = Profile::from_bytes(&changed) {
            accepted += 1;
            // What is accepted can be used. More values than can be counted are refused.
            drop(profile.merge(&rich()));
            profile.to_json();
            profile.to_bytes().unwrap();
        }
    }
    assert!(accepted > 0);
}
