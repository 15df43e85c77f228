//! Shared read-only tables: a compacted topic, folded into one value that every task reads.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// A value that is folded from a compacted topic and read by many. Cloning shares it.
#[derive(Debug, Default)]
pub struct Table<T> {
    shared: Arc<Shared<T>>,
}

#[derive(Debug, Default)]
struct Shared<T> {
    value: RwLock<Arc<T>>,
    caught_up: AtomicBool,
}

impl<T> Clone for Table<T> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<T> Table<T> {
    /// A table that holds `value` and counts as caught up: for tests and for tables that are files.
    #[must_use]
    pub fn fixed(value: T) -> Self {
        Self { shared: Arc::new(Shared { value: RwLock::new(Arc::new(value)), caught_up: AtomicBool::new(true) }) }
    }

    /// A table that holds `value` until its topic has been read.
    #[must_use]
    pub fn beginning_with(value: T) -> Self {
        Self { shared: Arc::new(Shared { value: RwLock::new(Arc::new(value)), caught_up: AtomicBool::new(false) }) }
    }

    /// The value now; cheap enough to be called for every record.
    #[must_use]
    pub fn load(&self) -> Arc<T> {
        Arc::clone(&self.shared.value.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another value in place.
    pub fn store(&self, value: T) {
        *self.shared.value.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(value);
    }

    /// True once everything that was on the topic at start has been read.
    #[must_use]
    pub fn is_caught_up(&self) -> bool {
        self.shared.caught_up.load(Ordering::Acquire)
    }

    pub(crate) fn set_caught_up(&self) {
        self.shared.caught_up.store(true, Ordering::Release);
    }
}
