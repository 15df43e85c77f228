//! Asking again before a delayed send: what was right when it was decided may not be any more.

use tributary_model::Permission;

use crate::delivery::Delivery;

/// What is said about a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opinion {
    /// This is the answer.
    Given(Permission),
    /// Somebody else has to be asked, who answers in a later turn.
    Asked,
}

/// Whoever knows consent, caps, quiet hours and suppressions as they are now, or whom to ask. It is asked for every attempt but
/// one that follows at once on the decision, where all that was checked a moment ago.
///
/// It is asked in the turn of a task, so it answers without waiting for anything.
pub trait Recheck {
    /// Whether `delivery` may still be sent at `now_at`.
    fn recheck(&self, delivery: &Delivery, now_at: i64) -> Opinion;
}

/// Has the task asked that keeps the journey of the person. What is about an account needs nobody's consent and counts for
/// no cap of a person.
#[derive(Debug, Clone, Copy, Default)]
pub struct AskTheJourney;

impl Recheck for AskTheJourney {
    fn recheck(&self, delivery: &Delivery, _now_at: i64) -> Opinion {
        if delivery.account_id.is_some() { Opinion::Given(Permission::Send) } else { Opinion::Asked }
    }
}

/// Lets everything go that has not expired: for hubs that decide nothing by consent, caps or suppressions.
#[derive(Debug, Clone, Copy, Default)]
pub struct SendWhatIsValid;

impl Recheck for SendWhatIsValid {
    fn recheck(&self, _delivery: &Delivery, _now_at: i64) -> Opinion {
        Opinion::Given(Permission::Send)
    }
}
