//! Avro codecs for every topic, the schema registry client and the compatibility check.
//!
//! The schemas under `schemas/avro/` are compiled in. Without a registry, values are written in Avro
//! single-object encoding (`0xC3 0x01`, CRC-64-AVRO fingerprint, datum; Avro 1.12 specification); with one, in
//! the Confluent wire format (`0x00`, schema id in four bytes, datum). Readers take both, and every version of a
//! schema that was ever published (`schemas/avro/published/`). The current version of each schema is written from and
//! read into structs directly; the Avro library resolves what other versions wrote.

mod catalog;
mod contracts;
mod datum;
mod error;
mod record;
mod registry;

pub use catalog::{flattened_schema, incompatibilities, names};
pub use contracts::Contracts;
pub use datum::DatumError;
pub use error::{AvroError, SchemaError};
pub use record::AvroRecord;
