//! What the intents of a team carry, as the team's own system expects it: checked before a trigger runs.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use tributary_rules::Shape;

use crate::error::TriggersError;
use crate::fields::{Fields, Report};
use crate::load::{is_yaml, yaml_files};
use crate::payload::Payload;
use crate::problem::Problem;

/// The schemas by team.
#[derive(Debug, Clone, Default)]
pub(crate) struct PayloadSchemas {
    by_team: BTreeMap<String, PayloadSchema>,
}

#[derive(Debug, Clone)]
struct PayloadSchema {
    file: String,
    fields: BTreeMap<String, FieldRule>,
    /// Whether payloads may have fields that are not named here.
    is_open: bool,
}

#[derive(Debug, Clone)]
struct FieldRule {
    shape: Shape,
    is_required: bool,
}

type MakesShape = fn() -> Shape;

const TYPES: [(&str, MakesShape); 7] = [
    ("text", Shape::text),
    ("integer", Shape::integer),
    ("number", Shape::number),
    ("boolean", Shape::boolean),
    ("list", || Shape::list(Shape::any())),
    ("object", || Shape::map(Shape::any())),
    ("any", Shape::any),
];

impl PayloadSchemas {
    /// The schemas of a directory: one file a team, named after it.
    ///
    /// # Errors
    /// [`TriggersError::Unreadable`], or [`TriggersError::Invalid`] with the problems of all files.
    pub(crate) fn load(directory: &Path) -> Result<Self, TriggersError> {
        let mut schemas = Self::default();
        let mut problems = Vec::new();
        for path in yaml_files(directory)?.into_iter().filter(|path| is_yaml(path)) {
            let text = std::fs::read_to_string(&path);
            let text = text.map_err(|source| TriggersError::Unreadable { path: path.clone(), source })?;
            let team = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            match PayloadSchema::parse(&path.display().to_string(), &text) {
                Ok(schema) => drop(schemas.by_team.insert(team, schema)),
                Err(found) => problems.extend(found),
            }
        }
        if problems.is_empty() { Ok(schemas) } else { Err(TriggersError::Invalid(problems)) }
    }

    /// What is wrong with the payload of a trigger of this team; `sees` is what its placeholders look at.
    pub(crate) fn check(&self, trigger_id: &str, team_id: &str, payload: &Payload, sees: &Shape) -> Vec<Problem> {
        let Some(schema) = self.by_team.get(team_id) else { return Vec::new() };
        let report = Report::new(&format!("trigger {trigger_id}"));
        let shapes: BTreeMap<&str, Shape> = payload.shapes(sees).collect();
        for (name, shape) in &shapes {
            let key = format!("payload.{name}");
            match schema.fields.get(*name) {
                None if schema.is_open => {}
                None => {
                    let known: Vec<&str> = schema.fields.keys().map(String::as_str).collect();
                    let remedy = format!("name one of {}, or add it to {}", known.join(", "), schema.file);
                    report.add(key, format!("is not a field of what {team_id} takes"), remedy);
                }
                Some(rule) if !rule.shape.includes(shape) => {
                    let what = format!("gives {shape} where {team_id} takes {}", rule.shape);
                    report.add(key, what, format!("give what is asked for, or change {}", schema.file));
                }
                Some(_) => {}
            }
        }
        let is_missing = |(name, rule): &(&String, &FieldRule)| rule.is_required && !shapes.contains_key(name.as_str());
        for (name, _) in schema.fields.iter().filter(is_missing) {
            let what = format!("is missing, and {team_id} requires it");
            report.add(format!("payload.{name}"), what, format!("add it, or change {}", schema.file));
        }
        report.into_problems()
    }
}

impl PayloadSchema {
    fn parse(file: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let report = Report::new(file);
        let value = match serde_saphyr::from_str::<Value>(text) {
            Ok(value) => value,
            Err(error) => {
                report.add("", format!("is not YAML: {error}"), "mend the syntax there");
                return Err(report.into_problems());
            }
        };
        let mut fields = Fields::of(&report, "", value);
        let is_open = fields.flag("open");
        let mut rules = BTreeMap::new();
        match fields.take("fields") {
            Some(Value::Object(map)) => {
                for (name, value) in map {
                    rules.insert(name.clone(), FieldRule::read(&report, &format!("fields.{name}"), value));
                }
            }
            _ => fields.problem("fields", "is no mapping", "write `fields:` and below it names with `{type: text}`"),
        }
        fields.finish();
        let problems = report.into_problems();
        if problems.is_empty() { Ok(Self { file: file.to_owned(), fields: rules, is_open }) } else { Err(problems) }
    }
}

impl FieldRule {
    fn read(report: &Report, path: &str, value: Value) -> Self {
        let mut fields = Fields::of(report, path, value);
        if !fields.has("type") {
            fields.problem("type", "is missing", "write one of text, integer, number, boolean, list, object, any");
        }
        let shape = fields.one_of("type", &TYPES).map_or_else(Shape::any, |shape| shape());
        let is_required = fields.flag("required");
        let is_nullable = fields.flag("nullable");
        fields.finish();
        Self { shape: if is_nullable { shape.or_null() } else { shape }, is_required }
    }
}
