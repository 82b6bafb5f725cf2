//! The Hellinger distance.

use super::measured::{Measured, Outcome};
use super::samples::Numbers;
use super::shares::Shares;

/// The root of half the sum of squared differences between the roots of the shares.
pub fn hellinger(shares: &Shares) -> Outcome {
    let squares = shares.0.iter().map(|(reference, current)| (reference.sqrt() - current.sqrt()).powi(2));
    Ok(Measured::distance((squares.sum::<f64>() / 2.0).sqrt()))
}

/// Of numbers, in Evidently's bins for it: by Sturges' rule over the distinct numbers, however often each occurs and however
/// few they are.
pub fn number_hellinger(numbers: &Numbers) -> Outcome {
    hellinger(&Shares::within(numbers, &numbers.edges(numbers.distinct)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lies_between_nothing_and_one() {
        let distance = |shares: Vec<(f64, f64)>| hellinger(&Shares(shares)).unwrap().score;
        assert_eq!(distance(vec![(0.3, 0.3), (0.7, 0.7)]), 0.0);
        assert_eq!(distance(vec![(1.0, 0.0), (0.0, 1.0)]), 1.0);
        assert!((distance(vec![(1.0, 0.25), (0.0, 0.75)]) - 0.5f64.sqrt()).abs() < 1e-15);
    }

    #[test]
    fn bins_do_not_depend_on_how_often_a_number_occurs() {
        let numbers = |times| Numbers::of([vec![0.0; times], vec![1.0, 2.0, 3.0]].concat(), vec![3.0]).unwrap();
        // Three bins for four distinct numbers.
        let once = hellinger(&Shares(vec![(0.25, 0.0), (0.25, 0.0), (0.5, 1.0)]));
        assert_eq!(number_hellinger(&numbers(1)), once);
        assert!(number_hellinger(&numbers(97)).unwrap().score > 0.8);
    }
}
