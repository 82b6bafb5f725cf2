//! What a request cost: of a run that it shared with others, its part by rows.

use crate::tensor::Value;
use std::time::Duration;

/// What one run cost one of its requests.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Receipt {
    /// CPU time of the host, on all threads that the run used; `None` where the system does not tell. That of most tiny runs is an estimate,
    /// unless the request says otherwise.
    pub cpu: Option<Duration>,
    /// Time of the run.
    pub wall: Duration,
    /// From the request to the run: waiting, and loading where the model was unloaded.
    pub queue: Duration,
    /// Of the run: the request's part of all rows.
    pub share: f64,
    /// Of the tensors that were made for the answer.
    pub allocated_bytes: u64,
    /// Of the tensors that were given.
    pub read_bytes: u64,
}

/// What a run used.
#[derive(Debug, Clone, Copy, Default)]
pub struct Used {
    /// CPU time of the thread that it is on; `None` where the system does not tell.
    pub own_cpu: Option<Duration>,
    /// CPU time of threads that share the work within operators.
    pub shared_cpu: Duration,
    pub wall: Duration,
}

/// Who pays for runs, those that failed included. One that is run anew, because a run together with others failed, pays for both.
pub trait Account: Send + Sync {
    fn charge(&self, receipt: &Receipt);
}

/// Bytes of tensors.
pub fn bytes_of(values: &[(String, Value)]) -> u64 {
    values.iter().map(|(_, value)| value.byte_size() as u64).sum()
}

impl Used {
    pub fn cpu(&self) -> Option<Duration> {
        self.own_cpu.map(|own| own + self.shared_cpu)
    }

    /// What each of several requests with so many rows used; all together what was used.
    pub fn divided(self, rows: &[usize]) -> impl Iterator<Item = Self> {
        let all: usize = rows.iter().sum();
        let part = move |whole: Duration, rows: usize| whole.as_nanos() * rows as u128 / all.max(1) as u128;
        rows.iter().scan(0, move |before, &rows| {
            let (from, to) = (*before, *before + rows);
            *before = to;
            let between = |whole| Duration::from_nanos((part(whole, to) - part(whole, from)) as u64);
            let Self { own_cpu, shared_cpu, wall } = self;
            Some(Self { own_cpu: own_cpu.map(between), shared_cpu: between(shared_cpu), wall: between(wall) })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_by_rows_add_up_to_the_whole() {
        let [own, shared, wall] = [1_000_001, 13, 7].map(Duration::from_nanos);
        let used = Used { own_cpu: Some(own), shared_cpu: shared, wall };
        let parts: Vec<Used> = used.divided(&[1, 2, 4, 9, 1]).collect();
        assert_eq!(parts.iter().map(|part| part.cpu().unwrap()).sum::<Duration>(), own + shared);
        assert_eq!(parts.iter().map(|part| part.wall).sum::<Duration>(), wall);
        assert_eq!(parts[3].own_cpu.unwrap().as_nanos(), 1_000_001 * 16 / 17 - 1_000_001 * 7 / 17);
        assert!(Used::default().divided(&[1, 1]).all(|part| part.cpu().is_none() && part.wall.is_zero()));
    }
}
