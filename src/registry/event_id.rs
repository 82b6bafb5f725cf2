//! Ids whose order is the order of time.

use parking_lot::Mutex;
use uuid::{ContextV7, Timestamp, Uuid};

/// One for the process: ids made by different threads are ordered too, and stay so when the clock is set back.
static CONTEXT: Mutex<ContextV7> = Mutex::new(ContextV7::new());

/// A new UUIDv7: 48 bits of Unix milliseconds, a counter, and random bits. Each id is greater, as text as well, than every
/// id that this process made before.
pub fn create_id() -> Uuid {
    let context = CONTEXT.lock();
    Uuid::new_v7(Timestamp::now(&*context))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{SystemTime, UNIX_EPOCH};

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
}
