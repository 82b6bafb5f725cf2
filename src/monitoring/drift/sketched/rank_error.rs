//! How far a sketch of quantiles may be off.

/// 99 of 100 values of a normal distribution lie within so many standard deviations.
pub const DEVIATIONS: f64 = 2.576;
/// The largest error over a whole distribution function is larger than the error at one number, and so is that of a difference of two
/// shares: by simulation, and as the authors of the sketch state it for the difference.
const EVERYWHERE: f64 = 1.3;

/// The error of a share that a KLL sketch gives: at most this in 99 of 100 cases. 0 for exact counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankError(pub f64);

impl RankError {
    /// At all numbers at once.
    pub fn everywhere(self) -> f64 {
        self.0 * EVERYWHERE
    }

    /// Where the distribution function is `share`. At its ends only few of the numbers that the sketch keeps are left, each of which
    /// stands for about half of the error: what one of them leaves open is less than the error in the middle.
    pub fn at(self, share: f64) -> f64 {
        self.of_few(share.min(1.0 - share)).min(self.0)
    }

    /// Of the share between two numbers.
    pub fn between(self, share: f64) -> f64 {
        self.of_few(share).min(self.everywhere())
    }

    /// As many numbers as `share` says, kept or not by chance in steps of half the error.
    fn of_few(self, share: f64) -> f64 {
        let step = self.0 / 2.0;
        DEVIATIONS * (step * (share.max(0.0) + step / 4.0)).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_less_at_the_ends() {
        let error = RankError(0.01);
        assert_eq!(error.at(0.5), 0.01);
        assert!(error.at(0.0) < error.at(0.001) && error.at(0.001) < 0.01);
        assert_eq!((RankError(0.0).at(0.3), RankError(0.0).between(0.3)), (0.0, 0.0));
        assert_eq!(error.between(0.5), error.everywhere());
    }
}
