//! How many requests are under way at a backend or a version, so that somebody can wait for none before stopping it.
//!
//! A request is counted first, and only then looks whether it may still go there; whoever takes something out of use
//! changes that first, and only then reads the count. With a fence in between on both sides one of the two always sees
//! the other, so that none means none.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed, Ordering::SeqCst, fence};

#[derive(Clone, Default)]
pub(crate) struct Counter(Arc<AtomicUsize>);

/// A request under way, until it is dropped.
pub(crate) struct Open(Arc<AtomicUsize>);

impl Counter {
    pub fn begin(&self) -> Open {
        self.0.fetch_add(1, Relaxed);
        fence(SeqCst);
        Open(self.0.clone())
    }

    pub fn now(&self) -> usize {
        fence(SeqCst);
        self.0.load(Relaxed)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}
