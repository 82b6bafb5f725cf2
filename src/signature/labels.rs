//! Class names that came with a model.

use super::{Dim, Signature, ValueType};
use crate::error::{Result, error};
use std::collections::HashSet;

/// The names by which the scores of the wanted outputs can be given.
///
/// # Errors
/// `INVALID_INPUT` when the model came without labels, has one of them twice, or has no output with a score for each.
pub fn class_names<'a>(
    signature: &Signature,
    labels: Option<&'a [String]>,
    outputs: &[String],
) -> Result<&'a [String]> {
    let labels = labels.ok_or_else(|| error!(InvalidInput, "labels: the model came without class names"))?;
    let mut seen = HashSet::new();
    if let Some(twice) = labels.iter().find(|label| !seen.insert(*label)) {
        return Err(error!(InvalidInput, "labels: the model has the class name \"{twice}\" twice"));
    }
    let scores = |value: &ValueType| match value {
        ValueType::Tensor { shape: Some(shape), .. } => match shape.as_slice() {
            [_, Dim::Fixed(classes)] => *classes == labels.len(),
            [_, Dim::Free(_)] => true,
            _ => false,
        },
        ValueType::Tensor { shape: None, .. } => true,
        _ => false,
    };
    let wanted = signature.outputs.iter().filter(|output| outputs.contains(&output.name));
    if wanted.into_iter().any(|output| scores(&output.value_type)) {
        return Ok(labels);
    }
    Err(error!(InvalidInput, "labels: none of the outputs has rows of {} scores, one for each class", labels.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::ValueInfo;
    use crate::tensor::DType;

    fn problem(shape: &[Dim], labels: Option<&[&str]>) -> Option<String> {
        let value_type = ValueType::Tensor { dtype: DType::Float32, shape: Some(shape.to_vec()) };
        let output = ValueInfo { name: "y".to_owned(), value_type, optional: false };
        let signature = Signature { outputs: vec![output], ..Signature::default() };
        let labels: Option<Vec<String>> = labels.map(|labels| labels.iter().map(|label| (*label).to_owned()).collect());
        class_names(&signature, labels.as_deref(), &["y".to_owned()]).err().map(|error| error.message)
    }

    #[test]
    fn labels_must_be_one_for_each_score() {
        let rows = [Dim::Free(None), Dim::Fixed(2)];
        assert_eq!(problem(&rows, Some(&["cat", "dog"])), None);
        assert_eq!(problem(&[Dim::Free(None), Dim::Free(None)], Some(&["cat"])), None);
        assert!(problem(&rows, None).unwrap().contains("without class names"));
        assert!(problem(&rows, Some(&["cat", "cat"])).unwrap().contains("\"cat\" twice"));
        assert!(problem(&rows, Some(&["cat"])).unwrap().contains("rows of 1 scores"));
        assert!(problem(&rows[..1], Some(&["cat"])).is_some());
    }
}
