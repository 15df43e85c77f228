//! Reading journeys back from `tributary.journeys`: assertions less retractions.

use std::collections::BTreeMap;

use tributary_model::{JourneyEvent, PersonId};

/// A statement that took back, or replaced, something that had not been said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{touchpoint_id} at {person_id}, revision {revision}: {what}; read the topic from its beginning")]
pub struct Contradiction {
    /// The touchpoint.
    pub touchpoint_id: String,
    /// The person.
    pub person_id: PersonId,
    /// The revision of the record.
    pub revision: i32,
    /// What does not fit.
    pub what: &'static str,
}

/// The present of one or several persons' journeys, folded record by record.
#[derive(Debug, Clone, Default)]
pub struct JourneyFold {
    statements: BTreeMap<(i64, String, PersonId), JourneyEvent>,
}

impl JourneyFold {
    /// Takes in one record; records of one person have to come in the order of their partition.
    ///
    /// # Errors
    /// [`Contradiction`] when the record does not continue what was said, as when reading began in the middle of the topic;
    /// the fold then goes by the record.
    pub fn apply(&mut self, record: JourneyEvent) -> Result<(), Contradiction> {
        let touchpoint = &record.touchpoint;
        let key = (touchpoint.occurred_at, touchpoint.touchpoint_id.clone(), record.person_id);
        let contradiction = |what| {
            let (touchpoint_id, person_id) = (touchpoint.touchpoint_id.clone(), record.person_id);
            Err(Contradiction { touchpoint_id, person_id, revision: record.revision, what })
        };
        if record.retracted {
            return match self.statements.remove(&key) {
                Some(stated) if stated == (JourneyEvent { retracted: false, ..record.clone() }) => Ok(()),
                Some(_) => contradiction("takes back another statement than the one that stands"),
                None => contradiction("takes back what was not stated"),
            };
        }
        let checked = match self.statements.get(&key) {
            Some(_) => contradiction("is stated again while an earlier statement stands"),
            None => Ok(()),
        };
        self.statements.insert(key, record);
        checked
    }

    /// `person_id` was erased: a record without a value says so.
    pub fn erase(&mut self, person_id: PersonId) {
        self.statements.retain(|(_, _, of), _| *of != person_id);
    }

    /// The statements that stand, in order of event time, then touchpoint id.
    #[must_use]
    pub fn into_events(self) -> Vec<JourneyEvent> {
        self.statements.into_values().collect()
    }

    /// The statements that stand, in order of event time, then touchpoint id.
    pub fn events(&self) -> impl Iterator<Item = &JourneyEvent> {
        self.statements.values()
    }
}

/// The journey that `records` tell, in order; what contradicts itself is taken as it comes. For one person give all records
/// keyed by the person and by the persons merged into it; their retractions cancel out.
#[must_use]
pub fn fold_journey(records: impl IntoIterator<Item = JourneyEvent>) -> Vec<JourneyEvent> {
    let mut fold = JourneyFold::default();
    for record in records {
        if let Err(contradiction) = fold.apply(record) {
            tracing::debug!(%contradiction, "journey record does not continue what was read");
        }
    }
    fold.into_events()
}
