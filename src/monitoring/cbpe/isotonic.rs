//! Isotonic regression: what a score was worth on rows whose truth is known.

use serde::{Deserialize, Serialize};

/// A function that never falls, between knots a straight line, beyond them the nearest one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Isotonic {
    knots: Vec<(f64, f64)>,
}

/// Scores next to each other with one value.
struct Block {
    first: f64,
    last: f64,
    sum: f64,
    count: f64,
}

impl Isotonic {
    /// The one with the least squared distance from scores and their outcomes, by pooling adjacent violators (Ayer et al., 1955).
    pub fn fit(rows: impl Iterator<Item = (f64, bool)>) -> Self {
        let mut rows: Vec<_> = rows.collect();
        rows.sort_unstable_by(|one, other| one.0.total_cmp(&other.0));
        let mut blocks: Vec<Block> = Vec::new();
        for tied in rows.chunk_by(|one, other| one.0 == other.0) {
            let sum = tied.iter().filter(|row| row.1).count() as f64;
            let mut block = Block { first: tied[0].0, last: tied[0].0, sum, count: tied.len() as f64 };
            while let Some(before) = blocks.pop_if(|before| before.mean() >= block.mean()) {
                let (sum, count) = (before.sum + block.sum, before.count + block.count);
                block = Block { first: before.first, sum, count, ..block };
            }
            blocks.push(block);
        }
        let mut knots: Vec<_> =
            blocks.iter().flat_map(|block| [(block.first, block.mean()), (block.last, block.mean())]).collect();
        knots.dedup();
        Self { knots }
    }

    /// Whether it can be one that was fitted.
    pub fn is_sound(&self) -> bool {
        self.knots.windows(2).all(|pair| pair[0].0 <= pair[1].0)
            && self.knots.iter().all(|knot| (0.0..=1.0).contains(&knot.1))
    }

    pub fn at(&self, score: f64) -> f64 {
        let after = self.knots.partition_point(|knot| knot.0 < score);
        match (after.checked_sub(1).and_then(|before| self.knots.get(before)), self.knots.get(after)) {
            (Some(before), Some(after)) => {
                before.1 + (score - before.0) * ((after.1 - before.1) / (after.0 - before.0))
            }
            (Some(only), None) | (None, Some(only)) => only.1,
            (None, None) => score,
        }
    }
}

impl Block {
    fn mean(&self) -> f64 {
        self.sum / self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn violators_are_pooled_and_the_rest_is_between() {
        let rows = [(0.1, false), (0.2, true), (0.3, false), (0.4, true), (0.4, true)];
        let found = Isotonic::fit(rows.into_iter());
        assert_eq!(found.knots, [(0.1, 0.0), (0.2, 0.5), (0.3, 0.5), (0.4, 1.0)]);
        assert_eq!([0.0, 0.1, 0.25, 0.4, 0.9].map(|score| found.at(score)), [0.0, 0.0, 0.5, 1.0, 1.0]);
        assert!((found.at(0.15) - 0.25).abs() < 1e-12);
    }
}
