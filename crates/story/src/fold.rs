//! Statements of journeys, folded into what stands.

use std::collections::BTreeMap;

use tributary_model::account::AccountEvent;
use tributary_model::{AccountId, JourneyEvent, PersonId};

use crate::report::{Contradiction, Example, Heard, Speaker, StoryReport, Told};

/// The kind under which examples of second stories are.
const SECOND_STORY: &str = "second_story";

/// What is kept of a touch that tells something or may be contradicted.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Touch {
    revision: i32,
    occurred_at: i64,
    speaker: Speaker,
    /// What it told; nothing for sales and complaints.
    told: Option<Saying>,
}

/// What a message told.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Saying {
    is_approved: bool,
    is_second_story: bool,
    narrative_count: i32,
    conflicts: Vec<(String, String)>,
}

/// All messages, sales and complaints that stand.
#[derive(Debug, Clone, Default)]
pub struct StoryFold {
    since_at: Option<i64>,
    touches: BTreeMap<PersonId, BTreeMap<String, Touch>>,
    /// Stories heard by accounts that were told anything.
    accounts: BTreeMap<AccountId, i64>,
}

impl StoryFold {
    /// Nothing was read. With `since_at`, messages before it are not counted, though later ones may contradict them.
    #[must_use]
    pub fn new(since_at: Option<i64>) -> Self {
        Self { since_at, ..Self::default() }
    }

    /// Takes a statement in, or takes it back. Those of one person have to come in their order.
    pub fn journey(&mut self, event: &JourneyEvent) {
        let touchpoint = &event.touchpoint;
        if event.retracted {
            if let Some(touches) = self.touches.get_mut(&event.person_id) {
                let is_that = touches.get(&touchpoint.touchpoint_id).is_some_and(|one| one.revision == event.revision);
                if is_that {
                    touches.remove(&touchpoint.touchpoint_id);
                }
                if touches.is_empty() {
                    self.touches.remove(&event.person_id);
                }
            }
            return;
        }
        let is_planned = touchpoint.campaign_id.is_some() || touchpoint.message_id.is_some();
        let told = (touchpoint.is_exposure() && is_planned).then(|| Saying {
            is_approved: event.plan.as_ref().is_some_and(|plan| plan.is_approved),
            is_second_story: event.story.is_second_story,
            narrative_count: event.story.narrative_count,
            conflicts: conflicts(event),
        });
        if told.is_none() && !touchpoint.is_sale() && touchpoint.event_type != "case.opened" {
            return;
        }
        let touch = Touch {
            revision: event.revision,
            occurred_at: touchpoint.occurred_at,
            speaker: Speaker {
                team_id: event.team_id.clone(),
                event_type: touchpoint.event_type.clone(),
                channel: touchpoint.channel.clone(),
                agency: touchpoint.agency.clone(),
                campaign_id: touchpoint.campaign_id.clone(),
                message_id: touchpoint.message_id.clone(),
            },
            told,
        };
        self.touches.entry(event.person_id).or_default().insert(touchpoint.touchpoint_id.clone(), touch);
    }

    /// The person was erased.
    pub fn erase(&mut self, person_id: PersonId) {
        self.touches.remove(&person_id);
    }

    /// Takes the newest state of an account over; one that is another by now has nothing of its own.
    pub fn account(&mut self, account: &AccountEvent) {
        if account.merged_into.is_none() && account.story.exposure_count > 0 {
            self.accounts.insert(account.account_id, account.story.narrative_count);
        } else {
            self.accounts.remove(&account.account_id);
        }
    }

    /// What there is to tell, of one team's messages or of all, with so many examples of each kind.
    #[must_use]
    pub fn report(&self, team: Option<&str>, examples: usize) -> StoryReport {
        let mut report = StoryReport::default();
        let mut pairs: BTreeMap<(&str, &Speaker, Speaker), i64> = BTreeMap::new();
        let mut found: BTreeMap<&str, Vec<Example>> = BTreeMap::new();
        for (person_id, touches) in &self.touches {
            if let Some(newest) = touches.values().filter(|one| one.told.is_some()).max_by_key(|one| one.occurred_at) {
                report.persons.count(newest.told.as_ref().map_or(0, |told| told.narrative_count.into()));
            }
            for (touchpoint_id, touch) in touches {
                let Some(told) = touch.told.as_ref().filter(|_| self.is_counted(touch, team)) else { continue };
                report.count(&touch.speaker, told);
                let seconds = told.is_second_story.then_some((SECOND_STORY, ""));
                let conflicts = told.conflicts.iter().map(|(kind, with)| (kind.as_str(), with.as_str()));
                for (kind, with_touchpoint_id) in conflicts.chain(seconds) {
                    let with = touches.get(with_touchpoint_id).map(|one| one.speaker.clone()).unwrap_or_default();
                    if kind != SECOND_STORY {
                        *pairs.entry((kind, &touch.speaker, with.clone())).or_insert(0) += 1;
                    }
                    found.entry(kind).or_default().push(Example {
                        kind: kind.to_owned(),
                        person_id: *person_id,
                        occurred_at: touch.occurred_at,
                        touchpoint_id: touchpoint_id.clone(),
                        by: touch.speaker.clone(),
                        with_touchpoint_id: with_touchpoint_id.to_owned(),
                        with,
                    });
                }
            }
        }
        report.accounts = self.accounts.values().fold(Heard::default(), |mut heard, stories| {
            heard.count(*stories);
            heard
        });
        report.contradictions = contradictions(pairs);
        report.examples = found.into_values().flat_map(|all| newest(all, examples)).collect();
        report
    }

    fn is_counted(&self, touch: &Touch, team: Option<&str>) -> bool {
        team.is_none_or(|team| touch.speaker.team_id == team)
            && self.since_at.is_none_or(|since_at| touch.occurred_at >= since_at)
    }
}

impl StoryReport {
    fn count(&mut self, speaker: &Speaker, said: &Saying) {
        self.total.count(said);
        self.teams.entry(speaker.team_id.clone()).or_default().count(said);
        self.channels.entry(speaker.channel.clone()).or_default().count(said);
        for (of, names) in [(&mut self.agencies, &speaker.agency), (&mut self.campaigns, &speaker.campaign_id)] {
            if let Some(name) = names {
                of.entry(name.clone()).or_default().count(said);
            }
        }
    }
}

impl Told {
    fn count(&mut self, said: &Saying) {
        self.messages += 1;
        self.approved += i64::from(said.is_approved);
        self.second_stories += i64::from(said.is_second_story);
        for (kind, _) in &said.conflicts {
            *self.conflicts.entry(kind.clone()).or_insert(0) += 1;
        }
    }
}

/// The contradictions of a message, each with the touchpoint that it contradicts.
fn conflicts(event: &JourneyEvent) -> Vec<(String, String)> {
    let with = event.story.conflicts_with.iter().map(String::as_str).chain(std::iter::repeat(""));
    event.story.conflicts.iter().zip(with).map(|(kind, with)| (kind.clone(), with.to_owned())).collect()
}

fn contradictions(pairs: BTreeMap<(&str, &Speaker, Speaker), i64>) -> Vec<Contradiction> {
    let mut all: Vec<Contradiction> = pairs
        .into_iter()
        .map(|((kind, by, with), count)| Contradiction { count, kind: kind.to_owned(), by: by.clone(), with })
        .collect();
    all.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.cmp(b)));
    all
}

fn newest(mut all: Vec<Example>, examples: usize) -> Vec<Example> {
    all.sort_by(|a, b| (b.occurred_at, &b.touchpoint_id).cmp(&(a.occurred_at, &a.touchpoint_id)));
    all.truncate(examples);
    all
}
