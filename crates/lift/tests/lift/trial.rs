//! Simulated experiments whose truth is known, with a look after every few persons.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tributary_lift::{Comparison, Design, Lift, Moments, Person, lift};

/// What persons do, by a number that is drawn for each, uniformly.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Outcome {
    /// 1 with this probability, else 0.
    Sale(f64),
    /// Money with this probability, else nothing: skewed as in Hillstrom's shop, where a sale is 30 to 500 and of these
    /// the small ones are the many.
    Spend(f64),
    /// Half of what she did before, and chance, and something more.
    Habit { more: i64 },
}

impl Outcome {
    /// Nothing more.
    pub(crate) const HABIT: Self = Self::Habit { more: 0 };

    fn draw(self, random: &mut ChaCha8Rng) -> Person {
        let (outcome, covariate) = match self {
            Self::Sale(rate) => (i64::from(random.random::<f64>() < rate), 0),
            Self::Spend(rate) => {
                let drawn = random.random::<f64>();
                // The rest of a draw below the rate is uniform again.
                let skewed = (drawn / rate).powi(4);
                (if drawn < rate { 3_000 + (47_000.0 * skewed) as i64 } else { 0 }, 0)
            }
            Self::Habit { more } => {
                let before = random.random_range(0..1_000_i64);
                (before / 2 + random.random_range(0..300) + more, before)
            }
        };
        Person::new(outcome, covariate).unwrap()
    }
}

/// An experiment to be repeated.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trial {
    pub(crate) treated_share: f64,
    pub(crate) treated: Outcome,
    pub(crate) held_out: Outcome,
    pub(crate) persons: usize,
    /// There is a look each time so many more have come.
    pub(crate) batch: usize,
}

/// In how many runs something was seen at any look.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Seen {
    /// The fewest looks of a run at which the confidence sequence spoke.
    pub(crate) fewest_looks: usize,
    /// Runs in which the confidence sequence was once without zero.
    pub(crate) anytime: usize,
    /// The same for the adjusted one.
    pub(crate) anytime_adjusted: usize,
    /// Runs in which the interval for one look was without zero at one of the same looks.
    pub(crate) fixed: usize,
    /// Runs in which it was so at the last look, the only one that it is meant for.
    pub(crate) fixed_at_end: usize,
    /// Runs that lost trust.
    pub(crate) mistrusted: usize,
}

impl Trial {
    pub(crate) fn design(&self) -> Design {
        Design::new(self.treated_share, self.persons as i64).unwrap()
    }

    /// Runs it so often; the runs have the seeds from `seed` on.
    pub(crate) fn run(&self, runs: u64, design: &Design, seed: u64) -> Seen {
        let mut seen = Seen { fewest_looks: usize::MAX, ..Seen::default() };
        for seed in seed..seed + runs {
            self.run_once(design, seed, &mut seen);
        }
        seen
    }

    fn run_once(&self, design: &Design, seed: u64, seen: &mut Seen) {
        let (mut anytime, mut adjusted, mut fixed, mut trusted) = (false, false, false, true);
        let mut looks = 0;
        let mut last = None;
        self.looks(design, seed, |lift| {
            trusted &= lift.is_trusted;
            last = lift.plain;
            let Some(plain) = lift.plain.filter(|plain| plain.anytime.is_some()) else { return };
            looks += 1;
            anytime |= excludes_zero_anytime(&plain);
            adjusted |= lift.adjusted.is_some_and(|adjusted| excludes_zero_anytime(&adjusted.comparison));
            fixed |= excludes_zero(&plain);
        });
        seen.fewest_looks = seen.fewest_looks.min(looks);
        seen.anytime += usize::from(anytime);
        seen.anytime_adjusted += usize::from(adjusted);
        seen.fixed += usize::from(fixed);
        seen.fixed_at_end += usize::from(last.is_some_and(|plain| excludes_zero(&plain)));
        seen.mistrusted += usize::from(!trusted);
    }

    fn looks(&self, design: &Design, seed: u64, mut look: impl FnMut(&Lift)) {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let (mut treated, mut held_out) = (Moments::default(), Moments::default());
        for number in 1..=self.persons {
            if random.random::<f64>() < self.treated_share {
                treated.add(self.treated.draw(&mut random));
            } else {
                held_out.add(self.held_out.draw(&mut random));
            }
            if number % self.batch == 0 {
                look(&lift(&treated, &held_out, design).unwrap());
            }
        }
    }
}

fn excludes_zero(plain: &Comparison) -> bool {
    !plain.fixed.limits.effect.contains(0.0)
}

fn excludes_zero_anytime(comparison: &Comparison) -> bool {
    comparison.anytime.is_some_and(|anytime| !anytime.limits.effect.contains(0.0))
}

/// The most of so many runs in which an event of this probability, or a smaller one, happens: three standard deviations
/// of the binomial distribution above its mean. A right level is beyond it in one of a thousand choices of seeds, one
/// of twice the level hardly ever within.
pub(crate) fn most(runs: u64, probability: f64) -> usize {
    let mean = runs as f64 * probability;
    (mean + 3.0 * (mean * (1.0 - probability)).sqrt()) as usize
}
