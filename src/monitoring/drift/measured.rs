//! What a statistic gives.

/// A test or distance over two samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// As the method's literature defines it. May be infinite.
    pub statistic: f64,
    /// What is compared with the threshold: the p-value of a test, the distance of a distance.
    pub score: f64,
    /// Of a test that has them.
    pub degrees_of_freedom: Option<f64>,
    /// The number at which the distributions differ most, where the method finds it.
    pub location: Option<f64>,
}

/// Or why the statistic is not defined for these samples, as the end of "cannot be computed: ".
pub type Outcome = Result<Measured, &'static str>;

impl Measured {
    pub fn new(statistic: f64, score: f64) -> Self {
        Self { statistic, score, degrees_of_freedom: None, location: None }
    }

    /// A distance that is its own statistic.
    pub fn distance(distance: f64) -> Self {
        Self::new(distance, distance)
    }

    #[must_use]
    pub fn with_degrees_of_freedom(mut self, degrees_of_freedom: f64) -> Self {
        self.degrees_of_freedom = Some(degrees_of_freedom);
        self
    }
}
