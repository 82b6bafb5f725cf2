//! What is estimated, and the loss of a row that it is made of.

/// How far off the prediction of a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    Absolute,
    AbsolutePercentage,
    Squared,
    SquaredLogarithmic,
}

pub const LOSSES: usize = 4;

/// A value for each loss, in the order of [`Loss::ALL`].
pub type Losses<T> = [T; LOSSES];

impl Loss {
    pub const ALL: Losses<Self> = [Self::Absolute, Self::AbsolutePercentage, Self::Squared, Self::SquaredLogarithmic];

    /// `None` where it is not defined: the logarithmic one of numbers below 0.
    pub fn of(self, predicted: f64, truth: f64) -> Option<f64> {
        let error = predicted - truth;
        match self {
            Self::Absolute => Some(error.abs()),
            Self::AbsolutePercentage => Some(error.abs() / truth.abs().max(f64::EPSILON)),
            Self::Squared => Some(error * error),
            Self::SquaredLogarithmic if predicted < 0.0 || truth < 0.0 => None,
            Self::SquaredLogarithmic => {
                let error = predicted.ln_1p() - truth.ln_1p();
                Some(error * error)
            }
        }
    }

    /// The same for how much it scatters, which NannyML tells of percentages with the sign of the truth.
    pub fn scattered(self, predicted: f64, truth: f64) -> Option<f64> {
        let sign = if self == Self::AbsolutePercentage { truth.signum() } else { 1.0 };
        self.of(predicted, truth).map(|loss| loss * sign)
    }
}

/// A mean of losses, or its square root.
#[derive(Debug, Clone, Copy)]
pub struct Measure {
    pub name: &'static str,
    pub loss: Loss,
    pub is_root: bool,
}

impl Measure {
    pub const ALL: [Self; 6] = [
        Self { name: "mae", loss: Loss::Absolute, is_root: false },
        Self { name: "mape", loss: Loss::AbsolutePercentage, is_root: false },
        Self { name: "mse", loss: Loss::Squared, is_root: false },
        Self { name: "rmse", loss: Loss::Squared, is_root: true },
        Self { name: "msle", loss: Loss::SquaredLogarithmic, is_root: false },
        Self { name: "rmsle", loss: Loss::SquaredLogarithmic, is_root: true },
    ];

    /// Of the mean of its losses.
    pub fn value(self, mean: f64) -> f64 {
        if self.is_root { mean.sqrt() } else { mean }
    }
}
