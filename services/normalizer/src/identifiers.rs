//! What becomes of raw identifiers before anybody else sees them: normalised, blocked ones refused, in order of priority.

mod code;
mod email;
mod file;
mod normalise;
mod phone;
mod scrub;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;

use regex::RegexSet;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::draft::{Draft, RawIdentifier};
use email::MailProviders;
use normalise::Normalise;
pub(crate) use phone::Region;
pub(crate) use scrub::Needles;

/// Why an identifier was left out: it is nobody's, by the rules or by its source.
pub(crate) const BLOCKED_VALUE: &str = "blocked_value";
/// No e-mail address.
pub(crate) const INVALID_EMAIL: &str = "invalid_email";
/// No domain.
pub(crate) const INVALID_DOMAIN: &str = "invalid_domain";
/// No telephone number that can be dialled, by its country's numbering plan.
pub(crate) const INVALID_PHONE: &str = "invalid_phone";
/// A telephone number that is another one in every country.
pub(crate) const PHONE_WITHOUT_REGION: &str = "phone_without_region";
/// A number whose check digit is another one: misread or mistyped.
pub(crate) const INVALID_CHECK_DIGIT: &str = "invalid_check_digit";
/// A domain of free mail, which is no company's.
pub(crate) const FREE_MAIL_DOMAIN: &str = "free_mail_domain";
/// The account identifier that a business e-mail address gives.
const COMPANY_DOMAIN: &str = "company_domain";

/// Values that are nobody's.
#[derive(Debug)]
struct Blocked {
    values: FxHashSet<String>,
    patterns: RegexSet,
}

impl Blocked {
    fn contains(&self, value: &str, lower: &str) -> bool {
        self.values.contains(lower) || self.patterns.is_match(value)
    }
}

#[derive(Debug)]
struct Namespace {
    priority: i32,
    normalise: Normalise,
    blocked: Blocked,
}

/// The rules for raw identifiers, from `schemas/identity.yaml`.
#[derive(Debug)]
pub(crate) struct IdentityRules {
    blocked: Blocked,
    namespaces: FxHashMap<String, Namespace>,
    mail_providers: MailProviders,
    free_mail_domains: FxHashSet<String>,
}

/// What one source has of its own.
#[derive(Debug, Default)]
pub(crate) struct SourceRules {
    /// Blocked values by namespace, in lower case, as they come and normalised.
    blocked: FxHashMap<String, FxHashSet<String>>,
    /// Whose national telephone numbers it sends.
    region: Option<Region>,
}

impl IdentityRules {
    /// Namespaces that are not in the rules are trimmed, the domain of an account apart.
    fn rule(&self, namespace: &str) -> &Normalise {
        match self.namespaces.get(namespace) {
            Some(namespace) => &namespace.normalise,
            None if namespace == COMPANY_DOMAIN => &Normalise::Domain,
            None => &Normalise::Trim,
        }
    }

    /// A source's own blocked values, made comparable, and its region.
    pub(crate) fn of_source<'a>(
        &self,
        blocked: impl IntoIterator<Item = (&'a String, &'a Vec<String>)>,
        region: Option<Region>,
    ) -> SourceRules {
        let forms = |namespace: &str, values: &[String]| {
            let rule = self.rule(namespace);
            let both = |value: &String| [Some(rule.rough(value)), rule.apply(value, &self.mail_providers, region).ok()];
            values.iter().flat_map(both).flatten().map(|form| form.to_lowercase()).collect()
        };
        let blocked = blocked.into_iter().map(|(namespace, values)| (namespace.clone(), forms(namespace, values)));
        SourceRules { blocked: blocked.collect(), region }
    }

    fn is_blocked(&self, source: &SourceRules, namespace: &str, value: &str) -> bool {
        let lower = value.to_lowercase();
        self.blocked.contains(value, &lower)
            || self.namespaces.get(namespace).is_some_and(|namespace| namespace.blocked.contains(value, &lower))
            || source.blocked.get(namespace).is_some_and(|values| values.contains(&lower))
    }

    /// The normalised value, or why it is nobody's: placeholders are found before and after normalising, so that one that
    /// is not even well formed is called what it is.
    pub(crate) fn normalised(&self, source: &SourceRules, namespace: &str, raw: &str) -> Result<String, &'static str> {
        let rule = self.rule(namespace);
        let is_nobodys = |value: &str| value.is_empty() || self.is_blocked(source, namespace, value);
        let rough = rule.rough(raw);
        if is_nobodys(&rough) {
            return Err(BLOCKED_VALUE);
        }
        let value = rule.apply(raw, &self.mail_providers, source.region)?;
        if value != rough && is_nobodys(&value) { Err(BLOCKED_VALUE) } else { Ok(value) }
    }

    fn priority(&self, namespace: &str) -> i32 {
        self.namespaces.get(namespace).map_or(i32::MIN, |namespace| namespace.priority)
    }

    /// Normalises the draft's identifiers, leaves out those that are nobody's and repeated ones, puts the highest priority first, and
    /// derives the company domain.
    pub(crate) fn settle(&self, draft: &mut Draft, source: &SourceRules) {
        let mut refused = Vec::new();
        draft.identifiers = self.admit(std::mem::take(&mut draft.identifiers), source, &mut refused);
        let mut accounts = std::mem::take(&mut draft.account_identifiers);
        accounts.extend(self.company_domains(&draft.identifiers));
        draft.account_identifiers = self.admit(accounts, source, &mut refused);
        draft.account_identifiers.retain(|account| {
            let is_free_mail = account.namespace == COMPANY_DOMAIN && self.free_mail_domains.contains(&account.value);
            if is_free_mail {
                refused.push((account.namespace.clone(), FREE_MAIL_DOMAIN));
            }
            !is_free_mail
        });
        refused.sort();
        draft.refused = refused;
    }

    fn admit(
        &self,
        raw: Vec<RawIdentifier>,
        source: &SourceRules,
        refused: &mut Vec<(String, &'static str)>,
    ) -> Vec<RawIdentifier> {
        let mut admitted: Vec<RawIdentifier> = Vec::with_capacity(raw.len());
        for RawIdentifier { namespace, value } in raw {
            if value.trim().is_empty() {
                continue;
            }
            match self.normalised(source, &namespace, &value) {
                Err(reason) => refused.push((namespace, reason)),
                Ok(value) => {
                    let identifier = RawIdentifier { namespace, value };
                    if !admitted.contains(&identifier) {
                        admitted.push(identifier);
                    }
                }
            }
        }
        admitted.sort_by(|a, b| {
            let rank = |identifier: &RawIdentifier| Reverse(self.priority(&identifier.namespace));
            rank(a).cmp(&rank(b)).then_with(|| (&a.namespace, &a.value).cmp(&(&b.namespace, &b.value)))
        });
        admitted
    }

    fn company_domains(&self, identifiers: &[RawIdentifier]) -> Vec<RawIdentifier> {
        let emails = identifiers.iter().filter(|identifier| identifier.namespace == "email");
        let domains = emails.filter_map(|email| email.value.rsplit_once('@')).map(|(_, domain)| domain);
        domains
            .filter(|domain| !self.free_mail_domains.contains(*domain))
            .map(|domain| RawIdentifier { namespace: COMPANY_DOMAIN.to_owned(), value: domain.to_owned() })
            .collect()
    }
}
