//! Mutexes by name, for work that only one thread of the process may do at a time.

use crate::error::{Result, error};
use parking_lot::Mutex;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// How many may wait for one name.
pub const MAX_WAITING: usize = 1000;

/// A set of mutexes that are awaited without blocking a thread. Each is made when its name is first locked and forgotten
/// when it is free. Those who wait get a lock in the order in which they asked.
#[derive(Clone, Default)]
pub struct NamedLocks {
    /// The names that are locked, each with those who wait for it.
    locked: Arc<Mutex<HashMap<Arc<str>, VecDeque<Granted>>>>,
}

type Granted = Box<dyn FnOnce(LockGuard) + Send>;

/// Holds a lock until it is dropped.
pub struct LockGuard {
    name: Arc<str>,
    locks: NamedLocks,
}

impl NamedLocks {
    /// Calls `granted` with the lock of that name: now when it is free, else on the thread that releases it. Dropping the
    /// guard in that call declines the lock.
    ///
    /// # Errors
    /// `QUEUE_FULL` when [`MAX_WAITING`] wait already.
    pub fn acquire(&self, name: &str, granted: impl FnOnce(LockGuard) + Send + 'static) -> Result<()> {
        let name = {
            let mut locked = self.locked.lock();
            if let Some(waiting) = locked.get_mut(name) {
                if waiting.len() >= MAX_WAITING {
                    return Err(error!(QueueFull, "{MAX_WAITING} callers are already waiting for the lock \"{name}\""));
                }
                waiting.push_back(Box::new(granted));
                return Ok(());
            }
            let name: Arc<str> = name.into();
            locked.insert(name.clone(), VecDeque::new());
            name
        };
        granted(LockGuard { name, locks: self.clone() });
        Ok(())
    }

    /// The lock of that name when it is free.
    pub fn try_acquire(&self, name: &str) -> Option<LockGuard> {
        let mut locked = self.locked.lock();
        if locked.contains_key(name) {
            return None;
        }
        let name: Arc<str> = name.into();
        locked.insert(name.clone(), VecDeque::new());
        Some(LockGuard { name, locks: self.clone() })
    }

    /// The names with this prefix that are locked.
    pub fn held(&self, prefix: &str) -> Vec<Arc<str>> {
        self.locked.lock().keys().filter(|name| name.starts_with(prefix)).cloned().collect()
    }

    /// How many names are locked.
    pub fn len(&self) -> usize {
        self.locked.lock().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Drop for LockGuard {
    fn drop(&mut self) {
        let next = {
            let mut locked = self.locks.locked.lock();
            let next = locked.get_mut(&self.name).and_then(VecDeque::pop_front);
            if next.is_none() {
                locked.remove(&self.name);
            }
            next
        };
        // Recursive when that one declines, but never deeper than MAX_WAITING.
        if let Some(granted) = next {
            granted(Self { name: self.name.clone(), locks: self.locks.clone() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::{Receiver, channel};

    fn ask(locks: &NamedLocks, name: &str) -> Receiver<LockGuard> {
        let (sender, receiver) = channel();
        // A receiver that is gone drops the guard.
        locks.acquire(name, move |guard| drop(sender.send(guard))).unwrap();
        receiver
    }

    #[test]
    fn threads_exclude_each_other_by_name() {
        let locks = NamedLocks::default();
        let inside = Arc::new(AtomicUsize::new(0));
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let (locks, inside) = (locks.clone(), inside.clone());
                std::thread::spawn(move || {
                    for _ in 0..500 {
                        let guard = ask(&locks, "a").recv().unwrap();
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        std::thread::yield_now();
                        assert_eq!(inside.fetch_sub(1, Ordering::SeqCst), 1);
                        drop(guard);
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert!(locks.is_empty());
    }

    #[test]
    fn a_lock_that_is_held_is_not_given_to_those_who_do_not_wait() {
        let locks = NamedLocks::default();
        let held = locks.try_acquire("a").unwrap();
        assert!(locks.try_acquire("a").is_none());
        let waiting = ask(&locks, "a");
        drop(held);
        assert!(locks.try_acquire("a").is_none());
        drop(waiting.try_recv().unwrap());
        assert!(locks.try_acquire("a").is_some());
    }

    #[test]
    fn names_that_are_locked_are_found_by_their_prefix() {
        let locks = NamedLocks::default();
        let held = ["a 1", "a 2", "b 1"].map(|name| locks.try_acquire(name).unwrap());
        let mut names = locks.held("a ");
        names.sort();
        assert_eq!(names, ["a 1", "a 2"].map(Arc::from));
        drop(held);
        assert!(locks.held("").is_empty());
    }

    #[test]
    fn waiters_come_in_order_and_other_names_do_not_wait() {
        let locks = NamedLocks::default();
        let held = ask(&locks, "a").try_recv().unwrap();
        let other = ask(&locks, "b").try_recv().unwrap();
        assert_eq!(locks.len(), 2);
        let (first, second) = (ask(&locks, "a"), ask(&locks, "a"));
        assert!(first.try_recv().is_err());
        drop(held);
        let held = first.try_recv().unwrap();
        assert!(second.try_recv().is_err());
        drop(held);
        let held = second.try_recv().unwrap();
        drop((held, other));
        assert!(locks.is_empty());
    }

    #[test]
    fn who_is_gone_passes_the_lock_on() {
        let locks = NamedLocks::default();
        let held = ask(&locks, "a").try_recv().unwrap();
        for _ in 0..MAX_WAITING - 1 {
            drop(ask(&locks, "a"));
        }
        let last = ask(&locks, "a");
        drop(held);
        drop(last.try_recv().unwrap());
        assert!(locks.is_empty());
    }

    #[test]
    fn the_queue_is_bounded() {
        let locks = NamedLocks::default();
        let held = ask(&locks, "a").try_recv().unwrap();
        let waiting: Vec<_> = (0..MAX_WAITING).map(|_| ask(&locks, "a")).collect();
        assert_eq!(locks.acquire("a", drop).unwrap_err().code, ErrorCode::QueueFull);
        drop((waiting, held));
        assert!(locks.is_empty());
    }
}
