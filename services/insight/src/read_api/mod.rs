//! The read API: scorecards, products, lifts and credit over HTTP, as JSON and CSV, for those who do not read Kafka.
//!
//! `GET /v1/scorecards`, `/v1/products`, `/v1/lift`, `/v1/attribution`. It answers from what it has read of the topics; who
//! wants each change as it happens reads the topics. A reader sees what its key is for ([`scope::Scope`]).

mod caused;
mod model;
mod query;
mod rows;
pub mod scope;
#[cfg(test)]
mod tests;

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tributary_attribution::Model;
use tributary_lift::LiftError;
use tributary_model::Scorecard;
use tributary_model::experiment::ExperimentLift;
use tributary_model::scorecard::{DIMENSION_CREATIVE, DIMENSION_PRODUCT};
use tributary_model::time::from_rfc3339;

use crate::calibration::{calibrate, nearest};
use crate::estimates::Plan;
use crate::read_lift::{MoneyReturns, PooledLift, money};
use crate::read_paths::{By, PathCredit, Question, Whose, credits};

pub use model::ReadModel;
pub use scope::{Keys, ReadKey, Scope};

use caused::{CardRow, Caused};
use query::{CardQuery, Format, record_key};

/// What the API answers from.
#[derive(Debug, Clone)]
pub struct ReadApi {
    /// What was read.
    pub model: Arc<RwLock<ReadModel>>,
    /// Who may read.
    pub keys: Arc<Keys>,
    /// What experiments were planned for.
    pub plan: Plan,
}

/// The routes.
pub fn router(api: ReadApi) -> Router {
    Router::new()
        .route("/v1/scorecards", get(scorecards))
        .route("/v1/products", get(products))
        .route("/v1/lift", get(lift))
        .route("/v1/attribution", get(attribution))
        .fallback(|| async {
            let remedy = "ask for /v1/scorecards, /v1/products, /v1/lift or /v1/attribution";
            problem(StatusCode::NOT_FOUND, "there is nothing here", remedy)
        })
        .with_state(api)
}

type Asked<T> = Result<Query<T>, QueryRejection>;
type Answered = Result<Response, Refused>;

/// An answer that says what is wrong and what to do, RFC 9457.
#[derive(Debug)]
struct Refused {
    status: StatusCode,
    detail: String,
    remedy: String,
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Self { status, detail, remedy } = self;
        let title = status.canonical_reason().unwrap_or("problem");
        let body = json!({ "title": title, "status": status.as_u16(), "detail": detail, "remedy": remedy });
        let mut response =
            (status, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response();
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl ReadApi {
    fn read(&self) -> RwLockReadGuard<'_, ReadModel> {
        self.model.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn scope(&self, headers: &HeaderMap) -> Result<Scope, Refused> {
        let presented = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let bearer = presented.and_then(|value| value.split_once(' '));
        let key = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, key)| key.trim());
        self.keys.scope(key).ok_or_else(|| {
            let remedy = "send `Authorization: Bearer` and a key of insight.read_api.keys";
            problem(StatusCode::UNAUTHORIZED, "no key was sent that is known here", remedy)
        })
    }
}

async fn scorecards(State(api): State<ReadApi>, headers: HeaderMap, query: Asked<CardQuery>) -> Answered {
    let is_meant = |dimension: &str| dimension != DIMENSION_PRODUCT && dimension != DIMENSION_CREATIVE;
    cards(&api, &headers, query, is_meant)
}

async fn products(State(api): State<ReadApi>, headers: HeaderMap, query: Asked<CardQuery>) -> Answered {
    let is_meant = |dimension: &str| dimension == DIMENSION_PRODUCT || dimension == DIMENSION_CREATIVE;
    cards(&api, &headers, query, is_meant)
}

#[derive(Serialize)]
struct Cards<'a> {
    scorecards: Vec<CardRow<'a>>,
    /// What to ask for `after` to get the next rows; nothing when these were the last.
    next_after: Option<String>,
}

fn cards(api: &ReadApi, headers: &HeaderMap, query: Asked<CardQuery>, is_meant: impl Fn(&str) -> bool) -> Answered {
    let scope = api.scope(headers)?;
    let query = understood(query)?;
    let format = query.format.unwrap_or_default();
    let asked =
        query.understand().map_err(|detail| problem(StatusCode::BAD_REQUEST, &detail, "see docs/read-api.md"))?;
    let model = api.read();
    let is_wanted = |key: &_| asked.wants(key) && scope.sees(key);
    let mut found: Vec<&Scorecard> =
        model.scorecards.iter().filter(|card| is_meant(&card.key.dimension) && is_wanted(&card.key)).collect();
    // Pages go by the record key, so that a scorecard that comes in between moves none of them.
    found.sort_by_cached_key(|card| record_key(&card.key));
    let has_more = found.len() > asked.limit;
    found.truncate(asked.limit);
    let next_after = found.last().filter(|_| has_more).map(|card| record_key(&card.key));
    match format {
        Format::Json => {
            let caused = Caused::of(&model.experiments, api.plan).map_err(|error| internal(&error))?;
            let scorecards = found.into_iter().map(|card| caused.beside(card)).collect();
            Ok(Json(Cards { scorecards, next_after }).into_response())
        }
        Format::Csv => {
            let mut response = csv(rows::CARD, found.into_iter().map(rows::card))?;
            if let Some(Ok(link)) = next_after.map(|next| header::HeaderValue::from_str(&next)) {
                response.headers_mut().insert("next-after", link);
            }
            Ok(response)
        }
    }
}

/// The parameters of `/v1/lift`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct LiftQuery {
    team: Option<String>,
    experiment: Option<String>,
    format: Option<Format>,
}

#[derive(Serialize)]
struct Lifts {
    experiments: Vec<OneLift>,
    teams: Vec<PooledLift>,
    campaigns: Vec<PooledLift>,
}

#[derive(Serialize)]
struct OneLift {
    #[serde(flatten)]
    lift: ExperimentLift,
    money: Vec<MoneyReturns>,
}

async fn lift(State(api): State<ReadApi>, headers: HeaderMap, query: Asked<LiftQuery>) -> Answered {
    let scope = api.scope(&headers)?;
    let query = understood(query)?;
    let mut experiments = api.read().experiments.clone();
    let is = |asked: &Option<String>, value: &str| asked.as_deref().is_none_or(|asked| asked == value);
    experiments.retain(|one| {
        let key = &one.key;
        scope.sees_team(&key.team_id) && is(&query.team, &key.team_id) && is(&query.experiment, &key.experiment)
    });
    if query.format == Some(Format::Csv) {
        return csv(rows::ESTIMATE, experiments.iter().flat_map(rows::estimates));
    }
    let with_money = |lift: &ExperimentLift| {
        let money = money(lift, api.plan)?;
        Ok(OneLift { lift: lift.clone(), money })
    };
    let all = experiments.iter().map(with_money).collect::<Result<_, LiftError>>();
    let lifts = all.and_then(|all| {
        Ok(Lifts { experiments: all, teams: experiments.teams()?, campaigns: experiments.campaigns()? })
    });
    lifts.map(|lifts| Json(lifts).into_response()).map_err(|error| internal(&error))
}

/// The parameters of `/v1/attribution`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct CreditQuery {
    by: Option<String>,
    paths: Option<String>,
    month: Option<String>,
    currency: Option<String>,
    format: Option<Format>,
}

#[derive(Serialize)]
struct ModelCredits {
    model: &'static str,
    credits: Vec<PathCredit>,
}

async fn attribution(State(api): State<ReadApi>, headers: HeaderMap, query: Asked<CreditQuery>) -> Answered {
    let bad = |detail: String, remedy: &str| problem(StatusCode::BAD_REQUEST, &detail, remedy);
    if api.scope(&headers)? != Scope::Everything {
        let remedy = "ask with a key that reads everything: credit by paths sets all teams side by side";
        return Err(problem(StatusCode::FORBIDDEN, "this key reads one team's or partner's figures", remedy));
    }
    let query = understood(query)?;
    let by = match query.by.as_deref() {
        None | Some("channel") => By::Channel,
        Some("team") => By::Team,
        Some(other) => return Err(bad(format!("by={other} is not known"), "write by=channel or by=team")),
    };
    let whose = match query.paths.as_deref() {
        None | Some("persons") => Whose::Persons,
        Some("accounts") => Whose::Accounts,
        Some(other) => return Err(bad(format!("paths={other} is not known"), "write paths=persons or paths=accounts")),
    };
    let paths = api.read().paths.clone();
    let month_start_at = match &query.month {
        None => None,
        Some(month) => Some(
            from_rfc3339(&format!("{month}-01T00:00:00Z"))
                .ok_or_else(|| bad(format!("month={month} is no month"), "write for example month=2026-11"))?,
        ),
    };
    let known = paths.currencies();
    let currency = query.currency.as_deref().or_else(|| known.first().copied().filter(|_| known.len() == 1));
    let currency = currency.unwrap_or("");
    if !known.is_empty() && !known.contains(currency) {
        let remedy = format!("name one of {}", known.iter().copied().collect::<Vec<_>>().join(", "));
        return Err(bad(format!("currency={currency} is not among the paths'"), &remedy));
    }
    let asked = paths.asked(&Question { whose, by, month_start_at, currency }).map_err(|error| internal(&error))?;
    let mut models = Vec::new();
    if !asked.is_empty() {
        for model in Model::ALL {
            let credits = credits(&asked, model).map_err(|error| internal(&error))?;
            models.push(ModelCredits { model: model.name(), credits });
        }
    }
    if query.format == Some(Format::Csv) {
        let header = ["model", "subject", "conversions", "value_minor", "currency"];
        let rows = models.iter().flat_map(|of| {
            of.credits.iter().map(|credit| {
                let numbers = [credit.conversions, credit.value_minor].map(|number| number.to_string());
                let [conversions, value_minor] = numbers;
                vec![of.model.to_owned(), credit.subject.clone(), conversions, value_minor, currency.to_owned()]
            })
        });
        return csv(&header, rows);
    }
    let calibration = match (by, whose, month_start_at) {
        (By::Team, Whose::Persons, None) => {
            let teams = api.read().experiments.teams().map_err(|error| internal(&error))?;
            let credits: Vec<(&str, &[PathCredit])> =
                models.iter().map(|of| (of.model, of.credits.as_slice())).collect();
            calibrate(&teams, &credits, currency)
        }
        _ => Vec::new(),
    };
    let body = json!({
        "currency": currency,
        "models": models,
        "nearest_to_lift": nearest(&calibration),
        "calibration": calibration,
    });
    Ok(Json(body).into_response())
}

fn understood<T>(query: Asked<T>) -> Result<T, Refused> {
    let Query(query) = query.map_err(|error| {
        problem(StatusCode::BAD_REQUEST, &error.body_text(), "see docs/read-api.md for what there is")
    })?;
    Ok(query)
}

fn csv(header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Answered {
    let text = rows::csv(header, rows).map_err(|error| internal(&error))?;
    Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], text).into_response())
}

fn internal(error: &dyn std::fmt::Display) -> Refused {
    tracing::error!(%error, "the read API could not answer");
    problem(StatusCode::INTERNAL_SERVER_ERROR, "this could not be computed", "see the log of the hub")
}

fn problem(status: StatusCode, detail: &str, remedy: &str) -> Refused {
    Refused { status, detail: detail.to_owned(), remedy: remedy.to_owned() }
}
