//! From a method's name to its statistic over sketches.

use super::super::kolmogorov_smirnov::quick_kolmogorov_smirnov;
use super::super::measured::Measured;
use super::super::method::Method;
use super::super::samples::Categories;
use super::super::statistic::{of_categories, of_numbers};
use super::bounds::{Bounds, of_functions};
use super::divergence::of_bins;
use super::sides::Numerical;

/// The rows up to which labels are dealt anew.
const MAX_DEALT: u64 = 10_000;
const NEEDS_ROWS: &str = "it takes the rows themselves, of which a profile has only sketches";

/// A statistic with the bounds of its error, or why there is none.
pub type Bounded = Result<(Measured, Bounds), &'static str>;

/// Over numbers that the method takes.
pub fn of_number_sides(method: Method, sides: &Numerical) -> Bounded {
    let Numerical { numbers, errors } = sides;
    let is_exact = errors.are_none();
    let measured = match method {
        Method::AndersonDarling
        | Method::AndersonDarlingRight
        | Method::AndersonDarlingContinuous
        | Method::EppsSingleton
        | Method::Mmd
        | Method::CramerVonMisesPermutation
            if !is_exact || numbers.count() > MAX_DEALT =>
        {
            return Err(NEEDS_ROWS);
        }
        Method::TotalVariation if numbers.count() > MAX_DEALT => return Err(NEEDS_ROWS),
        Method::KolmogorovSmirnov => quick_kolmogorov_smirnov(numbers)?,
        _ => of_numbers(method, numbers)?,
    };
    if is_exact || matches!(method, Method::TTest | Method::TTestWelch) {
        return Ok((measured, Bounds::exact(&measured)));
    }
    let bounds = of_functions(method, numbers, &measured, *errors)
        .or_else(|| of_bins(method, numbers, &measured, *errors))
        .ok_or(NEEDS_ROWS)?;
    Ok((measured, bounds))
}

/// Over categories, for methods that take them. `is_exact`: all categories are counted, exactly. Otherwise `categories` has the
/// rest as one.
pub fn of_category_sides(method: Method, categories: &Categories, is_exact: bool) -> Bounded {
    if method == Method::TotalVariation && categories.reference + categories.current > MAX_DEALT {
        return Err(NEEDS_ROWS);
    }
    if is_exact {
        let measured = of_categories(method, categories)?;
        return Ok((measured, Bounds::exact(&measured)));
    }
    let most = match method {
        Method::JensenShannon => std::f64::consts::LN_2.sqrt(),
        Method::JensenShannonBase2 | Method::Hellinger => 1.0,
        _ => return Err("there are more categories than a profile counts one by one"),
    };
    let measured = of_categories(method, categories)?;
    // Taking categories together makes no distance larger.
    Ok((measured, Bounds::of_distance(measured.score, most)))
}
