//! What is wrong with a canvas: everything at once, at each instant at which something on it changes.

use std::collections::{BTreeMap, BTreeSet};

use tributary_model::canvas::{
    BUDGET_KINDS, Budget, Campaign, EntryKey, FUNNEL_ROLES, Kind, Message, Narrative, Team, Tentpole,
};
use tributary_model::scorecard::ALL_TEAMS;
use tributary_model::{Canvas, CanvasEntry, Money};

use super::file::write_instant;

/// Names go into the names of topics, of which a broker takes 249 characters.
const MAX_TEAM_NAME: usize = 100;

/// Everything that is wrong now and at any later instant, with the value and what to do, and in the past what is wrong with
/// the entries of `said`: nobody can mend there what others said before. `channels` are those that touchpoints may carry.
#[must_use]
pub fn faults(canvas: &Canvas, said: &[CanvasEntry], now_ms: i64, channels: &BTreeSet<String>) -> Vec<String> {
    let since = said.iter().filter_map(|entry| entry.effective_from).fold(now_ms, i64::min);
    let begins = canvas.every_version().into_iter().filter_map(|version| version.effective_from);
    let instants: BTreeSet<i64> = begins.filter(|at| *at >= since).chain([now_ms]).collect();
    let said: BTreeSet<(Kind, &str)> = said.iter().filter_map(CanvasEntry::subject).collect();
    let mut told: BTreeSet<String> = BTreeSet::new();
    let mut faults = Vec::new();
    for at in instants {
        let mut in_force = canvas.in_force(at);
        if at < now_ms {
            in_force.retain(|entry| entry.subject().is_some_and(|subject| said.contains(&subject)));
        }
        let mut check = Check { canvas, at, channels, found: Vec::new() };
        in_force.iter().for_each(|entry| check.entry(entry));
        check.channels_once(&in_force);
        for fault in check.found {
            // The same stays wrong until it is mended.
            if told.insert(fault.clone()) {
                let when = if at == now_ms { String::new() } else { format!(" (from {} on)", write_instant(at)) };
                faults.push(format!("{fault}{when}"));
            }
        }
    }
    faults
}

struct Check<'a> {
    canvas: &'a Canvas,
    at: i64,
    channels: &'a BTreeSet<String>,
    found: Vec<String>,
}

impl Check<'_> {
    fn tell(&mut self, subject: &str, fault: impl std::fmt::Display) {
        self.found.push(format!("{subject}: {fault}"));
    }

    fn entry(&mut self, entry: &CanvasEntry) {
        let Some((kind, id)) = entry.subject() else { return };
        let subject = &format!("{} `{id}`", kind.name());
        let key = String::from_utf8(entry.to_key()).unwrap_or_default();
        let is_read_back = EntryKey::parse(&key).is_some_and(|read| (read.kind, read.id) == (kind, id));
        if id.trim().is_empty() || id.trim() != id || id.chars().any(char::is_control) || !is_read_back {
            self.tell(subject, "the id is empty, begins or ends with a space, or ends like a date: write another");
        }
        if let Some(team) = &entry.team {
            self.team(subject, team);
        }
        if let Some(Tentpole { name, starts_at, ends_at, .. }) = &entry.tentpole {
            self.name(subject, name);
            self.span(subject, *starts_at, *ends_at);
        }
        if let Some(Narrative { name, .. }) = &entry.narrative {
            self.name(subject, name);
        }
        if let Some(campaign) = &entry.campaign {
            self.campaign(subject, campaign);
        }
        if let Some(message) = &entry.message {
            self.message(subject, message);
        }
        if let Some(budget) = &entry.budget {
            self.budget(subject, budget);
        }
    }

    fn team(&mut self, subject: &str, team: &Team) {
        let name = &team.team_id;
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if name.is_empty() || !name.bytes().all(is_plain) {
            self.tell(subject, "use lower case letters, digits and `-`");
        }
        if name.len() > MAX_TEAM_NAME {
            self.tell(subject, format!("{} characters: use at most {MAX_TEAM_NAME}", name.len()));
        }
        if name == ALL_TEAMS {
            self.tell(subject, "this is the name of the sum of all teams: use another");
        }
        for channel in &team.channels {
            self.channel(subject, channel);
        }
    }

    fn campaign(&mut self, subject: &str, campaign: &Campaign) {
        self.name(subject, &campaign.name);
        self.known_team(subject, &campaign.team_id);
        self.known_tentpole(subject, campaign.tentpole_id.as_deref());
        self.known_narrative(subject, campaign.narrative_id.as_deref());
        self.span(subject, campaign.starts_at, campaign.ends_at);
        if !(0..=100).contains(&campaign.demand_percent) {
            self.tell(subject, format!("demand_percent {}: use 0 to 100", campaign.demand_percent));
        }
        self.one_of(subject, "funnel_role", &campaign.funnel_role, &FUNNEL_ROLES);
        self.filled(subject, "agency", campaign.agency.as_deref());
        self.filled(subject, "partner", campaign.partner.as_deref());
    }

    fn message(&mut self, subject: &str, message: &Message) {
        self.known_narrative(subject, Some(&message.narrative_id));
        if let Some(price) = &message.price {
            self.money(subject, "price", price);
        }
        if message.offer_subject.is_none() && (message.offer_claim.is_some() || message.price.is_some()) {
            self.tell(subject, "claims an offer or a price of nothing: say what in offer_subject (a sku or category)");
        }
        self.filled(subject, "stage", message.stage.as_deref());
    }

    fn budget(&mut self, subject: &str, budget: &Budget) {
        self.one_of(subject, "kind", &budget.kind, &BUDGET_KINDS);
        self.known_team(subject, &budget.team_id);
        self.known_tentpole(subject, budget.tentpole_id.as_deref());
        self.money(subject, "amount", &budget.amount);
        self.span(subject, budget.starts_at, budget.ends_at);
        self.filled(subject, "agency", budget.agency.as_deref());
        self.filled(subject, "partner", budget.partner.as_deref());
        if let Some(channel) = &budget.channel {
            self.channel(subject, channel);
        }
        let Some(campaign_id) = &budget.campaign_id else { return };
        match self.canvas.campaign(campaign_id, self.at) {
            None => self.tell(subject, format!("no campaign `{campaign_id}`: add it, or retire this too")),
            Some(Campaign { tentpole_id, .. })
                if budget.tentpole_id.is_some() && *tentpole_id != budget.tentpole_id =>
            {
                let of = tentpole_id.as_deref().map_or("no tentpole".to_owned(), |id| format!("tentpole `{id}`"));
                let own = budget.tentpole_id.as_deref().unwrap_or_default();
                self.tell(subject, format!("campaign `{campaign_id}` hangs on {of}, not on `{own}`: name one of them"));
            }
            Some(_) => {}
        }
    }

    /// Two teams that answer for one channel.
    fn channels_once(&mut self, in_force: &[CanvasEntry]) {
        let mut teams: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for team in in_force.iter().filter_map(|entry| entry.team.as_ref()) {
            for channel in &team.channels {
                teams.entry(channel).or_default().push(&team.team_id);
            }
        }
        for (channel, teams) in teams.into_iter().filter(|(_, teams)| teams.len() > 1) {
            let remedy = "leave it with one and say so of the other in the same file";
            self.tell(&format!("channel `{channel}`"), format!("is claimed by {}: {remedy}", teams.join(" and ")));
        }
    }

    fn known_team(&mut self, subject: &str, team_id: &str) {
        if self.canvas.team(team_id, self.at).is_none() {
            self.tell(subject, format!("no team `{team_id}`: add it, or retire this too"));
        }
    }

    fn known_tentpole(&mut self, subject: &str, tentpole_id: Option<&str>) {
        if let Some(id) = tentpole_id
            && self.canvas.tentpole(id, self.at).is_none()
        {
            self.tell(subject, format!("no tentpole `{id}`: add it, or retire this too"));
        }
    }

    fn known_narrative(&mut self, subject: &str, narrative_id: Option<&str>) {
        if let Some(id) = narrative_id
            && self.canvas.narrative(id, self.at).is_none()
        {
            self.tell(subject, format!("no narrative `{id}`: add it, or retire this too"));
        }
    }

    fn channel(&mut self, subject: &str, channel: &str) {
        if !self.channels.contains(channel) {
            self.tell(subject, format!("channel `{channel}` is not listed in channels.yaml: list it, or name another"));
        }
    }

    fn one_of(&mut self, subject: &str, field: &str, value: &str, known: &[&str]) {
        if !known.contains(&value) {
            self.tell(subject, format!("{field} `{value}`: use one of {}", known.join(", ")));
        }
    }

    fn name(&mut self, subject: &str, name: &str) {
        self.filled(subject, "name", Some(name));
    }

    fn filled(&mut self, subject: &str, field: &str, value: Option<&str>) {
        if value.is_some_and(|value| value.trim().is_empty()) {
            self.tell(subject, format!("{field} is empty: say it, or leave it out"));
        }
    }

    fn span(&mut self, subject: &str, starts_at: Option<i64>, ends_at: Option<i64>) {
        if let (Some(starts_at), Some(ends_at)) = (starts_at, ends_at)
            && ends_at <= starts_at
        {
            let (from, until) = (write_instant(starts_at), write_instant(ends_at));
            self.tell(subject, format!("ends_at {until} is not after starts_at {from}: it is the first day after it"));
        }
    }

    fn money(&mut self, subject: &str, field: &str, money: &Money) {
        if money.amount_minor < 0 {
            self.tell(subject, format!("{field} {}: use an amount of 0 or more", money.display()));
        }
        let code = &money.currency;
        if code.len() != 3 || !code.bytes().all(|byte| byte.is_ascii_uppercase()) {
            self.tell(subject, format!("{field} has the currency `{code}`: use an ISO 4217 code such as EUR"));
        }
    }
}
