//! The keys of pseudonyms: one, or several while they are rotated.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use tributary_model::Pseudonymizer;
use tributary_service::config::{ConfigErrors, Problem, Secret};

use crate::config::HubConfig;
use crate::error::CliError;

/// So many keys at most at once.
const MAX_KEYS: usize = 4;
/// Where the list stands.
const LIST: &str = "pseudonym_keys";

/// One key of pseudonyms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PseudonymKey {
    /// What people call it.
    pub id: String,
    /// Where it is kept.
    pub key: Secret,
    /// Kept for the identifiers of accounts alone: those of persons no longer go by it.
    #[serde(default)]
    pub accounts_only: bool,
}

/// Everything that is wrong with the list.
pub(crate) fn problems(config: &HubConfig) -> Vec<Problem> {
    let keys = &config.pseudonym_keys;
    let mut problems = Vec::new();
    if !keys.is_empty() && config.pseudonym_key.is_some() {
        let remedy = "move the key of pseudonym_key into the list, or leave the list out";
        problems.push(Problem::new(LIST, "", "stands beside pseudonym_key", remedy));
    }
    if keys.len() > MAX_KEYS {
        let why = format!("are more than {MAX_KEYS} keys");
        problems.push(Problem::new(LIST, keys.len(), why, "end one rotation before the next"));
    }
    if keys.first().is_some_and(|newest| newest.accounts_only) {
        let remedy = "the first key is the newest and names persons: put the key for accounts behind it";
        problems.push(Problem::new(format!("{LIST}[0].accounts_only"), true, "leaves persons without a key", remedy));
    }
    if let Some(gap) = keys.windows(2).position(|pair| pair[0].accounts_only && !pair[1].accounts_only) {
        let why = "stands before older keys for persons";
        let remedy = "write the newest key first, and those for accounts alone last";
        problems.push(Problem::new(format!("{LIST}[{gap}].accounts_only"), true, why, remedy));
    }
    let (mut ids, mut secrets) = (BTreeSet::new(), BTreeSet::new());
    for (index, PseudonymKey { id, key, .. }) in keys.iter().enumerate() {
        let is_fit = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
        if id.is_empty() || id.len() > 32 || !id.chars().all(is_fit) {
            let why = "is not made of 1 to 32 lower case letters, digits and -";
            problems.push(Problem::new(format!("{LIST}[{index}].id"), id, why, "write for example 2026-11"));
        }
        if !ids.insert(id.as_str()) {
            problems.push(Problem::new(format!("{LIST}[{index}].id"), id, "is there twice", "give each key its own"));
        }
        if !secrets.insert(key.expose()) {
            let remedy = "give each id a key of its own, for example from `openssl rand -hex 32`";
            problems.push(Problem::new(format!("{LIST}[{index}].key"), "***", "is the key of another id", remedy));
        }
        if let Err(weak) = Pseudonymizer::new(key.expose().as_bytes()) {
            problems.push(Problem::new(format!("{LIST}[{index}].key"), "***", weak.to_string(), "give a longer one"));
        }
    }
    problems
}

/// The maker of pseudonyms.
///
/// # Errors
/// [`CliError::NoPseudonymKey`] when there is no key; [`CliError::Config`] when one is too short.
pub(crate) fn pseudonymizer(config: &HubConfig) -> Result<Pseudonymizer, CliError> {
    let bytes = |key: &PseudonymKey| key.key.expose().as_bytes().to_vec();
    let mut keys: Vec<Vec<u8>> = config.pseudonym_keys.iter().filter(|key| !key.accounts_only).map(bytes).collect();
    if keys.is_empty() {
        keys.extend(config.pseudonym_key.as_ref().map(|key| key.expose().as_bytes().to_vec()));
    }
    let oldest = keys.pop().ok_or(CliError::NoPseudonymKey)?;
    let persons = keys.iter().rev().fold(Pseudonymizer::new(&oldest), |made, key| made?.with_newer(key));
    let accounts = config.pseudonym_keys.last().map(bytes);
    let made = persons.and_then(|made| match accounts {
        Some(key) => made.with_accounts(&key),
        None => Ok(made),
    });
    made.map_err(|weak| {
        let problem = Problem::new("pseudonym_key", "", weak.to_string(), "give a longer one");
        CliError::Config(ConfigErrors { problems: vec![problem] })
    })
}

/// The ids of the keys, for the log; none where there is but one key without an id.
pub(crate) fn ids(config: &HubConfig) -> Vec<&str> {
    config.pseudonym_keys.iter().map(|key| key.id.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: &str, secret: &str, accounts_only: bool) -> PseudonymKey {
        PseudonymKey { id: id.to_owned(), key: Secret::generated(secret), accounts_only }
    }

    fn hub(keys: Vec<PseudonymKey>) -> HubConfig {
        HubConfig { pseudonym_keys: keys, ..HubConfig::default() }
    }

    const NEW: &str = "the new key of 2027";
    const OLD: &str = "the old key of 2026";

    #[test]
    fn persons_go_by_the_oldest_key_until_it_is_gone_and_accounts_by_the_last_of_the_list() {
        let name = |keys: Vec<PseudonymKey>| {
            let made = pseudonymizer(&hub(keys)).unwrap();
            let newer: Vec<String> = made.newer_pseudonyms("email", "ada").collect();
            (made.pseudonym("email", "ada"), newer, made.account_pseudonym("household_id", "h"))
        };
        let before = name(vec![key("2026", OLD, false)]);
        let during = name(vec![key("2027", NEW, false), key("2026", OLD, false)]);
        let kept = name(vec![key("2027", NEW, false), key("2026", OLD, true)]);
        let after = name(vec![key("2027", NEW, false)]);
        assert_eq!(during, (before.0, vec![after.0.clone()], before.2.clone()));
        assert_eq!(kept, (after.0, Vec::new(), before.2.clone()));
        assert!(after.1.is_empty() && after.2 != before.2);
    }

    #[test]
    fn everything_that_is_wrong_with_the_keys_is_told_at_once_and_shows_no_key() {
        let config = HubConfig {
            pseudonym_key: Some(Secret::generated(OLD)),
            ..hub(vec![
                key("2027", NEW, true),
                key("2027", NEW, false),
                key("Old One", "short", false),
                key("a", "0123456789abcdef", false),
                key("b", "0123456789abcdeX", false),
            ])
        };
        let told: Vec<String> = problems(&config).iter().map(ToString::to_string).collect();
        let text = told.join("\n");
        for part in [
            "stands beside pseudonym_key",
            "more than 4 keys",
            "pseudonym_keys[0].accounts_only",
            "stands before older keys for persons",
            "pseudonym_keys[1].id",
            "is the key of another id",
            "pseudonym_keys[2].id",
            "pseudonym_keys[2].key",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("short") && !text.contains("of 2027"), "{text}");
        assert_eq!(problems(&hub(vec![key("2027", NEW, false), key("2026", OLD, false)])), []);
    }
}
