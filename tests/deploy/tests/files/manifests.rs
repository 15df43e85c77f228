//! One rendered manifest, and what the tests ask of it.

use std::collections::BTreeMap;

use serde_json::Value;

/// A manifest.
#[derive(Debug)]
pub(crate) struct Manifest(pub(crate) Value);

impl Manifest {
    pub(crate) fn at(&self, pointer: &str) -> &Value {
        self.0.pointer(pointer).unwrap_or(&Value::Null)
    }

    pub(crate) fn kind(&self) -> &str {
        self.0["kind"].as_str().unwrap()
    }

    pub(crate) fn name(&self) -> &str {
        self.at("/metadata/name").as_str().unwrap()
    }

    /// The service that it belongs to.
    pub(crate) fn component(&self) -> &str {
        self.0["metadata"]["labels"]["app.kubernetes.io/component"].as_str().unwrap_or_default()
    }

    pub(crate) fn labels(&self) -> BTreeMap<String, String> {
        strings(self.at("/metadata/labels"))
    }

    /// The pods that it makes.
    pub(crate) fn pod(&self) -> &Value {
        self.at("/spec/template/spec")
    }

    pub(crate) fn pod_labels(&self) -> BTreeMap<String, String> {
        strings(self.at("/spec/template/metadata/labels"))
    }

    /// The containers of its pods, those that run before them included.
    pub(crate) fn containers(&self) -> Vec<&Value> {
        ["initContainers", "containers"].iter().flat_map(|list| items(&self.pod()[list])).collect()
    }
}

/// The elements of a list; none when there is no list.
pub(crate) fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// An object of strings; anything that is none fails.
pub(crate) fn strings(value: &Value) -> BTreeMap<String, String> {
    let members = value.as_object().into_iter().flatten();
    members.map(|(key, value)| (key.clone(), value.as_str().unwrap().to_owned())).collect()
}

/// Whether labels have all that a selector asks for; one that asks for nothing selects nothing here.
pub(crate) fn selects(selector: &BTreeMap<String, String>, labels: &BTreeMap<String, String>) -> bool {
    !selector.is_empty() && selector.iter().all(|(key, value)| labels.get(key) == Some(value))
}
