//! Who sends: write keys by HTTP Basic or Bearer, or in the body.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::directory::{Source, SourceDirectory};
use crate::refusal::Refusal;

/// The key in the `Authorization` header: the user of Basic (its password does not matter), or the token of Bearer.
pub(crate) fn presented_key(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let unusable = || {
        refused(
            "the Authorization header cannot be read: send Basic with the write key as user and no password, or Bearer",
        )
    };
    let (scheme, credentials) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(unusable)?;
    let credentials = credentials.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Ok(Some(credentials.to_owned()));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(unusable());
    }
    let pair =
        STANDARD.decode(credentials).ok().and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(unusable)?;
    let key = pair.split_once(':').map_or(pair.as_str(), |(user, _)| user);
    Ok(Some(key.to_owned()))
}

/// The source that a Segment call is of.
pub(crate) fn segment_source(sources: &SourceDirectory, key: Option<&str>) -> Result<Arc<Source>, Refusal> {
    let Some(key) = key else {
        return sources.open_segment().cloned().ok_or_else(|| {
            refused(
                "no write key was sent: send it as the user of HTTP Basic with no password, or as writeKey in the body",
            )
        });
    };
    match sources.keyed(key) {
        Some(source) if source.segment => Ok(Arc::clone(source)),
        Some(source) => Err(refused(&format!(
            "this key is of the source {}, which does not send Segment calls: send to /v1/sources/{0}, or name it in gateway.segment_sources",
            source.name
        ))),
        None => Err(refused("the write key is of no source: compare it with gateway.write_keys")),
    }
}

/// The source that a path names, when the key is one of it.
pub(crate) fn named_source(sources: &SourceDirectory, name: &str, key: Option<&str>) -> Result<Arc<Source>, Refusal> {
    let source = sources.named(name).ok_or_else(|| Refusal::UnknownSource { name: name.to_owned() })?;
    if source.open {
        return Ok(Arc::clone(source));
    }
    let Some(key) = key else {
        return Err(refused("no write key was sent: send it as the user of HTTP Basic with no password, or as Bearer"));
    };
    match sources.keyed(key) {
        Some(keyed) if keyed.name == source.name => Ok(Arc::clone(source)),
        _ => Err(refused(&format!("the key is none of the source {name}: compare it with gateway.write_keys.{name}"))),
    }
}

fn refused(detail: &str) -> Refusal {
    Refusal::Unauthorized { detail: detail.to_owned() }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn key_of(value: &str) -> Result<Option<String>, Refusal> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        presented_key(&headers)
    }

    #[test]
    fn keys_are_read_from_basic_and_bearer() {
        assert_eq!(presented_key(&HeaderMap::new()), Ok(None));
        assert_eq!(key_of(&format!("Basic {}", STANDARD.encode("wk:"))), Ok(Some("wk".to_owned())));
        assert_eq!(key_of(&format!("basic {}", STANDARD.encode("wk:ignored"))), Ok(Some("wk".to_owned())));
        assert_eq!(key_of("Bearer wk"), Ok(Some("wk".to_owned())));
        for unusable in ["Basic", "Basic !!", "Digest x", "wk"] {
            assert!(matches!(key_of(unusable), Err(Refusal::Unauthorized { .. })), "{unusable}");
        }
    }
}
