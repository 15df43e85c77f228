//! Reading a body: within time, size and the memory that all requests share.

use std::io::Read;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, header};
use flate2::read::MultiGzDecoder;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::Config;
use crate::refusal::Refusal;

/// The budget is counted in units of this many bytes.
const UNIT: usize = 1024;

/// The memory that all requests share.
#[derive(Debug, Clone)]
pub(crate) struct Budget(Arc<Semaphore>);

impl Budget {
    pub(crate) fn new(config: &Config) -> Self {
        Self(Arc::new(Semaphore::new((config.in_flight.as_usize() / UNIT).min(Semaphore::MAX_PERMITS))))
    }

    fn take(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0).try_acquire_many_owned(units(bytes)).ok()
    }

    pub(crate) fn free_bytes(&self) -> usize {
        self.0.available_permits() * UNIT
    }
}

fn units(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX)
}

/// A body, uncompressed, and its share of the budget.
#[derive(Debug)]
pub(crate) struct Payload {
    bytes: Bytes,
    share: OwnedSemaphorePermit,
}

impl Payload {
    /// Frees the body but not its share, which its events take over.
    pub(crate) fn into_share(self) -> OwnedSemaphorePermit {
        self.share
    }

    /// The text of the body.
    pub(crate) fn text(&self) -> Result<&str, Refusal> {
        let bytes = self.bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&self.bytes);
        std::str::from_utf8(bytes).map_err(|error| {
            let before = &bytes[..error.valid_up_to()];
            let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            Refusal::Malformed {
                line: 1 + before.iter().filter(|byte| **byte == b'\n').count(),
                column: 1 + before.len() - line_start,
                detail: "this is no UTF-8".to_owned(),
            }
        })
    }
}

/// Reads the whole body.
pub(crate) async fn read(
    headers: &HeaderMap,
    body: Body,
    budget: &Budget,
    config: &Config,
) -> Result<Payload, Refusal> {
    let gzip = is_gzip(headers)?;
    let max = config.limits.body_bytes();
    let declared: Option<usize> =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
    if declared.is_some_and(|length| length > max) {
        return Err(Refusal::BodyTooLarge { limit: max });
    }
    // What comes compressed or without length may become as large as is allowed.
    let reserved = if gzip { max } else { declared.unwrap_or(max) };
    let mut share = budget.take(reserved).ok_or(Refusal::Busy { limit: config.in_flight })?;
    let collecting = Limited::new(body, max).collect();
    let bytes = match tokio::time::timeout(config.body_timeout.into(), collecting).await {
        Ok(Ok(collected)) => collected.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => return Err(Refusal::BodyTooLarge { limit: max }),
        Ok(Err(_)) => return Err(Refusal::BodyBroken { detail: "the connection broke within the body".to_owned() }),
        Err(_) => return Err(Refusal::BodyTimeout { limit: config.body_timeout }),
    };
    let bytes = if gzip { Bytes::from(inflate(&bytes, max)?) } else { bytes };
    let surplus = share.num_permits().saturating_sub(units(bytes.len()) as usize);
    drop(share.split(surplus));
    Ok(Payload { bytes, share })
}

fn is_gzip(headers: &HeaderMap) -> Result<bool, Refusal> {
    let Some(value) = headers.get(header::CONTENT_ENCODING) else { return Ok(false) };
    match value.to_str().unwrap_or("?").trim().to_ascii_lowercase().as_str() {
        "gzip" | "x-gzip" => Ok(true),
        "identity" | "" => Ok(false),
        other => Err(Refusal::UnsupportedEncoding { found: other.to_owned() }),
    }
}

fn inflate(compressed: &[u8], max: usize) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::with_capacity((compressed.len() * 4).min(max));
    let mut decoder = MultiGzDecoder::new(compressed).take(max as u64 + 1);
    decoder
        .read_to_end(&mut bytes)
        .map_err(|error| Refusal::BodyBroken { detail: format!("the body is no gzip ({error})") })?;
    if bytes.len() > max { Err(Refusal::BodyTooLarge { limit: max }) } else { Ok(bytes) }
}
