//! Ids whose order is the order of time.

use parking_lot::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use uuid::{ContextV7, Timestamp, Uuid};

/// One for the process: ids made by different threads are ordered too.
static SOURCE: Mutex<IdSource> = Mutex::new(IdSource::new());

/// A smaller step back of the clock than this does not disturb the order: ids run ahead of it until it has caught up.
const MAX_AHEAD: Duration = Duration::from_secs(1);

/// A new UUIDv7: 48 bits of Unix milliseconds, a counter, and random bits. Each id is greater, as text as well, than every
/// id that this process made before, unless the clock was set back: then ids follow it, because they tell the time.
pub fn create_id() -> Uuid {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    SOURCE.lock().create(now)
}

struct IdSource {
    context: ContextV7,
    last: Duration,
}

impl IdSource {
    const fn new() -> Self {
        Self { context: ContextV7::new(), last: Duration::ZERO }
    }

    fn create(&mut self, now: Duration) -> Uuid {
        if now + MAX_AHEAD < self.last {
            *self = Self::new();
        }
        self.last = self.last.max(now);
        Uuid::new_v7(Timestamp::from_unix(&self.context, now.as_secs(), now.subsec_nanos()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_one_thread_increase_as_text() {
        let ids: Vec<String> = (0..20_000).map(|_| create_id().to_string()).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn ids_of_all_threads_are_different_and_ordered() {
        let (sender, receiver) = std::sync::mpsc::channel();
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let sender = sender.clone();
                std::thread::spawn(move || {
                    let mut own = Vec::new();
                    for _ in 0..5_000 {
                        own.push(create_id());
                    }
                    assert!(own.windows(2).all(|pair| pair[0] < pair[1]));
                    sender.send(own).unwrap();
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        drop(sender);
        let all: std::collections::HashSet<Uuid> = receiver.iter().flatten().collect();
        assert_eq!(all.len(), 20_000);
        assert!(all.iter().all(|id| *id < create_id()));
    }

    #[test]
    fn an_id_tells_its_millisecond() {
        let id = create_id();
        let (seconds, nanos) = id.get_timestamp().unwrap().to_unix();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i128;
        let made = i128::from(seconds) * 1000 + i128::from(nanos / 1_000_000);
        // The counter may run ahead of the clock when many ids are made in one millisecond.
        assert!((now - made).abs() < 1000, "{made} is not near {now}");
        assert_eq!(id.get_version_num(), 7);
    }

    #[test]
    fn ids_follow_a_clock_that_is_set_back() {
        let millisecond = |id: Uuid| {
            let (seconds, nanos) = id.get_timestamp().unwrap().to_unix();
            seconds * 1000 + u64::from(nanos) / 1_000_000
        };
        let mut source = IdSource::new();
        let now = Duration::from_millis(1_800_000_000_000);
        let first = source.create(now);
        assert_eq!(millisecond(first), 1_800_000_000_000);
        // A clock that is adjusted a little does not disturb the order.
        let adjusted = source.create(now - Duration::from_millis(900));
        assert!(adjusted > first);
        let hour = Duration::from_secs(3600);
        let ids: Vec<_> = (0..1000).map(|at| source.create(now - hour + Duration::from_millis(at / 10))).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(millisecond(ids[0]), 1_800_000_000_000 - 3_600_000);
        assert!(source.create(now + Duration::from_millis(1)) > first);
    }
}
