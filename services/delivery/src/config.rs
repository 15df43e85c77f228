//! The configuration of deliveries, as it stands under `delivery:`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tributary_service::config::{ByteSize, Duration, Problem, Validate};

use crate::breaker::BreakerLimits;
use crate::destination::{Destination, DestinationConfig};
use crate::error::DeliveryError;
use crate::schedule::Schedule;

/// Configuration of the deliveries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The destinations by name.
    pub destinations: BTreeMap<String, DestinationConfig>,
    /// When a failed delivery is tried again.
    pub retry: Schedule,
    /// When a destination is left alone.
    pub breaker: BreakerLimits,
    /// After waiting for this long a delivery is asked about again before it is sent, even if it was never tried.
    pub recheck_after: Duration,
    /// How much of an answer's body is read before the connection is closed instead.
    pub max_answer: ByteSize,
    /// Root certificates to trust beside the public ones: a PEM file.
    pub ca_file: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            destinations: BTreeMap::new(),
            retry: Schedule::default(),
            breaker: BreakerLimits::default(),
            recheck_after: Duration::from_secs(5),
            max_answer: ByteSize::kib(64),
            ca_file: None,
        }
    }
}

impl Config {
    /// The destinations, by name.
    ///
    /// # Errors
    /// [`DeliveryError::Invalid`] with all that is wrong with the configuration.
    pub fn destinations(&self) -> Result<BTreeMap<String, Arc<Destination>>, DeliveryError> {
        let problems = self.validate();
        if !problems.is_empty() {
            return Err(DeliveryError::Invalid(problems));
        }
        let read = |(name, config): (&String, &DestinationConfig)| {
            let destination = Destination::read(name, config).map_err(DeliveryError::Invalid)?;
            Ok((name.clone(), Arc::new(destination)))
        };
        self.destinations.iter().map(read).collect()
    }
}

impl Validate for Config {
    fn validate(&self) -> Vec<Problem> {
        let mut problems: Vec<Problem> = self.retry.validate().into_iter().map(|found| found.under("retry")).collect();
        problems.extend(self.breaker.validate().into_iter().map(|found| found.under("breaker")));
        for (name, config) in &self.destinations {
            let found = Destination::read(name, config).err().unwrap_or_default();
            problems.extend(found.into_iter().map(|problem| problem.under(&format!("destinations.{name}"))));
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use tributary_service::config::{ConfigErrors, dump, load_validated};

    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    /// Reads YAML in which `<good>` stands for a reference to a secret, and `<bad>` for one to something else.
    fn read(yaml: &str) -> Result<Config, ConfigErrors> {
        let directory = tempfile::tempdir().unwrap();
        let mut text = yaml.to_owned();
        for (name, value) in [("good", SECRET), ("bad", "hunter2")] {
            let path = directory.path().join(name);
            std::fs::write(&path, format!("{value}\n")).unwrap();
            text = text.replace(&format!("<{name}>"), &format!("{{file: {}}}", path.display()));
        }
        let path = directory.path().join("delivery.yaml");
        std::fs::write(&path, text).unwrap();
        load_validated(Some(&path), "NOTHING_IS_SET", &[])
    }

    fn told(yaml: &str) -> String {
        let mut text = String::new();
        for problem in read(yaml).unwrap_err().problems {
            writeln!(text, "{problem}").unwrap();
        }
        text
    }

    fn of_url(url: &str, more: &str) -> String {
        format!("destinations: {{crm: {{teams: [sales], url: '{url}', secrets: [<good>]{more}}}}}")
    }

    #[test]
    fn little_is_enough_and_the_rest_has_defaults() {
        let config = read(&of_url("https://hooks.example/tributary?tenant=7", "")).unwrap();
        let destinations = config.destinations().unwrap();
        let crm = &destinations["crm"];
        assert_eq!((crm.max_in_flight, crm.rate_per_second, crm.max_queued), (8, None, 100_000));
        assert_eq!((crm.timeout, crm.connect_timeout), (Duration::from_secs(20), Duration::from_secs(5)));
        assert!(!crm.allow_private);
        assert_eq!(Config::default().validate(), []);
        assert!(dump(&config).unwrap().contains("file:"), "written again, the secret is a reference");
        assert!(!format!("{config:?}{destinations:?}").contains("MfKQ9r8"));
    }

    #[test]
    fn every_problem_is_told_at_once_with_its_remedy() {
        let yaml = "
retry: {jitter_percent: 200}
breaker: {failures: 0}
destinations:
  CRM: {teams: [], url: hooks.example, secrets: []}
  shop:
    teams: [web, web, 'a.b']
    url: https://ada:hunter2@hooks.example
    secrets: [<good>, <bad>]
    max_in_flight: 1000
    rate_per_second: 0
    timeout: 1s
    max_queued: 0
";
        assert_eq!(
            told(yaml),
            "retry.jitter_percent = 200: is too much jitter; give 0 to 100
breaker.failures = 0: would never let anything through; give 1 or more
destinations.CRM = CRM: is no name for a destination; use 1 to 64 lower case letters, digits, - and _
destinations.CRM.teams = []: would get nothing; name the teams whose intents it gets
destinations.CRM.url: is no URL: relative URL without a base; write it whole, as https://hooks.example/tributary
destinations.CRM.secrets: has 0 secrets; give 1 secret, or 2 while they are exchanged, 5 at most
destinations.shop.teams[1] = web: is named twice; remove it
destinations.shop.teams[2] = a.b: is no id of a team; name a team of the canvas
destinations.shop.url: holds a user name or password; remove it: the signature proves who sends
destinations.shop.secrets[1]: does not begin with whsec_; make one: printf 'whsec_%s' \"$(openssl rand -base64 32)\"
destinations.shop.max_in_flight = 1000: is out of bounds; give 1 to 256
destinations.shop.rate_per_second = 0: is out of bounds; give 1 to 1000000
destinations.shop.max_queued = 0: is out of bounds; give 1 to 10000000
destinations.shop.connect_timeout = 5s: is out of bounds; give more than 0s and at most timeout, 1s
"
        );
    }

    #[test]
    fn secrets_stand_in_no_file_of_settings() {
        let yaml = format!("destinations: {{crm: {{teams: [sales], url: 'https://a.example', secrets: [{SECRET}]}}}}");
        let text = told(&yaml);
        assert!(text.contains("is a secret in plain text"), "{text}");
        assert!(!text.contains("MfKQ9r8"), "{text}");
    }

    #[test]
    fn where_the_hub_must_not_go_is_refused_when_it_stands_in_the_url() {
        for (url, more, why) in [
            ("http://hooks.example", "", "is not encrypted"),
            ("ftp://hooks.example", "", "begins with ftp:"),
            ("https://hooks.example/#x", "", "has a fragment"),
            ("https://10.0.0.1/hook", "", "is at 10.0.0.1, a private address"),
            ("https://[::1]/hook", "", "is at ::1, a loopback address"),
            ("https://[::ffff:192.168.0.1]/", "", "a private address"),
            ("https://0x7f.1/hook", "", "is at 127.0.0.1, a loopback address"),
            ("https://2852039166/", "", "is at 169.254.169.254, a cloud metadata address"),
            ("http://169.254.169.254/", ", allow_private: true", "this one is never sent to"),
        ] {
            let text = told(&of_url(url, more));
            assert!(text.contains(why), "{url}: {text}");
        }
        for url in ["http://10.0.0.1/hook", "http://localhost:8080", "https://[fd00::1]"] {
            assert!(read(&of_url(url, ", allow_private: true")).is_ok(), "{url}");
        }
    }
}
