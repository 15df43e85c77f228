//! What can go wrong when deliveries are set up, taken on, or changed by hand.

use std::path::PathBuf;

use tributary_service::config::Problem;

/// Why something about deliveries could not be done. A failed attempt is no error: it is an outcome.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// The configuration is wrong; all problems are listed.
    #[error("{} problems in the configuration of deliveries:\n{}", .0.len(), listed(.0))]
    Invalid(Vec<Problem>),
    /// The file of additional root certificates is of no use.
    #[error("delivery.ca_file {path}: {detail}; give a PEM file with at least one CERTIFICATE")]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// The TLS library refuses its own defaults.
    #[error("TLS cannot be set up: {0}; report this as a defect")]
    Tls(String),
    /// The system gives no threads to send on.
    #[error("no threads to send webhooks on: {0}; look at the limits of the process")]
    Threads(String),
    /// The HTTP library cannot read a URL that the URL library can.
    #[error("delivery.destinations.{name}.url cannot be called: {detail}; write it with plain letters, others as %XX")]
    Url {
        /// The destination.
        name: String,
        /// What the library said.
        detail: String,
    },
    /// The id of a decision cannot be a `webhook-id`.
    #[error(
        "decision id \"{0}\" cannot be a webhook-id: it must be 1 to 200 letters, digits, - and _; mend what writes the \
         intents"
    )]
    MessageId(String),
    /// The payload of an intent is no JSON.
    #[error("the payload of decision {decision_id} is no JSON: {detail}; mend the trigger's payload")]
    Payload {
        /// The decision.
        decision_id: String,
        /// What the parser said.
        detail: String,
    },
    /// Nothing of this id waits for the destination.
    #[error(
        "no delivery of {message_id} waits for destination {destination}: it was delivered, withheld, has expired, or \
         never was; list what waits with `tributary delivery list`"
    )]
    UnknownDelivery {
        /// The destination.
        destination: String,
        /// The `webhook-id`.
        message_id: String,
    },
    /// There is no destination of this name.
    #[error("there is no destination \"{name}\"; name one of {}", .known.join(", "))]
    UnknownDestination {
        /// The name that was given.
        name: String,
        /// The configured ones.
        known: Vec<String>,
    },
}

impl DeliveryError {
    /// The code under which an intent that cannot be delivered is dead-lettered.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "invalid_configuration",
            Self::CaFile { .. } => "unusable_ca_file",
            Self::Tls(_) => "tls",
            Self::Threads(_) => "no_threads",
            Self::Url { .. } => "unusable_url",
            Self::MessageId(_) => "invalid_message_id",
            Self::Payload { .. } => "invalid_payload",
            Self::UnknownDelivery { .. } => "unknown_delivery",
            Self::UnknownDestination { .. } => "unknown_destination",
        }
    }
}

fn listed(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
