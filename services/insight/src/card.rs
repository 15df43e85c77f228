//! What a measure is counted under: the parts of a scorecard's key, borrowed from the event so that counting a touch
//! under eight or sixteen scorecards allocates nothing.

use hashbrown::Equivalent;
use tributary_model::scorecard::{
    ALL_TEAMS, DIMENSION_CAMPAIGN, DIMENSION_CATEGORY, DIMENSION_PRODUCT, DIMENSION_TEAM, DIMENSION_TENTPOLE,
    ScorecardKey,
};

use crate::views::{Dimension, Views, Window};

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
    /// For a campaign, when the flight begins that is counted.
    pub flight_at: Option<i64>,
}

/// Whose a touch, an exposure on a path, or a decision is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner<'a> {
    /// The team.
    pub team_id: &'a str,
    /// The channel; empty when there is none.
    pub channel: &'a str,
    /// The campaign.
    pub campaign_id: Option<&'a str>,
    /// The agency.
    pub agency: Option<&'a str>,
    /// The partner.
    pub partner: Option<&'a str>,
    /// The store or other place.
    pub store: Option<&'a str>,
    /// The tentpole.
    pub tentpole_id: Option<&'a str>,
    /// When the campaign's flight begins.
    pub flight_at: Option<i64>,
    /// The message.
    pub message_id: Option<&'a str>,
}

impl<'a> Owner<'a> {
    fn subject(&self, dimension: Dimension) -> Option<&'a str> {
        match dimension {
            Dimension::Team => Some(self.team_id),
            Dimension::Channel => Some(self.channel).filter(|channel| !channel.is_empty()),
            Dimension::Campaign => self.campaign_id,
            Dimension::Agency => self.agency,
            Dimension::Partner => self.partner,
            Dimension::Store => self.store,
            Dimension::Tentpole => self.tentpole_id,
            Dimension::Creative => self.message_id,
            // Lines have categories and products, not touches.
            Dimension::Category | Dimension::Product => None,
        }
    }

    /// The owner's cards in one currency, and that of its tentpole over all teams.
    pub fn cards(self, views: &Views, currency: &'a str) -> impl Iterator<Item = Card<'a>> {
        let over_all = self.tentpole_id.map(|tentpole| Card::tentpole(tentpole, currency));
        let subject = move |dimension: &Dimension| Some((dimension.name(), self.subject(*dimension)?));
        let subjects = views.dimensions().iter().filter_map(subject);
        let cards = subjects.map(move |(dimension, subject)| Card {
            team_id: self.team_id,
            dimension,
            subject,
            currency,
            flight_at: self.flight_at.filter(|_| dimension == DIMENSION_CAMPAIGN),
        });
        cards.chain(over_all)
    }
}

impl<'a> Card<'a> {
    /// The card over all teams.
    #[must_use]
    pub fn all_teams(currency: &'a str) -> Self {
        Self { team_id: ALL_TEAMS, dimension: DIMENSION_TEAM, subject: ALL_TEAMS, currency, flight_at: None }
    }

    /// The card of a tentpole over all teams.
    #[must_use]
    pub fn tentpole(tentpole_id: &'a str, currency: &'a str) -> Self {
        let dimension = DIMENSION_TENTPOLE;
        Self { team_id: ALL_TEAMS, dimension, subject: tentpole_id, currency, flight_at: None }
    }

    /// The card of a team.
    #[must_use]
    pub fn team(team_id: &'a str, currency: &'a str) -> Self {
        Self { team_id, dimension: DIMENSION_TEAM, subject: team_id, currency, flight_at: None }
    }

    /// The card of a product category in what a team sold.
    #[must_use]
    pub fn category(team_id: &'a str, category: &'a str, currency: &'a str) -> Self {
        Self { team_id, dimension: DIMENSION_CATEGORY, subject: category, currency, flight_at: None }
    }

    /// The card of a product over all teams.
    #[must_use]
    pub fn product(sku: &'a str, currency: &'a str) -> Self {
        Self { team_id: ALL_TEAMS, dimension: DIMENSION_PRODUCT, subject: sku, currency, flight_at: None }
    }

    /// The scorecard of this card in `window`.
    #[must_use]
    pub fn within(self, window: Window) -> KeyRef<'a> {
        KeyRef {
            team_id: self.team_id,
            dimension: self.dimension,
            subject: self.subject,
            window: window.span.name(),
            window_start_at: window.start_at,
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
        let parts = [self.team_id, self.dimension, self.subject, self.currency];
        fnv(OFFSET_BASIS, parts.iter().flat_map(|part| part.bytes().chain([0xff])))
    }

    /// The same, for one flight of the card's campaign.
    #[must_use]
    pub fn fingerprint_in_flight(self, flight_at: i64) -> u64 {
        fnv(self.fingerprint(), flight_at.to_le_bytes())
    }
}

fn fnv(basis: u64, bytes: impl IntoIterator<Item = u8>) -> u64 {
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    bytes.into_iter().fold(basis, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME))
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
    use crate::views::Span;

    fn channel<'a>(team_id: &'a str, subject: &'a str, currency: &'a str) -> Card<'a> {
        Card { team_id, dimension: "channel", subject, currency, flight_at: None }
    }

    #[test]
    fn an_owner_has_a_card_for_each_view_that_it_has_a_subject_of() {
        let owner = Owner { team_id: "media", channel: "", agency: Some("A"), store: Some("7"), ..Owner::default() };
        let views = Views::new(&[Dimension::Agency, Dimension::Partner, Dimension::Store, Dimension::Category], &[]);
        let subjects =
            |views: &Views| owner.cards(views, "").map(|card| (card.dimension, card.subject)).collect::<Vec<_>>();
        assert_eq!(subjects(&views), [("team", "media"), ("agency", "A"), ("store", "7")]);
        assert_eq!(subjects(&Views::default()), [("team", "media")]);
    }

    #[test]
    fn a_borrowed_key_hashes_as_the_key_it_stands_for() {
        let views = Views::new(&[], &[Span::Minute]);
        for window in views.windows(86_400_123) {
            let borrowed = channel("email-team", "email", "USD").within(window);
            let owned = ScorecardKey::from(&borrowed);
            assert_eq!(FxBuildHasher.hash_one(borrowed), FxBuildHasher.hash_one(&owned));
            assert!(borrowed.equivalent(&owned));
        }
        let key = ScorecardKey::from(&Card::all_teams("").within(Span::Day.around(86_400_123)));
        assert_eq!((key.window.as_str(), key.window_start_at), ("day", 86_400_000));
    }

    #[test]
    fn fingerprints_tell_the_parts_apart_and_never_change() {
        let one = Card::team("ab", "").fingerprint();
        assert_ne!(one, channel("a", "b", "").fingerprint());
        assert_ne!(channel("a", "bc", "").fingerprint(), channel("ab", "c", "").fingerprint());
        assert_ne!(one, Card::team("ab", "USD").fingerprint());
        // State on disk holds these: another value here means that the store's version has to be raised.
        assert_eq!(one, 8_156_415_512_646_417_570);
    }
}
