//! Where a model gives the probabilities of classes.

/// Where the confidence of a row stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    pub place: Place,
    /// The names of outputs: one, or one for each class.
    pub outputs: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Place {
    /// A probability for each class along this axis.
    Classes { axis: usize, are_logarithms: bool, is_softmax: bool },
    /// A map from class to probability for each row.
    Maps,
    /// An output for each class.
    Columns,
    /// The largest probability, maybe among others.
    Largest,
    /// The probability of one of two classes.
    Single,
}

impl Source {
    /// Gives outputs of that name their public one.
    pub fn rename(&mut self, name: &str, public: &str) {
        self.outputs.iter_mut().filter(|own| *own == name).for_each(|own| public.clone_into(own));
    }
}
