//! `tributary privacy consent`: the last word of one person about each channel and purpose.

use serde::Serialize;
use tributary_model::time::to_rfc3339;
use tributary_model::{ConsentProof, JourneyEvent, PersonId};
use tributary_triggers::consent::Consents;

use crate::cli::PersonArgs;
use crate::commands::persons::{Person, aliases, nobody, person, standing_journey};
use crate::config::HubConfig;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;

/// What a person allows.
#[derive(Serialize)]
struct Answer {
    person_id: PersonId,
    /// The last word about each channel and purpose; `*` stands for all.
    consents: Vec<ConsentProof>,
    /// Purposes that need consent where nothing was said.
    deny_by_default: Vec<String>,
}

/// Shows it.
pub(super) fn consent(args: &PersonArgs, config: &HubConfig, output: &mut Output) -> Result<Exit, CliError> {
    let settings = config.kafka()?;
    let contracts = settings.contracts()?;
    let aliases = aliases(&settings, &contracts)?;
    let Person { person_id, .. } = person(&args.person, config, &aliases)?;
    let journey = standing_journey(&settings, &contracts, &aliases, person_id)?;
    if journey.is_empty() {
        output.notice(nobody(&args.person));
        return Ok(Exit::Failed);
    }
    let answer = Answer {
        person_id,
        consents: last_words(&journey, config),
        deny_by_default: config.triggers.deny_by_default.clone(),
    };
    output.either(&answer, || render(&answer))?;
    Ok(Exit::Done)
}

/// The last word of a journey about each channel and purpose.
pub(super) fn last_words(journey: &[JourneyEvent], config: &HubConfig) -> Vec<ConsentProof> {
    let mut consents = Consents::default();
    for event in journey {
        consents.note(&event.touchpoint, None, &config.triggers.unsubscribe_withdraws);
    }
    consents.last_words().collect()
}

fn render(answer: &Answer) -> String {
    let mut lines = vec![format!("{}", answer.person_id)];
    let width = |of: fn(&ConsentProof) -> &str| answer.consents.iter().map(|word| of(word).len()).max().unwrap_or(0);
    let (channel, purpose) = (width(|word| &word.channel), width(|word| &word.purpose));
    for word in &answer.consents {
        lines.push(format!(
            "  {:<channel$}  {:<purpose$}  {}  {}  {} ({})",
            word.channel,
            word.purpose,
            if word.granted { "given    " } else { "withdrawn" },
            to_rfc3339(word.occurred_at),
            word.touchpoint_id,
            word.source,
        ));
    }
    if answer.consents.is_empty() {
        lines.push("  nothing was said".to_owned());
    }
    lines.push(match answer.deny_by_default.as_slice() {
        [] => "  where nothing was said, everything is allowed".to_owned(),
        denied => format!("  where nothing was said, everything is allowed but {}", denied.join(", ")),
    });
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use tributary_model::Identifier;
    use tributary_model::ids::realm_uuid;

    #[test]
    fn the_table_has_a_line_for_each_channel_and_purpose_and_says_what_holds_without_a_word() {
        let word = |channel: &str, granted| ConsentProof {
            channel: channel.to_owned(),
            purpose: "marketing".to_owned(),
            granted,
            occurred_at: 0,
            source: "shop".to_owned(),
            touchpoint_id: "shop:1".to_owned(),
        };
        let answer = Answer {
            person_id: PersonId::of(&realm_uuid("test"), &Identifier::new("email", "a")),
            consents: vec![word("*", false), word("email", true)],
            deny_by_default: vec!["marketing".to_owned()],
        };
        let text = render(&answer);
        assert!(text.contains("  *      marketing  withdrawn  1970-01-01T00:00:00Z  shop:1 (shop)"), "{text}");
        assert!(text.contains("  email  marketing  given      1970-01-01T00:00:00Z"), "{text}");
        assert!(text.ends_with("everything is allowed but marketing"), "{text}");
    }
}
