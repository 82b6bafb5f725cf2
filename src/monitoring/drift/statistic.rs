//! From a method's name to its statistic.

use super::anderson_darling::{Ties, anderson_darling};
use super::chi_square::{chi_square, two_sample_chi_square};
use super::cramer_von_mises::{cramer_von_mises, permutation_cramer_von_mises};
use super::energy::energy;
use super::epps_singleton::epps_singleton;
use super::fisher_exact::fisher_exact;
use super::g_test::{g_test, two_sample_g_test};
use super::hellinger::{hellinger, number_hellinger};
use super::jensen_shannon::{base_2_jensen_shannon, jensen_shannon};
use super::kolmogorov_smirnov::{asymptotic_kolmogorov_smirnov, kolmogorov_smirnov};
use super::kullback_leibler::kullback_leibler;
use super::mann_whitney::{Alternative, mann_whitney};
use super::measured::Outcome;
use super::method::Method;
use super::mmd::number_mmd;
use super::proportions::proportions;
use super::psi::{decile_psi, psi};
use super::samples::{Categories, Numbers};
use super::shares::Shares;
use super::t_test::{student_t, welch_t};
use super::total_variation::{l_infinity, total_variation};
use super::wasserstein::wasserstein;

/// Over numbers that the method takes.
pub fn of_numbers(method: Method, numbers: &Numbers) -> Outcome {
    match method {
        Method::KolmogorovSmirnov => kolmogorov_smirnov(numbers),
        Method::KolmogorovSmirnovAsymptotic => asymptotic_kolmogorov_smirnov(numbers),
        Method::Wasserstein => wasserstein(numbers),
        Method::Energy => energy(numbers),
        Method::CramerVonMises => cramer_von_mises(numbers),
        Method::CramerVonMisesPermutation => permutation_cramer_von_mises(numbers),
        Method::AndersonDarling => anderson_darling(numbers, Ties::Midrank),
        Method::AndersonDarlingRight => anderson_darling(numbers, Ties::Right),
        Method::AndersonDarlingContinuous => anderson_darling(numbers, Ties::Continuous),
        Method::MannWhitney => mann_whitney(numbers, Alternative::Less),
        Method::MannWhitneyTwoSided => mann_whitney(numbers, Alternative::TwoSided),
        Method::TTest => student_t(numbers),
        Method::TTestWelch => welch_t(numbers),
        Method::Mmd => number_mmd(numbers),
        Method::EppsSingleton => epps_singleton(numbers),
        Method::PsiDeciles => decile_psi(numbers),
        Method::Hellinger => number_hellinger(numbers),
        Method::Psi | Method::JensenShannon | Method::JensenShannonBase2 | Method::KullbackLeibler => {
            of_shares(method, Shares::of_numbers(numbers))
        }
        Method::ChiSquare
        | Method::ChiSquareTwoSample
        | Method::G
        | Method::GTwoSample
        | Method::Z
        | Method::Fisher
        | Method::TotalVariation
        | Method::LInfinity => of_categories(method, &numbers.as_categories()),
    }
}

/// Over categories, for methods that take them.
pub fn of_categories(method: Method, categories: &Categories) -> Outcome {
    match method {
        Method::ChiSquare => chi_square(categories),
        Method::ChiSquareTwoSample => two_sample_chi_square(categories),
        Method::G => g_test(categories),
        Method::GTwoSample => two_sample_g_test(categories),
        Method::Z => proportions(categories),
        Method::Fisher => fisher_exact(categories),
        Method::TotalVariation => total_variation(categories),
        other => of_shares(other, Shares::of_categories(categories)),
    }
}

/// Over shares of bins, for distances between them.
pub fn of_shares(method: Method, shares: Shares) -> Outcome {
    match method {
        Method::Psi => psi(shares),
        Method::JensenShannon => jensen_shannon(&shares),
        Method::JensenShannonBase2 => base_2_jensen_shannon(&shares),
        Method::KullbackLeibler => kullback_leibler(shares),
        Method::Hellinger => hellinger(&shares),
        Method::LInfinity => l_infinity(&shares),
        _ => Err("the method compares numbers"),
    }
}
