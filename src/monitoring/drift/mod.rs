//! Whether the values of columns are distributed otherwise than in a reference: tests and distances over raw samples, one
//! statistic a file.

mod anderson_darling;
mod chi_square;
mod choice;
mod compare;
mod contingency;
mod cramer_von_mises;
mod energy;
mod epps_singleton;
mod exact;
mod fisher_exact;
mod g_test;
mod gauges;
mod hellinger;
mod histogram;
mod jensen_shannon;
mod kolmogorov_smirnov;
mod kullback_leibler;
mod mann_whitney;
mod measured;
mod method;
mod mmd;
mod moments;
mod proportions;
mod psi;
mod samples;
mod shares;
mod sketched;
mod statistic;
mod t_test;
mod total_variation;
mod values;
mod wasserstein;

#[cfg(test)]
mod tests;

pub use compare::{ColumnReport, Options, Report, Verdict, compare};
pub use exact::{RecordedRows, compare_recorded};
pub use gauges::{DriftGauges, MAX_COLUMNS as MAX_GAUGE_COLUMNS, VersionDrift};
pub use histogram::{Histogram, Others};
pub use method::{Method, Score};
pub use sketched::{Bounds, Choices, ColumnDetails, ProfileReport, Quality, Unseen, compare_profiles};
pub use values::{Column, Kind, Rows, Values};
