//! The methods by name, and a row for what is known of each.

use super::samples::Numbers;
use super::values::Kind;
use crate::error::{Result, error};
use crate::process::nearest_name;

/// The most distinct numbers that a test of categories takes for categories.
pub const MAX_NUMBERS_AS_CATEGORIES: u64 = 20;

/// What the score of a method is, and where drift begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Score {
    /// Drift below the threshold.
    PValue,
    /// Drift at the threshold and below.
    PValueOrEqual,
    /// Drift at the threshold and above.
    Distance,
}

/// Which columns a method takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    Numbers,
    NumbersAndVectors,
    /// Also numbers of at most [`MAX_NUMBERS_AS_CATEGORIES`] distinct values.
    Categories,
    TwoCategories,
    Both,
}

macro_rules! methods {
    ($($(#[$attribute:meta])* $method:ident = $name:literal, $takes:ident, $score:ident, $threshold:literal;)*) => {
        /// A test or a distance. Where Evidently has it, the name and the threshold are Evidently's.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Method {
            $($(#[$attribute])* $method,)*
        }

        impl Method {
            pub const ALL: &'static [Self] = &[$(Self::$method,)*];

            /// The name in APIs.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$method => $name,)*
                }
            }

            pub const fn score(self) -> Score {
                match self {
                    $(Self::$method => Score::$score,)*
                }
            }

            /// Unless another one is asked for.
            pub const fn threshold(self) -> f64 {
                match self {
                    $(Self::$method => $threshold,)*
                }
            }

            const fn takes(self) -> Takes {
                match self {
                    $(Self::$method => Takes::$takes,)*
                }
            }
        }
    };
}

methods! {
    KolmogorovSmirnov = "ks", Numbers, PValueOrEqual, 0.05;
    KolmogorovSmirnovAsymptotic = "ks_asymptotic", Numbers, PValueOrEqual, 0.05;
    Wasserstein = "wasserstein", Numbers, Distance, 0.1;
    Energy = "ed", Numbers, Distance, 0.1;
    CramerVonMises = "cramer_von_mises", Numbers, PValue, 0.1;
    CramerVonMisesPermutation = "cramer_von_mises_permutation", Numbers, PValue, 0.1;
    AndersonDarling = "anderson", Numbers, PValue, 0.1;
    AndersonDarlingRight = "anderson_right", Numbers, PValue, 0.1;
    AndersonDarlingContinuous = "anderson_continuous", Numbers, PValue, 0.1;
    /// One-sided.
    MannWhitney = "mannw", Numbers, PValue, 0.05;
    MannWhitneyTwoSided = "mannw_two_sided", Numbers, PValue, 0.05;
    /// Student's.
    TTest = "t_test", Numbers, PValue, 0.05;
    TTestWelch = "t_test_welch", Numbers, PValue, 0.05;
    Mmd = "empirical_mmd", NumbersAndVectors, PValue, 0.1;
    EppsSingleton = "es", Numbers, PValue, 0.05;
    /// The reference is exact.
    ChiSquare = "chisquare", Categories, PValue, 0.05;
    ChiSquareTwoSample = "chisquare_two_sample", Categories, PValue, 0.05;
    /// The reference is exact.
    G = "g_test", Categories, PValue, 0.1;
    GTwoSample = "g_test_two_sample", Categories, PValue, 0.1;
    Z = "z", TwoCategories, PValue, 0.05;
    Fisher = "fisher_exact", TwoCategories, PValue, 0.1;
    TotalVariation = "TVD", Categories, PValue, 0.1;
    LInfinity = "l_infinity", Categories, Distance, 0.1;
    Psi = "psi", Both, Distance, 0.1;
    PsiDeciles = "psi_deciles", Numbers, Distance, 0.1;
    JensenShannon = "jensenshannon", Both, Distance, 0.1;
    JensenShannonBase2 = "jensenshannon_base2", Both, Distance, 0.1;
    KullbackLeibler = "kl_div", Both, Distance, 0.1;
    Hellinger = "hellinger", Both, Distance, 0.1;
}

impl Method {
    /// Of a name. INVALID_REQUEST for an unknown one.
    pub fn parse(name: &str) -> Result<Self> {
        let names = || Self::ALL.iter().map(|method| method.name());
        Self::ALL.iter().copied().find(|method| method.name() == name).ok_or_else(|| {
            let shown: String = name.chars().take(40).collect();
            let hint = nearest_name(name, names()).map_or_else(
                || format!("it is one of {}", names().collect::<Vec<_>>().join(", ")),
                |nearest| format!("did you mean \"{nearest}\"?"),
            );
            error!(InvalidRequest, "there is no drift method \"{}\"; {hint}", shown.escape_default())
        })
    }

    pub fn is_p_value(self) -> bool {
        self.score() != Score::Distance
    }

    /// Whether a score is drift.
    pub fn drifts(self, score: f64, threshold: f64) -> bool {
        match self.score() {
            Score::PValue => score < threshold,
            Score::PValueOrEqual => score <= threshold,
            Score::Distance => score >= threshold,
        }
    }

    /// Whether the method compares columns of that kind at all.
    pub fn fits(self, kind: Kind) -> bool {
        kind == Kind::Number || self.takes() != Takes::Numbers
    }

    /// Refuses a column of numbers that the method cannot compare.
    pub fn check_numbers(self, column: &str, numbers: &Numbers) -> Result<()> {
        let distinct = numbers.distinct;
        let most = match self.takes() {
            Takes::Numbers | Takes::NumbersAndVectors | Takes::Both => return Ok(()),
            Takes::Categories => MAX_NUMBERS_AS_CATEGORIES,
            Takes::TwoCategories => 2,
        };
        if distinct <= most {
            return Ok(());
        }
        let name = self.name();
        Err(error!(
            InvalidRequest,
            "column \"{column}\": {name} compares at most {most} different values, and these are {distinct} numbers; choose \
             another method, or the kind category where it fits"
        ))
    }

    /// Refuses a column of categories that the method cannot compare.
    pub fn check_categories(self, column: &str, distinct: u64) -> Result<()> {
        let name = self.name();
        match self.takes() {
            Takes::Numbers | Takes::NumbersAndVectors => {
                Err(error!(InvalidRequest, "column \"{column}\": {name} compares numbers, and these are categories"))
            }
            Takes::TwoCategories if distinct > 2 => Err(error!(
                InvalidRequest,
                "column \"{column}\": {name} compares at most 2 categories, and these are {distinct}"
            )),
            _ => Ok(()),
        }
    }

    /// Refuses a column of vectors that the method cannot compare.
    pub fn check_vectors(self, column: &str) -> Result<()> {
        if self.takes() == Takes::NumbersAndVectors {
            return Ok(());
        }
        let (name, right) = (self.name(), Self::Mmd.name());
        Err(error!(InvalidRequest, "column \"{column}\": {name} does not compare vectors; {right} does"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;

    #[test]
    fn names_are_found_or_hinted_at() {
        for method in Method::ALL {
            assert_eq!(Method::parse(method.name()), Ok(*method));
        }
        let misspelt = Method::parse("wassersten").unwrap_err();
        assert_eq!(misspelt.code, ErrorCode::InvalidRequest);
        assert!(misspelt.message.ends_with("did you mean \"wasserstein\"?"), "{misspelt}");
        assert!(Method::parse("\n!").unwrap_err().message.contains("it is one of ks, "));
    }

    #[test]
    fn a_threshold_belongs_to_drift_where_evidently_says_so() {
        assert!(Method::KolmogorovSmirnov.drifts(0.05, 0.05) && !Method::ChiSquare.drifts(0.05, 0.05));
        assert!(Method::Psi.drifts(0.1, 0.1) && !Method::Psi.drifts(0.09, 0.1));
    }
}
