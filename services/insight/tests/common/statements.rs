//! Histories of statements: what is asserted, taken back, corrected and merged.
#![allow(dead_code, reason = "each test binary uses its part")]

use proptest::prelude::*;
use tributary_model::JourneyEvent;

use crate::common::{event, person};

/// One thing that happens to a history.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    Assert(Box<JourneyEvent>),
    /// The statement at this place (modulo their number) is taken back.
    Retract(usize),
    /// It is taken back and the other one stated in its stead.
    Correct(usize, Box<JourneyEvent>),
    /// Everything of the first person becomes the second's.
    Merge(u8, u8),
}

pub(crate) fn change() -> impl Strategy<Value = Change> {
    let boxed = || event().prop_map(Box::new);
    prop_oneof![
        6 => boxed().prop_map(Change::Assert),
        1 => any::<usize>().prop_map(Change::Retract),
        1 => (any::<usize>(), boxed()).prop_map(|(place, event)| Change::Correct(place, event)),
        1 => (0_u8..6, 0_u8..6).prop_map(|(loser, winner)| Change::Merge(loser, winner)),
    ]
}

pub(crate) fn retracted(event: &JourneyEvent) -> JourneyEvent {
    JourneyEvent { retracted: true, ..event.clone() }
}

/// The statements of a history in the order they are made, and those that stand at its end.
pub(crate) fn play(changes: Vec<Change>) -> (Vec<JourneyEvent>, Vec<JourneyEvent>) {
    let (mut said, mut standing) = (Vec::new(), Vec::<JourneyEvent>::new());
    for change in changes {
        match change {
            Change::Assert(event) => {
                said.push((*event).clone());
                standing.push(*event);
            }
            Change::Retract(place) if !standing.is_empty() => {
                let place = place % standing.len();
                said.push(retracted(&standing.remove(place)));
            }
            Change::Correct(place, event) if !standing.is_empty() => {
                let place = place % standing.len();
                let person_id = standing[place].person_id;
                said.push(retracted(&standing[place]));
                standing[place] = JourneyEvent { person_id, revision: standing[place].revision + 1, ..*event };
                said.push(standing[place].clone());
            }
            Change::Merge(loser, winner) if loser != winner => {
                for event in standing.iter_mut().filter(|event| event.person_id == person(loser)) {
                    said.push(retracted(event));
                    *event = JourneyEvent { person_id: person(winner), revision: event.revision + 1, ..event.clone() };
                    said.push(event.clone());
                }
            }
            Change::Retract(_) | Change::Correct(..) | Change::Merge(..) => {}
        }
    }
    (said, standing)
}
