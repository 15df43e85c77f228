//! Webhooks out of the hub, as Standard Webhooks has them: a queue for each destination, signed, repeated, logged.
//!
//! Two stages, because intents are keyed by person and queues by destination:
//!
//! - **`delivery-intake`** reads the intents of `tributary.triggers.<team>` and makes of each a command to every destination
//!   of its team on `tributary.deliveries`; and it reads `tributary.persons`, to have the deliveries of the erased forgotten.
//! - **`delivery`** reads these commands, and what people ask for on `tributary.delivery.requests`. Out: HTTP requests, by a
//!   [`Dispatcher`] and its [`Sender`]; and `tributary.delivery-log`, one entry for each step of each delivery. State: the
//!   deliveries that have not ended, and what is remembered of destinations, in two stores of [`Queue`], which commit
//!   with the transaction that changed them.
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
mod intake;
mod log;
pub mod metrics;
mod outcome;
mod pacer;
mod processor;
mod queue;
mod recheck;
mod record;
mod retry_after;
mod schedule;
mod sender;
pub mod signature;
mod stage;
#[cfg(test)]
mod tests;

pub use breaker::BreakerState;
pub use clock::{Clock, SystemClock};
pub use config::Config;
pub use delivery::{Delivery, DeliveryKey};
pub use destination::{Destination, DestinationConfig};
pub use dispatcher::Dispatcher;
pub use error::DeliveryError;
pub use intake::{INTAKE_STAGE, intake_stage};
pub use log::{AttemptResult, DeliveryEvent, DeliveryStep, DestinationEvent, DestinationStep, LogEntry};
pub use outcome::{Answer, Failure, FailureClass, Outcome, SendError};
pub use queue::{
    DELIVERIES_STORE, DESTINATIONS_STORE, DestinationOverview, DestinationState, Disabled, Finished, Lease, Queue,
    Standing, Verdict, Waiting,
};
pub use recheck::{AskTheJourney, Opinion, Recheck, SendWhatIsValid};
pub use record::{REQUEST_DONE, REQUEST_REFUSED};
pub use retry_after::retry_after;
pub use schedule::Schedule;
pub use sender::{HttpSender, Request, Resolve, Resolving, Sender, SystemResolver};
pub use stage::{DELIVERY_STAGE, Surroundings, delivery_stage, delivery_stage_with};
