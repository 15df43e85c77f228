//! Webhooks out of the hub, as Standard Webhooks has them: a queue for each destination, signed, repeated, logged.
//!
//! In: the intents of `tributary.triggers.<team>` ([`Queue::enqueue`]), each for every destination of its team. Out: HTTP
//! requests, by a [`Dispatcher`] and its [`Sender`]; and the delivery log ([`LogEntry`]), one entry for each step of each
//! delivery. State: the deliveries that have not ended, and what is remembered of destinations, in two stores of
//! [`Queue`], which commit with the transaction that changed them.
//!
//! It promises that
//! - each intent that is taken on is sent at least once, always under one `webhook-id` and with the same body, until it
//!   is delivered, withheld, expired or erased, and that the log says which;
//! - nothing is sent after its validity, and nothing late without being asked about again ([`Recheck`]);
//! - nobody waits for somebody else's endpoint: queue, places, pace, breaker and connections are each destination's own;
//! - nothing is sent to an address that is not public, unless the destination allows it, and never where a redirect
//!   points ([`guard`]);
//! - the queue has no clock and no chance of its own: the same input gives the same state.

pub mod breaker;
mod clock;
mod config;
mod delivery;
mod destination;
mod dispatcher;
mod error;
pub mod guard;
mod log;
pub mod metrics;
mod outcome;
mod pacer;
mod queue;
mod recheck;
mod retry_after;
mod schedule;
mod sender;
pub mod signature;
#[cfg(test)]
mod tests;

pub use clock::{Clock, SystemClock};
pub use config::Config;
pub use delivery::{Delivery, DeliveryKey};
pub use destination::{Destination, DestinationConfig};
pub use dispatcher::Dispatcher;
pub use error::DeliveryError;
pub use log::{AttemptResult, DeliveryEvent, DeliveryStep, DestinationEvent, DestinationStep, LogEntry};
pub use outcome::{Answer, Failure, FailureClass, Outcome, SendError};
pub use queue::{
    DELIVERIES_STORE, DESTINATIONS_STORE, DestinationOverview, DestinationState, Disabled, Finished, Lease, Queue,
    Standing, Waiting,
};
pub use recheck::{Permission, Recheck, SendWhatIsValid};
pub use retry_after::retry_after;
pub use schedule::Schedule;
pub use sender::{HttpSender, Request, Resolve, Resolving, Sender, SystemResolver};
