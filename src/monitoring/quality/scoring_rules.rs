//! Proper scoring rules: how probable the truth was said to be.

use crate::statistics::ExactSum;

/// A certainty that was wrong costs -ln of this, not infinity: as scikit-learn clips doubles.
const LEAST_PROBABILITY: f64 = f64::EPSILON;

/// What a row adds to the sums of proper scoring rules.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Penalties {
    /// -ln(probability of the true class).
    pub log_loss: f64,
    /// The squared distance of the probabilities from the truth.
    pub brier: f64,
}

impl Penalties {
    /// Of the probabilities of the classes, and which of them is true. With two classes their squares are halved, so that the Brier score
    /// is the one of the second class.
    pub fn of(probabilities: impl ExactSizeIterator<Item = f64>, truth: usize) -> Self {
        let scale = if probabilities.len() == 2 { 0.5 } else { 1.0 };
        let mut penalties = Self { log_loss: 0.0, brier: 0.0 };
        for (class, probability) in probabilities.enumerate() {
            let target = f64::from(u8::from(class == truth));
            penalties.brier += scale * (probability - target).powi(2);
            if class == truth {
                penalties.log_loss = -probability.clamp(LEAST_PROBABILITY, 1.0 - LEAST_PROBABILITY).ln();
            }
        }
        penalties
    }
}

/// Sums over rows, by which parts of the rows merge.
#[derive(Debug, Clone, Default)]
pub struct ScoringRules {
    weight: f64,
    log_loss: ExactSum,
    brier: ExactSum,
}

impl ScoringRules {
    pub fn add(&mut self, Penalties { log_loss, brier }: Penalties, weight: f64) {
        self.weight += weight;
        self.log_loss.add(weight * log_loss);
        self.brier.add(weight * brier);
    }

    pub fn merge(&mut self, other: &Self) {
        self.weight += other.weight;
        self.log_loss.merge(&other.log_loss);
        self.brier.merge(&other.brier);
    }

    /// The mean of -ln(probability of the true class).
    pub fn log_loss(&self) -> f64 {
        self.log_loss.value() / self.weight
    }

    /// The mean squared distance of the probabilities from the truth: (p - y)² with two classes, the sum over the classes with more.
    pub fn brier(&self) -> f64 {
        self.brier.value() / self.weight
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let mut rules = ScoringRules::default();
        rules.add(Penalties::of([0.5, 0.5].into_iter(), 1), 1.0);
        assert_eq!((rules.log_loss(), rules.brier()), (2f64.ln(), 0.25));
        let mut other = ScoringRules::default();
        other.add(Penalties::of([1.0, 0.0].into_iter(), 1), 2.0);
        assert_eq!((other.log_loss(), other.brier()), (-f64::EPSILON.ln(), 1.0));
        rules.merge(&other);
        assert_eq!(rules.brier(), (0.25 + 2.0) / 3.0);
        let mut three = ScoringRules::default();
        three.add(Penalties::of([0.5, 0.25, 0.25].into_iter(), 0), 1.0);
        assert_eq!(three.brier(), 0.375);
    }
}
