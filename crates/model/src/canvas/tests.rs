use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::money::Money;

const IDS: [&str; 3] = ["a", "b@home", "c:2"];
const CHANNELS: [&str; 3] = ["email", "sms", "push"];

fn team(team_id: &str, channels: &[&str]) -> CanvasEntry {
    Team { team_id: team_id.to_owned(), channels: channels.iter().map(|name| (*name).to_owned()).collect() }.into()
}

fn campaign(campaign_id: &str, team_id: &str) -> CanvasEntry {
    Campaign { campaign_id: campaign_id.to_owned(), team_id: team_id.to_owned(), ..Campaign::default() }.into()
}

fn from(entry: CanvasEntry, effective_from: i64) -> CanvasEntry {
    CanvasEntry { effective_from: Some(effective_from), ..entry }
}

fn canvas(entries: impl IntoIterator<Item = CanvasEntry>) -> Canvas {
    let mut canvas = Canvas::default();
    entries.into_iter().for_each(|entry| canvas.apply(entry));
    canvas
}

/// A version of a team, campaign, message or budget; few ids and dates, so that they meet.
fn version() -> impl Strategy<Value = CanvasEntry> {
    let what = (0..4_usize, 0..IDS.len(), 0..IDS.len(), prop::collection::vec(0..CHANNELS.len(), 0..3));
    let when = (prop::option::of(-3_i64..9), prop::bool::weighted(0.2), 0..3_i32, prop::option::of(0_i64..3));
    (what, when).prop_map(|((kind, id, other, channels), (effective_from, retired, version, applied_at))| {
        let channels: Vec<&str> = channels.into_iter().map(|channel| CHANNELS[channel]).collect();
        let id = IDS[id].to_owned();
        let content: CanvasEntry = match kind {
            0 => team(&id, &channels),
            1 => campaign(&id, IDS[other]),
            2 => Message { message_id: id, narrative_id: IDS[other].to_owned(), ..Message::default() }.into(),
            _ => Narrative { narrative_id: id, name: IDS[other].to_owned(), text: None }.into(),
        };
        CanvasEntry { effective_from, retired, version, applied_at, ..content }
    })
}

/// What a compacted topic holds of these records: under each key the last.
fn compacted(records: &[(CanvasEntry, bool)]) -> BTreeMap<Vec<u8>, CanvasEntry> {
    let mut kept = BTreeMap::new();
    for (entry, is_tombstone) in records {
        if *is_tombstone {
            kept.remove(&entry.to_key());
        } else {
            kept.insert(entry.to_key(), entry.clone());
        }
    }
    kept
}

/// What is in force at an instant, by looking through all versions.
fn naive(kept: &BTreeMap<Vec<u8>, CanvasEntry>, at: i64) -> Vec<CanvasEntry> {
    let mut latest: BTreeMap<(Kind, &str), &CanvasEntry> = BTreeMap::new();
    for entry in kept.values().filter(|entry| entry.effective_from.is_none_or(|from| from <= at)) {
        let known = latest.entry(entry.subject().unwrap()).or_insert(entry);
        if known.effective_from < entry.effective_from {
            *known = entry;
        }
    }
    latest.into_values().filter(|entry| !entry.retired).cloned().collect()
}

proptest! {
    #[test]
    fn in_force_at_any_instant_is_what_a_scan_over_all_versions_finds(
        records in prop::collection::vec((version(), prop::bool::weighted(0.2)), 0..40),
    ) {
        let mut canvas = Canvas::default();
        for (entry, is_tombstone) in &records {
            if *is_tombstone {
                canvas.remove(&String::from_utf8(entry.to_key()).unwrap());
            } else {
                canvas.apply(entry.clone());
            }
        }
        let kept = compacted(&records);
        for at in -5..11 {
            let expected = naive(&kept, at);
            prop_assert_eq!(&canvas.in_force(at), &expected);
            for id in IDS {
                let found = |kind| expected.iter().find(|entry| entry.subject() == Some((kind, id)));
                prop_assert_eq!(canvas.campaign(id, at), found(Kind::Campaign).and_then(|e| e.campaign.as_ref()));
                prop_assert_eq!(canvas.message(id, at), found(Kind::Message).and_then(|e| e.message.as_ref()));
                prop_assert_eq!(canvas.team(id, at), found(Kind::Team).and_then(|e| e.team.as_ref()));
            }
            for channel in CHANNELS {
                let claims = expected.iter().filter(|entry| {
                    entry.team.as_ref().is_some_and(|team| team.channels.iter().any(|claimed| claimed == channel))
                });
                let owner = claims.max_by_key(|entry| (entry.effective_from, entry.applied_at, entry.subject()));
                let owner = owner.and_then(|entry| entry.team.as_ref()).map_or(UNASSIGNED_TEAM, |team| &team.team_id);
                prop_assert_eq!(canvas.team_of_parts(None, channel, at), owner);
            }
        }
    }

    #[test]
    fn the_order_of_application_makes_no_difference(
        records in prop::collection::vec(version(), 0..30).prop_map(|records| {
            compacted(&records.into_iter().map(|entry| (entry, false)).collect::<Vec<_>>()).into_values().collect::<Vec<_>>()
        }),
        seed in any::<u64>(),
    ) {
        let mut shuffled = records.clone();
        // Any permutation will do; a multiplicative hash of the place orders them.
        shuffled.sort_by_key(|entry| {
            entry.to_key().iter().fold(seed, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
        });
        let (one, other) = (canvas(records), canvas(shuffled));
        prop_assert_eq!(one.every_version(), other.every_version());
        prop_assert_eq!(one, other);
    }

    #[test]
    fn keys_read_back(entry in version()) {
        let key = String::from_utf8(entry.to_key()).unwrap();
        let read = EntryKey::parse(&key).unwrap();
        prop_assert_eq!(Some((read.kind, read.id)), entry.subject());
        prop_assert_eq!(read.effective_from, entry.effective_from);
        prop_assert_eq!(read.to_string(), key);
    }
}

#[test]
fn undated_entries_have_the_keys_they_always_had_and_dates_make_keys_of_their_own() {
    let spring = crate::time::from_rfc3339("2026-03-01T00:00:00Z").unwrap();
    let entry = campaign("film", "brand");
    assert_eq!(entry.to_key(), b"campaign:film");
    assert_eq!(from(entry, spring).to_key(), b"campaign:film@2026-03-01T00:00:00Z");
    assert_eq!(EntryKey::parse("campaign:sale@home").map(|key| key.id), Some("sale@home"));
    assert_eq!((EntryKey::parse("film"), EntryKey::parse("film:campaign")), (None, None));
    assert_eq!(CanvasEntry::default().to_key(), b"empty");
}

#[test]
fn a_touch_is_judged_by_the_plan_of_its_time() {
    let mut retired = from(campaign("film", "media"), 300);
    retired.retired = true;
    let canvas = canvas([
        team("brand", &["display"]),
        from(team("brand", &[]), 200),
        from(team("media", &["display"]), 200),
        campaign("film", "brand"),
        from(campaign("film", "media"), 100),
        retired,
    ]);
    let of_campaign = |at| canvas.team_of_parts(Some("film"), "display", at);
    assert_eq!((of_campaign(-1), of_campaign(99), of_campaign(100)), ("brand", "brand", "media"));
    assert_eq!(of_campaign(300), "media", "by its channel");
    assert_eq!(canvas.campaign("film", 300), None);
    let of_channel = |at| canvas.team_of_parts(None, "display", at);
    assert_eq!((of_channel(199), of_channel(200)), ("brand", "media"));
}

#[test]
fn a_message_claims_its_offer_and_its_price() {
    let message = |offer: Option<&str>, price: Option<i64>| Message {
        offer_claim: offer.map(str::to_owned),
        price: price.map(|amount| Money::new("EUR", amount)),
        ..Message::default()
    };
    assert_eq!(message(Some("20% off"), None).claim(), "20% off");
    assert_eq!(message(None, Some(7_999)).claim(), "79.99 EUR");
    assert_ne!(message(Some("now only"), Some(7_999)).claim(), message(Some("now only"), Some(8_999)).claim());
    assert_eq!(message(None, None).claim(), "");
}
