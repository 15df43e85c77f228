use proptest::prelude::*;
use tributary_model::account::{AccountEvent, AccountStory, Coverage, HeardNarrative, LastTouch};
use tributary_model::ids::realm_uuid;
use tributary_model::step::{AccountStep, StepEffects};
use tributary_model::time::{DAY_MS, HOUR_MS};
use tributary_model::{AccountId, Arm, Fate, Identifier, PersonId, WithheldReason};

use super::*;
use crate::arms::BUCKETS;

const START: i64 = 1_772_409_600_000;

const HOT: &str = "
id: hot
version: 2
scope: account
team: sales
action: notify
condition: .account.engagement >= 10 && .account.coverage.percent >= 50
reentry: {per: 7d}
holdout_percent: 40
payload:
  who: \"{{account.persons}}\"
  text: \"{{account.stage}} since {{account.last_touches.sales}}\"
  decision: \"{{decision.decision_id}}\"
";

fn triggers(text: &str) -> AccountTriggers {
    AccountTriggers::new(&Definitions::parse([("test.yaml", text)]).unwrap_or_else(|problems| panic!("{problems:#?}")))
}

fn account_id(number: u32) -> AccountId {
    AccountId::of(&realm_uuid("test"), &Identifier::new("crm_account_id", number.to_string()))
}

/// The first account in this arm of the experiment.
fn in_arm(arm: Arm) -> AccountId {
    let fits = |id: &AccountId| assign("hot", PersonId(id.0), 4_000) == arm;
    (0..1_000).map(account_id).find(fits).unwrap()
}

fn account(id: AccountId, engagement: i64, at: i64) -> AccountEvent {
    let roles = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    AccountEvent {
        account_id: id,
        revision: 1,
        persons: vec![PersonId(id.0)],
        person_count: 1,
        touch_count: 1,
        order_count: 0,
        value_minor: 0,
        currency: None,
        open_opportunity_count: 0,
        stage: "engaged".to_owned(),
        last_touches: vec![LastTouch { team_id: "sales".to_owned(), occurred_at: 7 }],
        last_at: at,
        namespace: "crm_account_id".to_owned(),
        members: Vec::new(),
        coverage: Coverage {
            expected_roles: roles(&["champion", "finance"]),
            known_roles: roles(&["champion"]),
            touched_roles: roles(&["champion"]),
            touched_person_count: 1,
        },
        engagement_milli: engagement * 1_000,
        engagement_half_life_days: 30,
        open_opportunities: Vec::new(),
        merged_accounts: Vec::new(),
        merged_into: None,
        contested_by: Vec::new(),
        story: AccountStory::default(),
    }
}

struct World {
    triggers: AccountTriggers,
    state: AccountTriggerState,
    effects: StepEffects,
}

impl World {
    fn of(text: &str) -> Self {
        Self { triggers: triggers(text), state: AccountTriggerState::default(), effects: StepEffects::default() }
    }

    fn see(&mut self, account: &AccountEvent) -> usize {
        self.triggers.on_account(account, Some("touch"), &mut self.state, &mut self.effects);
        self.effects.decisions.len()
    }
}

#[test]
fn it_fires_when_its_condition_becomes_true_and_once_in_its_span() {
    let mut world = World::of(HOT);
    let id = in_arm(Arm::Treated);
    let mut see = |engagement, at| world.see(&account(id, engagement, at));
    assert_eq!(see(9, START), 0);
    assert_eq!(see(10, START + HOUR_MS), 1);
    assert_eq!(see(11, START + 8 * DAY_MS), 1, "it still holds, and did not become true");
    assert_eq!(see(1, START + 9 * DAY_MS), 1);
    assert_eq!(see(10, START + 10 * DAY_MS), 2);
    assert_eq!((see(1, START + 11 * DAY_MS), see(10, START + 12 * DAY_MS)), (2, 2), "not again within a week");
    let (decision, intent) = (&world.effects.decisions[0], &world.effects.intents[0]);
    assert_eq!((decision.account_id, decision.person_id, decision.fate), (Some(id), PersonId(id.0), Fate::Sent));
    assert_eq!((decision.decided_at, decision.trigger_version), (START + HOUR_MS, 2));
    assert_eq!(decision.evidence, ["touch"]);
    assert_eq!((intent.account_id, intent.action.as_str()), (Some(id), "notify"));
    let payload: serde_json::Value = serde_json::from_str(&intent.payload).unwrap();
    assert_eq!(payload["who"][0], id.to_string());
    assert_eq!(
        (payload["text"].as_str(), payload["decision"].as_str()),
        (Some("engaged since 7"), Some(decision.decision_id.as_str()))
    );
}

#[test]
fn a_held_out_account_has_a_ghost_decision_and_two_arms_contaminate() {
    let (treated, held_out) = (in_arm(Arm::Treated), in_arm(Arm::HeldOut));
    let (mut one, mut other) = (World::of(HOT), World::of(HOT));
    one.see(&account(treated, 10, START));
    other.see(&account(held_out, 10, START));
    let ghost = &other.effects.decisions[0];
    assert_eq!((ghost.fate, ghost.reason, ghost.arm), (Fate::Withheld, Some(WithheldReason::HeldOut), Arm::HeldOut));
    assert!(other.effects.intents.is_empty());
    one.triggers.absorb(&mut one.state, other.state);
    one.see(&account(treated, 1, START + 20 * DAY_MS));
    one.see(&account(treated, 10, START + 21 * DAY_MS));
    assert_eq!(one.effects.decisions[1].reason, Some(WithheldReason::Contaminated));
}

#[test]
fn what_fired_for_either_of_two_accounts_has_fired_for_the_one_that_they_are() {
    let once = HOT.replace("{per: 7d}", "once");
    let id = in_arm(Arm::Treated);
    let (mut one, mut other) = (World::of(&once), World::of(&once));
    other.see(&account(account_id(5), 10, START));
    one.triggers.absorb(&mut one.state, other.state.clone());
    assert_eq!(one.see(&account(id, 10, START + 90 * DAY_MS)), 0);
    let before = one.state.clone();
    one.triggers.absorb(&mut one.state, other.state);
    assert_eq!(one.state, before, "taking it in again changes nothing");
}

#[test]
fn it_sees_how_many_stories_the_account_hears() {
    let text = HOT
        .replace(
            ".account.engagement >= 10 && .account.coverage.percent >= 50",
            ".account.story.narrative_count >= 2 && .account.story.exposure_count >= 3",
        )
        .replace("{{account.stage}} since {{account.last_touches.sales}}", "{{account.story.narrative_count}} stories");
    let mut world = World::of(&text);
    let heard = |narrative_id: &str, exposure_count| HeardNarrative {
        narrative_id: narrative_id.to_owned(),
        exposure_count,
        team_ids: vec!["email".to_owned()],
    };
    let one =
        AccountStory { narrative_count: 1, exposure_count: 3, approved_count: 3, narratives: vec![heard("a", 3)] };
    let two = AccountStory { narrative_count: 2, narratives: vec![heard("a", 3), heard("b", 1)], ..one.clone() };
    let with = |story| AccountEvent { story, ..account(in_arm(Arm::Treated), 10, START) };
    assert_eq!(world.see(&with(one)), 0);
    assert_eq!(world.see(&with(two)), 1);
    let payload: serde_json::Value = serde_json::from_str(&world.effects.intents[0].payload).unwrap();
    assert_eq!(payload["text"].as_str(), Some("2 stories"));
}

#[test]
fn it_is_about_the_kinds_that_it_names() {
    let mut world = World::of(&format!("{HOT}kinds: [household_id]\n"));
    assert_eq!(world.see(&account(in_arm(Arm::Treated), 10, START)), 0);
    let household = AccountEvent { namespace: "household_id".to_owned(), ..account(in_arm(Arm::Treated), 10, START) };
    assert_eq!(world.see(&household), 1);
}

#[test]
fn whatever_is_wrong_is_told_with_its_remedy() {
    let text = HOT
        .replace("action: notify", "action: message")
        .replace("{per: 7d}", "{per: session}")
        .replace("account.engagement >= 10", "account.engagment >= 10")
        .replace("{{account.persons}}", "{{person.stage}}")
        .replace("version: 2", "version: 2\npattern: [{on: page.viewed}]");
    let problems = Definitions::parse([("hot.yaml", text.as_str())]).unwrap_err();
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    for words in [
        "hot.yaml:7:1: action: \"message\" is unknown: write one of notify",
        "hot.yaml:9:1: reentry: is of one person's journey: write `reentry: once`",
        "hot.yaml:12:3: payload.who: \"person.stage\" is not a field: name a field of account",
        "hot.yaml:8:12: condition: ",
        "hot.yaml:4:1: pattern: is not a key that exists here",
    ] {
        assert!(told.iter().any(|line| line.starts_with(words)), "{words} in {told:#?}");
    }
    let scope =
        Definitions::parse([("hot.yaml", HOT.replace("scope: account", "scope: planet").as_str())]).unwrap_err();
    assert!(scope[0].to_string().contains("write one of person, account"), "{scope:?}");
}

#[test]
fn the_shipped_one_tells_sales_of_an_engaged_group_without_an_opportunity() {
    let mut world = World { triggers: AccountTriggers::new(&Definitions::builtin().unwrap()), ..World::of(HOT) };
    let cold = account(account_id(1), 39, START);
    let mut hot = account(account_id(1), 40, START + HOUR_MS);
    assert_eq!((world.see(&cold), world.see(&hot)), (0, 0), "one person is no group");
    hot.coverage.touched_person_count = 2;
    assert_eq!(world.see(&AccountEvent { open_opportunity_count: 1, ..hot.clone() }), 0);
    assert_eq!(world.see(&hot), 1);
    assert_eq!(world.effects.intents[0].team_id, "sales");
    let payload: serde_json::Value = serde_json::from_str(&world.effects.intents[0].payload).unwrap();
    assert_eq!((payload["engagement"].as_i64(), payload["last_sales_touch_at"].as_i64()), (Some(40), Some(7)));
}

proptest! {
    #[test]
    fn it_fires_at_most_once_in_its_span_and_shares_come_out(steps in prop::collection::vec((0_i64..20, 0_i64..90), 1..60)) {
        let mut world = World::of(HOT);
        for (engagement, day) in steps {
            world.see(&account(in_arm(Arm::Treated), engagement, START + day * DAY_MS));
        }
        let mut times: Vec<i64> = world.effects.decisions.iter().map(|decision| decision.decided_at).collect();
        times.sort_unstable();
        prop_assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= 7 * DAY_MS), "{times:?}");
        prop_assert_eq!(world.effects.intents.len(), times.len());
        prop_assert!(assign("hot", PersonId(account_id(1).0), BUCKETS) == Arm::HeldOut);
    }
}
