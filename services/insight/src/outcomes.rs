//! What an outcome of a decision adds to the scorecards.
//!
//! It counts for the team that owns the trigger, and a contact that leaked through a suppression for the team that made
//! it. What happened to those who were held out is no outcome of a message: it counts in the lift.

use std::collections::BTreeMap;

use tributary_model::DecisionOutcome;
use tributary_model::outcome::OutcomeKind;
use tributary_model::scorecard::{ALL_TEAMS, Measures};

use crate::card::Owner;
use crate::contribution::Contribution;
use crate::error::InsightError;

/// What an outcome adds; it is never taken back.
///
/// # Errors
/// [`InsightError`] when a team has a reserved name.
pub(crate) fn of_outcome(outcome: &DecisionOutcome) -> Result<Vec<Contribution<'_>>, InsightError> {
    let leaked_by = outcome.touchpoint_team_id.as_deref().filter(|_| outcome.kind == OutcomeKind::Leaked);
    if outcome.team_id == ALL_TEAMS || leaked_by == Some(ALL_TEAMS) {
        return Err(InsightError::ReservedTeam { subject: format!("outcome {}", outcome.outcome_id) });
    }
    let at = outcome.occurred_at;
    let mut contributions = Vec::new();
    if let Some(team_id) = leaked_by {
        let leak = Measures { leaks: 1, ..Measures::default() };
        contributions.push(Contribution::counted(at, Owner { team_id, ..Owner::default() }, leak));
    }
    if !outcome.is_ghost {
        let is_answer = !matches!(outcome.kind, OutcomeKind::Leaked | OutcomeKind::OverCap);
        let measures = Measures {
            outcomes: BTreeMap::from([(outcome.kind.name().to_owned(), 1)]),
            loops: i64::from(is_answer),
            loop_ms: if is_answer { outcome.loop_ms } else { 0 },
            ..Measures::default()
        };
        let owner = Owner { team_id: &outcome.team_id, channel: &outcome.channel, ..Owner::default() };
        contributions.push(Contribution::counted(at, owner, measures));
    }
    Ok(contributions)
}
