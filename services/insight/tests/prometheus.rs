//! Scorecards on Prometheus; a binary of its own because the recorder is one for the process.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;
#[path = "common/rig.rs"]
mod rig;

use common::{START_AT, person};
use rig::{Rig, as_inputs, history, read_back, record, statement};
use tributary_insight::{Config, credit_stage, scorecard_stage};
use tributary_model::experiment::ExperimentKey;
use tributary_model::{Arm, Enrolment, EnrolmentStatus, topics};

#[test]
fn totals_of_exported_teams_and_channels_show_in_prometheus() {
    let prometheus = tributary_service::metrics::install_prometheus().unwrap();
    let mut config = Config::default();
    config.export.teams = vec!["email".to_owned()];
    config.export.channels = vec!["email".to_owned()];
    let mut credit = Rig::new(credit_stage(&config));
    let deltas = credit.transact(&history().iter().map(statement).collect::<Vec<_>>(), true);
    let mut scorecards = Rig::new(scorecard_stage(&config));
    scorecards.transact(&as_inputs(&deltas), true);
    let enrolled = |who, arm| {
        let enrolment = Enrolment {
            person_id: person(who),
            key: ExperimentKey {
                experiment: "cart:cart".to_owned(),
                team_id: "email".to_owned(),
                holdout_buckets: 5_000,
                is_clustered: false,
                campaign_id: None,
                is_observed: false,
            },
            arm,
            status: EnrolmentStatus::Enrolled,
            enrolled_at: START_AT,
        };
        record(topics::ENROLMENTS, enrolment.person_id.to_key(), &enrolment)
    };
    let arms = [(0, Arm::Treated), (1, Arm::Treated), (2, Arm::HeldOut), (3, Arm::HeldOut)];
    let changes = credit.transact(&arms.map(|(who, arm)| enrolled(who, arm)), true);
    scorecards.transact(&as_inputs(&changes), true);
    let text = prometheus.render();
    let of = r#"experiment="cart:cart",team="email",holdout_buckets="5000""#;
    assert!(text.contains(&format!("tributary_insight_lift_persons{{{of},arm=\"held_out\"}} 2\n")), "{text}");
    assert!(text.contains(&format!("tributary_insight_lift_trusted{{{of}}} 1\n")), "{text}");
    let revenue = format!("{{{of},metric=\"revenue\",currency=\"USD\"}}");
    assert!(text.contains(&format!("tributary_insight_lift_effect{revenue} ")), "{text}");
    assert!(text.contains(&format!("tributary_insight_lift_effect_low{revenue} NaN\n")), "too early to say: {text}");
    let all = read_back(&scorecards.written).whole();
    let line =
        |name: &str, labels: &str, value: i64| format!("tributary_insight_scorecard_{name}{{{labels}}} {value}\n");
    let all_labels = "team=\"all\",dimension=\"team\",subject=\"all\"";
    assert!(text.contains(&line("touches", all_labels, all.counts.touches)), "{text}");
    let dollars = format!("{all_labels},currency=\"USD\"");
    assert!(text.contains(&line("revenue_minor", &dollars, all.money["USD"].revenue_minor)), "{text}");
    assert!(text.contains("team=\"email\",dimension=\"channel\",subject=\"email\""), "{text}");
    assert!(!text.contains("team=\"social\""), "only teams that are listed: {text}");
    assert!(!text.contains("dimension=\"campaign\""), "{text}");
}

#[test]
fn every_metric_is_named_by_the_rules() {
    assert_eq!(tributary_service::metrics::naming_faults(tributary_insight::metrics::METRICS), Vec::<String>::new());
}
