//! The confusion matrix, and what follows from it.

use serde::Serialize;

/// The weights of rows by their true and their predicted class.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfusionMatrix {
    classes: usize,
    /// By true class, then by predicted class.
    cells: Vec<f64>,
}

/// A class against all others. What is undefined, because it would divide by 0, is `None`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassMeasures {
    /// Of the rows that were predicted to be of the class, the share that is.
    pub precision: Option<f64>,
    /// Of the rows of the class, the share that was predicted to be.
    pub recall: Option<f64>,
    /// The harmonic mean of both.
    pub f1: Option<f64>,
    /// The rows of the class.
    pub support: f64,
}

/// Means over classes.
#[derive(Debug, PartialEq, Serialize)]
pub struct Averages {
    pub precision: Option<f64>,
    pub recall: Option<f64>,
    pub f1: Option<f64>,
}

impl ConfusionMatrix {
    pub fn new(classes: usize) -> Self {
        Self { classes, cells: vec![0.0; classes * classes] }
    }

    pub fn add(&mut self, truth: usize, predicted: usize, weight: f64) {
        self.cells[truth * self.classes + predicted] += weight;
    }

    /// Adds the rows of another matrix of the same classes.
    pub fn merge(&mut self, other: &Self) {
        assert_eq!(self.classes, other.classes, "matrices of other classes do not merge");
        self.cells.iter_mut().zip(&other.cells).for_each(|(own, other)| *own += other);
    }

    fn cell(&self, truth: usize, predicted: usize) -> f64 {
        self.cells[truth * self.classes + predicted]
    }

    /// A row for each true class.
    pub fn rows(&self) -> Vec<Vec<f64>> {
        self.cells.chunks(self.classes.max(1)).map(<[f64]>::to_vec).collect()
    }

    pub fn weight(&self) -> f64 {
        self.cells.iter().sum()
    }

    /// The share of rows whose class is right.
    pub fn accuracy(&self) -> f64 {
        (0..self.classes).map(|class| self.cell(class, class)).sum::<f64>() / self.weight()
    }

    /// For each class.
    pub fn by_class(&self) -> Vec<ClassMeasures> {
        (0..self.classes).map(|class| self.class(class)).collect()
    }

    fn class(&self, class: usize) -> ClassMeasures {
        let right = self.cell(class, class);
        let support: f64 = (0..self.classes).map(|predicted| self.cell(class, predicted)).sum();
        let predicted: f64 = (0..self.classes).map(|truth| self.cell(truth, class)).sum();
        let share = |part: f64, whole: f64| (whole > 0.0).then(|| part / whole);
        ClassMeasures {
            precision: share(right, predicted),
            recall: share(right, support),
            f1: share(2.0 * right, predicted + support),
            support,
        }
    }
}

/// Means over all classes, in which what is undefined counts as 0.
pub fn macro_averages(classes: &[ClassMeasures]) -> Averages {
    averages(classes, |measure| Some(measure.unwrap_or(0.0)))
}

/// Means over the classes for which each measure is defined; `None` where it is for no class.
pub fn macro_averages_of_defined(classes: &[ClassMeasures]) -> Averages {
    averages(classes, |measure| measure)
}

fn averages(classes: &[ClassMeasures], taken: impl Fn(Option<f64>) -> Option<f64>) -> Averages {
    let mean = |measure: fn(&ClassMeasures) -> Option<f64>| {
        let values: Vec<f64> = classes.iter().filter_map(|class| taken(measure(class))).collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    };
    Averages {
        precision: mean(|class| class.precision),
        recall: mean(|class| class.recall),
        f1: mean(|class| class.f1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Class 2 is never true and never predicted.
    fn matrix() -> ConfusionMatrix {
        let mut matrix = ConfusionMatrix::new(3);
        for (truth, predicted) in [(0, 0), (0, 0), (0, 1), (1, 1)] {
            matrix.add(truth, predicted, 1.0);
        }
        matrix
    }

    #[test]
    fn by_hand() {
        let matrix = matrix();
        assert_eq!(matrix.rows(), [[2.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0; 3]]);
        assert_eq!(matrix.accuracy(), 0.75);
        let [first, second, third] = matrix.by_class()[..] else { panic!("three classes") };
        let measures = |class: ClassMeasures| (class.precision, class.recall, class.f1, class.support);
        assert_eq!(measures(first), (Some(1.0), Some(2.0 / 3.0), Some(0.8), 3.0));
        assert_eq!(measures(second), (Some(0.5), Some(1.0), Some(2.0 / 3.0), 1.0));
        assert_eq!(measures(third), (None, None, None, 0.0));
    }

    #[test]
    fn what_is_undefined_counts_as_zero_or_is_left_out() {
        let classes = matrix().by_class();
        assert_eq!(macro_averages(&classes).precision, Some(0.5));
        assert_eq!(macro_averages_of_defined(&classes).precision, Some(0.75));
        assert_eq!(macro_averages_of_defined(&classes[2..]).precision, None);
    }

    #[test]
    fn merged_parts_equal_the_whole() {
        let mut merged = matrix();
        merged.merge(&matrix());
        assert_eq!((merged.weight(), merged.accuracy()), (8.0, 0.75));
        assert_eq!(merged.rows()[0], [4.0, 2.0, 0.0]);
    }
}
