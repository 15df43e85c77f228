//! What a measure is counted under: the parts of a scorecard's key, borrowed from the event so that counting a touch
//! under eight or sixteen scorecards allocates nothing.

use hashbrown::Equivalent;
use tributary_model::scorecard::{
    ALL_TEAMS, DIMENSION_CAMPAIGN, DIMENSION_CHANNEL, DIMENSION_TEAM, ScorecardKey, WINDOW_DAY, WINDOW_TOTAL,
};
use tributary_model::time::day_start;

/// A scorecard's key but for its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Card<'a> {
    /// The team that reads it.
    pub team_id: &'a str,
    /// One of the dimensions of [`tributary_model::scorecard`].
    pub dimension: &'static str,
    /// The team, channel or campaign.
    pub subject: &'a str,
    /// Currency of the money in it; empty for the counts over all touches.
    pub currency: &'a str,
}

/// The span of event time that a scorecard covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Window {
    /// The UTC day that starts at this instant, in milliseconds.
    Day(i64),
    /// All time.
    Total,
}

impl Window {
    /// The windows that an event at `occurred_at` falls into.
    #[must_use]
    pub fn of(occurred_at: i64) -> [Self; 2] {
        [Self::Day(day_start(occurred_at)), Self::Total]
    }
}

impl<'a> Card<'a> {
    /// The card over all teams.
    #[must_use]
    pub fn all_teams(currency: &'a str) -> Self {
        Self { team_id: ALL_TEAMS, dimension: DIMENSION_TEAM, subject: ALL_TEAMS, currency }
    }

    /// The card of a team.
    #[must_use]
    pub fn team(team_id: &'a str, currency: &'a str) -> Self {
        Self { team_id, dimension: DIMENSION_TEAM, subject: team_id, currency }
    }

    /// The card of one of a team's channels.
    #[must_use]
    pub fn channel(team_id: &'a str, channel: &'a str, currency: &'a str) -> Self {
        Self { team_id, dimension: DIMENSION_CHANNEL, subject: channel, currency }
    }

    /// The card of one of a team's campaigns.
    #[must_use]
    pub fn campaign(team_id: &'a str, campaign_id: &'a str, currency: &'a str) -> Self {
        Self { team_id, dimension: DIMENSION_CAMPAIGN, subject: campaign_id, currency }
    }

    /// The cards that a touch of this team, channel and campaign is counted under, those of the sum of teams first.
    pub fn of_touch(
        team_id: &'a str,
        channel: &'a str,
        campaign_id: Option<&'a str>,
        currency: &'a str,
    ) -> impl Iterator<Item = Self> {
        std::iter::once(Self::all_teams(currency)).chain(Self::of_owner(team_id, channel, campaign_id, currency))
    }

    /// As [`Card::of_touch`], without the card over all teams.
    pub fn of_owner(
        team_id: &'a str,
        channel: &'a str,
        campaign_id: Option<&'a str>,
        currency: &'a str,
    ) -> impl Iterator<Item = Self> {
        [
            Some(Self::team(team_id, currency)),
            (!channel.is_empty()).then(|| Self::channel(team_id, channel, currency)),
            campaign_id.map(|campaign_id| Self::campaign(team_id, campaign_id, currency)),
        ]
        .into_iter()
        .flatten()
    }

    /// The scorecard of this card in `window`.
    #[must_use]
    pub fn within(self, window: Window) -> KeyRef<'a> {
        let (window, window_start_at) = match window {
            Window::Day(start_at) => (WINDOW_DAY, start_at),
            Window::Total => (WINDOW_TOTAL, 0),
        };
        KeyRef {
            team_id: self.team_id,
            dimension: self.dimension,
            subject: self.subject,
            window,
            window_start_at,
            currency: self.currency,
        }
    }

    /// 64 bits that stand for the card in the state of one person, the same on every machine and in every version:
    /// FNV-1a (Fowler, Noll, Vo) over the parts, each closed by a byte that UTF-8 never contains.
    ///
    /// Two cards of the same person and window with the same fingerprint would be counted as one; at a thousand cards
    /// a person that is one person in 10^13.
    #[must_use]
    pub fn fingerprint(self) -> u64 {
        const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
        const PRIME: u64 = 0x0000_0100_0000_01b3;
        let parts = [self.team_id, self.dimension, self.subject, self.currency];
        let bytes = parts.iter().flat_map(|part| part.bytes().chain([0xff]));
        bytes.fold(OFFSET_BASIS, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME))
    }
}

/// A [`ScorecardKey`] that owns nothing; hashes as the key does, so that it finds it in a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyRef<'a> {
    team_id: &'a str,
    dimension: &'a str,
    subject: &'a str,
    window: &'a str,
    window_start_at: i64,
    currency: &'a str,
}

impl Equivalent<ScorecardKey> for KeyRef<'_> {
    fn equivalent(&self, key: &ScorecardKey) -> bool {
        self.team_id == key.team_id
            && self.dimension == key.dimension
            && self.subject == key.subject
            && self.window == key.window
            && self.window_start_at == key.window_start_at
            && self.currency == key.currency
    }
}

impl From<&KeyRef<'_>> for ScorecardKey {
    fn from(key: &KeyRef<'_>) -> Self {
        Self {
            team_id: key.team_id.to_owned(),
            dimension: key.dimension.to_owned(),
            subject: key.subject.to_owned(),
            window: key.window.to_owned(),
            window_start_at: key.window_start_at,
            currency: key.currency.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::hash::BuildHasher;

    use rustc_hash::FxBuildHasher;

    use super::*;

    #[test]
    fn a_borrowed_key_hashes_as_the_key_it_stands_for() {
        let [day, total] = Window::of(86_400_123);
        for window in [day, total] {
            let borrowed = Card::channel("email-team", "email", "USD").within(window);
            let owned = ScorecardKey::from(&borrowed);
            assert_eq!(FxBuildHasher.hash_one(borrowed), FxBuildHasher.hash_one(&owned));
            assert!(borrowed.equivalent(&owned));
        }
        assert_eq!(ScorecardKey::from(&Card::all_teams("").within(day)).window_start_at, 86_400_000);
    }

    #[test]
    fn fingerprints_tell_the_parts_apart_and_never_change() {
        let one = Card::team("ab", "").fingerprint();
        assert_ne!(one, Card::channel("a", "b", "").fingerprint());
        assert_ne!(Card::channel("a", "bc", "").fingerprint(), Card::channel("ab", "c", "").fingerprint());
        assert_ne!(one, Card::team("ab", "USD").fingerprint());
        // State on disk holds these: another value here means that the store's version has to be raised.
        assert_eq!(one, 8_156_415_512_646_417_570);
    }
}
