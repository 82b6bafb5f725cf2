//! A column of vectors: a tensor with too many columns to profile each.

use super::number::Number;
use crate::error::Result;
use serde::{Deserialize, Serialize};

/// Of longer vectors so many elements at equal distances decide the direction.
const MAX_DIMENSIONS: usize = 1024;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Vectors {
    infinite: u64,
    /// Euclidean.
    norms: Number,
    directions: Directions,
}

/// What the mean of the vectors, and of their directions, is made of.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
enum Directions {
    #[default]
    None,
    Sums {
        /// Of the whole vector.
        dimensions: u64,
        /// Vectors whose direction is in `units`: all but zero.
        directed: u64,
        vectors: Vec<f64>,
        units: Vec<f64>,
    },
    /// Not all vectors are as long.
    Varied,
}

impl Vectors {
    /// Without NaN.
    pub(super) fn add(&mut self, elements: &[f64]) {
        let square: f64 = elements.iter().map(|element| element * element).sum();
        if !square.is_finite() {
            self.infinite = self.infinite.saturating_add(1);
            return;
        }
        self.norms.add(&[square.sqrt()]);
        self.directions.add(elements);
    }

    pub(super) fn merge(&mut self, other: &Self) -> Result<()> {
        self.infinite = self.infinite.saturating_add(other.infinite);
        self.directions.merge(&other.directions);
        self.norms.merge(&other.norms)
    }

    /// Of vectors of finite length. All measures are of these.
    pub fn count(&self) -> u64 {
        self.norms.count()
    }

    /// Vectors with an infinite element, or so long that no double holds the square of it.
    pub fn infinite(&self) -> u64 {
        self.infinite
    }

    pub fn norms(&self) -> &Number {
        &self.norms
    }

    /// How many elements each has, when that is the same for all.
    pub fn dimensions(&self) -> Option<u64> {
        match self.directions {
            Directions::Sums { dimensions, .. } => Some(dimensions),
            Directions::None | Directions::Varied => None,
        }
    }

    /// The mean of the cosines between these vectors and the mean vector of the reference. `None` for vectors of another length, and
    /// without a direction.
    pub fn mean_cosine(&self, reference: &Self) -> Option<f64> {
        let Directions::Sums { dimensions, directed, units, .. } = &self.directions else { return None };
        let Directions::Sums { dimensions: of_reference, vectors, .. } = &reference.directions else { return None };
        let length = norm(vectors);
        if dimensions != of_reference || *directed == 0 || !(length > 0.0 && length.is_finite()) {
            return None;
        }
        let product: f64 = units.iter().zip(vectors).map(|(unit, mean)| unit * (mean / length)).sum();
        Some((product / *directed as f64).clamp(-1.0, 1.0))
    }

    pub(super) fn is_sound(&self) -> bool {
        self.norms.is_sound()
            && match &self.directions {
                Directions::Sums { dimensions, directed, vectors, units } => {
                    let kept = usize::try_from(*dimensions).map(kept);
                    Ok(vectors.len()) == kept && Ok(units.len()) == kept && *directed <= self.count()
                }
                Directions::None => self.count() == 0,
                Directions::Varied => true,
            }
    }
}

impl Directions {
    fn add(&mut self, elements: &[f64]) {
        let kept = kept(elements.len());
        if matches!(self, Self::None) {
            let zeros = vec![0.0; kept];
            *self = Self::Sums { dimensions: elements.len() as u64, directed: 0, vectors: zeros.clone(), units: zeros };
        }
        let Self::Sums { dimensions, directed, vectors, units } = self else { return };
        if *dimensions != elements.len() as u64 {
            *self = Self::Varied;
            return;
        }
        let step = elements.len().div_ceil(MAX_DIMENSIONS).max(1);
        let elements = elements.iter().step_by(step);
        let length = elements.clone().map(|element| element * element).sum::<f64>().sqrt();
        vectors.iter_mut().zip(elements.clone()).for_each(|(sum, element)| *sum += element);
        if length > 0.0 {
            *directed = directed.saturating_add(1);
            units.iter_mut().zip(elements).for_each(|(sum, element)| *sum += element / length);
        }
    }

    fn merge(&mut self, other: &Self) {
        let Self::Sums { dimensions, directed, vectors, units } = other else {
            if matches!(other, Self::Varied) {
                *self = Self::Varied;
            }
            return;
        };
        match self {
            Self::None => *self = other.clone(),
            Self::Sums { dimensions: own, directed: own_directed, vectors: own_vectors, units: own_units }
                if own == dimensions =>
            {
                *own_directed = own_directed.saturating_add(*directed);
                own_vectors.iter_mut().zip(vectors).for_each(|(sum, value)| *sum += value);
                own_units.iter_mut().zip(units).for_each(|(sum, value)| *sum += value);
            }
            Self::Sums { .. } | Self::Varied => *self = Self::Varied,
        }
    }
}

/// How many of so many elements are at the distance that leaves at most [`MAX_DIMENSIONS`].
fn kept(dimensions: usize) -> usize {
    dimensions.div_ceil(dimensions.div_ceil(MAX_DIMENSIONS).max(1))
}

fn norm(vector: &[f64]) -> f64 {
    vector.iter().map(|element| element * element).sum::<f64>().sqrt()
}
