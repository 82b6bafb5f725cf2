//! Finding the weights of a layer by the many names that the versions of Keras give them.
//!
//! Keras 2 writes `dense/kernel` and `lstm/lstm_cell/kernel`, Keras 3 puts the models around in front
//! (`sequential/dense/kernel`), its `.keras` files count instead (`layers/dense_1/vars/0`), Keras 1 wrote `dense_1_W`.

use super::spelling::snake_case;
use crate::error::{Result, error};
use crate::tensor::DType;
use crate::tensorflow::constant::Constant;
use crate::tensorflow::weights::Weights;
use std::collections::{BTreeMap, HashSet};

/// All weights of the model, and which of them were taken.
pub struct WeightIndex<'a> {
    weights: BTreeMap<String, &'a Constant>,
    taken: HashSet<String>,
    /// Weights are numbered by layer, not named.
    numbered: bool,
}

/// Where the weights of a layer stand.
#[derive(Debug, Clone)]
pub struct Scope {
    /// What their names may start with, most exact first.
    named: Vec<String>,
    /// The folder of the layer where weights are numbered.
    numbered: String,
    /// The number of the next.
    next: usize,
}

impl<'a> WeightIndex<'a> {
    pub fn new(weights: &'a Weights) -> Self {
        let normal = |name: &str| {
            let name = name.strip_suffix(":0").unwrap_or(name);
            name.replace("_layer_checkpoint_dependencies/", "layers/")
        };
        let weights: BTreeMap<String, &Constant> =
            weights.iter().map(|(name, weight)| (normal(name), weight)).collect();
        let numbered = weights.keys().any(|name| name.contains("/vars/"));
        Self { weights, taken: HashSet::new(), numbered }
    }

    /// The next weight of a layer, which it calls `variable`, as float32. An empty name stands for its only weight.
    ///
    /// # Errors
    /// `INVALID_MODEL` when there is none, more than one that may be meant, or one of another rank.
    pub fn take(&mut self, scope: &mut Scope, variable: &str, rank: usize) -> Result<Constant> {
        let name = if self.numbered {
            Some(format!("{}/vars/{}", scope.numbered, scope.next)).filter(|name| self.weights.contains_key(name))
        } else {
            self.find(scope, variable)?
        };
        scope.next += 1;
        let name = name.ok_or_else(|| error!(InvalidModel, "there is no weight \"{variable}\" for it"))?;
        let weight = self.weights[&name];
        if weight.shape.len() != rank {
            return Err(error!(
                InvalidModel,
                "the weight \"{name}\" should have {rank} axes, its shape is {:?}", weight.shape
            ));
        }
        self.taken.insert(name);
        match weight.numbers() {
            _ if weight.dtype == DType::Float32 => Ok(weight.clone()),
            Some(numbers) => Ok(Constant::of_numbers(DType::Float32, &weight.shape, &numbers)),
            None => Err(error!(InvalidModel, "the weight \"{variable}\" is {}", weight.dtype.name())),
        }
    }

    /// True when a weight of that name is there.
    pub fn has(&self, scope: &Scope, variable: &str) -> bool {
        !self.numbered && matches!(self.find(scope, variable), Ok(Some(_)))
    }

    /// Passes over a weight that predictions do not need.
    pub fn skip(&mut self, scope: &mut Scope, variable: &str) {
        let name = if self.numbered {
            Some(format!("{}/vars/{}", scope.numbered, scope.next))
        } else {
            self.find(scope, variable).ok().flatten()
        };
        scope.next += 1;
        self.taken.extend(name);
    }

    fn find(&self, scope: &Scope, variable: &str) -> Result<Option<String>> {
        for prefix in &scope.named {
            if let Some(found) = self.choose(prefix, variable)? {
                return Ok(Some(found));
            }
        }
        let old = scope.named.last().map(|layer| format!("{}_{}", layer.trim_end_matches('/'), old_name(variable)));
        if let Some(old) = old.filter(|old| self.weights.contains_key(old)) {
            return Ok(Some(old));
        }
        // The models around may have been renamed since: any prefix will do when it is the only one.
        let Some(layer) = scope.named.last() else { return Ok(None) };
        let inside = format!("/{layer}");
        let around: HashSet<&str> =
            self.weights.keys().filter_map(|name| name.find(&inside).map(|at| &name[..at + inside.len()])).collect();
        match around.into_iter().collect::<Vec<_>>().as_slice() {
            [only] => self.choose(only, variable),
            // Keras 2 gives the weights of some layers no prefix.
            _ => Ok(Some(variable.to_owned()).filter(|name| self.weights.contains_key(name))),
        }
    }

    /// The weight whose name starts with `prefix` and ends with the variable.
    fn choose(&self, prefix: &str, variable: &str) -> Result<Option<String>> {
        let within: Vec<&String> = self
            .weights
            .range(prefix.to_owned()..)
            .map(|(name, _)| name)
            .take_while(|name| name.starts_with(prefix))
            .collect();
        if let ("", [only]) = (variable, within.as_slice()) {
            return Ok(Some((*only).clone()));
        }
        let endings = [Some(variable), Some(old_name(variable)).filter(|old| !old.is_empty())];
        for (at, ending) in endings.into_iter().flatten().enumerate() {
            let inside = if at == 0 { format!("/{ending}") } else { format!("_{ending}") };
            let fits = |name: &&String| name[prefix.len()..] == *ending || name.ends_with(&inside);
            let mut fitting: Vec<&String> = within.iter().copied().filter(fits).collect();
            fitting.sort_by_key(|name| name.matches('/').count());
            match fitting.as_slice() {
                [] => {}
                [one, other, ..] if one.matches('/').count() == other.matches('/').count() => {
                    return Err(error!(InvalidModel, "both \"{one}\" and \"{other}\" may be its \"{variable}\""));
                }
                [nearest, ..] => return Ok(Some((*nearest).clone())),
            }
        }
        Ok(None)
    }

    /// The names of weights that no layer took, without the states of training and of random generators.
    pub fn left_over(&self) -> Vec<&str> {
        let needless = |name: &str| {
            name.starts_with("optimizer/")
                || name.contains("seed_generator")
                || name.ends_with("/random_generator/state")
        };
        let names = self.weights.keys().map(String::as_str);
        names.filter(|name| !self.taken.contains(*name) && !needless(name)).collect()
    }
}

/// What Keras 1 called a variable.
fn old_name(variable: &str) -> &str {
    match variable {
        "kernel" | "embeddings" => "W",
        "recurrent_kernel" => "U",
        "bias" => "b",
        "moving_mean" => "running_mean",
        "moving_variance" => "running_std",
        "gamma" | "beta" => variable,
        gate if gate.starts_with(['W', 'U', 'b']) => gate,
        _ => "",
    }
}

impl Scope {
    /// The outermost model.
    pub fn root() -> Self {
        Self { named: Vec::new(), numbered: String::new(), next: 0 }
    }

    /// A model of this name within.
    pub fn model(&self, name: &str) -> Self {
        Self { named: self.names(name), ..self.clone() }
    }

    /// A layer of a model, where it is the `count`th of its class.
    pub fn layer(&self, name: &str, class: &str, count: usize) -> Self {
        let parent = if self.numbered.is_empty() { String::new() } else { format!("{}/", self.numbered) };
        let number = if count == 0 { String::new() } else { format!("_{count}") };
        Self { named: self.names(name), numbered: format!("{parent}layers/{}{number}", snake_case(class)), next: 0 }
    }

    fn names(&self, name: &str) -> Vec<String> {
        self.named.iter().map(|prefix| format!("{prefix}{name}/")).chain([format!("{name}/")]).collect()
    }

    /// A part of a list within a layer, where it is the `count`th of its class; its weights' names go on with one of
    /// `prefixes`.
    pub fn within(&self, prefixes: &[&str], folder: &str, class: &str, count: usize) -> Self {
        let number = if count == 0 { String::new() } else { format!("_{count}") };
        self.part(prefixes, &format!("{folder}/{}{number}", snake_case(class)))
    }

    /// A part of a layer: weights whose names go on with one of `prefixes` (which end with `/` unless they are the start of
    /// a name), or that are numbered in the folder `folder`.
    pub fn part(&self, prefixes: &[&str], folder: &str) -> Self {
        Self {
            named: self
                .named
                .iter()
                .flat_map(|name| prefixes.iter().map(move |prefix| format!("{name}{prefix}")))
                .collect(),
            numbered: format!("{}/{folder}", self.numbered),
            next: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights(names: &[&str]) -> Weights {
        let numbered = names.iter().enumerate();
        numbered.map(|(at, name)| ((*name).to_owned(), Constant::of_f32(&[1], &[at as f32]))).collect()
    }

    /// Which of the names is found for a layer `name` of the model `m`.
    fn found(names: &[&str], name: &str, class: &str, variable: &str) -> Option<usize> {
        let weights = weights(names);
        let mut weights = WeightIndex::new(&weights);
        let mut scope = Scope::root().model("m").layer(name, class, 1);
        let weight = weights.take(&mut scope, variable, 1).ok()?;
        assert_eq!(weights.left_over().len(), names.len() - 1);
        Some(weight.floats().unwrap()[0] as usize)
    }

    #[test]
    fn weights_have_many_names() {
        assert_eq!(found(&["d/kernel", "m/d/kernel"], "d", "Dense", "kernel"), Some(1));
        assert_eq!(found(&["dd/kernel", "d/kernel:0"], "d", "Dense", "kernel"), Some(1));
        assert_eq!(found(&["l/l_cell/recurrent_kernel", "l/l_cell/kernel"], "l", "LSTM", "kernel"), Some(1));
        assert_eq!(found(&["layers/dense/vars/0", "layers/dense_1/vars/0"], "x", "Dense", "kernel"), Some(1));
        assert_eq!(found(&["other/d/kernel"], "d", "Dense", "kernel"), Some(0));
        assert_eq!(found(&["d/d_W", "d/d_b"], "d", "Dense", "bias"), Some(1));
        assert_eq!(found(&["d_W", "d_b"], "d", "Dense", "bias"), Some(1));
    }

    #[test]
    fn weights_of_wrapped_layers_may_have_the_names_of_both() {
        for wrapped in ["m/td/bi/", "td/bi/", "td/"] {
            let names =
                [format!("{wrapped}forward_gru/gru_cell/kernel"), format!("{wrapped}backward_gru/gru_cell/kernel")];
            let weights = weights(&[&names[0], &names[1]]);
            let mut index = WeightIndex::new(&weights);
            let layer = Scope::root().model("m").layer("td", "TimeDistributed", 0).part(&["bi/", ""], "layer");
            for (at, direction) in ["forward_", "backward_"].into_iter().enumerate() {
                let mut scope = layer.part(&[direction, "gru/"], direction).part(&[""], "cell");
                let found = index.take(&mut scope, "kernel", 1).unwrap();
                assert_eq!(found.floats().unwrap(), [at as f32], "{wrapped}");
            }
        }
    }

    #[test]
    fn no_guess_is_made() {
        assert_eq!(found(&["a/d/kernel", "b/d/kernel"], "d", "Dense", "kernel"), None);
        assert_eq!(found(&["d/a/kernel", "d/b/kernel"], "d", "Dense", "kernel"), None);
        assert_eq!(found(&["d/kernel"], "d", "Dense", "bias"), None);
    }
}
