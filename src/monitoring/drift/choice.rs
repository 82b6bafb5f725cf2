//! Which method a column is compared by when none is asked for: Evidently's rule (0.7.23).

use super::method::Method;
use super::values::Kind;

/// Of larger references the distance is compared: with so many rows a test finds differences that do not matter.
const MAX_TESTED_ROWS: u64 = 1000;
/// Numbers with no more distinct values on both sides are compared as categories.
const FEW_VALUES: u64 = 5;

/// The method, and why.
pub fn choose(kind: Kind, reference_rows: u64, distinct: u64) -> (Method, String) {
    if kind == Kind::Vector {
        return (Method::Mmd, "vectors".to_owned());
    }
    let few = distinct <= FEW_VALUES;
    let (method, values) = match (kind == Kind::Number, reference_rows <= MAX_TESTED_ROWS) {
        (true, true) if !few => (Method::KolmogorovSmirnov, "numbers with more than 5 distinct values"),
        (true, false) if !few => (Method::Wasserstein, "numbers with more than 5 distinct values"),
        (_, true) if distinct <= 2 => (Method::Z, "at most 2 distinct values"),
        (true, true) => (Method::ChiSquare, "numbers with 3 to 5 distinct values"),
        (false, true) => (Method::ChiSquare, "more than 2 categories"),
        (true, false) => (Method::JensenShannon, "numbers with at most 5 distinct values"),
        (false, false) => (Method::JensenShannon, "categories"),
    };
    let size = if reference_rows <= MAX_TESTED_ROWS { "at most" } else { "more than" };
    (method, format!("{values}, {size} {MAX_TESTED_ROWS} reference rows"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_evidentlys_table() {
        let method = |kind, rows, distinct| choose(kind, rows, distinct).0;
        assert_eq!(method(Kind::Number, 1000, 6), Method::KolmogorovSmirnov);
        assert_eq!(method(Kind::Number, 1001, 6), Method::Wasserstein);
        assert_eq!(method(Kind::Number, 1000, 5), Method::ChiSquare);
        assert_eq!(method(Kind::Number, 1000, 2), Method::Z);
        assert_eq!(method(Kind::Number, 1001, 2), Method::JensenShannon);
        assert_eq!(method(Kind::Category, 1000, 100), Method::ChiSquare);
        assert_eq!(method(Kind::Category, 1000, 1), Method::Z);
        assert_eq!(method(Kind::Category, 1001, 100), Method::JensenShannon);
        assert_eq!(
            choose(Kind::Number, 20, 6).1,
            "numbers with more than 5 distinct values, at most 1000 reference rows"
        );
    }
}
