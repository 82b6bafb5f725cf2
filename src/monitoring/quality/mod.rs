//! How good predictions were whose truth is known, on raw rows, by the definitions of scikit-learn.
//!
//! What is a sum is a sum that merges: two parts of the rows give what all of them do. Areas under the ROC curve and bins of equal mass
//! need the rows themselves.

mod calibration;
mod classification;
mod confusion;
mod ranking;
mod regression;
mod rows;
mod scores;
mod scoring_rules;

pub use calibration::{Binning, Calibration, Reliability, ReliabilityBin, bin_of, calibration};
pub use classification::{
    ClassQuality, ClassificationQuality, ClassificationRows, MAX_CLASSES, Probabilistic, check_classes, classification,
};
pub use confusion::{Averages, ConfusionMatrix, macro_averages, macro_averages_of_defined};
pub use ranking::{RocAuc, RocAverages, average_precision, averages, roc_auc};
pub use regression::{RegressionQuality, RegressionRows, RegressionSums, explained, regression};
pub use scores::{ScoreKind, ScoreTable, Scores};
pub use scoring_rules::{Penalties, ScoringRules};
