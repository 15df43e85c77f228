pub(crate) mod rig;

use tributary_model::TriggerIntent;
use tributary_model::time::{DAY_MS, from_rfc3339};
use tributary_service::config::Secret;

use crate::{Config, DestinationConfig};

/// When the intents of these tests are decided.
pub(crate) fn noon() -> i64 {
    from_rfc3339("2026-03-01T12:00:00Z").unwrap()
}

/// An intent that is decided at [`noon`] and valid for a day.
pub(crate) fn intent(decision_id: &str, team_id: &str) -> TriggerIntent {
    TriggerIntent {
        decision_id: decision_id.to_owned(),
        trigger_id: "call-back".to_owned(),
        trigger_version: 3,
        team_id: team_id.to_owned(),
        person_id: "6ba7b811-9dad-51d1-80b4-00c04fd430c8".parse().unwrap(),
        action: "message".to_owned(),
        channel: "call".to_owned(),
        decided_at: noon(),
        valid_until_at: noon() + DAY_MS,
        payload: "{\"z\": 1.50, \"a\": \"ö\"}".to_owned(),
        account_id: None,
    }
}

/// A secret that nobody uses.
pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Destinations by name, each for one team, with the defaults and a URL of their own; no jitter.
pub(crate) fn config(destinations: &[(&str, &str)]) -> Config {
    let mut config = Config::default();
    config.retry.jitter_percent = 0;
    for (name, team) in destinations {
        let yaml = format!("{{teams: [{team}], url: 'https://{name}.example', secrets: []}}");
        let mut destination: DestinationConfig = serde_saphyr::from_str(&yaml).unwrap();
        destination.secrets.push(Secret::generated(SECRET));
        config.destinations.insert((*name).to_owned(), destination);
    }
    config
}
