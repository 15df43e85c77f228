//! A Confluent-compatible schema registry, asked once per subject and per schema id.

use std::sync::{Arc, RwLock};

use rustc_hash::FxHashMap;
use schema_registry_converter::blocking::schema_registry::{SrSettings, get_schema_by_id, post_schema};
use schema_registry_converter::schema_registry_common::{RawError, SchemaType, SuppliedSchema};

use crate::catalog::{Entry, flattened_schema, parse};
use crate::error::SchemaError;

/// The registry's own code for an id that it does not know.
const SCHEMA_NOT_FOUND: u32 = 40403;

pub(crate) struct Registry {
    settings: SrSettings,
    ids: RwLock<FxHashMap<String, u32>>,
    schemas: RwLock<FxHashMap<u32, Arc<Entry>>>,
}

fn refused(action: String, detail: impl ToString) -> SchemaError {
    SchemaError::Registry { action, detail: detail.to_string() }
}

impl Registry {
    pub(crate) fn new(url: &str) -> Self {
        Self { settings: SrSettings::new(url.to_owned()), ids: RwLock::default(), schemas: RwLock::default() }
    }

    /// The id under which `name` is registered for the values of `topic`.
    pub(crate) fn id_for(&self, topic: &str, name: &str) -> Result<u32, SchemaError> {
        if let Ok(ids) = self.ids.read()
            && let Some(id) = ids.get(topic)
        {
            return Ok(*id);
        }
        let subject = format!("{topic}-value");
        let schema = SuppliedSchema::new(None, SchemaType::Avro, flattened_schema(name)?);
        let registered = post_schema(&self.settings, subject.clone(), schema)
            .map_err(|error| refused(format!("register {name}.avsc under {subject}"), error))?;
        if let Ok(mut ids) = self.ids.write() {
            ids.insert(topic.to_owned(), registered.id);
        }
        Ok(registered.id)
    }

    /// The writer's schema with this id.
    pub(crate) fn schema(&self, id: u32, name: &str) -> Result<Arc<Entry>, SchemaError> {
        if let Ok(schemas) = self.schemas.read()
            && let Some(entry) = schemas.get(&id)
        {
            return Ok(Arc::clone(entry));
        }
        let registered = get_schema_by_id(id, &self.settings).map_err(|error| {
            let answer = std::error::Error::source(&error).and_then(|source| source.downcast_ref::<RawError>());
            if answer.is_some_and(|answer| answer.error_code == SCHEMA_NOT_FOUND) {
                return SchemaError::UnknownSchemaId { id, name: name.to_owned() };
            }
            refused(format!("give schema id {id}"), error)
        })?;
        let entry = Arc::new(parse(name, &registered.schema)?);
        if let Ok(mut schemas) = self.schemas.write() {
            schemas.insert(id, Arc::clone(&entry));
        }
        Ok(entry)
    }
}
