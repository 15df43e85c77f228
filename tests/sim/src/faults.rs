//! What goes wrong in a run: how often is drawn from the seed, and every fault from one source of chance.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::stores::Shares;

/// A moment at which a worker touches the world outside of it: before and behind each there may be a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Site {
    /// Joining the group.
    Subscribe,
    /// Before a record is fetched.
    Poll,
    /// A record was fetched.
    Fetched,
    /// The committed offsets are asked for.
    Offsets,
    /// The ends of changelogs are asked for.
    Ends,
    /// Where changelogs begin and end is asked for.
    Spans,
    /// Inputs are taken over.
    TakeOver,
    /// Inputs are given back.
    GiveBack,
    /// Inputs are rewound.
    Seek,
    /// Changelogs are opened.
    Open,
    /// Changelogs are read.
    Restore,
    /// Before a transaction begins.
    Begin,
    /// Before a record is written.
    Send,
    /// Before a changelog record is written.
    SendChange,
    /// A record was written.
    Sent,
    /// Before the offsets are added.
    Commit,
    /// The offsets were added and nothing is decided.
    OffsetsAdded,
    /// The commit was decided and its answer is on its way.
    Committed,
    /// Before an abort.
    Abort,
    /// The abort was decided and its answer is on its way.
    Aborted,
}

/// How checkpoints are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckpointHabit {
    /// Time between two checkpoints of a task, in seconds.
    pub interval_s: u64,
    /// Entries written at most in one turn of a worker.
    pub entries_a_slice: usize,
}

/// How often what goes wrong, and what the world is like.
#[derive(Debug, Clone)]
pub struct Profile {
    /// A crash at a site, one in so many; 0 for never.
    pub crash: u32,
    /// A standstill at a site, while the others go on, one in so many.
    pub stall: u32,
    /// A step of a transaction is refused for now, one in so many.
    pub refuse: u32,
    /// A step of a transaction is refused for good, one in so many.
    pub ruin: u32,
    /// The offsets are not told yet, one in so many.
    pub unsure: u32,
    /// A step of a service fails and is to be tried again, one in so many.
    pub retry: u32,
    /// Nothing is fetched although something is there, one in so many.
    pub hiccup: u32,
    /// A rebalance, one in so many steps of the world.
    pub rebalance: u32,
    /// A worker is stopped or started in good order, one in so many steps of the world.
    pub scale: u32,
    /// The clock jumps, one in so many steps of the world.
    pub jump: u32,
    /// Faults in all; when they are used up, nothing goes wrong any more.
    pub budget: u32,
    /// Workers of each stage at most.
    pub max_workers: u32,
    /// Partitions of keyed topics.
    pub partitions: u32,
    /// See [`crate::log::LogSettings`].
    pub session_timeout: Duration,
    /// See [`crate::log::LogSettings`].
    pub transaction_timeout: Duration,
    /// See [`crate::log::LogSettings`].
    pub slow_markers: bool,
    /// Whether members come back under their names at once.
    pub static_membership: bool,
    /// Whether changelogs are compacted when they are read.
    pub compacts: bool,
    /// Whether workers keep checkpoints, and how.
    pub checkpoints: Option<CheckpointHabit>,
    /// Whether workers with checkpoints have their state on disk, and who shares a database. They keep no copies then.
    pub on_disk: Option<Shares>,
    /// Whether workers keep copies of what others work on, and how often they look at the changelogs.
    pub standby: Option<Duration>,
    /// Something happens to a worker's checkpoints (see [`crate::disk`]), one in so many steps of the world.
    pub damage: u32,
    /// The disk refuses, one in so many calls.
    pub disk: u32,
    /// Whether everybody is away for days between two waves.
    pub rests: bool,
    /// Input records a transaction takes at most.
    pub commit_records: u64,
    /// Silence after which the clock moves event time on.
    pub idle_after: Duration,
}

impl Profile {
    /// A world in which nothing goes wrong.
    #[must_use]
    pub fn calm(partitions: u32, max_workers: u32) -> Self {
        Self {
            crash: 0,
            stall: 0,
            refuse: 0,
            ruin: 0,
            unsure: 0,
            retry: 0,
            hiccup: 0,
            rebalance: 0,
            scale: 0,
            jump: 0,
            budget: 0,
            max_workers,
            partitions,
            session_timeout: Duration::from_secs(10),
            transaction_timeout: Duration::from_secs(15),
            slow_markers: false,
            static_membership: true,
            compacts: false,
            checkpoints: None,
            on_disk: None,
            standby: None,
            damage: 0,
            disk: 0,
            rests: false,
            commit_records: 50,
            idle_after: Duration::from_secs(5),
        }
    }

    /// The world of a seed.
    #[must_use]
    pub fn draw(seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0x005e_ed0f_fa17);
        let mut often = |likely: u32, most: u32| {
            if rng.random_ratio(likely, 10) { most * (1 << rng.random_range(0..4)) } else { 0 }
        };
        let mut profile = Self {
            crash: often(8, 250),
            stall: often(5, 1_500),
            refuse: often(6, 100),
            ruin: often(3, 400),
            unsure: often(5, 3),
            retry: often(5, 60),
            hiccup: often(7, 2),
            rebalance: often(6, 200),
            scale: often(5, 400),
            jump: often(5, 400),
            ..Self::calm(1, 1)
        };
        profile.budget = rng.random_range(5..60);
        profile.partitions = [1, 2, 2, 3, 4][rng.random_range(0..5)];
        profile.max_workers = rng.random_range(1..=3);
        profile.session_timeout = Duration::from_millis(rng.random_range(500..12_000));
        profile.transaction_timeout = Duration::from_millis(rng.random_range(1_000..16_000));
        profile.slow_markers = rng.random_bool(0.6);
        profile.static_membership = rng.random_bool(0.5);
        profile.compacts = rng.random_bool(0.6);
        profile.commit_records = [1, 3, 10, 50][rng.random_range(0..4)];
        if rng.random_bool(0.6) {
            let (interval_s, entries_a_slice) = (rng.random_range(0..4), [1, 5, 20, 2_000][rng.random_range(0..4)]);
            profile.checkpoints = Some(CheckpointHabit { interval_s, entries_a_slice });
            profile.damage = if rng.random_bool(0.5) { 200 << rng.random_range(0..4) } else { 0 };
            profile.disk = if rng.random_bool(0.3) { 20 << rng.random_range(0..4) } else { 0 };
        }
        if profile.checkpoints.is_some() && rng.random_bool(0.25) {
            profile.on_disk = Some(if rng.random_bool(0.5) { Shares::Stage } else { Shares::Worker });
        } else if rng.random_bool(0.4) {
            profile.standby = Some(Duration::from_millis(rng.random_range(10..3_000)));
        }
        profile.rests = rng.random_bool(0.5);
        profile
    }

    /// For a story in waves: of those who rest between two waves, half have their state on disks of their own, and what was
    /// deleted before is not on the log any more when they come back.
    #[must_use]
    pub fn in_waves(mut self, seed: u64) -> Self {
        if self.rests && self.checkpoints.is_some() && seed.is_multiple_of(2) {
            self.on_disk = Some(Shares::Worker);
            self.standby = None;
            self.compacts = true;
        }
        self
    }
}

/// A refusal of a transaction's step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// For now.
    Now,
    /// For good.
    Ever,
}

/// The source of all faults of a run.
#[derive(Debug)]
pub struct Faults {
    profile: Profile,
    rng: ChaCha8Rng,
    left: u32,
    crashes: BTreeMap<Site, u64>,
    stalls: u64,
    refusals: u64,
}

impl Faults {
    /// Faults as the profile has them.
    #[must_use]
    pub fn new(profile: Profile, seed: u64) -> Self {
        let left = profile.budget;
        let rng = ChaCha8Rng::seed_from_u64(seed.rotate_left(17) ^ 0xfa17);
        Self { profile, rng, left, crashes: BTreeMap::new(), stalls: 0, refusals: 0 }
    }

    /// The profile.
    #[must_use]
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Chance for what is no fault.
    pub fn rng(&mut self) -> &mut ChaCha8Rng {
        &mut self.rng
    }

    /// A few more, for a world in which only timers fire from now on.
    pub fn renew(&mut self) {
        if self.profile.budget > 0 {
            self.left += self.rng.random_range(0..12);
        }
    }

    fn strikes(&mut self, one_in: u32) -> bool {
        let strikes = one_in > 0 && self.left > 0 && self.rng.random_ratio(1, one_in);
        self.left -= u32::from(strikes);
        strikes
    }

    /// Whether the worker crashes here.
    pub fn crashes(&mut self, site: Site) -> bool {
        // Rare moments would never be met at the rate of frequent ones.
        let one_in = match site {
            Site::Send | Site::Sent | Site::Poll | Site::Fetched => self.profile.crash * 4,
            Site::SendChange | Site::Begin => self.profile.crash,
            Site::Abort | Site::Aborted => self.profile.crash.div_ceil(50),
            _ => self.profile.crash.div_ceil(8),
        };
        let crashes = self.strikes(one_in);
        if crashes {
            *self.crashes.entry(site).or_default() += 1;
        }
        crashes
    }

    /// Whether the worker stands still here.
    pub fn stalls(&mut self, site: Site) -> bool {
        let one_in = match site {
            Site::Begin | Site::Commit | Site::OffsetsAdded => self.profile.stall.div_ceil(20),
            _ => self.profile.stall,
        };
        let stalls = self.strikes(one_in);
        self.stalls += u64::from(stalls);
        stalls
    }

    /// Whether a step of a transaction is refused.
    pub fn refuses(&mut self, site: Site) -> Option<Refusal> {
        let scale = if matches!(site, Site::Send | Site::SendChange) { 20 } else { 1 };
        let refusal = if self.strikes(self.profile.refuse * scale) {
            Some(Refusal::Now)
        } else {
            self.strikes(self.profile.ruin * scale).then_some(Refusal::Ever)
        };
        self.refusals += u64::from(refusal.is_some());
        refusal
    }

    /// Whether the offsets are not told yet.
    pub fn is_unsure(&mut self) -> bool {
        self.strikes(self.profile.unsure)
    }

    /// After how many more steps one of a service fails.
    pub fn next_retry(&mut self) -> Option<i64> {
        if self.profile.retry == 0 || self.left == 0 {
            return None;
        }
        self.left -= 1;
        Some(self.rng.random_range(0..i64::from(self.profile.retry) * 20))
    }

    /// Whether nothing is fetched although something is there. No fault: it costs nothing.
    pub fn hiccups(&mut self) -> bool {
        self.profile.hiccup > 0 && self.rng.random_ratio(1, self.profile.hiccup)
    }

    /// Whether a rebalance starts.
    pub fn rebalances(&mut self) -> bool {
        self.strikes(self.profile.rebalance)
    }

    /// Whether a worker is stopped or started.
    pub fn scales(&mut self) -> bool {
        self.strikes(self.profile.scale)
    }

    /// Whether something happens to a checkpoint.
    pub fn damages(&mut self) -> bool {
        self.strikes(self.profile.damage)
    }

    /// Whether the clock jumps.
    pub fn jumps(&mut self) -> bool {
        self.strikes(self.profile.jump)
    }

    /// Crashes by site.
    #[must_use]
    pub fn crash_counts(&self) -> &BTreeMap<Site, u64> {
        &self.crashes
    }

    /// Standstills.
    #[must_use]
    pub fn stall_count(&self) -> u64 {
        self.stalls
    }

    /// Refused steps of transactions.
    #[must_use]
    pub fn refusal_count(&self) -> u64 {
        self.refusals
    }

    /// How many may still go wrong.
    #[must_use]
    pub fn left(&self) -> u32 {
        self.left
    }

    /// True when everything that goes wrong has gone wrong.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.left == 0
    }
}
