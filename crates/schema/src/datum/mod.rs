//! Avro's binary encoding straight from and into Rust values, guided by a plan that is compiled from the schema once.
//!
//! The Avro library looks up schemas by name for every value and buffers what it reads; here the plan is a tree of
//! pointers, values are written into one buffer, and texts and bytes are borrowed from the input. It knows what the
//! schemas under `schemas/avro/` use and no more: a schema with anything else is refused when it is compiled.

mod default;
mod error;
mod input;
mod output;
mod plan;
mod read;
mod read_parts;
mod write;
mod write_parts;

#[cfg(test)]
mod tests;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use error::DatumError;
pub(crate) use plan::Plan;

impl Plan {
    /// Appends the encoding of `value` to `out`. After an error, `out` ends with a part of it.
    pub(crate) fn write<T: Serialize>(&self, value: &T, out: &mut Vec<u8>) -> Result<(), DatumError> {
        value.serialize(write::Writer { node: self.root(), out })
    }

    /// Reads the value that `datum` begins with; what follows it is left alone.
    pub(crate) fn read<T: DeserializeOwned>(&self, datum: &[u8]) -> Result<T, DatumError> {
        let mut input = input::Input::new(datum);
        T::deserialize(read::Reader { node: self.root(), input: &mut input })
    }
}
