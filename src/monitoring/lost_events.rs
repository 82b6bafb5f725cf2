//! Events that could not be written while availability went before completeness.

use parking_lot::Mutex;
use std::collections::BTreeMap;

/// Counts by model, for as long as the process lives.
#[derive(Default)]
pub struct LostEvents {
    by_model: Mutex<BTreeMap<String, u64>>,
}

impl LostEvents {
    pub const fn new() -> Self {
        Self { by_model: Mutex::new(BTreeMap::new()) }
    }

    pub fn count(&self, model_id: &str) {
        let mut by_model = self.by_model.lock();
        match by_model.get_mut(model_id) {
            Some(count) => *count += 1,
            None => drop(by_model.insert(model_id.to_owned(), 1)),
        }
    }

    pub fn by_model(&self) -> BTreeMap<String, u64> {
        self.by_model.lock().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_all_threads_add_up() {
        let lost = LostEvents::new();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..1000).for_each(|at| lost.count(if at % 4 == 0 { "a" } else { "b" })));
            }
        });
        assert_eq!(lost.by_model(), BTreeMap::from([("a".to_owned(), 1000), ("b".to_owned(), 3000)]));
    }
}
