//! From what a page knows of a visit (its URL, the page before, campaign parameters) to source, medium and campaign.

use std::collections::BTreeMap;

use super::{ChannelRules, Traffic};

const DIRECT: &str = "(direct)";
const NONE: &str = "(none)";

impl ChannelRules {
    /// The channel group of a visit, from the mapping's `referral`.
    pub(crate) fn group_of_referral(&self, referral: &BTreeMap<String, String>) -> &str {
        self.group(&self.traffic(referral))
    }

    /// Campaign parameters win over click ids, those over the referring page, and without any it is direct.
    pub(crate) fn traffic(&self, referral: &BTreeMap<String, String>) -> Traffic {
        let text = |key: &str| referral.get(key).map(|text| text.trim()).filter(|text| !text.is_empty());
        let mut parameters = text("url").map(query_parameters).unwrap_or_default();
        for (key, value) in referral {
            if !matches!(key.as_str(), "url" | "referrer") && !value.trim().is_empty() {
                parameters.insert(key.to_lowercase(), value.trim().to_lowercase());
            }
        }
        let own_host = text("url").and_then(host);
        let referrer_host = text("referrer").and_then(host).filter(|host| own_host.as_ref() != Some(host));
        let click_id = self.click_ids.iter().find(|click| parameters.contains_key(&click.parameter));
        let source = parameters.remove("utm_source");
        let medium = parameters.remove("utm_medium");
        let campaign = parameters.remove("utm_campaign").unwrap_or_default();
        if source.is_some() || medium.is_some() || !campaign.is_empty() {
            let by_click = |field: fn(&super::ClickId) -> &String| click_id.map(field).cloned();
            let source = source.or_else(|| by_click(|click| &click.source)).or(referrer_host).unwrap_or_default();
            let medium = medium.or_else(|| by_click(|click| &click.medium)).unwrap_or_default();
            return Traffic { source, medium, campaign };
        }
        if let Some(click) = click_id {
            return Traffic { source: click.source.clone(), medium: click.medium.clone(), campaign };
        }
        match referrer_host {
            Some(host) => {
                let is_search = self.is_site("search", &host);
                let medium = if is_search { "organic" } else { "referral" };
                Traffic { source: host, medium: medium.to_owned(), campaign }
            }
            None => Traffic { source: DIRECT.to_owned(), medium: NONE.to_owned(), campaign },
        }
    }
}

/// The host of an absolute URL in lower case, without port and leading `www.`.
fn host(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let without_user = authority.rsplit('@').next()?;
    let name = without_user.split(':').next()?.to_lowercase();
    let name = name.strip_prefix("www.").unwrap_or(&name).to_owned();
    (!name.is_empty()).then_some(name)
}

/// The query parameters of a URL, names and values decoded and in lower case; the last of a name counts.
fn query_parameters(url: &str) -> BTreeMap<String, String> {
    let without_fragment = url.split('#').next().unwrap_or_default();
    let Some((_, query)) = without_fragment.split_once('?') else { return BTreeMap::new() };
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (decoded(name), decoded(value)))
        .filter(|(_, value)| !value.is_empty())
        .collect()
}

/// Percent-decoding (RFC 3986), `+` as space, lower case; what is not UTF-8 is replaced.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while index < bytes.len() {
        let hex = (bytes[index] == b'%').then(|| text.get(index + 1..index + 3)).flatten();
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                index += 3;
            }
            None => {
                out.push(if bytes[index] == b'+' { b' ' } else { bytes[index] });
                index += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).to_lowercase()
}
