//! Who may read what: a key is of a team, an agency or a partner, or of somebody who may read everything.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tributary_model::scorecard::{ALL_TEAMS, DIMENSION_AGENCY, DIMENSION_PARTNER, ScorecardKey};
use tributary_service::config::{Problem, Secret};

/// A key to read with, and whose it is: one of `team`, `agency` and `partner`, or `everything: true`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadKey {
    /// Reads the team's scorecards and experiments, and those over all teams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// Reads what the agency trafficked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agency: Option<String>,
    /// Reads what the retailer or media owner did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partner: Option<String>,
    /// Reads everything.
    #[serde(default)]
    pub everything: bool,
    /// Where the key is kept.
    pub key: Secret,
}

/// What a reader may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Everything.
    Everything,
    /// One team's, and what is summed over all teams.
    Team(String),
    /// One agency's.
    Agency(String),
    /// One partner's.
    Partner(String),
}

impl Scope {
    /// Whether a scorecard may be seen.
    #[must_use]
    pub fn sees(&self, key: &ScorecardKey) -> bool {
        match self {
            Self::Everything => true,
            Self::Team(team) => key.team_id == *team || key.team_id == ALL_TEAMS,
            Self::Agency(agency) => key.dimension == DIMENSION_AGENCY && key.subject == *agency,
            Self::Partner(partner) => key.dimension == DIMENSION_PARTNER && key.subject == *partner,
        }
    }

    /// Whether experiments of a team may be seen.
    #[must_use]
    pub fn sees_team(&self, team_id: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Team(team) => team_id == team || team_id == ALL_TEAMS,
            Self::Agency(_) | Self::Partner(_) => false,
        }
    }
}

/// The keys, and without any: that everybody who gets here may read everything.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    /// By the keys' digests, so that looking one up tells nothing about another.
    scopes: HashMap<[u8; 32], Scope>,
}

impl Keys {
    /// The keys of the configuration, which is taken as validated.
    #[must_use]
    pub fn new(keys: &[ReadKey]) -> Self {
        let scope = |key: &ReadKey| match key {
            ReadKey { team: Some(team), .. } => Scope::Team(team.clone()),
            ReadKey { agency: Some(agency), .. } => Scope::Agency(agency.clone()),
            ReadKey { partner: Some(partner), .. } => Scope::Partner(partner.clone()),
            _ => Scope::Everything,
        };
        Self { scopes: keys.iter().map(|key| (digest(key.key.expose()), scope(key))).collect() }
    }

    /// What the holder of a key may see; `None` when it is no key, or there has to be one.
    #[must_use]
    pub fn scope(&self, presented: Option<&str>) -> Option<Scope> {
        if self.scopes.is_empty() {
            return Some(Scope::Everything);
        }
        self.scopes.get(&digest(presented?)).cloned()
    }
}

fn digest(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

/// What is wrong with the keys.
pub(crate) fn problems(keys: &[ReadKey]) -> Vec<Problem> {
    const SHORTEST: usize = 16;
    let mut problems = Vec::new();
    for (index, key) in keys.iter().enumerate() {
        let named = [key.team.is_some(), key.agency.is_some(), key.partner.is_some(), key.everything];
        let place = format!("read_api.keys[{index}]");
        if named.into_iter().filter(|is_named| *is_named).count() != 1 {
            let why = "has to name one of team, agency and partner, or say everything: true";
            problems.push(Problem::new(&place, "", why, "write for example team: email"));
        }
        if key.key.expose().len() < SHORTEST {
            let why = format!("is shorter than {SHORTEST} characters");
            problems.push(Problem::new(format!("{place}.key"), "***", why, "make one with `openssl rand -hex 32`"));
        }
        if keys[..index].iter().any(|other| other.key.expose() == key.key.expose()) {
            problems.push(Problem::new(format!("{place}.key"), "***", "is there twice", "give each reader its own"));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(team: Option<&str>, secret: &str) -> ReadKey {
        let team = team.map(str::to_owned);
        ReadKey { everything: team.is_none(), team, agency: None, partner: None, key: Secret::generated(secret) }
    }

    fn card(team_id: &str, dimension: &str, subject: &str) -> ScorecardKey {
        ScorecardKey {
            team_id: team_id.to_owned(),
            dimension: dimension.to_owned(),
            subject: subject.to_owned(),
            window: "total".to_owned(),
            window_start_at: 0,
            currency: String::new(),
        }
    }

    #[test]
    fn a_key_opens_what_is_its_owners_and_the_sums_over_all() {
        let keys = Keys::new(&[key(Some("email"), "the key of e-mail"), key(None, "the key of finance")]);
        assert_eq!(keys.scope(None), None);
        assert_eq!(keys.scope(Some("a guess that is wrong")), None);
        assert_eq!(keys.scope(Some("the key of finance")), Some(Scope::Everything));
        let email = keys.scope(Some("the key of e-mail")).unwrap();
        assert!(email.sees(&card("email", "channel", "sms")) && email.sees(&card("all", "team", "all")));
        assert!(!email.sees(&card("social", "team", "social")) && !email.sees_team("social"));
        let agency = Scope::Agency("northlight".to_owned());
        assert!(agency.sees(&card("brand", "agency", "northlight")) && !agency.sees(&card("brand", "team", "brand")));
        assert_eq!(Keys::default().scope(None), Some(Scope::Everything), "without keys there is nothing to show");
    }

    #[test]
    fn keys_that_are_short_of_nobody_or_there_twice_are_named() {
        let both = ReadKey { agency: Some("a".to_owned()), ..key(Some("email"), "the key of e-mail") };
        let found = problems(&[both, key(None, "short"), key(None, "short")]);
        let keys: Vec<&str> = found.iter().map(|problem| problem.key.as_str()).collect();
        let expected = ["read_api.keys[0]", "read_api.keys[1].key", "read_api.keys[2].key", "read_api.keys[2].key"];
        assert_eq!(keys, expected);
    }
}
