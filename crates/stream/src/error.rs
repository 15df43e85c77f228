//! What can go wrong, by what has to be done about it.

use tributary_schema::SchemaError;

/// Why a step could not handle its input.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// This input can never be handled: the runtime rolls back, dead-letters it and goes on.
    #[error("{code}: {message}")]
    Poison {
        /// Reason code from a fixed set.
        code: &'static str,
        /// What is wrong with it, without personal data.
        message: String,
    },
    /// Something outside does not answer: the runtime rolls back and tries again.
    #[error("{0}")]
    Retry(String),
    /// Going on would be wrong: the process stops.
    #[error("{0}")]
    Fatal(String),
}

impl From<SchemaError> for Failure {
    fn from(error: SchemaError) -> Self {
        match error {
            SchemaError::Registry { .. } => Self::Retry(error.to_string()),
            SchemaError::BadSchema { .. } => Self::Fatal(error.to_string()),
            // One such record must not stop a partition; when all are so, the letters are replayed once the registry is set.
            SchemaError::NoRegistry { .. } => Self::Poison { code: "no_registry", message: error.to_string() },
            SchemaError::UnknownSchemaId { .. } => Self::Poison { code: "unknown_schema", message: error.to_string() },
            SchemaError::UnknownEncoding { .. } | SchemaError::UnknownFingerprint { .. } | SchemaError::Avro { .. } => {
                Self::Poison { code: "undecodable", message: error.to_string() }
            }
        }
    }
}

/// Why the runtime stopped or could not start.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// The broker or its client refused.
    #[error("{action}: {source}")]
    Kafka {
        /// What was being done, with the topic or broker it was about.
        action: String,
        /// What the client said.
        #[source]
        source: rdkafka::error::KafkaError,
    },
    /// No broker answers.
    #[error("no Kafka broker answers at {bootstrap}: check kafka.bootstrap and that the broker runs ({detail})")]
    Unreachable {
        /// The configured addresses.
        bootstrap: String,
        /// What the client said.
        detail: String,
    },
    /// A topic is missing or not as it has to be.
    #[error("topic {topic}: {detail}; run `tributary topics apply`")]
    Topic {
        /// The topic.
        topic: String,
        /// What is wrong with it.
        detail: String,
    },
    /// A topic gives nothing though there is something to read.
    #[error(
        "topic {topic} {detail}: look whether its broker is well, and whether a writer of it stands still (`/readyz`)"
    )]
    Stalled {
        /// The topic.
        topic: String,
        /// What it does not do, and for how long.
        detail: String,
    },
    /// State cannot be restored.
    #[error("changelog {topic}-{partition}@{offset}: {detail}")]
    State {
        /// The changelog.
        topic: String,
        /// Its partition.
        partition: i32,
        /// Offset of the record.
        offset: i64,
        /// What is wrong with it.
        detail: String,
    },
    /// State on disk can be neither used nor thrown away.
    #[error(
        "state on disk in {path}: {detail}: give state.directory a local disk that can be written and that no other \
         process uses, or set state.store to memory"
    )]
    Disk {
        /// The directory.
        path: String,
        /// What the system said.
        detail: String,
    },
    /// A step said that going on would be wrong.
    #[error("stage {stage}: {detail}")]
    Fatal {
        /// The stage.
        stage: String,
        /// What it said.
        detail: String,
    },
    /// The transactional producer is of no use any more.
    #[error(
        "stage {stage}: {detail}: another process took over under the same name, or the broker refuses; \
         give each process its own kafka.instance and let it be started again"
    )]
    Fenced {
        /// The stage.
        stage: String,
        /// What the client said.
        detail: String,
    },
    /// A record does not fit its contract.
    #[error(transparent)]
    Schema(#[from] SchemaError),
}

impl StreamError {
    pub(crate) fn kafka(action: impl Into<String>) -> impl FnOnce(rdkafka::error::KafkaError) -> Self {
        let action = action.into();
        move |source| Self::Kafka { action, source }
    }
}

/// True for errors that the client mends by itself.
pub(crate) fn is_transient(code: rdkafka::error::RDKafkaErrorCode) -> bool {
    use rdkafka::error::RDKafkaErrorCode as Code;
    matches!(
        code,
        Code::BrokerTransportFailure
            | Code::AllBrokersDown
            | Code::OperationTimedOut
            | Code::RequestTimedOut
            | Code::NotLeaderForPartition
            | Code::LeaderNotAvailable
            | Code::NotCoordinator
            | Code::CoordinatorNotAvailable
            | Code::CoordinatorLoadInProgress
            | Code::Resolve
            | Code::RebalanceInProgress
            | Code::UnknownMemberId
            | Code::IllegalGeneration
            | Code::NetworkException
    )
}
