//! How calls of one model become one run, and its outputs become their answers.

use super::rows;
use crate::engine::run::Call;
use crate::tensor::{Tensor, Value};
use std::collections::HashSet;

/// A way to put calls together.
pub trait Join: Send + Sync {
    /// What a call adds to a common run, in the unit that batches are limited by. `None`: it can only run alone.
    fn cost(&self, call: &Call) -> Option<usize>;

    /// Whether two calls, both of which have a cost, may be in one group.
    fn is_same_group(&self, one: &Call, other: &Call) -> bool;

    /// The common inputs of a group, in the order of the inputs of its calls.
    fn join(&self, group: &[&Call]) -> Vec<Value>;

    /// The parts of an output, by the costs of the calls. `None` when it cannot be taken apart.
    fn split(&self, output: Value, costs: &[usize]) -> Option<Vec<Value>>;
}

/// Along the leading dimension, which all inputs and outputs have; a call costs its rows.
pub struct ByRows {
    /// Inputs that have a default in the model: what is given for them has no rows.
    pub defaults: HashSet<String>,
}

impl Join for ByRows {
    fn cost(&self, call: &Call) -> Option<usize> {
        let has_default = |(name, _): &(String, Value)| !self.defaults.is_empty() && self.defaults.contains(name);
        if call.alone || call.inputs.iter().any(has_default) {
            return None;
        }
        let rows = call.inputs.first().and_then(|(_, value)| rows::count(value)).filter(|&rows| rows > 0)?;
        call.inputs.iter().all(|(_, value)| rows::count(value) == Some(rows)).then_some(rows)
    }

    /// They want the same outputs, and each input has the same name, dtype and row shape.
    fn is_same_group(&self, one: &Call, other: &Call) -> bool {
        let same = |((name, value), (other_name, other)): (&(String, Value), &(String, Value))| {
            let (Some(value), Some(other)) = (value.as_tensor(), other.as_tensor()) else { return false };
            name == other_name && value.dtype == other.dtype && value.shape[1..] == other.shape[1..]
        };
        one.outputs == other.outputs
            && one.inputs.len() == other.inputs.len()
            && one.inputs.iter().zip(&*other.inputs).all(same)
    }

    fn join(&self, group: &[&Call]) -> Vec<Value> {
        let inputs = group.first().map_or(0, |call| call.inputs.len());
        let join = |at: usize| {
            let parts: Vec<&Tensor> = group.iter().filter_map(|call| call.inputs[at].1.as_tensor()).collect();
            rows::join(&parts).into()
        };
        (0..inputs).map(join).collect()
    }

    fn split(&self, output: Value, costs: &[usize]) -> Option<Vec<Value>> {
        rows::split(output, costs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn call(rows: usize, width: usize) -> Call {
        let x = Tensor::from_elements(&[rows, width], &vec![1.0f32; rows * width]);
        Call {
            inputs: vec![("x".to_owned(), x.into())].into(),
            outputs: Vec::new(),
            priority: 0,
            alone: false,
            exact: false,
            account: None,
        }
    }

    fn by_rows() -> ByRows {
        ByRows { defaults: HashSet::from(["w".to_owned()]) }
    }

    #[test]
    fn a_call_costs_its_rows_unless_it_can_only_run_alone() {
        let join = by_rows();
        assert_eq!(join.cost(&call(3, 2)), Some(3));
        assert_eq!(join.cost(&call(0, 2)), None, "no rows");
        assert_eq!(join.cost(&Call { alone: true, ..call(3, 2) }), None);
        let with = |name: &str, rows: usize| {
            let mut call = call(3, 2);
            Arc::make_mut(&mut call.inputs).push((name.to_owned(), call_input(rows)));
            call
        };
        assert_eq!(join.cost(&with("y", 3)), Some(3));
        assert_eq!(join.cost(&with("y", 2)), None, "other rows");
        assert_eq!(join.cost(&with("w", 3)), None, "instead of a default");
    }

    fn call_input(rows: usize) -> Value {
        Tensor::from_elements(&[rows], &vec![1.0f32; rows]).into()
    }

    #[test]
    fn calls_of_one_group_want_the_same_of_the_same_kind_of_rows() {
        let join = by_rows();
        assert!(join.is_same_group(&call(1, 2), &call(5, 2)));
        assert!(!join.is_same_group(&call(1, 2), &call(1, 3)));
        assert!(!join.is_same_group(&call(1, 2), &Call { outputs: vec!["y".to_owned()], ..call(1, 2) }));
        let texts = Call {
            inputs: vec![("x".to_owned(), Tensor::from_strings(&[1, 2], vec![String::new(); 2]).into())].into(),
            ..call(1, 2)
        };
        assert!(!join.is_same_group(&call(1, 2), &texts));
    }
}
