//! The canvas as people write it: YAML with days and decimal amounts, read with all its problems at once and written so that
//! it reads back.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tributary_model::canvas::{Budget, Campaign, EntryKey, Message, Narrative, Team, Tentpole};
use tributary_model::time::{day_start, from_rfc3339, to_rfc3339};
use tributary_model::{CanvasEntry, Money};

/// Entries of one kind in a file: what has to be said, what may be, and from when on it holds.
macro_rules! forms {
    ($($form:ident { $($field:ident: $type:ty),* ; $($optional:ident),* })*) => {
        $(#[derive(Debug, Default, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct $form {
            $($field: $type,)*
            $(#[serde(skip_serializing_if = "Option::is_none")]
            $optional: Option<String>,)*
            #[serde(skip_serializing_if = "Option::is_none")]
            effective_from: Option<String>,
            #[serde(default, skip_serializing_if = "std::ops::Not::not")]
            retired: bool,
        })*
    };
}

forms! {
    TeamForm { team_id: String, channels: Vec<String>; }
    TentpoleForm { tentpole_id: String, name: String; starts_at, ends_at }
    NarrativeForm { narrative_id: String, name: String; text }
    CampaignForm {
        campaign_id: String, name: String, team_id: String, demand_percent: i32, funnel_role: String;
        tentpole_id, narrative_id, agency, partner, starts_at, ends_at
    }
    MessageForm {
        message_id: String, narrative_id: String, approved: bool;
        offer_subject, offer_claim, price, stage
    }
    BudgetForm {
        budget_id: String, kind: String, team_id: String, amount: String;
        tentpole_id, campaign_id, channel, agency, partner, starts_at, ends_at
    }
}

/// One canvas file.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct CanvasFile {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    teams: Vec<TeamForm>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tentpoles: Vec<TentpoleForm>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    narratives: Vec<NarrativeForm>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    campaigns: Vec<CampaignForm>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    messages: Vec<MessageForm>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    budgets: Vec<BudgetForm>,
}

/// Reads a day, which is its first instant in UTC, or an instant.
#[must_use]
pub fn read_instant(text: &str) -> Option<i64> {
    let day = || text.parse::<jiff::civil::Date>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
    from_rfc3339(text).or_else(|| day().map(|day| day.timestamp().as_millisecond()))
}

/// The same the other way: the day alone for its first instant.
#[must_use]
pub fn write_instant(at: i64) -> String {
    let text = to_rfc3339(at);
    match text.split_once('T') {
        Some((day, _)) if day_start(at) == at => day.to_owned(),
        _ => text,
    }
}

/// What is wrong with the values of one entry, told with its name.
struct Values<'a> {
    entry: String,
    problems: &'a mut Vec<String>,
}

impl Values<'_> {
    fn instant(&mut self, field: &str, text: Option<String>) -> Option<i64> {
        let text = text?;
        let at = read_instant(&text);
        if at.is_none() {
            let remedy = "write a day such as 2026-09-01 or an instant such as 2026-09-01T08:00:00Z";
            self.problems.push(format!("{}: {field} \"{text}\": {remedy}", self.entry));
        }
        at
    }

    fn money(&mut self, field: &str, text: &str) -> Option<Money> {
        let (amount, currency) = text.trim().rsplit_once(' ').unwrap_or((text, ""));
        match Money::parse(amount, currency) {
            Ok(money) => Some(money),
            Err(error) => {
                let remedy = "write an amount and its currency such as 1250.00 EUR";
                self.problems.push(format!("{}: {field} \"{text}\": {error}; {remedy}", self.entry));
                None
            }
        }
    }
}

/// A form's way to a record.
trait Form {
    /// The entry with neither date nor retirement, or `None` when a value is none.
    fn content(self, values: &mut Values<'_>) -> Option<CanvasEntry>;
    /// Kind and id for messages.
    fn named(&self) -> String;
    /// The date and the retirement.
    fn dated(&mut self) -> (Option<String>, bool);
}

macro_rules! form {
    ($form:ident, $kind:literal, $id:ident, |$self:ident, $values:ident| $content:expr) => {
        impl Form for $form {
            fn content($self, $values: &mut Values<'_>) -> Option<CanvasEntry> {
                Some($content.into())
            }

            fn named(&self) -> String {
                format!("{} `{}`", $kind, self.$id)
            }

            fn dated(&mut self) -> (Option<String>, bool) {
                (self.effective_from.take(), self.retired)
            }
        }
    };
}

form!(TeamForm, "team", team_id, |self, _values| Team { team_id: self.team_id, channels: self.channels });
form!(TentpoleForm, "tentpole", tentpole_id, |self, values| Tentpole {
    tentpole_id: self.tentpole_id,
    name: self.name,
    starts_at: values.instant("starts_at", self.starts_at),
    ends_at: values.instant("ends_at", self.ends_at),
});
form!(NarrativeForm, "narrative", narrative_id, |self, _values| Narrative {
    narrative_id: self.narrative_id,
    name: self.name,
    text: self.text,
});
form!(CampaignForm, "campaign", campaign_id, |self, values| Campaign {
    campaign_id: self.campaign_id,
    name: self.name,
    team_id: self.team_id,
    tentpole_id: self.tentpole_id,
    agency: self.agency,
    partner: self.partner,
    demand_percent: self.demand_percent,
    funnel_role: self.funnel_role,
    narrative_id: self.narrative_id,
    starts_at: values.instant("starts_at", self.starts_at),
    ends_at: values.instant("ends_at", self.ends_at),
});
form!(MessageForm, "message", message_id, |self, values| Message {
    message_id: self.message_id,
    narrative_id: self.narrative_id,
    approved: self.approved,
    offer_subject: self.offer_subject,
    offer_claim: self.offer_claim,
    price: self.price.and_then(|text| values.money("price", &text)),
    stage: self.stage,
});
form!(BudgetForm, "budget", budget_id, |self, values| Budget {
    amount: values.money("amount", &self.amount)?,
    budget_id: self.budget_id,
    kind: self.kind,
    team_id: self.team_id,
    tentpole_id: self.tentpole_id,
    campaign_id: self.campaign_id,
    channel: self.channel,
    agency: self.agency,
    partner: self.partner,
    starts_at: values.instant("starts_at", self.starts_at),
    ends_at: values.instant("ends_at", self.ends_at),
});

/// The entries of one file; those that hold only from a date on have it.
///
/// # Errors
/// Everything that is wrong with it, each with the file's name: the YAML with line and column, or the values in it.
pub fn parse(path: &str, text: &str) -> Result<Vec<CanvasEntry>, Vec<String>> {
    let file: CanvasFile = serde_saphyr::from_str(text).map_err(|error| vec![format!("{path}: {error}")])?;
    let (mut entries, mut problems) = (Vec::new(), Vec::new());
    read_all(file.teams, &mut entries, &mut problems);
    read_all(file.tentpoles, &mut entries, &mut problems);
    read_all(file.narratives, &mut entries, &mut problems);
    read_all(file.campaigns, &mut entries, &mut problems);
    read_all(file.messages, &mut entries, &mut problems);
    read_all(file.budgets, &mut entries, &mut problems);
    problems.extend(twice(&entries));
    if problems.is_empty() {
        return Ok(entries);
    }
    Err(problems.into_iter().map(|problem| format!("{path}: {problem}")).collect())
}

fn read_all<T: Form>(forms: Vec<T>, entries: &mut Vec<CanvasEntry>, problems: &mut Vec<String>) {
    for mut form in forms {
        let mut values = Values { entry: form.named(), problems };
        let (effective_from, retired) = form.dated();
        let effective_from = values.instant("effective_from", effective_from);
        entries.extend(form.content(&mut values).map(|content| CanvasEntry { effective_from, retired, ..content }));
    }
}

/// Entries that are there twice with one date, or twice without.
pub(super) fn twice(entries: &[CanvasEntry]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut told = Vec::new();
    for entry in entries {
        let Some((kind, id)) = entry.subject() else { continue };
        if !seen.insert(EntryKey { kind, id, effective_from: entry.effective_from }) {
            let date = entry.effective_from.map(|at| format!(" from {}", write_instant(at))).unwrap_or_default();
            told.push(format!("{} `{id}`{date} is there twice: keep one", kind.name()));
        }
    }
    told
}

/// The entries as a file that [`parse`] reads back.
///
/// # Errors
/// What the writer of YAML says.
pub fn write(entries: &[CanvasEntry]) -> Result<String, String> {
    let mut file = CanvasFile::default();
    for entry in entries {
        add(&mut file, entry.clone());
    }
    serde_saphyr::to_string(&file).map_err(|error| error.to_string())
}

/// One entry as its file has it, field by field; nothing when it is empty.
#[must_use]
pub fn fields(entry: &CanvasEntry) -> Map<String, Value> {
    let mut file = CanvasFile::default();
    add(&mut file, entry.clone());
    let whole = serde_json::to_value(file).unwrap_or_default();
    let first = whole.as_object().and_then(|lists| lists.values().next());
    first.and_then(|list| list.get(0)?.as_object().cloned()).unwrap_or_default()
}

fn add(file: &mut CanvasFile, entry: CanvasEntry) {
    let effective_from = entry.effective_from.map(write_instant);
    let retired = entry.retired;
    let instant = |at: Option<i64>| at.map(write_instant);
    if let Some(Team { team_id, channels }) = entry.team {
        file.teams.push(TeamForm { team_id, channels, effective_from, retired });
    } else if let Some(Tentpole { tentpole_id, name, starts_at, ends_at }) = entry.tentpole {
        let (starts_at, ends_at) = (instant(starts_at), instant(ends_at));
        file.tentpoles.push(TentpoleForm { tentpole_id, name, starts_at, ends_at, effective_from, retired });
    } else if let Some(Narrative { narrative_id, name, text }) = entry.narrative {
        file.narratives.push(NarrativeForm { narrative_id, name, text, effective_from, retired });
    } else if let Some(campaign) = entry.campaign {
        file.campaigns.push(CampaignForm {
            campaign_id: campaign.campaign_id,
            name: campaign.name,
            team_id: campaign.team_id,
            demand_percent: campaign.demand_percent,
            funnel_role: campaign.funnel_role,
            tentpole_id: campaign.tentpole_id,
            narrative_id: campaign.narrative_id,
            agency: campaign.agency,
            partner: campaign.partner,
            starts_at: instant(campaign.starts_at),
            ends_at: instant(campaign.ends_at),
            effective_from,
            retired,
        });
    } else if let Some(message) = entry.message {
        file.messages.push(MessageForm {
            message_id: message.message_id,
            narrative_id: message.narrative_id,
            approved: message.approved,
            offer_subject: message.offer_subject,
            offer_claim: message.offer_claim,
            price: message.price.map(|price| price.display()),
            stage: message.stage,
            effective_from,
            retired,
        });
    } else if let Some(budget) = entry.budget {
        file.budgets.push(budget_form(budget, effective_from, retired));
    }
}

fn budget_form(budget: Budget, effective_from: Option<String>, retired: bool) -> BudgetForm {
    BudgetForm {
        budget_id: budget.budget_id,
        kind: budget.kind,
        team_id: budget.team_id,
        amount: budget.amount.display(),
        tentpole_id: budget.tentpole_id,
        campaign_id: budget.campaign_id,
        channel: budget.channel,
        agency: budget.agency,
        partner: budget.partner,
        starts_at: budget.starts_at.map(write_instant),
        ends_at: budget.ends_at.map(write_instant),
        effective_from,
        retired,
    }
}
