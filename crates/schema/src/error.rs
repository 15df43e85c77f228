//! What can go wrong between a record and its bytes.

use crate::datum::DatumError;

/// Errors of encoding, decoding and the registry.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The bytes start with neither marker.
    #[error(
        "the value starts with {prefix:02x?}: expected Avro single-object encoding (c3 01) or the Confluent wire format (00)"
    )]
    UnknownEncoding {
        /// The first bytes, at most two.
        prefix: Vec<u8>,
    },
    /// No embedded schema has this fingerprint.
    #[error(
        "no known schema has fingerprint {fingerprint:016x}: it was written by a newer version, or is no {name}; upgrade this service first"
    )]
    UnknownFingerprint {
        /// CRC-64-AVRO of the writer's schema.
        fingerprint: u64,
        /// The record that was expected.
        name: &'static str,
    },
    /// A value in the wire format arrived and no registry is configured.
    #[error("the value names schema id {id} of a registry, and none is configured: set kafka.schema_registry_url")]
    NoRegistry {
        /// The schema id.
        id: u32,
    },
    /// The registry has no schema with the id that a value names.
    #[error(
        "the value names schema id {id}, which the registry does not know: it is of another registry, or no {name}"
    )]
    UnknownSchemaId {
        /// The schema id.
        id: u32,
        /// The record that was expected.
        name: String,
    },
    /// The registry did not answer or refused.
    #[error("the schema registry could not {action}: {detail}")]
    Registry {
        /// What was asked of it.
        action: String,
        /// What it said.
        detail: String,
    },
    /// The schema, the value or its bytes are not what Avro allows.
    #[error("{name} could not be {action}: {source}")]
    Avro {
        /// The record.
        name: String,
        /// `encoded`, `decoded`, `parsed`.
        action: &'static str,
        /// Why.
        #[source]
        source: AvroError,
    },
    /// A schema file is no JSON, or refers to a type that no file defines.
    #[error("schema {name}: {detail}")]
    BadSchema {
        /// The schema.
        name: String,
        /// What is wrong with it.
        detail: String,
    },
}

/// Who refused, and why.
#[derive(Debug, thiserror::Error)]
pub enum AvroError {
    /// The Avro library, of a schema or a value of another version.
    #[error(transparent)]
    Library(#[from] Box<apache_avro::Error>),
    /// The codec of current versions.
    #[error(transparent)]
    Datum(#[from] DatumError),
}
