//! The last word counts for any order of arrival, for the union of merged persons and for each part of one that is taken
//! apart; `*` stands for all.

use proptest::prelude::*;
use tributary_model::{Consent, Identifier, Touchpoint};

use super::harness::touch;
use crate::consent::{Answer, ConsentRule, Consents};

const CHANNELS: [&str; 3] = ["*", "email", "sms"];
const PURPOSES: [&str; 3] = ["*", "marketing", "service"];
const IDENTIFIERS: usize = 4;

/// Somebody said something, by one of the identifiers, at one of a few instants.
#[derive(Debug, Clone)]
struct Said {
    id: usize,
    by: usize,
    at: i64,
    channel: &'static str,
    purpose: &'static str,
    granted: bool,
}

impl Said {
    fn touchpoint(&self) -> Touchpoint {
        let mut made = touch("consent.changed", self.at).touchpoint;
        made.touchpoint_id = format!("t{:02}", self.id);
        made.source = format!("source-{}", self.by);
        let (channel, purpose) = (self.channel.to_owned(), self.purpose.to_owned());
        made.consents = vec![Consent { channel, purpose, granted: self.granted }];
        made
    }
}

fn identifier(by: usize) -> Identifier {
    Identifier::new("email", by.to_string())
}

fn said() -> impl Strategy<Value = Vec<Said>> {
    let one = (0..IDENTIFIERS, 0..6_i64, 0..3_usize, 0..3_usize, any::<bool>());
    prop::collection::vec(one, 1..25).prop_map(|all| {
        let number = |(id, (by, at, channel, purpose, granted))| Said {
            id,
            by,
            at,
            channel: CHANNELS[channel],
            purpose: PURPOSES[purpose],
            granted,
        };
        all.into_iter().enumerate().map(number).collect()
    })
}

/// What was said last by one of these identifiers about a channel and purpose or all of them; of what was said at one
/// instant a withdrawal counts, then the greater id.
fn last_word(
    all: &[Said],
    is_own: &dyn Fn(usize) -> bool,
    channel: &str,
    purpose: &str,
) -> Option<(bool, i64, String)> {
    let mut about: Vec<&Said> = all
        .iter()
        .filter(|said| is_own(said.by))
        .filter(|said| [channel, "*"].contains(&said.channel) && [purpose, "*"].contains(&said.purpose))
        .collect();
    about.sort_by_key(|said| (said.at, !said.granted, said.id));
    about.last().map(|said| (said.granted, said.at, format!("t{:02}", said.id)))
}

fn check(consents: &Consents, all: &[Said], is_own: &dyn Fn(usize) -> bool) -> Result<(), TestCaseError> {
    for channel in ["email", "sms", "push"] {
        for purpose in ["marketing", "service", "research"] {
            let word = match consents.answer(channel, purpose, ConsentRule::Required) {
                Answer::Allowed(proof) => proof,
                Answer::Withdrawn(proof) => Some(proof),
                Answer::NeverGiven => None,
            };
            let word = word.map(|proof| (proof.granted, proof.occurred_at, proof.touchpoint_id));
            prop_assert_eq!(word, last_word(all, is_own, channel, purpose), "{} {}", channel, purpose);
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn the_last_word_counts_however_it_arrives_and_whoever_is_one(
        (all, arrivals) in said().prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
        homes in prop::collection::vec(0..3_usize, 25),
        again in prop::collection::vec(any::<bool>(), 25),
        taken in any::<u8>(),
    ) {
        let mut persons = [Consents::default(), Consents::default(), Consents::default()];
        for (said, (home, again)) in arrivals.iter().zip(homes.iter().zip(again)) {
            for _ in 0..1 + usize::from(again) {
                persons[*home].note(&said.touchpoint(), Some(&identifier(said.by)), &[]);
            }
        }
        let [mut one, other, third] = persons;
        one.absorb(other.clone());
        one.absorb(third);
        one.absorb(other);
        check(&one, &all, &|_| true)?;
        let is_taken = |by: usize| taken & (1 << by) != 0;
        let gone = one.take(&|via, _| (0..IDENTIFIERS).any(|by| is_taken(by) && *via == identifier(by)));
        check(&one, &all, &|by| !is_taken(by))?;
        check(&gone, &all, &is_taken)?;
        one.absorb(gone);
        check(&one, &all, &|_| true)?;
    }
}

#[test]
fn one_withdrawal_for_everything_counts_for_everything_until_something_newer_is_said() {
    let said = |id, at, channel, purpose, granted| Said { id, by: 0, at, channel, purpose, granted };
    let all =
        [said(0, 1, "email", "marketing", true), said(1, 2, "*", "*", false), said(2, 3, "sms", "marketing", true)];
    let mut consents = Consents::default();
    all.iter().for_each(|said| consents.note(&said.touchpoint(), Some(&identifier(0)), &[]));
    let allowed =
        |channel, purpose| matches!(consents.answer(channel, purpose, ConsentRule::OptOut), Answer::Allowed(_));
    assert!(!allowed("email", "marketing") && !allowed("push", "research"));
    assert!(allowed("sms", "marketing") && !allowed("sms", "service"));
    assert_eq!(consents.last_words().count(), 3);
}
