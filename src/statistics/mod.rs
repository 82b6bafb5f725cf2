//! Distributions, ranks, histograms and sketches: what statistics over samples and streams are made of.

mod central_moments;
mod corrections;
mod cramer_von_mises;
mod distinct_sketch;
mod distributions;
mod durbin;
mod exact_sum;
mod frequent_items;
mod hash_sample;
mod histogram;
mod kolmogorov;
mod lattice_paths;
mod permutations;
mod pooled;
mod quantile;
mod quantile_sketch;
mod sketch_image;

pub use central_moments::CentralMoments;
pub use corrections::Correction;
pub use cramer_von_mises::{exact_cramer_von_mises_sf, limiting_cramer_von_mises_sf};
pub use distinct_sketch::{Distinct, DistinctSketch};
pub use distributions::{chi_square_sf, ln_choose, normal_sf, student_t_two_sided};
pub use exact_sum::ExactSum;
pub use frequent_items::FrequentItems;
pub use hash_sample::HashSample;
pub use histogram::sturges_edges;
pub use kolmogorov::kolmogorov_sf;
pub use lattice_paths::{greatest_common_divisor, lattice_path_sf};
pub use permutations::Permutations;
pub use pooled::{Group, Pooled};
pub use quantile_sketch::QuantileSketch;
