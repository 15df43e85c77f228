//! Experiments: who is held out of a trigger, who of everything, and what makes an arm worthless.

use serde_json::Value;
use tributary_model::scorecard::ALL_TEAMS;
use tributary_model::{Arm, PersonId, WithheldReason};
use uuid::Uuid;

use crate::arms::assign;
use crate::definition::{Action, Definition, read_holdout};
use crate::enrolled::{Enrolled, FirstExposure};
use crate::fields::{Fields, Report};
use crate::ledger::Desk;
use crate::pattern::History;
use crate::state::Facts;

/// The namespace of account identifiers that name households.
const HOUSEHOLD: &str = "household_id";

/// Who is held out together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldoutUnit {
    /// Each person for itself.
    Person,
    /// All persons of an account.
    Account,
    /// All persons of a household.
    Household,
}

impl HoldoutUnit {
    pub(crate) const NAMES: [(&'static str, Self); 3] =
        [("person", Self::Person), ("account", Self::Account), ("household", Self::Household)];

    /// What the arm goes by: the account or household that the newest touch with one names, else the person.
    fn id(self, experiment_id: Uuid, history: &History<'_>) -> Uuid {
        let is_meant = match self {
            Self::Person => return experiment_id,
            Self::Account => |namespace: &str| namespace != HOUSEHOLD,
            Self::Household => |namespace: &str| namespace == HOUSEHOLD,
        };
        let mut identifiers = history.iter().rev().flat_map(|event| &event.touchpoint.account_identifiers);
        let named = identifiers.find(|identifier| is_meant(&identifier.namespace));
        named.map_or(experiment_id, |identifier| {
            let name = format!("{}:{}", identifier.namespace, identifier.value);
            Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes())
        })
    }
}

/// Persons to whom nothing at all is sent, so that all messages together can be measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GlobalControl {
    seed: String,
    holdout_buckets: u16,
}

impl GlobalControl {
    pub(crate) fn read(report: &Report, path: &str, value: Value) -> Self {
        let mut fields = Fields::of(report, path, value);
        let seed = fields.text("seed").unwrap_or_else(|| "global-control".to_owned());
        if !fields.has("holdout_percent") {
            fields.problem("holdout_percent", "is missing", "write the share of persons who get nothing, such as 5");
        }
        let holdout_buckets = read_holdout(&mut fields);
        fields.finish();
        Self { seed, holdout_buckets }
    }

    fn experiment(&self) -> String {
        format!("global:{}", self.seed)
    }

    /// The group is about messages that somebody chose to send.
    fn concerns(&self, definition: &Definition) -> bool {
        self.holdout_buckets > 0 && definition.action == Action::Message && !definition.transactional
    }
}

/// One experiment that a decision takes part in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Assignment {
    /// Its name.
    pub(crate) experiment: String,
    /// The team whose messages are tried.
    team_id: String,
    /// The share that is held out.
    holdout_buckets: u16,
    /// The campaign that the messages belong to.
    campaign_id: Option<String>,
    /// The arm.
    pub(crate) arm: Arm,
    /// By which household or account it is drawn; `None` for the person itself in an experiment on persons.
    pub(crate) unit: Option<Uuid>,
    /// Why nothing can be learnt from this person, if that is so.
    contaminated: Option<String>,
}

impl Assignment {
    /// The exposure that a decision at `at` is, if it is the first.
    pub(crate) fn first_exposure(&self, at: i64) -> FirstExposure {
        let (team_id, campaign_id) = (self.team_id.clone(), self.campaign_id.clone());
        let (holdout_buckets, is_clustered) = (self.holdout_buckets, self.unit.is_some());
        FirstExposure { at, team_id, holdout_buckets, is_clustered, campaign_id }
    }
}

impl Desk<'_> {
    /// The experiments that a decision takes part in: the trigger's own, and the global control group. Who is in that group
    /// gets nothing either way, and takes part in no other.
    pub(crate) fn assignments(&self, definition: &Definition, facts: &Facts) -> Vec<Assignment> {
        let mut assignments = Vec::new();
        if let Some(control) = self.policy.global_control.as_ref().filter(|control| control.concerns(definition)) {
            let drawn = assign(&control.seed, self.person.experiment_id, control.holdout_buckets);
            let everybody = (ALL_TEAMS, control.holdout_buckets);
            let assignment = assignment(control.experiment(), everybody, (drawn, None), facts);
            let is_held_out = assignment.arm == Arm::HeldOut;
            assignments.push(assignment);
            if is_held_out {
                return assignments;
            }
        }
        if definition.holdout_buckets > 0 {
            let unit = definition.holdout_unit.id(self.person.experiment_id.0, self.person.history);
            let drawn = assign(&definition.seed, PersonId(unit), definition.holdout_buckets);
            let unit = (definition.holdout_unit != HoldoutUnit::Person).then_some(unit);
            let own = (definition.team_id.as_str(), definition.holdout_buckets);
            let own = assignment(definition.experiment(), own, (drawn, unit), facts);
            assignments.push(Assignment { campaign_id: definition.campaign_id.clone(), ..own });
        }
        assignments
    }
}

/// The part in an experiment: in the arm of the first exposure, whatever would be drawn now, and why nothing can be learnt
/// from it, if that is so.
fn assignment(
    experiment: String,
    (team_id, holdout_buckets): (&str, u16),
    (drawn, unit): (Arm, Option<Uuid>),
    facts: &Facts,
) -> Assignment {
    let seen = facts.enrolled.get(&experiment).map(Enrolled::seen).unwrap_or_default();
    let arm = seen.fixed().unwrap_or(drawn);
    // The draw of the same household changes with the share, and then the arm stays; another household's may differ.
    let is_new_unit = |unit| facts.units.get(&experiment).is_some_and(|units| !units.contains(&unit));
    let has_moved = arm != drawn && unit.is_some_and(is_new_unit);
    let contaminated = if seen.is_contaminated() {
        Some(format!("a merge joined both arms of {experiment}"))
    } else {
        has_moved.then(|| format!("now among others than when the arm of {experiment} was fixed"))
    };
    let team_id = team_id.to_owned();
    Assignment { experiment, team_id, holdout_buckets, campaign_id: None, arm, unit, contaminated }
}

/// What the experiments say of a decision that passed every check: why it is withheld, if it is, and in what words.
pub(crate) fn withheld_by(assignments: &[Assignment]) -> Option<(WithheldReason, Option<String>)> {
    if let Some(reason) = assignments.iter().find_map(|one| one.contaminated.clone()) {
        return Some((WithheldReason::Contaminated, Some(reason)));
    }
    assignments.iter().any(|one| one.arm == Arm::HeldOut).then_some((WithheldReason::HeldOut, None))
}

/// The experiment that a decision is told under: the one that holds it out, else the trigger's own.
pub(crate) fn told(assignments: &[Assignment]) -> Option<&Assignment> {
    assignments.iter().find(|one| one.arm == Arm::HeldOut).or_else(|| assignments.last())
}
