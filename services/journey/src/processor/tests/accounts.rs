//! What persons tell their accounts: memberships, and what they hear.

use tributary_model::account::AccountStory;

use super::*;
use crate::account_rules::AccountRules;
use crate::testing::naive::Groups;
use crate::testing::{account_inputs, accounts_after, message};

/// The account roll-ups are what the journeys add up to, and so are what accounts heard and the ways they went.
pub(super) fn check_accounts(
    hub: &Hub,
    told: &[JourneyEvent],
    choices: impl Iterator<Item = u16>,
) -> Result<(), TestCaseError> {
    let expected = accounts_after(&mut rollups(1_000), account_inputs(told), std::iter::empty());
    let mut primaries: BTreeMap<PersonId, usize> = BTreeMap::new();
    let (accounts, paths) = hub.accounts_and_paths(choices);
    let groups = Groups::of(told, &accounts);
    prop_assert_eq!(paths, groups.paths());
    for (account_id, account) in accounts {
        prop_assert_eq!(&account.story, &groups.story(account_id, account.last_at));
        match expected.get(&account_id) {
            Some(expected) => prop_assert_eq!(&account, expected),
            None => prop_assert_eq!((account.touch_count, account.person_count), (0, 0)),
        }
        for member in account.members {
            *primaries.entry(member.person_id).or_default() += usize::from(member.is_primary);
        }
    }
    prop_assert!(primaries.values().all(|count| *count == 1), "{primaries:?}");
    Ok(())
}

fn company() -> AccountId {
    AccountId::of(&Config::default().realm_uuid(), &Identifier::new("crm_account_id", "a"))
}

/// A page that names the company.
fn visit(id: &str, at: i64) -> Touchpoint {
    let account_identifiers = vec![Identifier::new("crm_account_id", "a")];
    Touchpoint { account_identifiers, ..touchpoint(id, "page.viewed", at) }
}

fn story(hub: &Hub) -> AccountStory {
    hub.accounts(std::iter::empty())[&company()].story.clone()
}

#[test]
fn an_account_hears_what_its_members_hear_before_and_after_they_are_known_to_belong_to_it() {
    let mut hub = Hub::new(1, &Config::default());
    let (ada, bob) = (person("ada"), person("bob"));
    hub.touch(ada, message("m1", START, "brand", "ten"));
    hub.touch(ada, touchpoint("ad", "ad.shown", START + 1));
    hub.run();
    assert!(hub.account_inputs.is_empty(), "who belongs to no account costs nothing");
    hub.touch(ada, visit("v1", START + days(1)));
    hub.run();
    assert_eq!(hub.account_inputs.len(), 2, "the touch; membership and what was heard are told together");
    assert_eq!((story(&hub).narrative_count, story(&hub).exposure_count, story(&hub).approved_count), (1, 1, 1));
    hub.touch(ada, message("m2", START + days(2), "demand", "twenty"));
    hub.touch(bob, message("m3", START + days(2), "brand", "ten"));
    hub.touch(bob, visit("v2", START + days(3)));
    hub.run();
    let heard = story(&hub);
    assert_eq!((heard.narrative_count, heard.exposure_count, heard.approved_count), (2, 3, 2));
    let narratives = heard.narratives.iter();
    let narratives: Vec<_> =
        narratives.map(|heard| (heard.narrative_id.as_str(), heard.exposure_count, heard.team_ids.len())).collect();
    assert_eq!(narratives, [("ten story", 2, 1), ("twenty story", 1, 1)]);
    // Thirty days after the first message only the later ones are in the window.
    hub.touch(ada, visit("v3", START + days(30) + 1));
    hub.run();
    assert_eq!((story(&hub).narrative_count, story(&hub).exposure_count), (2, 2));
}

#[test]
fn what_comes_when_the_membership_has_expired_is_not_heard_until_the_person_is_seen_again() {
    let text = include_str!("../../../../../schemas/accounts.yaml");
    let text = text.replace("expires_after_days: 0", "expires_after_days: 10");
    let accounts = Arc::new(AccountRules::parse("accounts.yaml", &text).unwrap());
    let mut hub = Hub::new(1, &Config::default());
    hub.partitions[0].rules.accounts = accounts;
    let ada = person("ada");
    hub.touch(ada, visit("v1", START));
    hub.touch(ada, message("m1", START + days(10), "brand", "ten"));
    hub.touch(ada, message("m2", START + days(11), "brand", "ten"));
    hub.touch(person("bob"), visit("v2", START + days(12)));
    hub.run();
    assert_eq!(story(&hub).exposure_count, 1);
    hub.touch(ada, visit("v3", START + days(5)));
    hub.run();
    assert_eq!(story(&hub).exposure_count, 2, "seen five days later, so five days longer");
    let told = hub.account_inputs.len();
    hub.touch(ada, message("m3", START + days(20), "brand", "ten"));
    hub.run();
    assert_eq!(hub.account_inputs.len(), told, "not a member any more");
}

#[test]
fn the_path_of_a_sale_is_what_the_whole_group_heard_before_it() {
    let mut hub = Hub::new(2, &Config::default());
    let (ada, bob) = (person("ada"), person("bob"));
    hub.touch(ada, visit("v1", START));
    hub.touch(ada, message("m1", START + 1, "brand", "ten"));
    hub.touch(bob, message("m2", START + 2, "demand", "twenty"));
    let won = Touchpoint { account_identifiers: visit("", 0).account_identifiers, ..sale("won", START + days(1), 900) };
    hub.touch(bob, won);
    hub.touch(ada, message("m3", START + days(2), "brand", "ten"));
    hub.run();
    let (_, paths) = hub.accounts_and_paths(std::iter::empty());
    let told: Vec<(Vec<&str>, i64, i64)> = paths
        .iter()
        .map(|(key, counts)| {
            let teams = key.waypoints.iter().map(|waypoint| waypoint.team_id.as_str()).collect();
            (teams, counts.value_minor.values().sum(), counts.nulls)
        })
        .collect();
    assert_eq!(told, [(vec!["brand-team"], 0, 1), (vec!["brand-team", "demand-team"], 900, 0)]);
    assert!(paths.keys().all(|key| key.is_account));
}
