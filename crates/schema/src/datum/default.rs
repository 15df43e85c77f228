//! The defaults of fields, encoded once.

use serde_json::Value;

use super::output;
use super::plan::Node;

/// The encoding of a default; `None` when it is no value of its type.
pub(super) fn encode(node: &Node, json: &Value) -> Option<Box<[u8]>> {
    let mut out = Vec::new();
    append(node, json, &mut out)?;
    Some(out.into())
}

fn append(node: &Node, json: &Value, out: &mut Vec<u8>) -> Option<()> {
    match (node, json) {
        (Node::Nullable { null_first, .. }, Value::Null) => output::null(out, *null_first),
        (Node::Nullable { null_first, inner }, json) => {
            output::present(out, *null_first);
            append(inner, json, out)?;
        }
        (Node::Boolean, Value::Bool(value)) => out.push(u8::from(*value)),
        (Node::Int, Value::Number(number)) => output::long(out, i32::try_from(number.as_i64()?).ok()?.into()),
        (Node::Long, Value::Number(number)) => output::long(out, number.as_i64()?),
        #[allow(clippy::cast_possible_truncation, reason = "a float has what a float can hold")]
        (Node::Float, Value::Number(number)) => out.extend_from_slice(&(number.as_f64()? as f32).to_le_bytes()),
        (Node::Double, Value::Number(number)) => out.extend_from_slice(&number.as_f64()?.to_le_bytes()),
        (Node::String | Node::Bytes, Value::String(text)) => output::bytes(out, text.as_bytes()),
        (Node::Enum(node), Value::String(text)) => {
            output::count(out, node.symbols.iter().position(|symbol| **symbol == **text)?);
        }
        (Node::Array(block), Value::Array(items)) => {
            if !items.is_empty() {
                output::count(out, items.len());
            }
            items.iter().try_for_each(|item| append(&block.item, item, out))?;
            out.push(0);
        }
        (Node::Map(block), Value::Object(entries)) => {
            if !entries.is_empty() {
                output::count(out, entries.len());
            }
            for (key, value) in entries {
                output::bytes(out, key.as_bytes());
                append(&block.item, value, out)?;
            }
            out.push(0);
        }
        (Node::Record(record), Value::Object(values)) => {
            for field in &record.fields {
                match (values.get(&*field.name), &field.default) {
                    (Some(value), _) => append(&field.node, value, out)?,
                    (None, Some(default)) => out.extend_from_slice(default),
                    (None, None) => return None,
                }
            }
        }
        _ => return None,
    }
    Some(())
}
