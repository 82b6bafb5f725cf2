//! Regression trees, boosted (Friedman, 2001), that grow by their best leaf over histograms of the features.
//!
//! The same rows give the same trees: nothing is drawn by chance.

use serde::{Deserialize, Serialize};

const TREES: usize = 50;
const LEAVES: usize = 16;
/// Of each leaf.
const MIN_ROWS: usize = 20;
/// What of the residuals a tree takes away.
const RATE: f64 = 0.1;
/// Thresholds of a feature at most, one less than its bins.
const THRESHOLDS: usize = 63;
/// Numbers that trees are fitted to at most: of more rows every second, third... is taken.
const MAX_NUMBERS: usize = 1 << 20;

/// Rows of features, one behind the other.
#[derive(Debug, Clone, Copy)]
pub struct Table<'a> {
    pub columns: usize,
    pub values: &'a [f64],
}

impl<'a> Table<'a> {
    pub fn row(self, row: usize) -> &'a [f64] {
        &self.values[row * self.columns..(row + 1) * self.columns]
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trees {
    base: f64,
    trees: Vec<Vec<Node>>,
}

/// What is at most the threshold goes left, and so does NaN. Children stand behind their parent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum Node {
    Split { feature: u32, threshold: f64, left: u32, right: u32 },
    Leaf(f64),
}

impl Trees {
    /// Those that come close to a target for each row; there is at least one row.
    pub fn fit(features: Table, target: &[f64]) -> Self {
        let step = (target.len() * features.columns).div_ceil(MAX_NUMBERS).max(1);
        let rows: Vec<usize> = (0..target.len()).step_by(step).collect();
        let binned = Binned::of(features, &rows);
        let base = rows.iter().map(|row| target[*row]).sum::<f64>() / rows.len() as f64;
        let mut residuals: Vec<f64> = rows.iter().map(|row| target[*row] - base).collect();
        let mut trees = Vec::new();
        for _ in 0..TREES {
            let tree = Growth::new(&binned, &residuals).grown();
            if tree.len() == 1 {
                break;
            }
            for (at, residual) in residuals.iter_mut().enumerate() {
                *residual -= value_in(&tree, features.row(rows[at]));
            }
            trees.push(tree);
        }
        Self { base, trees }
    }

    pub fn at(&self, row: &[f64]) -> f64 {
        self.base + self.trees.iter().map(|tree| value_in(tree, row)).sum::<f64>()
    }

    /// Whether they can be some that were fitted to so many columns.
    pub fn is_sound(&self, columns: usize) -> bool {
        let is_sound = |tree: &Vec<Node>| {
            let is_behind = |child: u32, at: usize| child as usize > at && (child as usize) < tree.len();
            !tree.is_empty()
                && tree.iter().enumerate().all(|(at, node)| match *node {
                    Node::Split { feature, left, right, .. } => {
                        (feature as usize) < columns && is_behind(left, at) && is_behind(right, at)
                    }
                    Node::Leaf(value) => value.is_finite(),
                })
        };
        self.base.is_finite() && self.trees.len() <= TREES && self.trees.iter().all(is_sound)
    }
}

fn value_in(tree: &[Node], row: &[f64]) -> f64 {
    let mut at = 0;
    loop {
        match tree[at] {
            Node::Leaf(value) => return value,
            Node::Split { feature, threshold, left, right } => {
                at = if row[feature as usize] > threshold { right } else { left } as usize;
            }
        }
    }
}

/// The bin of each feature of each row, by column.
struct Binned {
    rows: usize,
    bins: Vec<u8>,
    /// Ascending, of each column: a value is in the bin of the first that it does not exceed.
    thresholds: Vec<Vec<f64>>,
}

impl Binned {
    fn of(features: Table, rows: &[usize]) -> Self {
        let mut bins = Vec::with_capacity(rows.len() * features.columns);
        let thresholds = (0..features.columns).map(|column| {
            let values: Vec<f64> = rows.iter().map(|row| features.row(*row)[column]).collect();
            let thresholds = thresholds_of(&values);
            bins.extend(values.iter().map(|value| match value.is_nan() {
                true => 0,
                false => thresholds.partition_point(|threshold| threshold < value) as u8,
            }));
            thresholds
        });
        let thresholds = thresholds.collect();
        Self { rows: rows.len(), bins, thresholds }
    }

    fn column(&self, column: usize) -> &[u8] {
        &self.bins[column * self.rows..(column + 1) * self.rows]
    }
}

/// Between distinct values; of many, where about as many rows are on either side of two neighbours.
fn thresholds_of(values: &[f64]) -> Vec<f64> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let between = |pair: &[f64]| pair[0] + (pair[1] - pair[0]) / 2.0;
    let mut distinct = sorted.clone();
    distinct.dedup();
    let mut thresholds: Vec<f64> = if distinct.len() <= THRESHOLDS + 1 {
        distinct.windows(2).map(between).collect()
    } else {
        (1..=THRESHOLDS).map(|part| sorted[part * sorted.len() / (THRESHOLDS + 1)]).collect()
    };
    thresholds.retain(|threshold| threshold.is_finite());
    thresholds.dedup();
    thresholds
}

/// A tree while it grows.
struct Growth<'a> {
    binned: &'a Binned,
    residuals: &'a [f64],
    nodes: Vec<Node>,
    open: Vec<Open>,
}

/// A leaf that may be split.
struct Open {
    node: usize,
    rows: Vec<u32>,
    best: Option<Split>,
}

#[derive(Clone, Copy)]
struct Split {
    /// By how much it lowers the sum of squares.
    gain: f64,
    column: usize,
    /// The last bin that goes left.
    bin: usize,
}

impl<'a> Growth<'a> {
    fn new(binned: &'a Binned, residuals: &'a [f64]) -> Self {
        let mut growth = Self { binned, residuals, nodes: Vec::new(), open: Vec::new() };
        growth.add_leaf((0..residuals.len() as u32).collect());
        growth
    }

    fn grown(mut self) -> Vec<Node> {
        while self.open.len() < LEAVES {
            let gain = |open: &Open| open.best.map_or(0.0, |best| best.gain);
            // The first of equals.
            let best = (0..self.open.len())
                .rev()
                .max_by(|one, other| gain(&self.open[*one]).total_cmp(&gain(&self.open[*other])));
            let Some((at, split)) = best.and_then(|at| Some((at, self.open[at].best?))) else { break };
            let Open { node, rows, .. } = self.open.swap_remove(at);
            let bins = self.binned.column(split.column);
            let (left, right): (Vec<u32>, Vec<u32>) =
                rows.into_iter().partition(|row| bins[*row as usize] as usize <= split.bin);
            let threshold = self.binned.thresholds[split.column][split.bin];
            let [left, right] = [left, right].map(|rows| self.add_leaf(rows));
            self.nodes[node] = Node::Split { feature: split.column as u32, threshold, left, right };
        }
        self.nodes
    }

    fn add_leaf(&mut self, rows: Vec<u32>) -> u32 {
        let node = self.nodes.len();
        let sum: f64 = rows.iter().map(|row| self.residuals[*row as usize]).sum();
        self.nodes.push(Node::Leaf(RATE * sum / rows.len() as f64));
        let best = self.best_split(&rows, sum);
        self.open.push(Open { node, rows, best });
        node as u32
    }

    fn best_split(&self, rows: &[u32], sum: f64) -> Option<Split> {
        let mut best: Option<Split> = None;
        let count = rows.len();
        if count < 2 * MIN_ROWS {
            return None;
        }
        for (column, thresholds) in self.binned.thresholds.iter().enumerate() {
            let bins = self.binned.column(column);
            let mut histogram = [(0.0, 0usize); THRESHOLDS + 1];
            for row in rows {
                let (sum, count) = &mut histogram[bins[*row as usize] as usize];
                *sum += self.residuals[*row as usize];
                *count += 1;
            }
            let (mut left_sum, mut left) = (0.0, 0);
            for (bin, (bin_sum, bin_count)) in histogram[..thresholds.len()].iter().enumerate() {
                left_sum += bin_sum;
                left += bin_count;
                if left < MIN_ROWS || count - left < MIN_ROWS {
                    continue;
                }
                let square = |sum: f64, count: usize| sum * sum / count as f64;
                let gain = square(left_sum, left) + square(sum - left_sum, count - left) - square(sum, count);
                if gain > best.map_or(0.0, |best| best.gain) {
                    best = Some(Split { gain, column, bin });
                }
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(rows: usize, columns: usize, value: impl Fn(&[f64]) -> f64) -> (Vec<f64>, Trees) {
        let mut state = 1u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as f64 / (1u64 << 31) as f64
        };
        let values: Vec<f64> = (0..rows * columns).map(|_| random()).collect();
        let table = Table { columns, values: &values };
        let target: Vec<f64> = (0..rows).map(|row| value(table.row(row))).collect();
        let trees = Trees::fit(table, &target);
        (values, trees)
    }

    #[test]
    fn they_learn_steps_and_where_two_features_meet() {
        let step = |row: &[f64]| if row[0] > 0.5 { 3.0 } else { 1.0 };
        let (_, trees) = fit(1000, 2, step);
        assert!((trees.at(&[0.9, 0.0]) - 3.0).abs() < 0.02 && (trees.at(&[0.1, 0.9]) - 1.0).abs() < 0.02);
        let both = |row: &[f64]| f64::from(u8::from(row[0] > 0.5 && row[1] > 0.3)) * 10.0;
        let (_, trees) = fit(2000, 3, both);
        assert!(
            trees.at(&[0.8, 0.8, 0.5]) > 9.5 && trees.at(&[0.8, 0.1, 0.5]) < 0.5 && trees.at(&[0.2, 0.8, 0.5]) < 0.5
        );
    }

    #[test]
    fn the_same_rows_give_the_same_trees_and_no_trees_are_a_constant() {
        let (_, one) = fit(500, 3, |row| row[0] * row[1] - row[2]);
        let (_, other) = fit(500, 3, |row| row[0] * row[1] - row[2]);
        assert!(one == other && one.is_sound(3) && !one.is_sound(0));
        let (_, constant) = fit(100, 1, |_| 7.0);
        assert_eq!((constant.at(&[0.3]), constant.trees.len()), (7.0, 0));
        let few = Trees::fit(Table { columns: 1, values: &[1.0, 2.0] }, &[1.0, 3.0]);
        assert_eq!(few.at(&[5.0]), 2.0);
    }

    #[test]
    fn values_that_are_not_finite_have_a_place() {
        let values: Vec<f64> = (0..200).map(|row| if row % 2 == 0 { f64::NAN } else { f64::INFINITY }).collect();
        let mut values = values;
        (0..100).for_each(|at| values.extend([at as f64]));
        let target: Vec<f64> = (0..300).map(|row| if row < 200 && row % 2 == 0 { -1.0 } else { 1.0 }).collect();
        let trees = Trees::fit(Table { columns: 1, values: &values }, &target);
        assert!(trees.at(&[f64::NAN]) < trees.at(&[90.0]) && trees.at(&[f64::INFINITY]) > 0.0);
    }
}
