//! A destination: where a team's intents go as webhooks, and how.

use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tributary_service::config::{Duration, Problem, Secret};
use url::{Host, Url};

use crate::guard;
use crate::signature::SigningKey;

/// Names become labels of metrics and parts of keys.
const MAX_NAME_CHARS: usize = 64;
/// More secrets than these are no rotation.
const MAX_SECRETS: usize = 5;
/// More at once than an endpoint is good for.
const MAX_IN_FLIGHT: u32 = 256;
/// A send that takes longer holds its place for too long.
const MAX_TIMEOUT: Duration = Duration::from_secs(120);
/// What a queue of one destination may hold in state.
const MAX_QUEUED: u32 = 10_000_000;

/// One destination as it stands in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DestinationConfig {
    /// The teams whose intents it gets.
    pub teams: Vec<String>,
    /// Where they are posted to.
    pub url: String,
    /// The secrets that sign, the newest first; two while they are exchanged.
    pub secrets: Vec<Secret>,
    /// Whether it may be on a machine of one's own: loopback, private, link-local and carrier-grade NAT addresses, and
    /// without TLS.
    #[serde(default)]
    pub allow_private: bool,
    /// How many may be on their way at once.
    #[serde(default = "default_in_flight")]
    pub max_in_flight: u32,
    /// How many a second at most; without it as many as there are.
    #[serde(default)]
    pub rate_per_second: Option<u32>,
    /// How long resolving, connecting and the TLS handshake may take.
    #[serde(default = "default_connect_timeout")]
    pub connect_timeout: Duration,
    /// How long all of an attempt may take, from resolving to the answer.
    #[serde(default = "default_timeout")]
    pub timeout: Duration,
    /// How many may wait; what comes on top is not delivered, and the log says so.
    #[serde(default = "default_queued")]
    pub max_queued: u32,
}

const fn default_in_flight() -> u32 {
    8
}

const fn default_connect_timeout() -> Duration {
    Duration::from_secs(5)
}

/// Standard Webhooks asks for 15 to 30 seconds.
const fn default_timeout() -> Duration {
    Duration::from_secs(20)
}

const fn default_queued() -> u32 {
    100_000
}

/// A destination that can be delivered to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// Its name in the configuration.
    pub name: Arc<str>,
    /// The teams whose intents it gets.
    pub teams: Vec<String>,
    /// Where they are posted to.
    pub url: Url,
    /// The keys that sign.
    pub keys: Vec<SigningKey>,
    /// Whether it may be at an address that is not public.
    pub allow_private: bool,
    /// How many may be on their way at once.
    pub max_in_flight: usize,
    /// How many a second at most.
    pub rate_per_second: Option<u32>,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long an attempt may take.
    pub timeout: Duration,
    /// How many may wait.
    pub max_queued: usize,
}

impl Destination {
    /// Makes the destination `name` of its configuration.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn read(name: &str, config: &DestinationConfig) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        check_name(name, &mut problems);
        check_teams(&config.teams, &mut problems);
        let url = read_url(config, &mut problems);
        let keys = read_keys(&config.secrets, &mut problems);
        check_limits(config, &mut problems);
        match url {
            Some(url) if problems.is_empty() => Ok(Self {
                name: name.into(),
                teams: config.teams.clone(),
                url,
                keys,
                allow_private: config.allow_private,
                max_in_flight: config.max_in_flight as usize,
                rate_per_second: config.rate_per_second,
                connect_timeout: config.connect_timeout,
                timeout: config.timeout,
                max_queued: config.max_queued as usize,
            }),
            _ => Err(problems),
        }
    }

    /// Tells its URL from others without saying it: receivers put secrets of their own into paths and queries.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        let digest = Sha256::digest(self.url.as_str().as_bytes());
        digest.iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte))
    }
}

fn check_name(name: &str, problems: &mut Vec<Problem>) {
    if !is_word(name) || name.len() > MAX_NAME_CHARS {
        let remedy = format!("use 1 to {MAX_NAME_CHARS} lower case letters, digits, - and _");
        problems.push(Problem::new("", name, "is no name for a destination", remedy));
    }
}

fn check_teams(teams: &[String], problems: &mut Vec<Problem>) {
    if teams.is_empty() {
        problems.push(Problem::new("teams", "[]", "would get nothing", "name the teams whose intents it gets"));
    }
    for (index, team) in teams.iter().enumerate() {
        let key = format!("teams[{index}]");
        if !is_word(team) {
            problems.push(Problem::new(key, team, "is no id of a team", "name a team of the canvas"));
        } else if teams[..index].contains(team) {
            problems.push(Problem::new(key, team, "is named twice", "remove it"));
        }
    }
}

fn read_url(config: &DestinationConfig, problems: &mut Vec<Problem>) -> Option<Url> {
    let mut refuse = |why: String, remedy: &str| {
        // A refused URL may hold a password, so it is not repeated.
        problems.push(Problem::new("url", "", why, remedy));
        None
    };
    let url = match Url::parse(&config.url) {
        Ok(url) => url,
        Err(error) => {
            return refuse(format!("is no URL: {error}"), "write it whole, as https://hooks.example/tributary");
        }
    };
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("holds a user name or password".to_owned(), "remove it: the signature proves who sends");
    }
    if url.fragment().is_some() {
        return refuse("has a fragment (#…), which is never sent".to_owned(), "remove it");
    }
    match url.scheme() {
        "https" => {}
        "http" if config.allow_private => {}
        "http" => {
            let remedy = "use https, or set allow_private when the endpoint is in a network of your own";
            return refuse("is not encrypted".to_owned(), remedy);
        }
        scheme => return refuse(format!("begins with {scheme}:"), "use https"),
    }
    let address = match url.host() {
        Some(Host::Ipv4(address)) => Some(IpAddr::from(address)),
        Some(Host::Ipv6(address)) => Some(IpAddr::from(address)),
        Some(Host::Domain(_)) | None => None,
    };
    let kind = address.map(|address| (address, guard::kind(address)));
    match kind.filter(|(_, kind)| !kind.is_allowed(config.allow_private)) {
        None => Some(url),
        Some((address, kind)) => {
            let why = format!("is at {address}, a {} address", kind.name());
            let remedy = if kind.is_allowed(true) {
                "give a public address, or set allow_private when you mean it"
            } else {
                "give the address of a receiver; this one is never sent to"
            };
            refuse(why, remedy)
        }
    }
}

fn read_keys(secrets: &[Secret], problems: &mut Vec<Problem>) -> Vec<SigningKey> {
    if secrets.is_empty() || secrets.len() > MAX_SECRETS {
        let why = format!("has {} secrets", secrets.len());
        let remedy = format!("give 1 secret, or 2 while they are exchanged, {MAX_SECRETS} at most");
        problems.push(Problem::new("secrets", "", why, remedy));
    }
    let mut keys = Vec::new();
    for (index, secret) in secrets.iter().enumerate() {
        match SigningKey::parse(secret.expose()) {
            Ok(key) => keys.push(key),
            Err(why) => {
                let remedy = "make one: printf 'whsec_%s' \"$(openssl rand -base64 32)\"";
                problems.push(Problem::new(format!("secrets[{index}]"), "", why, remedy));
            }
        }
    }
    keys
}

fn check_limits(config: &DestinationConfig, problems: &mut Vec<Problem>) {
    let mut within = |key: &str, value: u32, most: u32| {
        if value == 0 || value > most {
            problems.push(Problem::new(key, value, "is out of bounds", format!("give 1 to {most}")));
        }
    };
    within("max_in_flight", config.max_in_flight, MAX_IN_FLIGHT);
    within("rate_per_second", config.rate_per_second.unwrap_or(1), 1_000_000);
    within("max_queued", config.max_queued, MAX_QUEUED);
    if config.timeout.as_millis() == 0 || config.timeout > MAX_TIMEOUT {
        let remedy = format!("give more than 0s and at most {MAX_TIMEOUT}");
        problems.push(Problem::new("timeout", config.timeout, "is out of bounds", remedy));
    }
    if config.connect_timeout.as_millis() == 0 || config.connect_timeout > config.timeout {
        let remedy = format!("give more than 0s and at most timeout, {}", config.timeout);
        problems.push(Problem::new("connect_timeout", config.connect_timeout, "is out of bounds", remedy));
    }
}

/// Lower case letters, digits, `-` and `_`, as names of topics, metrics and teams are made of.
fn is_word(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
    !text.is_empty() && text.bytes().all(fits)
}
