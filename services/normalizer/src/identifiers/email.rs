//! E-mail addresses: one value for one mailbox.

use rustc_hash::FxHashMap;
use serde::Deserialize;

use super::{INVALID_DOMAIN, INVALID_EMAIL};
use crate::error::Problem;

/// RFC 5321, 4.5.3.1: octets of an address, and of what stands before the @.
const MAX_BYTES: usize = 254;
const MAX_LOCAL_BYTES: usize = 64;

/// What a provider overlooks, as it stands in the rules.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProviderFile {
    domains: Vec<String>,
    #[serde(default)]
    ignore: String,
    tag: Option<char>,
    #[serde(default)]
    case_sensitive: bool,
}

#[derive(Debug)]
struct Provider {
    /// The domain that stands for all of its domains.
    domain: String,
    ignore: String,
    tag: Option<char>,
    case_sensitive: bool,
}

/// The providers whose ways are known.
#[derive(Debug, Default)]
pub(super) struct MailProviders {
    providers: Vec<Provider>,
    by_domain: FxHashMap<String, usize>,
}

impl MailProviders {
    /// Checks what stands in the rules; `file` names them in problems.
    pub(super) fn new(file: &str, read: Vec<ProviderFile>, problems: &mut Vec<Problem>) -> Self {
        let mut known = Self::default();
        for (index, provider) in read.into_iter().enumerate() {
            let key = format!("mail_providers[{index}]");
            let Some(first) = provider.domains.first().cloned() else {
                problems.push(Problem::new(file, format!("{key}.domains"), "is empty", "name at least one domain"));
                continue;
            };
            if let Some(odd) = provider.ignore.chars().find(|c| c.is_alphanumeric() || *c == '@') {
                let what = format!("\"{}\" holds {odd:?}, which tells mailboxes apart", provider.ignore);
                problems.push(Problem::new(file, format!("{key}.ignore"), what, "leave letters, digits and @ out"));
            }
            if let Some(odd) = provider.tag.filter(|c| c.is_alphanumeric() || *c == '@') {
                let what = format!("{odd:?} begins no tag");
                problems.push(Problem::new(file, format!("{key}.tag"), what, "write it as \"+\", or leave it out"));
            }
            for (place, domain) in provider.domains.iter().enumerate() {
                let key = format!("{key}.domains[{place}]");
                if ascii_domain(domain).as_deref() != Ok(domain.as_str()) {
                    let what = format!("{domain} is no domain in lower case and ASCII form");
                    problems.push(Problem::new(file, key, what, "write it as gmx.de or xn--bcher-kva.example"));
                } else if known.by_domain.insert(domain.clone(), known.providers.len()).is_some() {
                    let what = format!("{domain} is there twice");
                    problems.push(Problem::new(file, key, what, "keep one"));
                }
            }
            let ProviderFile { ignore, tag, case_sensitive, .. } = provider;
            known.providers.push(Provider { domain: first, ignore, tag, case_sensitive });
        }
        known
    }

    /// The address that stands for all ways to write one mailbox.
    pub(super) fn mailbox(&self, raw: &str) -> Result<String, &'static str> {
        let (local, domain) = raw.trim().rsplit_once('@').ok_or(INVALID_EMAIL)?;
        let is_odd = |c: char| c.is_whitespace() || c.is_control() || "\"(),:;<>@[\\]".contains(c);
        if local.is_empty() || local.contains(is_odd) {
            return Err(INVALID_EMAIL);
        }
        let domain = ascii_domain(domain).map_err(|_| INVALID_EMAIL)?;
        let provider = self.by_domain.get(&domain).map(|index| &self.providers[*index]);
        let local = match provider {
            Some(provider) => provider.local(local),
            None => local.to_lowercase(),
        };
        let domain = provider.map_or(domain.as_str(), |provider| provider.domain.as_str());
        let address = format!("{local}@{domain}");
        let fits = !local.is_empty() && local.len() <= MAX_LOCAL_BYTES && address.len() <= MAX_BYTES;
        fits.then_some(address).ok_or(INVALID_EMAIL)
    }
}

impl Provider {
    fn local(&self, written: &str) -> String {
        let untagged = self.tag.and_then(|tag| written.split_once(tag)).map_or(written, |(before, _)| before);
        let kept: String = untagged.chars().filter(|c| !self.ignore.contains(*c)).collect();
        if self.case_sensitive { kept } else { kept.to_lowercase() }
    }
}

/// A domain of more than one label in its ASCII form (IDNA, UTS 46): lower case, a trailing dot gone.
pub(super) fn ascii_domain(raw: &str) -> Result<String, &'static str> {
    let written = raw.trim();
    let written = written.strip_suffix('.').unwrap_or(written);
    match idna::domain_to_ascii_strict(written) {
        Ok(domain) if domain.contains('.') => Ok(domain),
        _ => Err(INVALID_DOMAIN),
    }
}
