//! Why a transaction is not committed, and what follows from it.

use crate::error::StreamError;

/// Why the transaction at hand cannot be committed.
pub(crate) enum Setback {
    /// Roll back and try again after a pause: the cause may last.
    Abort(String),
    /// Roll back and try again at once: the cause is known and will be passed by.
    Poisoned(String),
    /// Roll back, build the tasks anew and try again: a processor panicked and its state cannot be trusted.
    Rebuild(String),
    /// Stop.
    Stop(StreamError),
}
