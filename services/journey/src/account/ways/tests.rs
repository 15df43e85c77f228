use proptest::prelude::*;
use tributary_model::Identifier;
use tributary_model::time::DAY_MS;
use tributary_stream::StateStore;

use super::*;

const REACH: Reach = Reach { lookback_ms: 30 * DAY_MS, max_steps: 3 };

fn ways(max_passed: usize) -> Ways {
    Ways::new(WayLimits { reach: REACH, max_passed, horizon_ms: 400 * DAY_MS })
}

fn account() -> AccountId {
    AccountId::of(&crate::Config::default().realm_uuid(), &Identifier::new("crm_account_id", "a1"))
}

fn waypoint(team: &str) -> Waypoint {
    Waypoint { team_id: team.to_owned(), channel: "email".to_owned() }
}

fn heard(id: u32, day: i64, team: &str) -> Passed {
    let event = PassedEvent::Heard { waypoint: waypoint(team), line: None };
    Passed { occurred_at: day * DAY_MS, touchpoint_id: format!("t{id:03}"), event }
}

fn sold(id: u32, day: i64, value_minor: i64) -> Passed {
    let value = Some((value_minor, "EUR".to_owned()));
    let is_sale = value_minor > 0;
    let event = PassedEvent::Sold { waypoint: waypoint("shop"), is_sale, ends_paths: is_sale, value };
    Passed { occurred_at: day * DAY_MS, touchpoint_id: format!("t{id:03}"), event }
}

/// One account with its paths, transaction by transaction.
struct World {
    ways: Ways,
    closed_before: Option<i64>,
    is_standing: bool,
    paths: BTreeMap<PathKey, PathCounts>,
}

impl World {
    fn new(max_passed: usize) -> Self {
        Self { ways: ways(max_passed), closed_before: None, is_standing: true, paths: BTreeMap::new() }
    }

    fn enter(&mut self, passed: &Passed, count: i64) {
        self.ways.note(account(), self.is_standing);
        self.ways.enter(account(), &(passed.clone(), count), self.closed_before, self.is_standing);
    }

    fn commit(&mut self) {
        let is_standing = self.is_standing;
        for id in self.ways.settle(|_| is_standing) {
            self.closed_before = self.closed_before.max(self.ways.trim(id));
        }
        for PathDelta { key, delta } in self.ways.drain() {
            self.paths.entry(key).or_default().add(&delta);
        }
        self.paths.retain(|_, counts| !counts.is_zero());
    }

    /// Teams, sales, value and nulls of each path, of all months.
    fn told(&self) -> Vec<(String, i64, i64, i64)> {
        let mut told: BTreeMap<String, PathCounts> = BTreeMap::new();
        for (key, counts) in &self.paths {
            let teams: Vec<&str> = key.waypoints.iter().map(|waypoint| waypoint.team_id.as_str()).collect();
            told.entry(teams.join(" ")).or_default().add(counts);
        }
        let told = told.into_iter();
        told.map(|(teams, of)| path(&teams, of.conversions, of.value_minor.values().sum(), of.nulls)).collect()
    }

    fn value_minor(&self) -> i64 {
        self.told().iter().map(|(_, _, value_minor, _)| value_minor).sum()
    }
}

fn path(teams: &str, sales: i64, value_minor: i64, nulls: i64) -> (String, i64, i64, i64) {
    (teams.to_owned(), sales, value_minor, nulls)
}

#[test]
fn a_sale_takes_what_was_heard_before_it_and_gives_it_back_when_it_goes() {
    let mut world = World::new(100);
    for passed in [heard(1, 0, "brand"), heard(2, 1, "crm"), sold(3, 2, 900), heard(4, 3, "crm")] {
        world.enter(&passed, 1);
        world.commit();
    }
    assert_eq!(world.told(), [path("brand crm", 1, 900, 0), path("crm", 0, 0, 1)]);
    // What comes late is on the path, and what two persons were told of is heard once.
    world.enter(&heard(5, 1, "social"), 1);
    world.enter(&heard(5, 1, "social"), 1);
    world.commit();
    assert_eq!(world.told(), [path("brand crm social", 1, 900, 0), path("crm", 0, 0, 1)]);
    world.enter(&heard(5, 1, "social"), -1);
    world.enter(&sold(3, 2, 900), -1);
    world.commit();
    assert_eq!(world.told(), [path("brand crm social", 0, 0, 1), path("crm", 0, 0, 1)]);
}

#[test]
fn a_return_takes_the_value_and_a_sale_that_nothing_came_before_is_its_own() {
    let mut world = World::new(100);
    for passed in [sold(1, 0, 900), sold(2, 1, -400)] {
        world.enter(&passed, 1);
    }
    world.commit();
    assert_eq!(world.told(), [path("shop", 1, 500, 0)]);
}

#[test]
fn an_account_that_is_merged_into_another_goes_no_way_and_all_of_them_when_it_stands_again() {
    let mut world = World::new(100);
    for passed in [heard(1, 0, "brand"), sold(2, 1, 900), heard(3, 2, "crm")] {
        world.enter(&passed, 1);
    }
    world.commit();
    let alone = world.told();
    world.ways.note(account(), true);
    world.is_standing = false;
    world.commit();
    assert_eq!(world.told(), []);
    world.enter(&heard(4, 1, "late"), 1);
    world.enter(&heard(4, 1, "late"), -1);
    world.commit();
    world.ways.note(account(), false);
    world.is_standing = true;
    world.commit();
    assert_eq!(world.told(), alone);
}

#[test]
fn an_aborted_transaction_changes_nothing() {
    let mut world = World::new(100);
    world.enter(&heard(1, 0, "brand"), 1);
    world.ways.passed.abort();
    world.ways.abort();
    world.commit();
    assert_eq!(world.told(), []);
}

#[test]
fn what_there_is_no_room_for_stays_counted_and_its_time_is_closed() {
    let mut world = World::new(16);
    for index in 0..40_u32 {
        let day = i64::from(index);
        world.enter(&if index % 8 == 7 { sold(index, day, 10) } else { heard(index, day, "crm") }, 1);
        world.commit();
    }
    assert!(world.ways.passed.list_len(&account()) <= 16 + REACH.max_steps);
    // Five sales, each on a path of three.
    assert_eq!(world.told(), [path("crm crm crm", 5, 50, 0)]);
    let closed_before = world.closed_before.unwrap();
    assert!(closed_before > 15 * DAY_MS && closed_before < 40 * DAY_MS, "{}", closed_before / DAY_MS);
    // Exposures of the closed time come too late, and a sale that is taken back there takes its value.
    world.enter(&heard(100, 2, "late"), 1);
    world.enter(&sold(7, 7, 10), -1);
    world.enter(&sold(101, 3, 1_000), 1);
    world.commit();
    assert_eq!(world.told(), [path("crm crm crm", 5, 50, 0), path("shop", 0, 990, 0)]);
    // What is open goes on as before.
    world.enter(&sold(39, 39, 10), -1);
    world.commit();
    assert_eq!(world.value_minor(), 1_030);
}

/// Any exposures and sales over some weeks, among them the same one twice and such that are taken back.
fn statements() -> impl Strategy<Value = Vec<(Passed, i64)>> {
    let one = (0_u32..40, 0_i64..90, 0_u8..4, prop_oneof![Just(1_i64), Just(-1)]).prop_map(|(id, day, kind, count)| {
        let passed = match kind {
            0 => sold(id, day, 100 + i64::from(id)),
            1 => sold(id, day, -10),
            2 => heard(id, day, "crm"),
            _ => heard(id, day, "brand"),
        };
        (passed, count)
    });
    prop::collection::vec(one, 0..60)
}

proptest! {
    #[test]
    fn any_order_and_any_cut_ends_in_the_same_paths(
        (said, shuffled) in statements().prop_flat_map(|said| (Just(said.clone()), Just(said).prop_shuffle())),
        cut in 1_usize..20,
    ) {
        let after = |said: &[(Passed, i64)], cut: usize| {
            let mut world = World::new(1_000);
            for transaction in said.chunks(cut) {
                transaction.iter().for_each(|(passed, count)| world.enter(passed, *count));
                world.commit();
            }
            world
        };
        let at_once = after(&said, usize::MAX);
        prop_assert_eq!(&after(&shuffled, cut).paths, &at_once.paths);
        let back: Vec<(Passed, i64)> = said.iter().map(|(passed, count)| (passed.clone(), -count)).collect();
        prop_assert_eq!(after(&[said, back].concat(), cut).paths, BTreeMap::new());
    }

    #[test]
    fn however_little_room_there_is_no_cent_is_lost(said in statements(), cut in 1_usize..8) {
        let mut world = World::new(8);
        for transaction in said.chunks(cut) {
            transaction.iter().for_each(|(passed, count)| world.enter(passed, *count));
            world.commit();
        }
        let value = |(passed, count): &(Passed, i64)| match &passed.event {
            PassedEvent::Sold { value: Some((value_minor, _)), .. } => value_minor * count,
            _ => 0,
        };
        prop_assert_eq!(world.value_minor(), said.iter().map(value).sum::<i64>());
        prop_assert!(world.ways.passed.list_len(&account()) <= 8 + REACH.max_steps);
    }
}
