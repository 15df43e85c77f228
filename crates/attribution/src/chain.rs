//! The absorbing Markov chain that paths walk, and the probability of its ends.
//!
//! A state is START or the last one, two or three touches (fewer where the path is still shorter); the ends are
//! CONVERSION and NULL. How likely a step is, is how often it was made.

use std::collections::BTreeMap;

use crate::census::{Census, Channel};

/// How many touches a state remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    One = 1,
    Two = 2,
    Three = 3,
}

/// Whether walks that ended without a conversion are in the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nulls {
    Counted,
    LeftOut,
}

/// Where every walk begins.
const START: usize = 0;

/// One state with what was counted of the ways out of it. Steps from a state to itself are left out: they change when
/// it is left, not to where.
#[derive(Debug)]
struct State {
    /// The last touch; none at the start.
    channel: Option<Channel>,
    /// Other states and how often they came next.
    next: Vec<(usize, f64)>,
    /// How often the walk converted here.
    converted: f64,
    /// How often the state was left in any way. Never zero: who came went on or ended.
    left: f64,
}

/// The chain; START comes first.
#[derive(Debug)]
pub(crate) struct Chain {
    states: Vec<State>,
}

/// Counts of the ways out of a state while walks are added.
#[derive(Debug, Default)]
struct Tally {
    channel: Option<Channel>,
    next: BTreeMap<usize, f64>,
    converted: f64,
    ended: f64,
}

impl Chain {
    /// Counts the steps of all walks.
    pub(crate) fn of(census: &Census, order: Order, nulls: Nulls) -> Self {
        let memory = order as usize;
        let mut numbers: BTreeMap<&[Channel], usize> = BTreeMap::new();
        let mut tallies = vec![Tally::default()];
        for walk in &census.walks {
            let converted = walk.counts.conversions as f64;
            let ended = if nulls == Nulls::Counted { walk.counts.nulls as f64 } else { 0.0 };
            if converted + ended == 0.0 {
                continue;
            }
            let mut at = START;
            for (index, &channel) in walk.steps.iter().enumerate() {
                let remembered = &walk.steps[(index + 1).saturating_sub(memory)..=index];
                let next = *numbers.entry(remembered).or_insert_with(|| {
                    tallies.push(Tally { channel: Some(channel), ..Tally::default() });
                    tallies.len() - 1
                });
                *tallies[at].next.entry(next).or_default() += converted + ended;
                at = next;
            }
            tallies[at].converted += converted;
            tallies[at].ended += ended;
        }
        Self { states: tallies.into_iter().enumerate().map(|(number, tally)| tally.state(number)).collect() }
    }

    /// For each state the probability to convert from there.
    pub(crate) fn conversion(&self) -> Vec<f64> {
        self.settle(vec![0.0; self.states.len()], |_| true, |state| state.converted)
    }

    /// The probability, from the start, to come to the channel and to convert after that, given the probabilities of
    /// [`Chain::conversion`].
    ///
    /// It is what the conversion probability loses when all steps to the channel lead to NULL instead. To compute the
    /// loss and not what remains keeps all digits of a small one. That the channel is met first by a step *to* it is
    /// also why it makes no difference whether states that remember it from earlier are removed as well: nobody gets
    /// there.
    pub(crate) fn conversion_through(&self, channel: Channel, conversion: &[f64]) -> f64 {
        let is_goal = |state: &State| state.channel == Some(channel);
        let goals = self.states.iter().zip(conversion);
        let begin = goals.map(|(state, probability)| if is_goal(state) { *probability } else { 0.0 }).collect();
        self.settle(begin, |state| !is_goal(state), |_| 0.0)[START]
    }

    /// The probability of the start in what one of the others returned.
    pub(crate) fn from_start(probabilities: &[f64]) -> f64 {
        probabilities[START]
    }

    /// Solves, for the open states, "my probability is the mean of those of the states after me, plus my gain" by
    /// Gauss-Seidel sweeps: successors first, from below, until no probability grows any more.
    ///
    /// All numbers are positive and nothing is subtracted, so there is no cancellation, and no tolerance decides when to
    /// stop. What is lacking at the end is rounding, which grows with the mean length of the paths: some 1e-13 where
    /// they have ten thousand steps. The sweeps do end, since floating-point numbers below the solution are finitely
    /// many, and soon, since every state is left for good with a probability that some path shows: their number goes
    /// with the mean length of the paths, too, and the cost of one with the number of distinct steps.
    fn settle(
        &self,
        mut probabilities: Vec<f64>,
        is_open: impl Fn(&State) -> bool,
        gain: impl Fn(&State) -> f64,
    ) -> Vec<f64> {
        loop {
            let mut has_grown = false;
            for (number, state) in self.states.iter().enumerate().rev().filter(|(_, state)| is_open(state)) {
                let onward: f64 = state.next.iter().map(|&(next, times)| times * probabilities[next]).sum();
                let probability = (gain(state) + onward) / state.left;
                if probability > probabilities[number] {
                    probabilities[number] = probability;
                    has_grown = true;
                }
            }
            if !has_grown {
                return probabilities;
            }
        }
    }
}

impl Tally {
    fn state(self, number: usize) -> State {
        let next: Vec<(usize, f64)> = self.next.into_iter().filter(|&(next, _)| next != number).collect();
        let left = next.iter().map(|(_, times)| times).sum::<f64>() + self.converted + self.ended;
        State { channel: self.channel, next, converted: self.converted, left }
    }
}
