//! The payload of an intent: constants, and texts with `{{path}}` placeholders filled from the context.

use serde_json::{Map, Value as Json};
use tributary_rules::{Shape, Value, to_json};

use crate::context::{Selection, knows_path, lookup};
use crate::fields::Report;
use crate::needs::Needs;

/// What a decision adds to the context of a payload.
const DECISION_FIELDS: [&str; 5] = ["decision_id", "trigger_id", "channel", "decided_at", "valid_until_at"];

/// A payload template: fields in order of their names.
#[derive(Debug, Clone, Default)]
pub struct Payload {
    fields: Vec<(String, Template)>,
    /// What of a person's context the placeholders name.
    reads: Selection,
}

#[derive(Debug, Clone)]
enum Template {
    Constant(Json),
    /// One placeholder and nothing else: the value keeps its JSON type.
    Field(Vec<String>),
    Text(Vec<Part>),
}

#[derive(Debug, Clone)]
enum Part {
    Text(String),
    Field(Vec<String>),
}

impl Payload {
    /// Fills the template. A placeholder whose value is absent gives null alone and nothing inside a text.
    #[must_use]
    pub fn fill(&self, context: &Value) -> Map<String, Json> {
        self.fields.iter().map(|(name, template)| (name.clone(), template.fill(context))).collect()
    }

    /// What it sees of a person's context.
    pub(crate) fn reads(&self) -> &Selection {
        &self.reads
    }

    /// The shape of each field, for placeholders that look at `sees`.
    pub(crate) fn shapes<'p>(&'p self, sees: &'p Shape) -> impl Iterator<Item = (&'p str, Shape)> + 'p {
        self.fields.iter().map(|(name, template)| (name.as_str(), template.shape(sees)))
    }

    /// Reads the template of a trigger about persons.
    pub(crate) fn read(report: &Report, value: Option<Json>) -> Self {
        let example = "touchpoint, person or decision, such as {{touchpoint.order_id}}";
        let payload = Self::read_with(report, value, is_known, example);
        let paths = payload.fields.iter().flat_map(|(_, template)| template.paths());
        let reads = Selection::of(&Needs::of_paths(paths));
        Self { reads, ..payload }
    }

    /// Reads a template whose placeholders name what `is_known` knows; `example` is what problems advise.
    pub(crate) fn read_with(
        report: &Report,
        value: Option<Json>,
        is_known: fn(&[String]) -> bool,
        example: &str,
    ) -> Self {
        let map = match value {
            None => return Self::default(),
            Some(Json::Object(map)) => map,
            Some(other) => {
                report.add("payload", format!("{other} is not a mapping"), "write names and texts, one a line");
                return Self::default();
            }
        };
        let read_one = |(name, value): (String, Json)| {
            let template = match value {
                Json::String(text) => Template::read(report, &format!("payload.{name}"), &text, is_known, example)?,
                constant => Template::Constant(constant),
            };
            Some((name, template))
        };
        Self { fields: map.into_iter().filter_map(read_one).collect(), reads: Selection::default() }
    }
}

impl Template {
    /// The paths of the placeholders.
    fn paths(&self) -> impl Iterator<Item = &[String]> {
        let parts: &[Part] = if let Self::Text(parts) = self { parts } else { &[] };
        let alone = if let Self::Field(path) = self { Some(path.as_slice()) } else { None };
        let among =
            parts.iter().filter_map(|part| if let Part::Field(path) = part { Some(path.as_slice()) } else { None });
        among.chain(alone)
    }

    fn shape(&self, sees: &Shape) -> Shape {
        match self {
            Self::Constant(constant) => Shape::of(constant),
            Self::Text(_) => Shape::text(),
            Self::Field(path) if is_of_decision(path) => match path[1].as_str() {
                "decided_at" | "valid_until_at" => Shape::integer(),
                _ => Shape::text(),
            },
            Self::Field(path) => sees.at(path),
        }
    }

    fn fill(&self, context: &Value) -> Json {
        let value_at = |path: &[String]| lookup(context, path).map_or(Json::Null, to_json);
        match self {
            Self::Constant(constant) => constant.clone(),
            Self::Field(path) => value_at(path),
            Self::Text(parts) => Json::String(
                parts
                    .iter()
                    .map(|part| match part {
                        Part::Text(text) => text.clone(),
                        Part::Field(path) => match value_at(path) {
                            Json::Null => String::new(),
                            Json::String(text) => text,
                            other => other.to_string(),
                        },
                    })
                    .collect(),
            ),
        }
    }

    fn read(report: &Report, key: &str, text: &str, is_known: fn(&[String]) -> bool, example: &str) -> Option<Self> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, tail)) = rest.split_once("{{") {
            let Some((inside, after)) = tail.split_once("}}") else {
                report.add(key, format!("\"{text}\" opens {{{{ and does not close it"), "close it with }}");
                return None;
            };
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            let path: Vec<String> = inside.trim().split('.').map(str::to_owned).collect();
            if !is_known(&path) {
                let remedy = format!("name a field of {example}");
                report.add(key, format!("\"{}\" is not a field", inside.trim()), remedy);
                return None;
            }
            parts.push(Part::Field(path));
            rest = after;
        }
        if !rest.is_empty() || parts.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Some(match parts.as_slice() {
            [Part::Field(path)] => Self::Field(path.clone()),
            _ => Self::Text(parts),
        })
    }
}

/// Whether it is a field of the decision.
pub(crate) fn is_of_decision(path: &[String]) -> bool {
    matches!(path, [root, name] if root == "decision" && DECISION_FIELDS.contains(&name.as_str()))
}

fn is_known(path: &[String]) -> bool {
    match path {
        [root, _] if root == "decision" => is_of_decision(path),
        [root, _, ..] if root == "touchpoint" || root == "person" => knows_path(path),
        [root] => root == "now_at",
        _ => false,
    }
}
