//! Distributions, ranks and histograms: what statistics over samples are made of.

mod corrections;
mod cramer_von_mises;
mod distributions;
mod durbin;
mod exact_sum;
mod histogram;
mod kolmogorov;
mod lattice_paths;
mod permutations;
mod pooled;
mod quantile;

pub use corrections::Correction;
pub use cramer_von_mises::{exact_cramer_von_mises_sf, limiting_cramer_von_mises_sf};
pub use distributions::{chi_square_sf, ln_choose, normal_sf, student_t_two_sided};
pub use exact_sum::ExactSum;
pub use histogram::{bin_counts, sturges_edges};
pub use kolmogorov::kolmogorov_sf;
pub use lattice_paths::{greatest_common_divisor, lattice_path_sf};
pub use permutations::Permutations;
pub use pooled::{Group, Pooled};
pub use quantile::quantile;
