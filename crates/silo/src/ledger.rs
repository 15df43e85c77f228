//! The measures that decisions and outcomes give: hand-over by team, suppression leakage and loop time.

use std::collections::{BTreeMap, BTreeSet};

use crate::delays::{Bucket, Delays};
use crate::fact::LATE_AFTER_MS;
use crate::grade::LOOP_WINDOW_MS;
use crate::loops::{Kept, Loops as Folded};
use crate::report::{Leakage, Loops, TeamDelay, TeamLeaks, TeamLoops};
use crate::share::Share;

/// From a decision to the first act of the team that was asked, by team.
pub(crate) fn team_delays(folded: &Folded) -> Vec<TeamDelay> {
    let mut teams: BTreeMap<&str, (Delays, u64)> = BTreeMap::new();
    for after in folded.after().values() {
        if let Some(act_ms) = after.act_ms {
            let (delays, late) = teams.entry(folded.names.text(after.team)).or_default();
            delays.add(Bucket::of(act_ms), 1);
            *late += u64::from(act_ms > LATE_AFTER_MS);
        }
    }
    let delay = |(team, (delays, late)): (&str, (Delays, u64))| TeamDelay {
        team: team.to_owned(),
        acted: delays.count(),
        delay: delays.quantiles(),
        late: Share::new(late, delays.count()),
    };
    teams.into_iter().map(delay).collect()
}

/// Contacts that met a suppression: made nevertheless, or held back.
pub(crate) fn leakage(folded: &Folded) -> Leakage {
    let mut teams: BTreeMap<&str, (u64, BTreeSet<_>, u64)> = BTreeMap::new();
    let mut suppressions = BTreeSet::new();
    for leak in folded.leaks() {
        let team = teams.entry(folded.names.text(leak.team)).or_default();
        team.0 += 1;
        team.1.insert(leak.suppression);
        suppressions.insert(leak.suppression);
    }
    for kept in folded.decisions().values() {
        if let Kept::HeldBack { team } = kept {
            teams.entry(folded.names.text(*team)).or_default().2 += 1;
        }
    }
    let leaks = |(team, (leaked, suppressions, held_back)): (&str, (u64, BTreeSet<_>, u64))| TeamLeaks {
        team: team.to_owned(),
        leaked,
        suppressions: suppressions.len() as u64,
        held_back,
    };
    let teams: Vec<TeamLeaks> = teams.into_iter().map(leaks).collect();
    let leaked = teams.iter().map(|team| team.leaked).sum();
    let held_back: u64 = teams.iter().map(|team| team.held_back).sum();
    Leakage { contacts: Share::new(leaked, leaked + held_back), suppressions: suppressions.len() as u64, teams }
}

/// What one team's messages came to.
#[derive(Debug, Default)]
struct Sums {
    closed: u64,
    open: u64,
    young: u64,
    delays: Delays,
}

/// What came of what was sent; `as_of` is the newest instant known.
pub(crate) fn loops(folded: &Folded, as_of: i64, loaded_decisions: u64) -> Loops {
    let mut teams: BTreeMap<&str, Sums> = BTreeMap::new();
    let after = folded.after();
    for (id, kept) in folded.decisions() {
        if let Kept::Asked { team, at } = kept {
            let sums = teams.entry(folded.names.text(team)).or_default();
            if after.get(&id).is_some_and(|after| after.is_reported) {
                sums.closed += 1;
            } else if as_of.saturating_sub(at) > LOOP_WINDOW_MS {
                sums.open += 1;
            } else {
                sums.young += 1;
            }
        }
    }
    for result in after.values() {
        if let Some(result_ms) = result.result_ms {
            teams.entry(folded.names.text(result.team)).or_default().delays.add(Bucket::of(result_ms), 1);
        }
    }
    let told = |(team, sums): (&str, Sums)| TeamLoops {
        team: team.to_owned(),
        closed: Share::new(sums.closed, sums.closed + sums.open),
        open: sums.open,
        young: sums.young,
        results: sums.delays.count(),
        delay: sums.delays.quantiles(),
    };
    let teams: Vec<TeamLoops> = teams.into_iter().map(told).collect();
    let (closed, open) = teams.iter().fold((0, 0), |sum, team| (sum.0 + team.closed.count, sum.1 + team.open));
    Loops { window_ms: LOOP_WINDOW_MS, closed: Share::new(closed, closed + open), loaded_decisions, teams }
}
