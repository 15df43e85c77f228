//! What was told about identity, as far as its topic still holds it.

use tributary_model::identity::IdentityChange;
use tributary_model::topics;
use tributary_schema::Contracts;
use tributary_stream::{KafkaSettings, read_to_end};

use crate::error::CliError;

/// Hands every change to `each`, partition by partition.
///
/// # Errors
/// [`CliError`] when no broker answers, or a record cannot be read.
pub(super) fn each_identity_change(
    settings: &KafkaSettings,
    contracts: &Contracts,
    mut each: impl FnMut(IdentityChange),
) -> Result<(), CliError> {
    let mut unreadable = None;
    read_to_end(settings, topics::IDENTITY_CHANGES, |record| {
        let Some(value) = &record.value else { return };
        match contracts.decode::<IdentityChange>(value) {
            Ok(change) => each(change),
            Err(error) => drop(unreadable.get_or_insert(error)),
        }
    })?;
    unreadable.map_or(Ok(()), |error| Err(error.into()))
}
