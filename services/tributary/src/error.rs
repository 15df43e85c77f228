//! What can go wrong in a command, and the exit code it ends with.

use tributary_attribution::AttributionError;
use tributary_lift::LiftError;
use tributary_schema::SchemaError;
use tributary_service::ServiceError;
use tributary_service::config::ConfigErrors;
use tributary_stream::{PropertiesFileError, PublishError, StreamError, WriteError};

use crate::exit::Exit;
use crate::load::LoadError;
use crate::trigger::rehearsal::{EventsError, ExpectationsError, RehearsalError};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The configuration is wrong; all problems are in it.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// A canvas file cannot be used.
    #[error("canvas {path}: {detail}")]
    Canvas {
        /// The file or directory.
        path: String,
        /// What is wrong with it.
        detail: String,
    },
    /// A definition (source, rule, stage, trigger) is wrong.
    #[error("{what}: {detail}")]
    Definition {
        /// What kind of definition.
        what: &'static str,
        /// What is wrong with it, with its place.
        detail: String,
    },
    /// An argument is not what the command needs.
    #[error("{argument} \"{value}\": {remedy}")]
    Argument {
        /// The argument.
        argument: &'static str,
        /// What was given.
        value: String,
        /// What to give.
        remedy: String,
    },
    /// Nobody can be looked up or pseudonymised without the key.
    #[error(
        "no pseudonym key: set the environment variable TRIBUTARY_PSEUDONYM_KEY (for example to what \
         `openssl rand -hex 32` prints), or pseudonym_key: {{file: PATH}} in the configuration; \
         every instance of the hub needs the same one"
    )]
    NoPseudonymKey,
    /// The Kafka properties file is of no use.
    #[error(transparent)]
    Properties(#[from] PropertiesFileError),
    /// Kafka, or the runtime on it.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// The broker did not take records.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// A record does not fit its contract.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// Logs, metrics, signals or listeners.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// Loading files.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A file gives no events to rehearse with.
    #[error(transparent)]
    Events(#[from] EventsError),
    /// A file holds no expectations.
    #[error(transparent)]
    Expectations(#[from] ExpectationsError),
    /// A rehearsal cannot go on.
    #[error(transparent)]
    Rehearsal(#[from] RehearsalError),
    /// Replaying dead letters was cut short.
    #[error(
        "{error}; {replayed} letters were replayed before; the same command goes on with the others and repeats none"
    )]
    Replay {
        /// Letters that were written back.
        replayed: u64,
        /// Why not all.
        error: WriteError,
    },
    /// A canvas was not applied.
    #[error("{error}; the canvas is as it was before: apply it again")]
    NothingApplied {
        /// Why.
        error: WriteError,
    },
    /// A part of the hub ended though nobody told it to.
    #[error("{part} stopped: {detail}; the hub ends so that it can be started again")]
    PartStopped {
        /// The part.
        part: String,
        /// What it said.
        detail: String,
    },
    /// The system refused.
    #[error("{action}: {source}")]
    System {
        /// What was being done, with the file or thread it was about.
        action: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The counted paths cannot be credited.
    #[error("{topic}: {0}", topic = tributary_model::topics::PATHS)]
    Attribution(#[from] AttributionError),
    /// The sums of experiments cannot be compared.
    #[error("{topic}: {0}", topic = tributary_model::topics::LIFT)]
    Lift(#[from] LiftError),
    /// The hub made no progress.
    #[error("{0}")]
    Stalled(String),
}

impl CliError {
    /// An error of the system during `action`.
    pub fn system(action: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let action = action.into();
        move |source| Self::System { action, source }
    }

    /// How the command ends with it.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Config(_)
            | Self::Canvas { .. }
            | Self::Definition { .. }
            | Self::Argument { .. }
            | Self::NoPseudonymKey
            | Self::Properties(_)
            | Self::Events(_)
            | Self::Expectations(_)
            | Self::Rehearsal(RehearsalError::Event { .. } | RehearsalError::Triggers(_))
            | Self::Service(ServiceError::LogFilter { .. }) => Exit::Misconfigured,
            Self::Load(
                LoadError::NoFiles { .. }
                | LoadError::UnknownSource { .. }
                | LoadError::Missing { .. }
                | LoadError::UnknownFormat { .. },
            ) => Exit::Misconfigured,
            Self::Stream(StreamError::Unreachable { .. }) => Exit::Unreachable,
            _ => Exit::Failed,
        }
    }
}
