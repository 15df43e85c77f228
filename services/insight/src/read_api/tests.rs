use axum::body::{Body, to_bytes};
use axum::http::Request;
use serde_json::Value;
use tower::ServiceExt;
use tributary_model::experiment::{ArmSums, ExperimentKey, ExperimentSums, LiftMetric, MetricSums};
use tributary_model::scorecard::{Measures, ScorecardKey};
use tributary_schema::Contracts;
use tributary_service::config::Secret;

use super::*;
use crate::estimates::estimate;

fn card(team: &str, dimension: &str, subject: &str, window: (&str, i64), touches: i64) -> Scorecard {
    let key = ScorecardKey {
        team_id: team.to_owned(),
        dimension: dimension.to_owned(),
        subject: subject.to_owned(),
        window: window.0.to_owned(),
        window_start_at: window.1,
        currency: String::new(),
    };
    Scorecard { key, revision: 1, measures: Measures { touches, ..Measures::default() }, updated_at: 0 }
}

/// Of two arms of 1,000 a tenth bought, and of the treated a tenth more; each message cost 0.50.
fn experiment() -> ExperimentLift {
    let sums = |metric, currency: &str, persons: i64, each: i64| {
        let (persons_wide, each) = (i128::from(persons), i128::from(each));
        MetricSums {
            metric,
            currency: currency.to_owned(),
            nonzero: persons,
            outcomes: persons_wide * each,
            outcome_squares: persons_wide * each * each,
            covariates: 0,
            covariate_squares: 0,
            products: 0,
        }
    };
    let arm = |bought: i64, cost: i64| ArmSums {
        persons: 1_000,
        metrics: vec![
            sums(LiftMetric::Conversion, "", bought, 1),
            sums(LiftMetric::Margin, "USD", bought, 1_000),
            sums(LiftMetric::Cost, "USD", cost, 50),
        ],
    };
    let key = ExperimentKey {
        experiment: "a".to_owned(),
        team_id: "email".to_owned(),
        holdout_buckets: 5_000,
        is_clustered: false,
        campaign_id: None,
        is_observed: false,
    };
    let sums = ExperimentSums { treated: arm(200, 1_000), held_out: arm(100, 0), ..ExperimentSums::default() };
    estimate(key, sums, Plan { planned_persons: 100 })
}

fn api(keys: &[ReadKey]) -> Router {
    let mut model = ReadModel::new(Contracts::single_object().unwrap());
    let day = 86_400_000;
    for one in [
        card("all", "team", "all", ("total", 0), 9),
        card("email", "team", "email", ("total", 0), 5),
        card("social", "team", "social", ("total", 0), 4),
        card("email", "team", "email", ("day", 20_000 * day), 2),
        card("email", "team", "email", ("day", 20_001 * day), 3),
        card("all", "product", "sku-1", ("total", 0), 1),
    ] {
        model.scorecards.apply(one);
    }
    let model = Arc::new(RwLock::new(model));
    router(ReadApi { model, keys: Arc::new(Keys::new(keys)), plan: Plan { planned_persons: 100 } })
}

async fn ask(api: &Router, path: &str, key: Option<&str>) -> (StatusCode, String) {
    let mut request = Request::builder().uri(path);
    if let Some(key) = key {
        request = request.header("authorization", format!("Bearer {key}"));
    }
    let response = api.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

async fn subjects(api: &Router, path: &str, key: Option<&str>) -> Vec<String> {
    let (status, body) = ask(api, path, key).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let body: Value = serde_json::from_str(&body).unwrap();
    let subject = |card: &Value| card["key"]["subject"].as_str().unwrap().to_owned();
    body["scorecards"].as_array().unwrap().iter().map(subject).collect()
}

#[tokio::test]
async fn scorecards_are_found_by_what_they_are_about_and_when() {
    let api = api(&[]);
    assert_eq!(subjects(&api, "/v1/scorecards", None).await, ["all", "email", "social"]);
    assert_eq!(subjects(&api, "/v1/scorecards?team=social", None).await, ["social"]);
    assert_eq!(subjects(&api, "/v1/products", None).await, ["sku-1"]);
    // Day 20,001 is 2024-10-05.
    let since = "/v1/scorecards?window=day&from=2024-10-05&to=2024-10-06T00:00:00Z&format=csv";
    let (_, text) = ask(&api, since, None).await;
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(text.contains("email,team,email,day,2024-10-05T00:00:00"), "{text}");
}

#[tokio::test]
async fn what_was_caused_stands_beside_the_scorecard_of_the_team() {
    let mut model = ReadModel::new(Contracts::single_object().unwrap());
    let mut money = card("email", "team", "email", ("total", 0), 1);
    money.key.currency = "USD".to_owned();
    for one in
        [money, card("email", "team", "email", ("total", 0), 5), card("email", "channel", "email", ("total", 0), 5)]
    {
        model.scorecards.apply(one);
    }
    let experiment = experiment();
    model.experiments.apply(experiment.key.to_key(), Some(experiment));
    let model = Arc::new(RwLock::new(model));
    let api = router(ReadApi { model, keys: Arc::default(), plan: Plan { planned_persons: 100 } });
    let (_, body) = ask(&api, "/v1/scorecards?dimension=team&currency=USD", None).await;
    let body: Value = serde_json::from_str(&body).unwrap();
    let row = &body["scorecards"][0];
    let margin = row["lift"].as_array().unwrap().iter().find(|one| one["metric"] == "margin").unwrap();
    // 100 persons more, each with a margin of 10.00; a tenth of 500.00 went to persons who would have bought anyway.
    assert!((margin["incremental"]["value"].as_f64().unwrap() - 100_000.0).abs() < 1e-6, "{row:#}");
    assert_eq!(row["wasted_spend_minor"], 5_000);
    let (_, body) = ask(&api, "/v1/scorecards?dimension=channel", None).await;
    assert!(!body.contains("lift") && !body.contains("wasted"), "experiments have no channel: {body}");
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_double() {
    let api = api(&[]);
    let (mut found, mut after) = (Vec::new(), String::new());
    loop {
        let (_, body) = ask(&api, &format!("/v1/scorecards?limit=1{after}"), None).await;
        let body: Value = serde_json::from_str(&body).unwrap();
        found.push(body["scorecards"][0]["key"]["subject"].as_str().unwrap().to_owned());
        match body["next_after"].as_str() {
            Some(next) => after = format!("&after={}", next.replace('|', "%7C")),
            None => break,
        }
    }
    assert_eq!(found, ["all", "email", "social"]);
}

#[tokio::test]
async fn a_key_shows_its_own_and_what_is_wrong_is_said_with_the_remedy() {
    let team = Some("email".to_owned());
    let key = Secret::generated("the key of the e-mail team");
    let api = api(&[ReadKey { team, agency: None, partner: None, everything: false, key }]);
    let mine = Some("the key of the e-mail team");
    assert_eq!(subjects(&api, "/v1/scorecards", mine).await, ["all", "email"]);
    for (path, key, status, says) in [
        ("/v1/scorecards", None, StatusCode::UNAUTHORIZED, "insight.read_api.keys"),
        ("/v1/scorecards", Some("another"), StatusCode::UNAUTHORIZED, "insight.read_api.keys"),
        ("/v1/attribution", mine, StatusCode::FORBIDDEN, "reads everything"),
        ("/v1/scorecards?form=csv", mine, StatusCode::BAD_REQUEST, "form"),
        ("/v1/scorecards?from=monday", mine, StatusCode::BAD_REQUEST, "from=monday"),
        ("/v1/scorecards?limit=0", mine, StatusCode::BAD_REQUEST, "limit=0"),
        ("/v1/nothing", mine, StatusCode::NOT_FOUND, "/v1/lift"),
    ] {
        let (found, body) = ask(&api, path, key).await;
        assert_eq!(found, status, "{path}: {body}");
        assert!(body.contains(says), "{path}: {body}");
    }
}

#[tokio::test]
async fn nothing_is_an_answer_too() {
    let api = api(&[]);
    let (status, body) = ask(&api, "/v1/lift", None).await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, r#"{"experiments":[],"teams":[],"campaigns":[]}"#));
    let (status, body) = ask(&api, "/v1/attribution?by=team&format=csv", None).await;
    assert_eq!((status, body.trim()), (StatusCode::OK, "model,subject,conversions,value_minor,currency"));
    let (status, body) = ask(&api, "/v1/attribution?by=team&month=may", None).await;
    assert!(status == StatusCode::BAD_REQUEST && body.contains("month=may"), "{body}");
}
