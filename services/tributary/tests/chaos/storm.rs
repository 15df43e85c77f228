//! What happens to the processes, drawn from a seed.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tributary_testkit::eventually_every;

use crate::bed::SESSION_TIMEOUT_MS;
use crate::fleet::{Fleet, SERVICES};
use crate::pod::Role;

/// What can happen, each as often as it stands here.
const BLOWS: [Blow; 20] = [
    Blow::Kill,
    Blow::Kill,
    Blow::Kill,
    Blow::Kill,
    Blow::Kill,
    Blow::Kill,
    Blow::Kill,
    Blow::Kill,
    Blow::Kill,
    Blow::Kill,
    Blow::Stop,
    Blow::Stop,
    Blow::Freeze,
    Blow::Freeze,
    Blow::Cut,
    Blow::Block,
    Blow::Stall,
    Blow::Slow,
    Blow::Scale,
    Blow::Scale,
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Blow {
    /// SIGKILL, and started again after a while.
    Kill,
    /// SIGTERM, and started again when it has ended.
    Stop,
    /// SIGSTOP until its session is over, then SIGCONT; now and then with a replacement under the same instance number.
    Freeze,
    /// Its connections to the broker end.
    Cut,
    /// No connection to the broker for a while.
    Block,
    /// Connections that carry nothing for a while.
    Stall,
    /// Connections that carry everything late for a while.
    Slow,
    /// Another number of instances.
    Scale,
}

/// What is to be undone, and when.
enum Later {
    Start(String),
    Thaw(String),
    Heal(String),
}

/// What the storm did.
#[derive(Debug, Default)]
pub(crate) struct Toll {
    by_blow: BTreeMap<Blow, u64>,
}

impl Toll {
    fn kills(&self) -> u64 {
        self.by_blow.get(&Blow::Kill).copied().unwrap_or(0)
    }
}

impl fmt::Display for Toll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts: Vec<String> = self.by_blow.iter().map(|(blow, count)| format!("{blow:?} {count}")).collect();
        write!(f, "{}", counts.join(", "))
    }
}

/// The storm.
pub(crate) struct Storm {
    rng: ChaCha8Rng,
    later: Vec<(Instant, Later)>,
    toll: Toll,
}

impl Storm {
    pub(crate) fn new(seed: u64) -> Self {
        Self { rng: ChaCha8Rng::seed_from_u64(seed), later: Vec::new(), toll: Toll::default() }
    }

    /// Rages for `duration`, and on until there have been `least_kills`.
    pub(crate) fn rage(mut self, fleet: &mut Fleet<'_>, duration: Duration, least_kills: u64) -> Toll {
        let end = Instant::now() + duration;
        let mut next_blow = Instant::now() + Duration::from_secs(5);
        let over = eventually_every(Duration::from_millis(50), duration * 4, || {
            fleet.supervise();
            self.undo(fleet);
            if Instant::now() >= next_blow {
                self.strike(fleet);
                next_blow = Instant::now() + self.millis(1_500, 9_000);
            }
            (Instant::now() >= end && self.toll.kills() >= least_kills).then_some(())
        });
        assert!(over.is_some(), "the storm does not come to {least_kills} kills: {}", self.toll);
        self.toll
    }

    fn millis(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(self.rng.random_range(from..to))
    }

    fn undo(&mut self, fleet: &mut Fleet<'_>) {
        let now = Instant::now();
        let due: Vec<Later> = self.later.extract_if(.., |(at, _)| *at <= now).map(|(_, later)| later).collect();
        for later in due {
            let (Later::Start(name) | Later::Thaw(name) | Later::Heal(name)) = &later;
            match (&later, fleet.pods.iter_mut().find(|pod| pod.name == *name)) {
                (_, None) => {} // It has gone.
                (Later::Start(_), _) => fleet.start_again(name),
                (Later::Thaw(_), Some(pod)) => pod.thaw(),
                (Later::Heal(_), Some(pod)) => pod.link.heal(),
            }
        }
    }

    fn strike(&mut self, fleet: &mut Fleet<'_>) {
        let running: Vec<usize> =
            (0..fleet.pods.len()).filter(|at| fleet.pods[*at].is_running() && !fleet.pods[*at].is_frozen).collect();
        let (Some(blow), Some(at)) = (BLOWS.choose(&mut self.rng).copied(), running.choose(&mut self.rng).copied())
        else {
            return;
        };
        let is_service = fleet.pods[at].role != Role::Loader;
        // Who waits for an answer over HTTP is no member of a group: nobody takes over from a gateway or a loader.
        let is_member = is_service && fleet.pods[at].role != Role::Service("gateway");
        let blow = match blow {
            Blow::Scale | Blow::Freeze if !is_member => Blow::Kill,
            Blow::Stop if !is_service => Blow::Kill,
            blow => blow,
        };
        *self.toll.by_blow.entry(blow).or_default() += 1;
        eprintln!("  {blow:?} {}", fleet.pods[at].name);
        self.apply(blow, at, fleet);
    }

    fn apply(&mut self, blow: Blow, at: usize, fleet: &mut Fleet<'_>) {
        let name = fleet.pods[at].name.clone();
        let now = Instant::now();
        match blow {
            Blow::Kill => {
                fleet.pods[at].kill();
                let back = now + self.millis(0, 3_000);
                self.later.push((back, Later::Start(name)));
            }
            Blow::Stop => fleet.pods[at].ask_to_stop(),
            Blow::Freeze => {
                fleet.pods[at].freeze();
                if self.rng.random_bool(0.5) {
                    fleet.replace(at);
                }
                let back = now + self.millis(SESSION_TIMEOUT_MS + 1_000, SESSION_TIMEOUT_MS + 8_000);
                self.later.push((back, Later::Thaw(name)));
            }
            Blow::Cut => fleet.pods[at].link.cut(),
            Blow::Block | Blow::Stall | Blow::Slow => {
                let link = &fleet.pods[at].link;
                match blow {
                    Blow::Block => link.block(),
                    Blow::Stall => link.stall(),
                    _ => link.slow(Duration::from_millis(30)),
                }
                let back = now + self.millis(1_000, SESSION_TIMEOUT_MS + 4_000);
                self.later.push((back, Later::Heal(name)));
            }
            Blow::Scale => {
                let services: Vec<&'static str> = SERVICES.into_iter().filter(|name| *name != "gateway").collect();
                if let Some(service) = services.choose(&mut self.rng) {
                    let count = self.rng.random_range(1..=4);
                    fleet.scale(service, count);
                }
            }
        }
    }
}
