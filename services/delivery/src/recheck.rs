//! Asking again before a delayed send: what was right when it was decided may not be any more.

use tributary_model::WithheldReason;

use crate::delivery::Delivery;

/// What is said about a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Permission {
    /// It may go.
    Send,
    /// It may not any more: it leaves the queue, and the log says why.
    Withhold {
        /// Why.
        reason: WithheldReason,
        /// What exactly: the cap, the suppression, the statement of consent.
        detail: String,
    },
    /// Not now; it is asked about again then.
    Postpone {
        /// When.
        until_at: i64,
    },
}

/// Whoever knows consent, caps, quiet hours and suppressions as they are now. It is asked for every attempt but one that
/// follows at once on the decision, where all that was checked a moment ago.
///
/// It is asked in the turn of a task, so it answers from what it has, without waiting for anything.
pub trait Recheck {
    /// Whether `delivery` may still be sent at `now_at`.
    fn recheck(&self, delivery: &Delivery, now_at: i64) -> Permission;
}

/// Lets everything go that has not expired: for hubs that decide nothing by consent, caps or suppressions.
#[derive(Debug, Clone, Copy, Default)]
pub struct SendWhatIsValid;

impl Recheck for SendWhatIsValid {
    fn recheck(&self, _delivery: &Delivery, _now_at: i64) -> Permission {
        Permission::Send
    }
}
