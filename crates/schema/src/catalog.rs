//! The embedded schemas, each made self-contained by inlining the types it refers to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use apache_avro::Schema;
use apache_avro::rabin::Rabin;
use apache_avro::schema_compatibility::SchemaCompatibility;
use include_dir::{Dir, include_dir};
use serde_json::Value;

use crate::datum::Plan;
use crate::error::SchemaError;

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../schemas/avro");

/// One schema as readers and writers use it.
pub(crate) struct Entry {
    pub(crate) schema: Schema,
    pub(crate) fingerprint: u64,
}

/// All schemas of one name: the current one and those published before.
pub(crate) struct Versions {
    pub(crate) current: Entry,
    /// The current one as the codec writes and reads it.
    pub(crate) plan: Plan,
    pub(crate) published: Vec<Entry>,
}

pub(crate) static CATALOG: LazyLock<Result<BTreeMap<String, Versions>, SchemaError>> = LazyLock::new(load);

/// The names of all schemas.
#[must_use]
pub fn names() -> Vec<String> {
    FILES.files().filter_map(|file| stem(file.path())).collect()
}

fn stem(path: &std::path::Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    name.strip_suffix(".avsc").map(str::to_owned)
}

fn bad(name: &str, detail: impl ToString) -> SchemaError {
    SchemaError::BadSchema { name: name.to_owned(), detail: detail.to_string() }
}

fn definitions() -> Result<BTreeMap<String, Value>, SchemaError> {
    let mut by_full_name = BTreeMap::new();
    for file in FILES.files() {
        let Some(name) = stem(file.path()) else { continue };
        let text = file.contents_utf8().ok_or_else(|| bad(&name, "not UTF-8"))?;
        let json: Value = serde_json::from_str(text).map_err(|error| bad(&name, error))?;
        collect(&json, &mut by_full_name);
    }
    Ok(by_full_name)
}

/// Notes every named type that is defined in `json`.
fn collect(json: &Value, into: &mut BTreeMap<String, Value>) {
    match json {
        Value::Object(map) => {
            if let (Some(Value::String(name)), Some(Value::String(namespace))) = (map.get("name"), map.get("namespace"))
            {
                into.insert(format!("{namespace}.{name}"), json.clone());
            }
            map.values().for_each(|value| collect(value, into));
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, into)),
        _ => {}
    }
}

/// Replaces the first mention of each named type by its definition, later ones by its name.
fn inline(json: &Value, all: &BTreeMap<String, Value>, seen: &mut BTreeSet<String>) -> Value {
    match json {
        Value::String(text) if all.contains_key(text) && seen.insert(text.clone()) => {
            inline_fields(&all[text], all, seen)
        }
        Value::Object(map) => {
            let full_name = match (map.get("name"), map.get("namespace")) {
                (Some(Value::String(name)), Some(Value::String(namespace))) => Some(format!("{namespace}.{name}")),
                _ => None,
            };
            match full_name {
                Some(name) if !seen.insert(name.clone()) => Value::String(name),
                _ => inline_fields(json, all, seen),
            }
        }
        Value::Array(values) => Value::Array(values.iter().map(|value| inline(value, all, seen)).collect()),
        other => other.clone(),
    }
}

fn inline_fields(json: &Value, all: &BTreeMap<String, Value>, seen: &mut BTreeSet<String>) -> Value {
    let Value::Object(map) = json else { return json.clone() };
    let visit = |(key, value): (&String, &Value)| {
        let value = match key.as_str() {
            "type" | "items" | "values" | "fields" => inline(value, all, seen),
            _ => value.clone(),
        };
        (key.clone(), value)
    };
    Value::Object(map.iter().map(visit).collect())
}

/// The schema of this name as one self-contained JSON document: what goes to a registry.
///
/// # Errors
/// [`SchemaError::BadSchema`] when there is none, or it is not JSON.
pub fn flattened_schema(name: &str) -> Result<String, SchemaError> {
    let file = FILES.get_file(format!("{name}.avsc")).ok_or_else(|| bad(name, "no such schema"))?;
    let json: Value = serde_json::from_slice(file.contents()).map_err(|error| bad(name, error))?;
    let flat = inline(&json, &definitions()?, &mut BTreeSet::new());
    serde_json::to_string_pretty(&flat).map_err(|error| bad(name, error))
}

pub(crate) fn parse(name: &str, text: &str) -> Result<Entry, SchemaError> {
    let schema = Schema::parse_str(text).map_err(|source| SchemaError::Avro {
        name: name.to_owned(),
        action: "parsed",
        source: Box::new(source).into(),
    })?;
    let bytes = schema.fingerprint::<Rabin>().bytes;
    let mut little_endian = [0; 8];
    little_endian.copy_from_slice(&bytes[..8]);
    Ok(Entry { schema, fingerprint: u64::from_le_bytes(little_endian) })
}

fn load() -> Result<BTreeMap<String, Versions>, SchemaError> {
    let mut catalog = BTreeMap::new();
    for name in names() {
        let current = parse(&name, &flattened_schema(&name)?)?;
        let plan = Plan::compile(&current.schema).map_err(|error| bad(&name, error))?;
        catalog.insert(name, Versions { current, plan, published: Vec::new() });
    }
    for (name, _, text) in published() {
        if let Some(versions) = catalog.get_mut(&name) {
            versions.published.push(parse(&name, &text)?);
        }
    }
    Ok(catalog)
}

/// Published versions as (name, version, text), from `published/<name>.<version>.avsc`.
fn published() -> Vec<(String, String, String)> {
    let Some(dir) = FILES.get_dir("published") else { return Vec::new() };
    dir.files()
        .filter_map(|file| {
            let (name, version) = stem(file.path())?.rsplit_once('.').map(|(n, v)| (n.to_owned(), v.to_owned()))?;
            Some((name, version, file.contents_utf8()?.to_owned()))
        })
        .collect()
}

/// Every way in which a current schema cannot exchange records with one that was published, as sentences; empty when
/// all can. A published schema that no longer has a current one is such a way.
///
/// # Errors
/// [`SchemaError`] when a schema file cannot be read.
pub fn incompatibilities() -> Result<Vec<String>, SchemaError> {
    let mut problems = Vec::new();
    for (name, version, text) in published() {
        let old = parse(&name, &text)?;
        if FILES.get_file(format!("{name}.avsc")).is_none() {
            problems.push(format!("{name} version {version} was published and {name}.avsc is gone: bring it back"));
            continue;
        }
        let new = parse(&name, &flattened_schema(&name)?)?;
        problems.extend(compare(&name, &version, &old.schema, &new.schema));
    }
    Ok(problems)
}

pub(crate) fn compare(name: &str, version: &str, old: &Schema, new: &Schema) -> Vec<String> {
    let mut problems = Vec::new();
    if let Err(error) = SchemaCompatibility::can_read(old, new) {
        problems.push(format!("{name}.avsc cannot read what version {version} wrote: {error}"));
    }
    if let Err(error) = SchemaCompatibility::can_read(new, old) {
        problems.push(format!("version {version} of {name} cannot read what {name}.avsc writes: {error}"));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_parses_on_its_own_and_stays_compatible_with_what_was_published() {
        assert!(names().len() >= 15);
        assert!(CATALOG.is_ok(), "{:?}", CATALOG.as_ref().err());
        assert_eq!(incompatibilities().unwrap(), Vec::<String>::new());
        let published = published();
        for name in names() {
            assert!(published.iter().any(|(n, ..)| *n == name), "publish {name}.avsc as published/{name}.1.avsc");
        }
    }

    #[test]
    fn a_removed_field_and_a_changed_type_are_refused() {
        let old = parse("t", &flattened_schema("touchpoint").unwrap()).unwrap().schema;
        let text = flattened_schema("touchpoint").unwrap();
        let mut json: Value = serde_json::from_str(&text).unwrap();
        json["fields"].as_array_mut().unwrap().retain(|field| field["name"] != "occurred_at");
        let without = parse("t", &json.to_string()).unwrap().schema;
        assert!(!compare("touchpoint", "1", &old, &without).is_empty());
        let mut json: Value = serde_json::from_str(&text).unwrap();
        let field = json["fields"].as_array_mut().unwrap().iter_mut().find(|field| field["name"] == "channel").unwrap();
        field["type"] = Value::from("long");
        let changed = parse("t", &json.to_string()).unwrap().schema;
        assert!(!compare("touchpoint", "1", &old, &changed).is_empty());
    }
}
