//! Encoding and decoding by contract.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use apache_avro::reader::datum::GenericDatumReader;
use rustc_hash::FxHashMap;

use crate::catalog::{CATALOG, Entry};
use crate::datum::Plan;
use crate::error::{AvroError, SchemaError};
use crate::record::AvroRecord;
use crate::registry::Registry;

const SINGLE_OBJECT: [u8; 2] = [0xC3, 0x01];
const WIRE_FORMAT: u8 = 0x00;

/// The buffer that is set aside for the first value of a record type.
const FIRST_CAPACITY_BYTES: usize = 256;
/// The largest buffer that is set aside for a value before its size is known.
const MAX_CAPACITY_BYTES: usize = 16 * 1024;

/// How a record type is written, and read by the fingerprint of what wrote it.
struct Codec {
    plan: &'static Plan,
    fingerprint: u64,
    /// Readers of published versions, resolving to the current one.
    older: FxHashMap<u64, GenericDatumReader<'static>>,
    /// Bytes that the larger ones of the values written lately took.
    typical_bytes: AtomicUsize,
}

impl Codec {
    /// Remembers the size of a value that was written: a larger one at once, while smaller ones lower it little by little.
    fn note_size(&self, bytes: usize) {
        let typical = self.typical_bytes.load(Ordering::Relaxed);
        let next = bytes.max(typical - typical / 16).min(MAX_CAPACITY_BYTES);
        if next != typical {
            self.typical_bytes.store(next, Ordering::Relaxed);
        }
    }
}

/// The codecs of all records; cheap to share.
pub struct Contracts {
    codecs: FxHashMap<&'static str, Codec>,
    registry: Option<Registry>,
}

impl std::fmt::Debug for Contracts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contracts")
            .field("records", &self.codecs.len())
            .field("registry", &self.registry.is_some())
            .finish()
    }
}

impl Contracts {
    /// Contracts without a registry: single-object encoding.
    ///
    /// # Errors
    /// [`SchemaError`] when an embedded schema is broken.
    pub fn single_object() -> Result<Arc<Self>, SchemaError> {
        Ok(Arc::new(Self { codecs: codecs()?, registry: None }))
    }

    /// Contracts with a Confluent-compatible schema registry; schemas are registered under `<topic>-value` when a
    /// topic is first written. Blocks on the registry then, and for the first record of each unknown schema id.
    ///
    /// # Errors
    /// [`SchemaError`] when an embedded schema is broken.
    pub fn with_registry(url: &str) -> Result<Arc<Self>, SchemaError> {
        Ok(Arc::new(Self { codecs: codecs()?, registry: Some(Registry::new(url)) }))
    }

    fn codec<T: AvroRecord>(&self) -> Result<&Codec, SchemaError> {
        self.codecs
            .get(T::NAME)
            .ok_or_else(|| SchemaError::BadSchema { name: T::NAME.to_owned(), detail: "no such schema".to_owned() })
    }

    /// The bytes of `value` for `topic`.
    ///
    /// # Errors
    /// [`SchemaError`] when the value does not fit its schema, or the registry refuses the schema.
    pub fn encode<T: AvroRecord>(&self, topic: &str, value: &T) -> Result<Vec<u8>, SchemaError> {
        let codec = self.codec::<T>()?;
        let mut bytes = Vec::with_capacity(codec.typical_bytes.load(Ordering::Relaxed));
        self.append(codec, topic, value, &mut bytes)?;
        codec.note_size(bytes.len());
        Ok(bytes)
    }

    /// Appends the bytes of `value` for `topic` to `buffer`, which a caller who writes many can use again. After an error
    /// the buffer is as it was.
    ///
    /// # Errors
    /// [`SchemaError`] when the value does not fit its schema, or the registry refuses the schema.
    pub fn encode_into<T: AvroRecord>(&self, topic: &str, value: &T, buffer: &mut Vec<u8>) -> Result<(), SchemaError> {
        let start = buffer.len();
        let appended = self.append(self.codec::<T>()?, topic, value, buffer);
        if appended.is_err() {
            buffer.truncate(start);
        }
        appended
    }

    fn append<T: AvroRecord>(
        &self,
        codec: &Codec,
        topic: &str,
        value: &T,
        buffer: &mut Vec<u8>,
    ) -> Result<(), SchemaError> {
        match &self.registry {
            None => {
                buffer.extend_from_slice(&SINGLE_OBJECT);
                buffer.extend_from_slice(&codec.fingerprint.to_le_bytes());
            }
            Some(registry) => {
                buffer.push(WIRE_FORMAT);
                buffer.extend_from_slice(&registry.id_for(topic, T::NAME)?.to_be_bytes());
            }
        }
        codec.plan.write(value, buffer).map_err(|source| avro::<T>("encoded", source))
    }

    /// The value in `bytes`, whichever of the two encodings it has.
    ///
    /// # Errors
    /// [`SchemaError`] says what the bytes are instead.
    pub fn decode<T: AvroRecord>(&self, bytes: &[u8]) -> Result<T, SchemaError> {
        let codec = self.codec::<T>()?;
        if let Some((header, datum)) = bytes.split_at_checked(10)
            && header[..2] == SINGLE_OBJECT
        {
            let mut little_endian = [0; 8];
            little_endian.copy_from_slice(&header[2..]);
            let fingerprint = u64::from_le_bytes(little_endian);
            if fingerprint == codec.fingerprint {
                return codec.plan.read(datum).map_err(|source| avro::<T>("decoded", source));
            }
            let reader =
                codec.older.get(&fingerprint).ok_or(SchemaError::UnknownFingerprint { fingerprint, name: T::NAME })?;
            return resolve::<T>(reader, datum);
        }
        if let Some((header, datum)) = bytes.split_at_checked(5)
            && header[0] == WIRE_FORMAT
        {
            let id = u32::from_be_bytes([header[1], header[2], header[3], header[4]]);
            let registry = self.registry.as_ref().ok_or(SchemaError::NoRegistry { id })?;
            let writer = registry.schema(id, T::NAME)?;
            if writer.fingerprint == codec.fingerprint {
                return codec.plan.read(datum).map_err(|source| avro::<T>("decoded", source));
            }
            let reader = resolving_reader::<T>(&writer.schema)?;
            return resolve::<T>(&reader, datum);
        }
        Err(SchemaError::UnknownEncoding { prefix: bytes.iter().copied().take(2).collect() })
    }
}

fn avro<T: AvroRecord>(action: &'static str, source: impl Into<AvroError>) -> SchemaError {
    SchemaError::Avro { name: T::NAME.to_owned(), action, source: source.into() }
}

fn resolve<T: AvroRecord>(reader: &GenericDatumReader<'_>, mut datum: &[u8]) -> Result<T, SchemaError> {
    let value = reader.read_value(&mut datum).map_err(|source| avro::<T>("decoded", Box::new(source)))?;
    apache_avro::from_value(&value).map_err(|source| avro::<T>("decoded", Box::new(source)))
}

fn resolving_reader<'a, T: AvroRecord>(writer: &'a apache_avro::Schema) -> Result<GenericDatumReader<'a>, SchemaError> {
    let current = &current_entry(T::NAME)?.schema;
    let reader = GenericDatumReader::builder(writer).reader_schema(current).build();
    reader.map_err(|source| avro::<T>("decoded", Box::new(source)))
}

fn current_entry(name: &str) -> Result<&'static Entry, SchemaError> {
    let missing = |detail: String| SchemaError::BadSchema { name: name.to_owned(), detail };
    let catalog = CATALOG.as_ref().map_err(|error| missing(error.to_string()))?;
    catalog.get(name).map(|versions| &versions.current).ok_or_else(|| missing("no such schema".to_owned()))
}

fn codecs() -> Result<FxHashMap<&'static str, Codec>, SchemaError> {
    let broken =
        |name: &str, error: &dyn ToString| SchemaError::BadSchema { name: name.to_owned(), detail: error.to_string() };
    let catalog = CATALOG.as_ref().map_err(|error| broken("schemas/avro", error))?;
    let mut codecs = FxHashMap::default();
    for (name, versions) in catalog {
        let schema = &versions.current.schema;
        let mut older = FxHashMap::default();
        for entry in &versions.published {
            let reader = GenericDatumReader::builder(&entry.schema)
                .reader_schema(schema)
                .build()
                .map_err(|error| broken(name, &error))?;
            older.insert(entry.fingerprint, reader);
        }
        let fingerprint = versions.current.fingerprint;
        let typical_bytes = AtomicUsize::new(FIRST_CAPACITY_BYTES);
        codecs.insert(name.as_str(), Codec { plan: &versions.plan, fingerprint, older, typical_bytes });
    }
    Ok(codecs)
}
