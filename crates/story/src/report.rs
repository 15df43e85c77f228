//! What there is to tell.

use std::collections::BTreeMap;

use serde::Serialize;
use tributary_model::PersonId;

/// The story of all that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct StoryReport {
    /// Everybody's messages together.
    pub total: Told,
    /// How many persons heard so many stories when the last message of any campaign reached them.
    pub persons: Heard,
    /// The same of accounts; nothing when no account was told anything.
    pub accounts: Heard,
    /// By team.
    pub teams: BTreeMap<String, Told>,
    /// By channel.
    pub channels: BTreeMap<String, Told>,
    /// By agency, of what an agency trafficked.
    pub agencies: BTreeMap<String, Told>,
    /// By campaign.
    pub campaigns: BTreeMap<String, Told>,
    /// Who contradicted whom, the most frequent first.
    pub contradictions: Vec<Contradiction>,
    /// Examples of each kind of contradiction, and of second stories, newest first.
    pub examples: Vec<Example>,
}

/// What was told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Told {
    /// Messages with a campaign or a wording.
    pub messages: i64,
    /// Of these, with a wording that is approved.
    pub approved: i64,
    /// Of these, the first to tell somebody another story than it had heard.
    pub second_stories: i64,
    /// Contradictions they completed, by kind.
    pub conflicts: BTreeMap<String, i64>,
}

impl Told {
    /// The share of approved messages, in percent; nothing when nothing was told.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "for people to read")]
    pub fn approved_percent(&self) -> Option<f64> {
        (self.messages > 0).then(|| 100.0 * self.approved as f64 / self.messages as f64)
    }
}

/// How many heard how many stories.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Heard {
    /// Messages without a story only.
    pub none: i64,
    /// One story.
    pub one: i64,
    /// Two stories.
    pub two: i64,
    /// Three or more.
    pub more: i64,
}

impl Heard {
    pub(crate) fn count(&mut self, stories: i64) {
        match stories {
            ..=0 => self.none += 1,
            1 => self.one += 1,
            2 => self.two += 1,
            3.. => self.more += 1,
        }
    }

    /// All of them.
    #[must_use]
    pub fn sum(&self) -> i64 {
        self.none + self.one + self.two + self.more
    }
}

/// Who contradicted whom.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Contradiction {
    /// How often.
    pub count: i64,
    /// The kind: `offer`, `stage`, `already_bought`, `open_case`.
    pub kind: String,
    /// Whose message completed it.
    pub by: Speaker,
    /// What it contradicts: another's message, or what the person did or complained about.
    pub with: Speaker,
}

/// Who spoke, or what happened, and where it stands in the plan.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Speaker {
    /// The team that answers for it; empty when it is not kept any more.
    pub team_id: String,
    /// What happened: `email.sent`, `store.purchased`.
    pub event_type: String,
    /// The channel.
    pub channel: String,
    /// The agency that trafficked it.
    pub agency: Option<String>,
    /// The campaign.
    pub campaign_id: Option<String>,
    /// The message.
    pub message_id: Option<String>,
}

/// One case, to be opened with `tributary journey <person>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Example {
    /// What it is an example of: a kind of contradiction, or `second_story`.
    pub kind: String,
    /// The person.
    pub person_id: PersonId,
    /// When the message came.
    pub occurred_at: i64,
    /// The message's touchpoint.
    pub touchpoint_id: String,
    /// Whose message it was.
    pub by: Speaker,
    /// The touchpoint that it contradicts; empty for second stories, and where it is not kept any more.
    pub with_touchpoint_id: String,
    /// Whose or what that is.
    pub with: Speaker,
}
