//! Which Rust type is which schema.

use serde::Serialize;
use serde::de::DeserializeOwned;
use tributary_model::canvas::CanvasEntry;
use tributary_model::delivery::{DeliveryCommand, DeliveryLogEntry};
use tributary_model::experiment::{ExperimentLift, LiftDelta};
use tributary_model::identity::{Alias, IdentifierCommand, IdentityChange, MergeRequest, PersonCommand, Resolved};
use tributary_model::path::{PathDelta, PathStatistics};
use tributary_model::scorecard::{MeasureDelta, Scorecard};
use tributary_model::{
    AccountCommand, AccountEvent, Decision, DecisionOutcome, Enrolment, JourneyEvent, RawEvent, Recheck, Replay,
    Touchpoint, TriggerDefinition, TriggerIntent,
};

/// A type with an Avro schema under `schemas/avro/`.
pub trait AvroRecord: Serialize + DeserializeOwned {
    /// The schema's file name without `.avsc`.
    const NAME: &'static str;
}

macro_rules! records {
    ($($record:ty => $name:literal),* $(,)?) => {
        $(impl AvroRecord for $record { const NAME: &'static str = $name; })*
    };
}

records! {
    RawEvent => "raw_event",
    Touchpoint => "touchpoint",
    Resolved => "resolved",
    IdentifierCommand => "identifier_command",
    MergeRequest => "merge_request",
    PersonCommand => "person_command",
    Alias => "alias",
    IdentityChange => "identity_change",
    CanvasEntry => "canvas_entry",
    JourneyEvent => "journey_event",
    AccountEvent => "account_event",
    AccountCommand => "account_command",
    Decision => "decision",
    DecisionOutcome => "decision_outcome",
    TriggerIntent => "trigger_intent",
    Recheck => "recheck",
    DeliveryCommand => "delivery_command",
    DeliveryLogEntry => "delivery_log_entry",
    MeasureDelta => "measure_delta",
    Scorecard => "scorecard",
    PathDelta => "path_delta",
    PathStatistics => "path_statistics",
    Enrolment => "enrolment",
    LiftDelta => "lift_delta",
    ExperimentLift => "experiment_lift",
    Replay => "replay",
    TriggerDefinition => "trigger_definition",
}
