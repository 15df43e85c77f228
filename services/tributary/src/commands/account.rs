//! `tributary account`: one account's story, found by its id or by any identifier that it was ever known by.

use serde::Serialize;
use tributary_model::account::AccountStory;
use tributary_model::ids::realm_uuid;
use tributary_model::time::to_rfc3339;
use tributary_model::{AccountEvent, AccountId, Money, topics};
use tributary_stream::read_to_end;

use super::now_ms;
use super::persons::account_pseudonym;
use crate::cli::AccountArgs;
use crate::config::HubConfig;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;
use crate::timeline::put;

/// The most accounts that are merged one into the other: more than there are kinds of them.
const MAX_MERGES: usize = 64;

/// The answer for programs.
#[derive(Debug, Serialize)]
struct Answer<'a> {
    /// The accounts that the one asked for was found to be on the way.
    found_by: &'a [AccountId],
    /// Engagement as of now.
    engagement_now_milli: i64,
    account: &'a AccountEvent,
}

/// Prints the account.
///
/// # Errors
/// [`CliError`] when the identifier is none, there is no key, or no broker answers.
pub(super) fn account(args: &AccountArgs, config: &HubConfig, output: &mut Output) -> Result<Exit, CliError> {
    let mut account_id = match args.account.parse() {
        Ok(account_id) => account_id,
        Err(_) => AccountId::of(&realm_uuid(&config.realm), &account_pseudonym(&args.account, config)?),
    };
    let mut found_by = Vec::new();
    let account = loop {
        match newest(account_id, config)? {
            Some(AccountEvent { merged_into: Some(survivor), .. }) if found_by.len() < MAX_MERGES => {
                found_by.push(account_id);
                account_id = survivor;
            }
            found => break found,
        }
    };
    let Some(account) = account else {
        output.notice(
            "no account is known by this: check its spelling, and that realm and pseudonym key are those of the hub",
        );
        return Ok(Exit::Failed);
    };
    let now = now_ms();
    let answer =
        Answer { found_by: &found_by, engagement_now_milli: account.engagement_milli_at(now), account: &account };
    output.either(&answer, || story(&account, &found_by, now).trim_end().to_owned())?;
    Ok(Exit::Done)
}

/// The newest record of an account.
fn newest(account_id: AccountId, config: &HubConfig) -> Result<Option<AccountEvent>, CliError> {
    let settings = config.kafka()?;
    let contracts = settings.contracts()?;
    let key = account_id.to_key();
    let mut newest = None;
    read_to_end(&settings, topics::ACCOUNTS, |record| {
        if record.key == key {
            newest = record.value;
        }
    })?;
    Ok(newest.map(|value| contracts.decode(&value)).transpose()?)
}

/// The account as people read it.
fn story(account: &AccountEvent, found_by: &[AccountId], now: i64) -> String {
    let mut text = String::new();
    put(&mut text, format!("{} ({})", account.account_id, account.namespace));
    for other in found_by {
        put(&mut text, format!("  found by {other}, which is merged into it"));
    }
    let money = |currency: Option<&String>, minor: i64| currency.map(|currency| Money::new(currency, minor).display());
    put(
        &mut text,
        format!(
            "  stage {}, {} touches of {} persons, {} orders, value {}",
            account.stage,
            account.touch_count,
            account.person_count,
            account.order_count,
            money(account.currency.as_ref(), account.value_minor).unwrap_or_else(|| "none".to_owned()),
        ),
    );
    let points = |milli: i64| format!("{}.{:01}", milli.div_euclid(1_000), milli.rem_euclid(1_000) / 100);
    put(
        &mut text,
        format!(
            "  engagement {} now, {} at the last touch, halved every {} days",
            points(account.engagement_milli_at(now)),
            points(account.engagement_milli),
            account.engagement_half_life_days
        ),
    );
    let coverage = &account.coverage;
    let missing: Vec<&str> = coverage.expected_roles.iter().map(String::as_str).collect();
    let missing: Vec<&str> =
        missing.into_iter().filter(|role| !coverage.touched_roles.iter().any(|touched| touched == role)).collect();
    put(
        &mut text,
        format!(
            "  buying group: {} % covered, {} persons touched lately; not reached: {}",
            coverage.percent(),
            coverage.touched_person_count,
            if missing.is_empty() { "nobody is missing".to_owned() } else { missing.join(", ") }
        ),
    );
    put_story(&mut text, &account.story);
    for member in &account.members {
        put(&mut text, member_line(member));
    }
    let unnamed = account.person_count - i64::try_from(account.members.len()).unwrap_or(i64::MAX);
    if unnamed > 0 {
        put(&mut text, format!("    …  {unnamed} more persons"));
    }
    for open in &account.open_opportunities {
        let value = open.value_minor.and_then(|minor| money(open.currency.as_ref(), minor));
        let details = [open.stage.clone(), value].into_iter().flatten().collect::<Vec<_>>().join(", ");
        put(
            &mut text,
            format!("  open opportunity {}: {details}", open.opportunity_id).trim_end_matches(": ").to_owned(),
        );
    }
    for touch in &account.last_touches {
        put(&mut text, format!("  last touch of {}: {}", touch.team_id, to_rfc3339(touch.occurred_at)));
    }
    for other in &account.merged_accounts {
        put(&mut text, format!("  includes {other}"));
    }
    for other in &account.contested_by {
        put(&mut text, format!("  claimed by {other} and others, and so kept apart"));
    }
    text
}

/// One story or several, and who told which.
fn put_story(text: &mut String, story: &AccountStory) {
    put(
        text,
        format!(
            "  heard {} narratives in {} messages of the last 30 days, {} of these approved",
            story.narrative_count, story.exposure_count, story.approved_count
        ),
    );
    for heard in &story.narratives {
        let (times, teams) = (heard.exposure_count, heard.team_ids.join(", "));
        put(text, format!("    {}  {times} times, by {teams}", heard.narrative_id));
    }
}

fn member_line(member: &tributary_model::account::AccountMember) -> String {
    format!(
        "    {}  {:<15}  by {} since {}, last seen {}{}",
        member.person_id,
        member.role.as_deref().unwrap_or("no role"),
        member.source,
        to_rfc3339(member.since),
        member.last_at.map_or_else(|| "long ago".to_owned(), to_rfc3339),
        if member.is_primary { "" } else { ", belongs to another account first" }
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_story_names_the_group_and_what_is_open() {
        let id = |number: u32| format!("7d444840-9dc0-11d1-b245-5ffdce74fa{number:02}");
        let day = 86_400_000_i64;
        let account: AccountEvent = serde_json::from_value(json!({
            "account_id": id(1), "revision": 3, "persons": [id(2)], "person_count": 2, "touch_count": 5, "order_count": 1,
            "value_minor": 1_250, "currency": "EUR", "open_opportunity_count": 1, "stage": "expansion",
            "last_touches": [{"team_id": "sales", "occurred_at": day}], "last_at": day, "namespace": "crm_account_id",
            "members": [{"person_id": id(2), "source": "company_domain", "evidence": "t", "since": 0, "last_at": day,
                "role": "champion", "is_primary": false}],
            "coverage": {"expected_roles": ["champion", "finance"], "known_roles": ["champion"],
                "touched_roles": ["champion"], "touched_person_count": 1},
            "engagement_milli": 8_000, "engagement_half_life_days": 30,
            "open_opportunities": [{"opportunity_id": "o1", "stage": "proposal", "value_minor": 900, "currency": "EUR"},
                {"opportunity_id": "o2", "stage": null, "value_minor": null, "currency": null}],
            "merged_accounts": [id(3)], "merged_into": null, "contested_by": [],
            "story": {"narrative_count": 2, "exposure_count": 5, "approved_count": 4, "narratives": [
                {"narrative_id": "made-to-last", "exposure_count": 3, "team_ids": ["brand", "email"]},
                {"narrative_id": "welcome", "exposure_count": 1, "team_ids": ["media"]}]},
        }))
        .unwrap();
        let other: AccountId = id(3).parse().unwrap();
        let text = story(&account, &[other], 31 * day);
        for words in [
            "(crm_account_id)",
            "found by 7d444840-9dc0-11d1-b245-5ffdce74fa03",
            "5 touches of 2 persons, 1 orders, value 12.50 EUR",
            "engagement 4.0 now, 8.0 at the last touch, halved every 30 days",
            "50 % covered, 1 persons touched lately; not reached: finance",
            "heard 2 narratives in 5 messages of the last 30 days, 4 of these approved\n    made-to-last  3 times, by brand, email",
            "champion         by company_domain since 1970-01-01T00:00:00Z",
            "belongs to another account first",
            "…  1 more persons",
            "open opportunity o1: proposal, 9.00 EUR\n",
            "open opportunity o2\n",
            "last touch of sales: 1970-01-02T00:00:00Z",
            "includes 7d444840-9dc0-11d1-b245-5ffdce74fa03",
        ] {
            assert!(text.contains(words), "{words:?} in\n{text}");
        }
    }
}
