//! Ensembles of decision trees, as `TreeEnsembleClassifier` and `TreeEnsembleRegressor` write them: nodes in lists.

use super::operators::operator;
use super::proto::NodeProto;
use std::collections::HashMap;

/// The decisions on the longest way through a tree; `None` for an operator without trees.
pub fn depth(node: &NodeProto) -> Option<usize> {
    operator(node).filter(|row| row.has_trees)?;
    let integers = |name: &str| node.attribute(name).map_or(&[][..], |attribute| &attribute.ints);
    let (trees, ids) = (integers("nodes_treeids"), integers("nodes_nodeids"));
    let (yes, no) = (integers("nodes_truenodeids"), integers("nodes_falsenodeids"));
    let modes = node.attribute("nodes_modes").map_or(&[][..], |attribute| &attribute.strings);
    let place: HashMap<(i64, i64), usize> =
        trees.iter().copied().zip(ids.iter().copied()).enumerate().map(|(at, key)| (key, at)).collect();
    let children = |at: usize| {
        let is_leaf = modes.get(at).is_none_or(|mode| mode.as_ref() == b"LEAF");
        let next = [yes.get(at), no.get(at)].map(|id| if is_leaf { None } else { Some((*trees.get(at)?, *id?)) });
        next.map(|key| key.and_then(|key| place.get(&key).copied()))
    };
    Some(longest_way(ids.len(), children))
}

/// The most steps from any place to one without children; `usize::MAX` when they go in a circle.
fn longest_way(places: usize, children: impl Fn(usize) -> [Option<usize>; 2]) -> usize {
    let mut parents = vec![0usize; places];
    for child in (0..places).flat_map(&children).flatten() {
        parents[child] += 1;
    }
    // Each place comes after all its parents, from which it gets its depth.
    let mut depths = vec![0usize; places];
    let mut ready: Vec<usize> = (0..places).filter(|&at| parents[at] == 0).collect();
    let mut seen = 0;
    while let Some(at) = ready.pop() {
        seen += 1;
        for child in children(at).into_iter().flatten() {
            depths[child] = depths[child].max(depths[at] + 1);
            parents[child] -= 1;
            if parents[child] == 0 {
                ready.push(child);
            }
        }
    }
    if seen < places { usize::MAX } else { depths.into_iter().max().unwrap_or(0) }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::onnx::Attribute;
    use crate::onnx::operators::ML;

    /// One tree in which each decision leads to a leaf and to the next decision.
    pub fn chain(node: NodeProto, depth: usize) -> NodeProto {
        let count = 2 * depth + 1;
        let mode = |at: usize| if at.is_multiple_of(2) && at + 1 < count { "BRANCH_LEQ" } else { "LEAF" };
        let ids = |ahead: usize| -> Vec<i64> {
            (0..count).map(|at| if mode(at) == "LEAF" { 0 } else { (at + ahead) as i64 }).collect()
        };
        NodeProto { domain: Some(ML.to_owned()), ..node }
            .with("nodes_treeids", vec![0; count])
            .with("nodes_nodeids", (0..count as i64).collect::<Vec<_>>())
            .with("nodes_truenodeids", ids(1))
            .with("nodes_falsenodeids", ids(2))
            .with("nodes_modes", Attribute::Strings((0..count).map(|at| mode(at).to_owned()).collect()))
    }

    #[test]
    fn the_longest_way_counts() {
        let of = |steps| depth(&chain(NodeProto::new("TreeEnsembleClassifier", ["x"], ["y"]), steps));
        assert_eq!([of(0), of(1), of(1000)], [Some(0), Some(1), Some(1000)]);
        assert_eq!(depth(&NodeProto::new("Relu", ["x"], ["y"])), None);
        assert_eq!(longest_way(2, |at| [Some(1 - at), None]), usize::MAX);
    }
}
