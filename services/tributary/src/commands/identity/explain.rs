//! `tributary identity explain`.

use serde::Serialize;
use tributary_identity::{Evidence, Link};
use tributary_model::identity::{IdentityChange, IdentityChangeKind};
use tributary_model::ids::realm_uuid;
use tributary_model::time::to_rfc3339;
use tributary_model::{Identifier, PersonId};

use super::{Named, evidence};
use crate::commands::persons::{aliases, pseudonym};
use crate::config::HubConfig;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;

/// What is known of the person of one identifier, and of its relation to another.
#[derive(Serialize)]
struct Explanation<'a> {
    /// The person of the identifier.
    person_id: PersonId,
    /// All its identifiers, as pseudonyms.
    identifiers: Vec<Identifier>,
    /// What made them one: the links between the two that were asked for, or all of the person.
    links: Vec<&'a Link>,
    /// The person of the other identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    other_person_id: Option<PersonId>,
    /// What else was told about them: what was refused, who was taken apart.
    told: Vec<&'a IdentityChange>,
}

/// Shows it.
pub(super) fn explain(
    text: &str,
    other_text: Option<&str>,
    config: &HubConfig,
    output: &mut Output,
) -> Result<Exit, CliError> {
    let asked = pseudonym(text, config)?;
    let other = other_text.map(|text| pseudonym(text, config)).transpose()?;
    let settings = config.kafka()?;
    let contracts = settings.contracts()?;
    let evidence = evidence(&settings, &contracts)?;
    let aliases = aliases(&settings, &contracts)?;
    let person = |identifier: &Identifier| aliases.resolve(PersonId::of(&realm_uuid(&config.realm), identifier));
    for (identifier, text) in [(Some(&asked), Some(text)), (other.as_ref(), other_text)] {
        if let (Some(identifier), Some(text)) = (identifier, text)
            && !evidence.knows(identifier)
        {
            output.notice(format!(
                "nobody is known by this {}: check the spelling of {text}, and that realm and pseudonym key are those of \
                 the hub",
                identifier.namespace
            ));
            return Ok(Exit::Failed);
        }
    }
    let explanation =
        explanation(&evidence, person(&asked), &asked, other.as_ref().map(|other| (other, person(other))));
    let written = [(Some(asked.clone()), Some(text)), (other.clone(), other_text)];
    let named = written.into_iter().filter_map(|(identifier, text)| Some((identifier?, text?.to_owned()))).collect();
    output.either(&explanation, || render(&explanation, &Named(named), other_text.is_some()))?;
    Ok(Exit::Done)
}

fn explanation<'a>(
    evidence: &'a Evidence,
    person_id: PersonId,
    asked: &'a Identifier,
    other: Option<(&'a Identifier, PersonId)>,
) -> Explanation<'a> {
    let own = evidence.identifiers_of(asked);
    let (links, told) = match other {
        Some((other, _)) => {
            let both = own.union(&evidence.identifiers_of(other)).cloned().collect();
            let between = |change: &&IdentityChange| {
                let [left, right] = change.identifiers.as_slice() else { return false };
                own.contains(left) != own.contains(right) || change.kind == IdentityChangeKind::Unmerged
            };
            (
                evidence.chain(asked, other).unwrap_or_default(),
                evidence.told_about(&both).into_iter().filter(between).collect(),
            )
        }
        None => {
            let is_own = |link: &&Link| own.contains(&link.left) && own.contains(&link.right);
            let is_news = |change: &&IdentityChange| change.kind != IdentityChangeKind::Created;
            (evidence.links().filter(is_own).collect(), evidence.told_about(&own).into_iter().filter(is_news).collect())
        }
    };
    Explanation {
        person_id,
        identifiers: own.into_iter().collect(),
        links,
        other_person_id: other.map(|(_, person)| person),
        told,
    }
}

fn render(explanation: &Explanation<'_>, named: &Named, is_pair: bool) -> String {
    let Explanation { person_id, identifiers, links, other_person_id, told } = explanation;
    let mut text = String::new();
    match other_person_id {
        Some(other) if other == person_id => line(&mut text, format!("one person: {person_id}")),
        Some(other) => line(&mut text, format!("two persons: {person_id} and {other}")),
        None => line(&mut text, format!("person {person_id}, known by {}", identifiers.len())),
    }
    if !is_pair {
        identifiers.iter().for_each(|identifier| line(&mut text, format!("  {}", named.show(identifier))));
    }
    if !links.is_empty() {
        line(&mut text, "because of".to_owned());
    }
    for Link { sequence, left, right, touchpoint_id, occurred_at, rule_version, by_hand, is_other_name } in links {
        let why = match by_hand {
            None if *is_other_name => format!("one value by two keys, touchpoint {touchpoint_id}"),
            Some(reason) => format!("by hand: {reason}"),
            None => format!("touchpoint {touchpoint_id}, rules {rule_version}"),
        };
        let (left, right, at) = (named.show(left), named.show(right), to_rfc3339(*occurred_at));
        line(&mut text, format!("  #{sequence}  {at}  {left} + {right}  ({why})"));
    }
    if !told.is_empty() {
        line(&mut text, "also told".to_owned());
    }
    for change in told {
        let which: Vec<String> = change.identifiers.iter().map(|identifier| named.show(identifier)).collect();
        let (kind, at) = (kind_name(change.kind), to_rfc3339(change.occurred_at));
        let reason = change.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
        let undone = change.undoes.map(|undoes| format!(", undoing #{undoes}")).unwrap_or_default();
        let at_touchpoint = &change.touchpoint_id;
        line(&mut text, format!("  {at}  {kind}{undone}  {}{reason}  ({at_touchpoint})", which.join(" and ")));
    }
    text.trim_end().to_owned()
}

fn line(text: &mut String, line: String) {
    text.push_str(&line);
    text.push('\n');
}

fn kind_name(kind: IdentityChangeKind) -> &'static str {
    match kind {
        IdentityChangeKind::Created => "created",
        IdentityChangeKind::Linked => "linked",
        IdentityChangeKind::Merged => "merged",
        IdentityChangeKind::Refused => "refused",
        IdentityChangeKind::Quarantined => "quarantined",
        IdentityChangeKind::Unmerged => "taken apart",
        IdentityChangeKind::Rekeyed => "has another name",
        IdentityChangeKind::Erased => "erased",
    }
}
