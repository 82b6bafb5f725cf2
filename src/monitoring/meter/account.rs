//! Who pays for predictions: a user of a model version.

use crate::engine::{Account, Receipt};
use crate::monitoring::resources::{Costs, Resources};
use parking_lot::Mutex;
use smallvec::SmallVec;
use std::sync::Arc;

/// Sums of a model version: one for the process, and one of each monitor.
pub type SharedResources = Arc<Mutex<Resources>>;

/// The one who asked for a prediction.
pub struct Payer {
    sums: SmallVec<[SharedResources; 2]>,
    user: Option<String>,
}

impl Payer {
    pub fn new(sums: impl IntoIterator<Item = SharedResources>, user: Option<String>) -> Self {
        Self { sums: sums.into_iter().collect(), user }
    }

    /// Counts the prediction, once it has ended.
    pub fn count(&self, is_answered: bool) {
        self.change(|costs| *(if is_answered { &mut costs.predictions } else { &mut costs.failures }) += 1);
    }

    fn change(&self, change: impl Fn(&mut Costs)) {
        self.sums.iter().for_each(|sums| change(sums.lock().of(self.user.as_deref())));
    }
}

impl Account for Payer {
    fn charge(&self, receipt: &Receipt) {
        self.change(|costs| costs.add(receipt));
    }
}
