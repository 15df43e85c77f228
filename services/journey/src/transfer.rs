//! The state of a merged person on its way to the survivor.
//!
//! A transfer is split into parts so that none grows beyond a record. All but the last carry touches only, which are a
//! set by id and may be taken in one after the other; the last carries what may be taken in once only. The parts travel in
//! order: one producer, one partition, one path through tombstones.
//!
//! `version 0x06 · is_last 0x00|0x01 · MessagePack`

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tributary_stream::Failure;

use crate::base::Base;
use crate::touch::{Touch, TouchKey};

const VERSION: u8 = 6;

/// What is transferred of a person.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Transfer<S> {
    /// Touches within the horizon.
    pub(crate) touches: Vec<Touch>,
    /// Ids of touches beyond it.
    pub(crate) remembered: Vec<TouchKey>,
    /// The sum of the touches beyond it.
    pub(crate) base: Base,
    /// The state of the chained step.
    pub(crate) step: S,
}

/// True when `state` is a part that others follow.
#[must_use]
pub(crate) fn is_followed(state: &[u8]) -> bool {
    matches!(state, [VERSION, 0, ..])
}

/// The parts of `transfer`, each of about `max_bytes` at most.
///
/// # Errors
/// [`Failure::Fatal`] when the state cannot be written, which no input can cause.
pub(crate) fn encode<S: Serialize + Default>(transfer: Transfer<S>, max_bytes: usize) -> Result<Vec<Vec<u8>>, Failure> {
    let Transfer { touches, remembered, base, step } = transfer;
    let mut parts = Vec::new();
    let mut pending: Vec<Touch> = Vec::new();
    let mut pending_bytes = 0;
    for touch in touches {
        let touch_bytes = rmp_serde::to_vec(&touch).map_err(unwritable)?.len();
        if pending_bytes + touch_bytes > max_bytes && !pending.is_empty() {
            let touches = std::mem::take(&mut pending);
            let base = Base::default();
            parts.push(bytes(&Transfer { touches, remembered: Vec::new(), base, step: S::default() }, false)?);
            pending_bytes = 0;
        }
        pending_bytes += touch_bytes;
        pending.push(touch);
    }
    parts.push(bytes(&Transfer { touches: pending, remembered, base, step }, true)?);
    Ok(parts)
}

/// `transfer` in the place of what was in `state`: with others to follow if others followed that.
///
/// # Errors
/// As [`encode`].
pub(crate) fn encode_like<S: Serialize>(state: &[u8], transfer: &Transfer<S>) -> Result<Vec<u8>, Failure> {
    bytes(transfer, !is_followed(state))
}

/// The part in `state`.
///
/// # Errors
/// [`Failure::Fatal`] when another version wrote it: going on would lose the person's history. [`Failure::Poison`] when it
/// is corrupt.
pub(crate) fn decode<S: DeserializeOwned>(state: &[u8]) -> Result<Transfer<S>, Failure> {
    match state {
        [VERSION, _, part @ ..] => rmp_serde::from_slice(part)
            .map_err(|error| Failure::Poison { code: "corrupt_transfer", message: error.to_string() }),
        [version, ..] => Err(Failure::Fatal(format!(
            "a merged person's state was sent by version {version} of the journey and this build reads {VERSION}: \
             run the build that wrote it, or a newer one"
        ))),
        [] => Err(Failure::Poison { code: "corrupt_transfer", message: "the transfer is empty".to_owned() }),
    }
}

fn bytes<S: Serialize>(part: &Transfer<S>, is_last: bool) -> Result<Vec<u8>, Failure> {
    let mut bytes = vec![VERSION, u8::from(is_last)];
    rmp_serde::encode::write(&mut bytes, part).map_err(unwritable)?;
    Ok(bytes)
}

fn unwritable(error: rmp_serde::encode::Error) -> Failure {
    Failure::Fatal(format!(
        "a merged person's state cannot be written: {error}; report this with the trigger definitions"
    ))
}
