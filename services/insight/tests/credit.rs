//! Credit adds up to the value: for every model, path, sign and size of the amount.

mod common;

use common::{START_AT, person, step, touch};
use proptest::prelude::*;
use tributary_insight::card::Owner;
use tributary_insight::credit::{CreditShare, credit};
use tributary_insight::credit_model::CreditModel;
use tributary_insight::error::MAX_AMOUNT_MINOR;
use tributary_model::{JourneyEvent, Money};

fn sale(value: Money, path: &[usize]) -> JourneyEvent {
    let mut event = touch(1, person(1), START_AT, "store.purchased", 3);
    event.touchpoint.value = Some(value);
    event.path = path.iter().copied().map(step).collect();
    event
}

#[test]
fn the_models_credit_the_first_the_last_and_all() {
    let event = sale(Money::new("USD", 1_000), &[0, 2, 2]);
    let mail = Owner {
        team_id: "email",
        channel: "email",
        campaign_id: Some("welcome"),
        partner: Some("Mailer"),
        ..Owner::default()
    };
    let ads = Owner {
        team_id: "social",
        channel: "paid_social",
        campaign_id: Some("spring"),
        agency: Some("Agency One"),
        ..Owner::default()
    };
    let expected = [
        CreditShare { owner: mail, by_model: [1_000, 0, 0, 334, 400, 334] },
        CreditShare { owner: ads, by_model: [0, 1_000, 1_000, 666, 600, 666] },
    ];
    assert_eq!(credit(&event), expected);
}

#[test]
fn a_direct_sale_is_its_own_teams() {
    let event = sale(Money::new("JPY", 7), &[]);
    let owner = Owner { team_id: "store", channel: "in_store", ..Owner::default() };
    let share = CreditShare { owner, by_model: [7; CreditModel::COUNT] };
    assert_eq!(credit(&event), [share]);
}

#[test]
fn a_return_takes_back_along_its_path() {
    let sold = sale(Money::new("USD", 1_001), &[0, 1, 2]);
    let mut returned = sale(Money::new("USD", -1_001), &[0, 1, 2]);
    returned.touchpoint.event_type = "store.returned".to_owned();
    for (given, taken) in credit(&sold).iter().zip(credit(&returned)) {
        assert_eq!(given.by_model.map(|part| -part), taken.by_model);
    }
}

#[test]
fn what_is_no_conversion_has_no_credit() {
    let mut event = sale(Money::new("USD", 1_000), &[0]);
    event.touchpoint.event_type = "cart.updated".to_owned();
    assert_eq!(credit(&event), []);
    let mut event = sale(Money::new("USD", 1_000), &[0]);
    event.touchpoint.value = None;
    assert_eq!(credit(&event), []);
}

proptest! {
    #[test]
    fn credits_of_one_sale_add_up_to_its_value(
        value in prop_oneof![-200_i64..200, -MAX_AMOUNT_MINOR..=MAX_AMOUNT_MINOR],
        currency in "USD|JPY|KWD",
        path in prop::collection::vec(0..common::OWNERS.len(), 0..40),
    ) {
        let event = sale(Money::new(currency, value), &path);
        let shares = credit(&event);
        for index in 0..CreditModel::ALL.len() {
            prop_assert_eq!(shares.iter().map(|share| share.by_model[index]).sum::<i64>(), value);
        }
        let mut owners: Vec<_> = shares.iter().map(|share| share.owner).collect();
        owners.dedup();
        prop_assert_eq!(owners.len(), shares.len(), "one share an owner");
    }

    #[test]
    fn linear_parts_differ_by_at_most_one_unit(value in any::<i32>(), step_count in 1_usize..50) {
        let parts = CreditModel::Linear.spread(i64::from(value), &vec![step(0); step_count]);
        prop_assert_eq!(parts.iter().sum::<i64>(), i64::from(value));
        prop_assert!(parts.iter().max().unwrap() - parts.iter().min().unwrap() <= 1);
    }
}
