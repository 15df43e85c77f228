//! `tributary privacy rotation`: how far a rotation of keys has come.

use std::collections::BTreeMap;

use serde::Serialize;
use tributary_identity::Names;
use tributary_model::identity::IdentityChange;
use tributary_model::topics;

use crate::commands::persons::each;
use crate::config::HubConfig;
use crate::error::CliError;
use crate::exit::Exit;
use crate::keys;
use crate::output::Output;

/// How far it has come.
#[derive(Serialize)]
struct Answer<'a> {
    /// The keys in the configuration, the newest first.
    keys: Vec<&'a str>,
    /// Identifiers by namespace and by how many keys they are known.
    known_by_keys: BTreeMap<String, BTreeMap<usize, u64>>,
}

/// Shows it.
pub(super) fn rotation(config: &HubConfig, output: &mut Output) -> Result<Exit, CliError> {
    let settings = config.kafka()?;
    let contracts = settings.contracts()?;
    let mut names = Names::default();
    let note = |change: IdentityChange| names.apply(&change);
    each(&settings, &contracts, topics::IDENTITY_CHANGES, |_| true, note)?;
    let answer = Answer { keys: keys::ids(config), known_by_keys: names.by_keys() };
    output.either(&answer, || render(&answer))?;
    Ok(Exit::Done)
}

fn render(answer: &Answer<'_>) -> String {
    let keys = if answer.keys.is_empty() { "one key without an id".to_owned() } else { answer.keys.join(", ") };
    let mut lines = vec![format!("keys, the newest first: {keys}")];
    for (namespace, counts) in &answer.known_by_keys {
        let counts: Vec<String> =
            counts.iter().map(|(keys, count)| format!("{count} known by {keys} key{}", plural(*keys))).collect();
        lines.push(format!("  {namespace}: {}", counts.join(", ")));
    }
    lines.join("\n")
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}
