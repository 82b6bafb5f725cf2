//! Drift over the reference values of the corpus: SciPy's and Evidently's, statistic by statistic.

#[path = "support/splitmix.rs"]
mod splitmix;
mod support;

use harper_edge_ai::monitoring::drift::{Column, ColumnReport, Histogram, Method, Options, Values, compare};
use harper_edge_ai::statistics::Correction;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::fs;

const OPTIONS: Options = Options { min_rows: 1, drift_share: 0.5, correction: None };
/// Statistics and distances.
const EXACT: f64 = 1e-9;
/// Where the data lie far from zero, and where a tail of small probability is computed in another way.
const CLOSE: f64 = 1e-6;
/// Permutations, whose sequences differ.
const DEALT: f64 = 0.02;
/// Evidently's 1000 ones: three standard deviations of a p-value of a half.
const DEALT_FEW: f64 = 0.05;

/// Which value of a report is compared.
type Measure = fn(&ColumnReport) -> Option<f64>;

/// What was compared, and what of it differs.
#[derive(Default)]
struct Findings {
    compared: usize,
    differences: Vec<String>,
}

impl Findings {
    /// `expected` is a number; "NaN", null and errors stand for what has no value.
    fn near(&mut self, what: &str, found: Option<f64>, expected: &Json, relative: f64, absolute: f64) {
        self.compared += 1;
        let expected_number = number(expected).filter(|number| !number.is_nan());
        let agree = match (found, expected_number) {
            (Some(found), Some(expected)) => {
                found == expected || (found - expected).abs() <= relative * expected.abs() + absolute
            }
            (None, None) => true,
            _ => false,
        };
        if !agree {
            self.differences.push(format!("{what}: {found:?}, expected {expected}"));
        }
    }

    fn equal<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, found: &T, expected: &T) {
        self.compared += 1;
        if found != expected {
            self.differences.push(format!("{what}: {found:?}, expected {expected:?}"));
        }
    }

    fn finish(self, file: &str) {
        println!("{file}: {} values compared, {} differ", self.compared, self.differences.len());
        assert!(self.compared > 100, "{file} was not read");
        assert!(self.differences.is_empty(), "{}", self.differences.join("\n"));
    }
}

fn number(value: &Json) -> Option<f64> {
    match value {
        Json::String(text) => text.parse().ok(),
        other => other.as_f64(),
    }
}

fn cases(file: &str) -> Option<Vec<Json>> {
    let path = support::corpus()?.join("stats").join(file);
    let content: Json = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    Some(content["cases"].as_array().unwrap().clone())
}

fn side(case: &Json, side: &str) -> Vec<f64> {
    match &case[side] {
        Json::Array(values) => values.iter().map(|value| number(value).unwrap_or(f64::NAN)).collect(),
        _ => splitmix::generated(&case[format!("{side}_generator")]),
    }
}

fn values_of(case: &Json) -> Values {
    if case["kind"] == "numeric" {
        return Values::Numbers { reference: side(case, "reference"), current: side(case, "current") };
    }
    let mut counts: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    let mut missing = (0, 0);
    for (value, is_reference) in ["reference", "current"]
        .into_iter()
        .flat_map(|side| case[side].as_array().unwrap().iter().map(move |value| (value, side == "reference")))
    {
        let count = if value.is_null() { &mut missing } else { counts.entry(value.to_string()).or_default() };
        *(if is_reference { &mut count.0 } else { &mut count.1 }) += 1;
    }
    Values::Categories { counts: counts.into_values().collect(), missing, is_text: false }
}

struct Case<'a> {
    name: &'a str,
    values: Values,
    expected: &'a Json,
    found: BTreeMap<String, ColumnReport>,
}

impl<'a> Case<'a> {
    fn of(case: &'a Json) -> Self {
        let name = case["name"].as_str().unwrap();
        Self { name, values: values_of(case), expected: &case["expected"], found: BTreeMap::new() }
    }

    fn report(&mut self, method: Option<&str>) -> &ColumnReport {
        self.found.entry(method.unwrap_or("").to_owned()).or_insert_with(|| {
            let column = Column {
                name: self.name.to_owned(),
                values: self.values.clone(),
                method: method.map(str::to_owned),
                threshold: None,
            };
            compare(vec![column], &OPTIONS).unwrap_or_else(|problem| panic!("{problem}")).columns.remove(0)
        })
    }

    /// The relative tolerance of statistics.
    fn relative(&self) -> f64 {
        if self.name.contains("offset") { CLOSE } else { EXACT }
    }
}

#[test]
fn drift_json() {
    let Some(cases) = cases("drift.json") else { return };
    let mut findings = Findings::default();
    for case in &cases {
        let mut case = Case::of(case);
        for (key, expected) in case.expected.as_object().unwrap() {
            let (method, of): (&str, Measure) = match key.as_str() {
                "evidently_psi" => ("psi", |report| report.score),
                "evidently_ks_p_value" | "scipy_ks_p_value" => ("ks", |report| report.score),
                "evidently_wasserstein_normed" => ("wasserstein", |report| report.score),
                "evidently_jensenshannon" | "jensenshannon_base_e" => ("jensenshannon", |report| report.score),
                "jensenshannon_base2" => ("jensenshannon_base2", |report| report.score),
                "evidently_chisquare_p_value" => ("chisquare", |report| report.score),
                "scipy_chi2_contingency_p_value" => ("chisquare_two_sample", |report| report.score),
                "scipy_chi2_contingency_statistic" => ("chisquare_two_sample", |report| report.statistic),
                "scipy_ks_statistic" => ("ks", |report| report.statistic),
                "scipy_ks_p_value_asymp" => ("ks_asymptotic", |report| report.score),
                "scipy_wasserstein" => ("wasserstein", |report| report.statistic),
                "psi_10_reference_quantile_bins_eps1e4" => ("psi_deciles", |report| report.score),
                "reference_std_ddof0" | "evidently_bins_reference_percents" | "evidently_bins_current_percents" => {
                    continue;
                }
                other => panic!("{other} is not compared"),
            };
            let tolerance = if key.contains("p_value") { CLOSE } else { case.relative() };
            let found = of(case.report(Some(method)));
            findings.near(&format!("{}: {key}", case.name), found, expected, tolerance, 1e-12);
        }
        deviation(&mut findings, &mut case);
    }
    findings.finish("drift.json");
}

/// The standard deviation of the reference, which the normed distance is divided by.
fn deviation(findings: &mut Findings, case: &mut Case) {
    let Some(expected) = case.expected["reference_std_ddof0"].as_f64().filter(|deviation| *deviation > 0.001) else {
        return;
    };
    let report = case.report(Some("wasserstein"));
    let (Some(statistic), Some(score)) = (report.statistic, report.score) else { return };
    if score > 0.0 {
        findings.near(
            &format!("{}: reference_std_ddof0", case.name),
            Some(statistic / score),
            &expected.into(),
            EXACT,
            0.0,
        );
    }
}

#[test]
fn drift_more_json() {
    let Some(cases) = cases("drift-more.json") else { return };
    let mut findings = Findings::default();
    for case in cases.iter().filter(|case| case["kind"] == "numeric") {
        numeric(&mut findings, &mut Case::of(case));
    }
    for case in cases.iter().filter(|case| case["kind"] == "categorical") {
        categorical(&mut findings, &mut Case::of(case));
    }
    for case in cases.iter().filter(|case| case["kind"] == "p_values") {
        corrections(&mut findings, case);
    }
    findings.finish("drift-more.json");
}

fn numeric(findings: &mut Findings, case: &mut Case) {
    evidently(findings, case);
    histogram(findings, case);
    deviation(findings, case);
    let largest = case.report(None).reference.count.max(case.report(None).current.count);
    for (key, expected) in case.expected.as_object().unwrap() {
        let (method, of): (&str, Measure) = match key.as_str() {
            "n_reference_clean" => ("ks", |report| Some(report.reference.count as f64)),
            "n_current_clean" => ("ks", |report| Some(report.current.count as f64)),
            "distinct_reference" => ("ks", |report| Some(report.reference.distinct as f64)),
            "evidently_report_value" => ("", |report| report.score),
            "scipy_ks_statistic" => ("ks", |report| report.statistic),
            "scipy_ks_location" => ("ks", |report| report.location),
            "scipy_ks_p_value" => ("ks", |report| report.score),
            "scipy_ks_p_value_exact" if largest <= 10_000 => ("ks", |report| report.score),
            "scipy_ks_p_value_asymp" => ("ks_asymptotic", |report| report.score),
            "scipy_cvm_statistic" => ("cramer_von_mises", |report| report.statistic),
            "scipy_cvm_p_value_asymptotic" if largest > 20 => ("cramer_von_mises", |report| report.score),
            "scipy_cvm_p_value_exact" => ("cramer_von_mises", |report| report.score),
            "scipy_mannwhitneyu_U" => ("mannw_two_sided", |report| report.statistic),
            "scipy_mannwhitneyu_p_value_auto" => ("mannw_two_sided", |report| report.score),
            "scipy_wasserstein" => ("wasserstein", |report| report.statistic),
            "scipy_energy_distance" => ("ed", |report| report.score),
            "psi_10_reference_quantile_bins_eps1e4" => ("psi_deciles", |report| report.score),
            "evidently_mmd_statistic_only" => ("empirical_mmd", |report| report.statistic),
            _ => continue,
        };
        // D is reached at three places, and SciPy's rounding says at which.
        if key == "scipy_ks_location" && case.name == "subnormal_scale" {
            continue;
        }
        // Evidently squares before it subtracts, and of numbers near 2^40 nothing is left.
        if key == "evidently_mmd_statistic_only" && case.name == "large_integers_2p40" {
            continue;
        }
        // U of equal constants has a value; its test has none.
        if key == "scipy_mannwhitneyu_U" && case.name == "constant_equal" {
            continue;
        }
        let method = Some(method).filter(|method| !method.is_empty());
        let (relative, absolute) = tolerance(case, key);
        let found = of(case.report(method));
        findings.near(&format!("{}: {key}", case.name), found, expected, relative, absolute);
    }
    parts(findings, case);
}

fn tolerance(case: &Case, key: &str) -> (f64, f64) {
    if key.contains("cvm_p_value") {
        (0.0, CLOSE)
    } else if key.contains("p_value") {
        (CLOSE, 1e-15)
    } else {
        (case.relative(), 1e-15)
    }
}

/// Values that are objects.
fn parts(findings: &mut Findings, case: &mut Case) {
    for (ties, method) in [("midrank", "anderson"), ("right", "anderson_right"), ("continuous", "anderson_continuous")]
    {
        // Its squares overflow SciPy's integers.
        if ties == "continuous" && case.name == "huge_ints_200k_few_values" {
            continue;
        }
        let expected = &case.expected[format!("scipy_anderson_ksamp_{ties}")];
        let report = case.report(Some(method)).clone();
        let what = format!("{}: {method}", case.name);
        findings.near(&what, report.statistic, &expected["statistic"], EXACT, 1e-12);
        findings.near(&what, report.score, &expected["p_value_clipped_0001_025"], EXACT, 0.0);
    }
    let welch = &case.expected["scipy_ttest_welch"];
    let report = case.report(Some("t_test_welch")).clone();
    let what = format!("{}: t_test_welch", case.name);
    findings.near(&what, report.statistic, &welch["statistic"], case.relative(), 1e-15);
    findings.near(&what, report.score, &welch["p_value"], CLOSE, 1e-300);
    if report.score.is_some() {
        findings.near(&what, report.degrees_of_freedom, &welch["df"], EXACT, 0.0);
    }
    if let Some(expected) = case.expected.get("permutation_p") {
        let report = case.report(Some("cramer_von_mises_permutation")).score;
        findings.near(&format!("{}: permutation_p", case.name), report, &expected["cvm"], 0.0, DEALT);
    }
}

/// Scores, thresholds and decisions of Evidently's tests, and of the one that it chooses.
fn evidently(findings: &mut Findings, case: &mut Case) {
    let default = &case.expected["evidently_default"];
    let report = case.report(None).clone();
    let what = format!("{}: by default", case.name);
    findings.equal(&what, &report.method.map(Method::name), &default["test"].as_str());
    findings.near(&what, report.score, &default["score"], CLOSE, 1e-15);
    for (method, expected) in case.expected["evidently"].as_object().unwrap() {
        // What Evidently refuses is compared by other values.
        if expected.is_string() && method != "anderson" {
            continue;
        }
        let report = case.report(Some(method)).clone();
        let what = format!("{}: {method}", case.name);
        let (relative, absolute) = match method.as_str() {
            "cramer_von_mises" => (0.0, CLOSE),
            "TVD" => (0.0, DEALT_FEW),
            // A square root of a difference that is nearly nothing.
            "hellinger" => (CLOSE, 2e-8),
            _ => (CLOSE, 1e-12),
        };
        findings.near(&what, report.score, &expected["score"], relative, absolute);
        if let (Some(score), Some(threshold)) = (report.score, expected["threshold"].as_f64()) {
            let method = Method::parse(method).unwrap();
            findings.equal(&what, &method.threshold(), &threshold);
            if (score - threshold).abs() > DEALT_FEW || method.name() != "TVD" {
                findings.equal(&what, &Some(method.drifts(score, threshold)), &expected["drifted"].as_bool());
            }
        }
    }
}

/// Evidently's bins are those of the histogram.
fn histogram(findings: &mut Findings, case: &mut Case) {
    let Some(expected) = case.expected.get("evidently_bins").filter(|bins| bins.is_object()) else { return };
    let report = case.report(None).clone();
    let Some(Histogram::Numbers { edges, reference, current }) = report.histogram else {
        panic!("{} has no histogram", case.name)
    };
    let mut all = |what: &str, found: Vec<f64>, expected: &Json| {
        let expected = expected.as_array().unwrap();
        findings.equal(&format!("{}: {what}", case.name), &found.len(), &expected.len());
        for (found, expected) in found.into_iter().zip(expected) {
            findings.near(&format!("{}: {what}", case.name), Some(found), expected, EXACT, 1e-12);
        }
    };
    let shares = |counts: Vec<u64>, all: u64| counts.into_iter().map(|count| count as f64 / all as f64).collect();
    all("edges", edges, &expected["edges"]);
    all("bins of the reference", shares(reference, report.reference.count), &expected["reference"]);
    all("bins of current", shares(current, report.current.count), &expected["current"]);
}

fn categorical(findings: &mut Findings, case: &mut Case) {
    evidently(findings, case);
    let expected = case.expected;
    let tests = [
        ("scipy_chi2_contingency", "chisquare_two_sample"),
        ("scipy_g_contingency", "g_test_two_sample"),
        ("scipy_chisquare_reference_scaled", "chisquare"),
    ];
    for (key, method) in tests {
        let report = case.report(Some(method)).clone();
        // Of one category the libraries disagree whether there is a p-value.
        if expected[key].is_string() || report.score.is_none() {
            continue;
        }
        let what = format!("{}: {method}", case.name);
        findings.near(&what, report.statistic, &expected[key]["statistic"], EXACT, 1e-12);
        findings.near(&what, report.score, &expected[key]["p_value"], CLOSE, 1e-300);
        findings.near(&what, report.degrees_of_freedom, &expected[key]["dof"], 0.0, 0.0);
    }
    if let Some(fisher) = expected.get("scipy_fisher_exact").filter(|fisher| fisher.is_object()) {
        let report = case.report(Some("fisher_exact")).clone();
        findings.near(&format!("{}: fisher_exact", case.name), report.score, &fisher["two_sided"], CLOSE, 0.0);
        findings.near(
            &format!("{}: odds ratio", case.name),
            report.statistic,
            &fisher["sample_odds_ratio"],
            EXACT,
            0.0,
        );
    }
    let distances: [(&str, &str, Measure); 5] = [
        ("jensenshannon_base_e", "jensenshannon", |report| report.score),
        ("jensenshannon_base2", "jensenshannon_base2", |report| report.score),
        ("l_infinity", "l_infinity", |report| report.score),
        ("total_variation", "TVD", |report| report.statistic),
        ("evidently_tvd_statistic_only", "TVD", |report| report.statistic),
    ];
    for (key, method, of) in distances {
        let found = of(case.report(Some(method)));
        findings.near(&format!("{}: {key}", case.name), found, &expected[key], EXACT, 1e-12);
    }
}

fn corrections(findings: &mut Findings, case: &Json) {
    let name = case["name"].as_str().unwrap();
    // What has no p-value is no test: it is left out before.
    let p_values: Vec<f64> = case["p_values"].as_array().unwrap().iter().filter_map(number).collect();
    if p_values.iter().any(|p| p.is_nan()) {
        return;
    }
    let alpha = case["alpha"].as_f64().unwrap();
    for (key, correction) in ["fdr_bh", "fdr_by", "holm", "bonferroni"].into_iter().zip(Correction::ALL) {
        let expected = &case["expected"][key];
        for (at, adjusted) in correction.adjusted(&p_values).into_iter().enumerate() {
            let what = format!("{name}: {key} {at}");
            findings.near(&what, Some(adjusted), &expected["adjusted"][at], EXACT, 0.0);
            findings.equal(&what, &Some(adjusted <= alpha), &expected["reject"][at].as_bool());
        }
    }
}
