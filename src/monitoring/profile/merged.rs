//! Many profiles as one.

use super::columns::Profile;
use crate::error::Result;
use std::thread::{available_parallelism, scope};

/// Fewer parts are not worth a thread.
const PARTS_PER_THREAD: usize = 4;

/// The profile of all rows that parts are of, each as its bytes, and the positions of what is no profile and left out.
pub fn merged<B: AsRef<[u8]> + Sync>(parts: &[B]) -> (Profile, Vec<usize>) {
    let threads = available_parallelism().map_or(1, usize::from).min(parts.len() / PARTS_PER_THREAD).max(1);
    let per_thread = parts.len().div_ceil(threads).max(1);
    scope(|scope| {
        let mut shares = parts.chunks(per_thread).enumerate();
        let first = shares.next();
        let others: Vec<_> = shares.map(|(at, share)| (at, scope.spawn(move || in_turn(share)))).collect();
        let (mut sum, mut unreadable) = first.map(|(_, share)| in_turn(share)).unwrap_or_default();
        for (at, other) in others {
            let (profile, positions) = other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            if sum.merge(&profile).is_ok() {
                unreadable.extend(positions.into_iter().map(|position| at * per_thread + position));
            } else {
                unreadable.extend(at * per_thread..parts.len().min((at + 1) * per_thread));
            }
        }
        (sum, unreadable)
    })
}

fn in_turn<B: AsRef<[u8]>>(parts: &[B]) -> (Profile, Vec<usize>) {
    let mut sum = Profile::default();
    let mut add = |bytes: &[u8]| -> Result<()> { sum.merge(&Profile::from_bytes(bytes)?) };
    let failed = parts.iter().enumerate().filter(|(_, part)| add(part.as_ref()).is_err());
    let unreadable = failed.map(|(at, _)| at).collect();
    (sum, unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(value: f64) -> Vec<u8> {
        let mut profile = Profile::default();
        profile.add_rows(1);
        profile.add_number("x", value);
        profile.to_bytes().unwrap()
    }

    #[test]
    fn are_those_of_all_rows_and_what_is_none_is_told() {
        for count in [0, 1, 7, 40] {
            let mut parts: Vec<Vec<u8>> = (0..count).map(|value| of(f64::from(value))).collect();
            let (sum, unreadable) = merged(&parts);
            assert_eq!((sum.rows, unreadable), (count as u64, vec![]));
            parts.extend([b"none".to_vec(), of(-1.0), vec![]]);
            let (sum, unreadable) = merged(&parts);
            assert_eq!((sum.rows, unreadable), (count as u64 + 1, vec![count as usize, count as usize + 2]));
        }
    }
}
