//! Every record and every field of the Avro contracts says what it is.

use serde_json::Value;

use crate::{File, Finding};

/// Records, enums and fields without a `doc`.
#[must_use]
pub fn findings(schema: &File) -> Vec<Finding> {
    match serde_json::from_str(&schema.text) {
        Ok(json) => {
            let mut findings = Vec::new();
            look(schema, &json, "", &mut findings);
            findings
        }
        Err(error) => {
            let remedy = "an .avsc file is one JSON document";
            vec![Finding::new(&schema.path, format!("this is not JSON: {error}"), remedy)]
        }
    }
}

fn look(schema: &File, json: &Value, place: &str, findings: &mut Vec<Finding>) {
    let fields = match json {
        Value::Object(fields) => fields,
        Value::Array(values) => return values.iter().for_each(|value| look(schema, value, place, findings)),
        _ => return,
    };
    let name = fields.get("name").and_then(Value::as_str).unwrap_or_default();
    let place = if place.is_empty() || name.is_empty() { format!("{place}{name}") } else { format!("{place}.{name}") };
    if !name.is_empty() && fields.get("doc").and_then(Value::as_str).is_none_or(str::is_empty) {
        findings.push(Finding::new(
            &schema.path,
            format!("{place} has no doc"),
            "add a `doc` that says what it holds, with its unit",
        ));
    }
    for inner in ["fields", "type", "items", "values"] {
        if let Some(value) = fields.get(inner) {
            look(schema, value, &place, findings);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_and_fields_without_a_doc_are_found_at_any_depth() {
        let text = r#"{"type": "record", "name": "A", "doc": "An A.", "fields": [
            {"name": "b", "doc": "B.", "type": {"type": "array", "items":
                {"type": "record", "name": "C", "doc": "A C.", "fields": [{"name": "d", "type": "long"}]}}},
            {"name": "e", "doc": "", "type": "string"}]}"#;
        let file = File { path: "schemas/avro/a.avsc".to_owned(), text: text.to_owned() };
        let found: Vec<String> = findings(&file).into_iter().map(|finding| finding.what).collect();
        assert_eq!(found, ["A.b.C.d has no doc", "A.e has no doc"]);
        assert_eq!(findings(&File { text: "{".to_owned(), ..file }).len(), 1);
    }
}
