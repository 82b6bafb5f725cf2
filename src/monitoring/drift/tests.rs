use super::*;
use crate::error::ErrorCode;
use crate::statistics::Correction;

const OPTIONS: Options = Options { min_rows: 30, drift_share: 0.5, correction: None };

fn numbers(name: &str, shift: f64) -> Column {
    let values = |shift: f64| (0..100).map(|at| f64::from(at) + shift).collect();
    let values = Values::Numbers { reference: values(0.0), current: values(shift) };
    Column { name: name.to_owned(), values, method: None, threshold: None }
}

fn categories(counts: Vec<(u64, u64)>) -> Column {
    let values = Values::Categories { counts, missing: (0, 0), is_text: false };
    Column { name: "category".to_owned(), values, method: None, threshold: None }
}

fn by(method: &str, column: Column) -> Column {
    Column { method: Some(method.to_owned()), ..column }
}

#[test]
fn a_data_set_drifts_with_half_of_its_columns() {
    let report = compare(vec![numbers("same", 0.0), numbers("other", 40.0)], &OPTIONS).unwrap();
    let verdicts: Vec<_> = report.columns.iter().map(|column| column.verdict).collect();
    assert_eq!(verdicts, [Verdict::Ok, Verdict::Drift]);
    assert_eq!((report.drifted, report.share, report.verdict), (1, 0.5, Verdict::Drift));
    let more = compare(vec![numbers("a", 0.0), numbers("b", 0.0), numbers("c", 40.0)], &OPTIONS).unwrap();
    assert_eq!(more.verdict, Verdict::Ok);
}

#[test]
fn too_few_rows_are_never_ok() {
    let few = Values::Numbers { reference: vec![1.0, 2.0, 3.0], current: vec![1.0, 2.0, 3.5] };
    let column = Column { values: few, ..numbers("few", 0.0) };
    let report = compare(vec![column.clone()], &OPTIONS).unwrap();
    assert_eq!((report.columns[0].verdict, report.verdict), (Verdict::Insufficient, Verdict::Insufficient));
    assert!(report.columns[0].score.is_some());
    assert_eq!(report.columns[0].reason.as_deref(), Some("a side has 3 values, fewer than 30"));
    // What nothing is known of could make half of the columns.
    let beside = compare(vec![column.clone(), numbers("same", 0.0)], &OPTIONS).unwrap();
    assert_eq!(beside.verdict, Verdict::Insufficient);
    let among = compare(vec![column, numbers("a", 0.0), numbers("b", 0.0)], &OPTIONS).unwrap();
    assert_eq!((among.undecided, among.verdict), (1, Verdict::Ok));
}

#[test]
fn what_is_missing_is_counted_and_left_out() {
    let mut reference: Vec<f64> = (0..100).map(f64::from).collect();
    let current = reference.clone();
    reference.extend([f64::NAN, f64::INFINITY, f64::NAN]);
    let values = Values::Numbers { reference, current };
    let report = compare(vec![Column { values, ..numbers("column", 0.0) }], &OPTIONS).unwrap();
    let Rows { count, missing, infinite, distinct } = report.columns[0].reference;
    assert_eq!((count, missing, infinite, distinct), (100, 2, 1, 100));
    assert_eq!(report.columns[0].score, Some(1.0));
    let nothing = Values::Numbers { reference: vec![1.0; 50], current: vec![f64::NAN; 50] };
    let report = compare(vec![Column { values: nothing, ..numbers("column", 0.0) }], &OPTIONS).unwrap();
    assert_eq!(report.columns[0].reason.as_deref(), Some("current has no value"));
    assert_eq!(report.verdict, Verdict::Insufficient);
}

#[test]
fn what_is_not_defined_has_a_reason() {
    let constant = Values::Numbers { reference: vec![1.0; 50], current: vec![1.0; 50] };
    let column = Column { values: constant, ..numbers("constant", 0.0) };
    for method in ["t_test", "anderson", "mannw_two_sided", "chisquare", "psi_deciles"] {
        let report = compare(vec![by(method, column.clone())], &OPTIONS).unwrap();
        let found = &report.columns[0];
        assert_eq!((found.verdict, found.score), (Verdict::Insufficient, None), "{method}");
        assert!(found.reason.as_ref().unwrap().starts_with(&format!("{method} is not defined: ")), "{found:?}");
    }
    // By default there is no difference.
    assert_eq!(compare(vec![column], &OPTIONS).unwrap().columns[0].verdict, Verdict::Ok);
}

#[test]
fn methods_must_fit() {
    let refused = |column: Column| {
        let problem = compare(vec![column], &OPTIONS).unwrap_err();
        assert_eq!(problem.code, ErrorCode::InvalidRequest);
        problem.message
    };
    assert!(refused(by("ks", categories(vec![(1, 2)]))).contains("ks compares numbers"));
    assert!(refused(by("z", categories(vec![(1, 2), (1, 2), (3, 4)]))).contains("at most 2 categories"));
    assert!(refused(by("chisquare", numbers("n", 0.5))).contains("at most 20 different values"));
    assert!(refused(by("kss", numbers("n", 0.5))).contains("did you mean \"ks\"?"));
    assert!(compare(vec![], &OPTIONS).is_err());
}

#[test]
fn every_method_has_a_score_where_it_fits() {
    let few = Values::Numbers {
        reference: (0..60).map(|at| f64::from(at % 2)).collect(),
        current: (0..60).map(|at| f64::from(u8::from(at % 3 == 0))).collect(),
    };
    for method in Method::ALL {
        let columns = [
            numbers("numbers", 3.0),
            categories(vec![(30, 40), (50, 30)]),
            Column { values: few.clone(), ..numbers("few", 0.0) },
        ];
        let found = columns.map(|column| compare(vec![by(method.name(), column)], &OPTIONS));
        let scores: Vec<_> = found.iter().flatten().filter_map(|report| report.columns[0].score).collect();
        assert!(!scores.is_empty(), "{method:?}");
        assert!(scores.iter().all(|score| *score >= 0.0), "{method:?}: {scores:?}");
    }
}

#[test]
fn a_correction_decides_anew() {
    let columns = || vec![numbers("a", 20.0), numbers("b", 0.0), numbers("c", 0.0), by("psi", numbers("d", 40.0))];
    let plain = compare(columns(), &OPTIONS).unwrap();
    assert_eq!(plain.columns[0].verdict, Verdict::Drift);
    let p = plain.columns[0].score.unwrap();
    let options = Options { correction: Some(Correction::Bonferroni), ..OPTIONS };
    let corrected = compare(columns(), &options).unwrap();
    // Three tests; a distance is none.
    assert_eq!(corrected.columns[0].adjusted, Some(3.0 * p));
    assert_eq!(corrected.columns[3].adjusted, None);
    assert_eq!(corrected.columns[3].verdict, Verdict::Drift);
}

#[test]
fn text_is_counted_and_not_compared() {
    let values = Values::Categories { counts: vec![(1, 1); 100], missing: (3, 0), is_text: true };
    let column = Column { values, ..categories(vec![]) };
    let report = compare(vec![column.clone()], &OPTIONS).unwrap();
    let found = &report.columns[0];
    assert_eq!((found.verdict, found.method, found.reference.missing), (Verdict::Insufficient, None, 3));
    assert_eq!(compare(vec![by("psi", column)], &OPTIONS).unwrap().columns[0].score, Some(0.0));
}
