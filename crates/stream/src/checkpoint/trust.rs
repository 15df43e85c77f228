//! Whether what was kept of a task's state may be trusted: what it says about itself is held against what it should be,
//! and then against the changelogs as they are now.

use std::collections::BTreeMap;
use std::time::Duration;

use super::format::{Header, Mark};
use super::unusable::Unusable;
use crate::client::{Partition, Span};
use crate::error::StreamError;

/// A clock may be this far behind the one that dated a file, in milliseconds.
const CLOCK_SLACK_MS: i64 = 60_000;

/// Asks where changelogs begin and end, as [`crate::Client::changelog_spans`].
pub(crate) type AskSpans<'a> =
    dyn FnMut(&[(Partition, i64)], Duration) -> Result<Option<Vec<Option<Span>>>, StreamError> + 'a;

/// Asks for the changelogs of `headers`; `None` when the broker has to be asked again.
pub(crate) fn ask_spans<'a>(
    headers: impl Iterator<Item = &'a Header>,
    ask: &mut AskSpans<'_>,
    wait: Duration,
) -> Result<Option<BTreeMap<Partition, Span>>, StreamError> {
    let asked: Vec<(Partition, i64)> = headers
        .flat_map(|header| header.changelogs.iter().map(|mark| (mark, header.created_at_ms)))
        .filter(|(mark, _)| mark.next.is_some())
        .map(|(mark, created_at_ms)| ((mark.topic.clone(), mark.partition), created_at_ms + 1))
        .collect();
    if asked.is_empty() {
        return Ok(Some(BTreeMap::new()));
    }
    let Some(spans) = ask(&asked, wait)? else { return Ok(None) };
    Ok(Some(asked.into_iter().zip(spans).filter_map(|((partition, _), span)| Some((partition, span?))).collect()))
}

/// Holds the offsets of a header against the changelogs.
pub(crate) fn hold(header: &Header, spans: &BTreeMap<Partition, Span>) -> Result<(), Unusable> {
    header.changelogs.iter().try_for_each(|mark| mark.verify(spans.get(&(mark.topic.clone(), mark.partition))))
}

/// Holds what a file says about itself against what it should be.
pub(crate) fn check(found: &Header, expected: &Header, max_age: Duration) -> Result<(), Unusable> {
    let identity = |header: &Header| {
        let changelogs: Vec<String> =
            header.changelogs.iter().map(|mark| format!("{}-{}", mark.topic, mark.partition)).collect();
        format!(
            "stage {}, topic {}, partition {} of cluster {} with {}",
            header.stage,
            header.topic_index,
            header.partition,
            header.cluster_id,
            changelogs.join(", ")
        )
    };
    let (is, should_be) = (identity(found), identity(expected));
    if is != should_be {
        return Err(Unusable::Other { found: is, expected: should_be });
    }
    for (mark, own) in found.changelogs.iter().zip(&expected.changelogs) {
        if mark.store_version != own.store_version {
            return Err(Unusable::StoreVersion {
                found: mark.topic.clone(),
                found_version: mark.store_version,
                expected_version: own.store_version,
            });
        }
    }
    let age_ms = expected.created_at_ms.saturating_sub(found.created_at_ms);
    if age_ms < -CLOCK_SLACK_MS {
        return Err(Unusable::Future { ahead_s: -age_ms / 1_000 });
    }
    if age_ms > max_age.as_millis() as i64 {
        return Err(Unusable::TooOld { age_s: age_ms / 1_000, max_age_s: max_age.as_secs() as i64 });
    }
    Ok(())
}

impl Mark {
    /// Holds the offset against the changelog as it is now.
    fn verify(&self, span: Option<&Span>) -> Result<(), Unusable> {
        let Some(next) = self.next else { return Ok(()) };
        let (topic, partition) = (self.topic.clone(), self.partition);
        let Some(Span { begin, end, first, since }) = span.copied() else {
            return Err(Unusable::Unverified { topic, partition });
        };
        if next > end {
            return Err(Unusable::BeyondEnd { topic, partition, next, end });
        }
        if next < begin {
            return Err(Unusable::BeforeBeginning { topic, partition, next, begin });
        }
        // Records before the offset are older than the file. If the first of them is not, it is of another topic that
        // took this one's name.
        if first.is_some_and(|first| first < next && since == Some(first)) {
            return Err(Unusable::Recreated { topic, partition });
        }
        Ok(())
    }
}
