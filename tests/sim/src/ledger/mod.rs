//! The ledger after faults: decisions, outcomes and intents of a run with crashes, standstills and rebalances are those of
//! the run without, record for record, with all their fields.
//!
//! What two runs may rightly differ in is kept out of the input. Of two events that are under way at once chance decides
//! which is seen first, so each arrival is a wave of its own: everything it causes has settled before the next. The clock
//! moves event time on where nothing comes, so it does so only once everything has arrived. And a touch that names two
//! persons for the first time may be decided on before or after they have become one, so nobody decides on such a touch
//! ([`shoppers`] tells how they come).

mod compare;
mod shoppers;

use std::time::Duration;

use tributary_schema::Contracts;

pub use compare::{Told, differences};

use crate::faults::Profile;
use crate::hub::Hub;
use crate::ledger::shoppers::Story;
use crate::run::{Lived, Outcome, live_on, outcome};

/// Longer than all that goes wrong between two arrivals takes on the clock, shorter than the jumps of it after the last.
const IDLE_AFTER: Duration = Duration::from_secs(6 * 3_600);
/// Faults for each arrival.
const FAULTS_PER_WAVE: u32 = 2;

/// Runs the story of a seed without faults and with them, and compares what the ledger says.
///
/// # Errors
/// When the hub cannot be made or an output cannot be read.
pub fn run(seed: u64, is_traced: bool) -> anyhow::Result<Outcome> {
    let faulty = profile(seed);
    let calm = Profile { idle_after: IDLE_AFTER, ..Profile::calm(faulty.partitions, faulty.max_workers) };
    let (story, told) = lived_calmly(&calm, seed)?;
    let faulty = Profile { budget: story.len() as u32 * FAULTS_PER_WAVE, ..faulty };
    let lived = live(&faulty, seed, &story, is_traced)?;
    let mut found = lived.broken.clone();
    found.extend(differences(&told, &Told::read(&lived)?));
    Ok(Outcome { ledger: told.counts(), ..outcome(seed, &lived.world, found, story.len()) })
}

/// The story of a seed with what the teams' tools do about the messages it leads to, and what the ledger says of it when
/// nothing goes wrong.
fn lived_calmly(calm: &Profile, seed: u64) -> anyhow::Result<(Story, Told)> {
    let mut story = Story::of(seed);
    let rehearsed = live(calm, seed, &story, false)?;
    story.act_on(&rehearsed.outputs.decisions);
    let lived = live(calm, seed, &story, false)?;
    anyhow::ensure!(lived.broken.is_empty(), "without faults: {}", lived.broken.join("; "));
    Ok((story, Told::read(&lived)?))
}

fn live(profile: &Profile, seed: u64, story: &Story, is_traced: bool) -> anyhow::Result<Lived> {
    live_on(Hub::with_limits()?, profile, seed, story.waves(&*Contracts::single_object()?)?, is_traced)
}

/// The faults of a seed: those of all others, but that nobody is away for days, for then timers fire by the clock.
fn profile(seed: u64) -> Profile {
    Profile { rests: false, idle_after: IDLE_AFTER, ..Profile::draw(seed) }
}
