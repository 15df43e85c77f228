//! The plan under which everything happens: teams, campaigns, messages. The hub under test has to be given the same.

use tributary_model::CanvasEntry;
use tributary_model::canvas::{Campaign, Message, Team};
use tributary_model::journey::PlanContext;

/// Teams and their channels, as `schemas/canvas/teams.yaml` has them.
const TEAMS: [(&str, &[&str]); 10] = [
    ("brand", &["display", "organic_video", "paid_video", "audio", "direct_mail"]),
    ("media", &["paid_search", "paid_shopping", "paid_other", "cross_network", "affiliates"]),
    ("social", &["organic_social", "paid_social"]),
    ("email", &["email", "sms", "push"]),
    ("retail-media", &["retail_media"]),
    ("trade", &["trade"]),
    ("sales", &["sales"]),
    ("care", &["call_center"]),
    ("store", &["in_store"]),
    ("ecommerce", &["direct", "organic_search", "organic_shopping", "referral"]),
];
/// Campaign, team, share of demand in percent, role, narrative.
const CAMPAIGNS: [(&str, &str, i32, &str, &str); 4] = [
    ("film", "brand", 5, "awareness", "made-to-last"),
    ("weekly", "email", 80, "conversion", "made-to-last"),
    ("win-new", "media", 70, "consideration", "welcome"),
    ("partner", "trade", 100, "conversion", "cheapest-in-town"),
];
/// What hangs on the one tentpole.
const TENTPOLE: (&str, [&str; 2]) = ("lasting", ["film", "weekly"]);
/// Subject and claim.
type Offer = (&'static str, &'static str);
/// Message, narrative, approved, what it offers, to whom it speaks.
type Wording = (&'static str, &'static str, bool, Option<Offer>, Option<&'static str>);
const MESSAGES: [Wording; 6] = [
    ("film-1", "made-to-last", true, None, None),
    ("letter", "made-to-last", true, None, None),
    ("offer-20", "made-to-last", true, Some(("41001", "20% off")), None),
    ("offer-30", "cheapest-in-town", true, Some(("41001", "30% off")), None),
    ("welcome-1", "welcome", true, Some(("kitchen", "first order free")), Some("acquisition")),
    ("shouting", "cheapest-in-town", false, None, None),
];

/// What the plan says about a message that was received.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) narrative: Option<&'static str>,
    pub(crate) is_brand: bool,
    pub(crate) is_approved: bool,
    pub(crate) is_acquisition: bool,
    pub(crate) is_push: bool,
    pub(crate) offer: Option<Offer>,
}

/// The campaigns that scenes may use; the last is in no plan.
pub(crate) fn campaigns() -> impl Iterator<Item = &'static str> {
    CAMPAIGNS.iter().map(|(id, ..)| *id).chain(["unplanned"])
}

/// The messages that scenes may use; the last is in no plan.
pub(crate) fn messages() -> impl Iterator<Item = &'static str> {
    MESSAGES.iter().map(|(id, ..)| *id).chain(["unplanned-1"])
}

/// The team that answers for a touch: that of its campaign, else that of its channel.
pub(crate) fn team(campaign: Option<&str>, channel: &str) -> &'static str {
    let of_campaign = CAMPAIGNS.iter().find(|(id, ..)| Some(*id) == campaign).map(|(_, team, ..)| *team);
    let of_channel = TEAMS.iter().find(|(_, channels)| channels.contains(&channel)).map(|(team, _)| *team);
    of_campaign.or(of_channel).unwrap_or("unassigned")
}

/// The tentpole of a campaign.
pub(crate) fn tentpole(campaign: Option<&str>) -> Option<&'static str> {
    let (tentpole, campaigns) = TENTPOLE;
    campaign.filter(|campaign| campaigns.contains(campaign)).map(|_| tentpole)
}

/// When the flight of a campaign begins: that of one of them, long ago.
pub(crate) fn flight(campaign: Option<&str>) -> Option<i64> {
    campaign.filter(|campaign| *campaign == "weekly").map(|_| 1_000_000)
}

/// What the plan knows of a touch with this campaign and message.
pub(crate) fn context(campaign: Option<&str>, message: Option<&str>) -> Option<PlanContext> {
    let planned = CAMPAIGNS.iter().find(|(id, ..)| Some(*id) == campaign);
    if planned.is_none() && !MESSAGES.iter().any(|(id, ..)| Some(*id) == message) {
        return None;
    }
    let said = said(campaign, message);
    Some(PlanContext {
        tentpole_id: tentpole(campaign).map(str::to_owned),
        flight_at: flight(campaign),
        demand_percent: planned.map(|(_, _, demand, ..)| *demand),
        funnel_role: planned.map(|(_, _, _, role, _)| (*role).to_owned()),
        narrative_id: said.narrative.map(str::to_owned),
        is_approved: said.is_approved,
    })
}

/// What a message with this campaign and wording says.
pub(crate) fn said(campaign: Option<&str>, message: Option<&str>) -> Said {
    let campaign = CAMPAIGNS.iter().find(|(id, ..)| Some(*id) == campaign);
    let message = MESSAGES.iter().find(|(id, ..)| Some(*id) == message);
    let offer = message.and_then(|(.., offer, _)| *offer);
    Said {
        narrative: message.map(|(_, narrative, ..)| *narrative).or(campaign.map(|(.., narrative)| *narrative)),
        is_brand: campaign.is_some_and(|(_, _, demand, ..)| *demand < 50),
        is_approved: message.is_some_and(|(_, _, approved, ..)| *approved),
        is_acquisition: message.is_some_and(|(.., stage)| *stage == Some("acquisition")),
        is_push: campaign.map_or(offer.is_some(), |(_, _, _, role, _)| *role == "conversion"),
        offer,
    }
}

/// The entries of the canvas, for a hub that is given them as records of `tributary.canvas` or as a table.
#[must_use]
pub fn canvas() -> Vec<CanvasEntry> {
    let team = |(team_id, channels): &(&str, &[&str])| Team {
        team_id: (*team_id).to_owned(),
        channels: channels.iter().map(|channel| (*channel).to_owned()).collect(),
    };
    let teams = TEAMS.iter().map(|entry| CanvasEntry { team: Some(team(entry)), ..CanvasEntry::default() });
    let campaigns = CAMPAIGNS.iter().map(|(id, team, demand, role, narrative)| {
        let campaign = Campaign {
            campaign_id: (*id).to_owned(),
            name: (*id).to_owned(),
            team_id: (*team).to_owned(),
            tentpole_id: tentpole(Some(id)).map(str::to_owned),
            starts_at: flight(Some(id)),
            demand_percent: *demand,
            funnel_role: (*role).to_owned(),
            narrative_id: Some((*narrative).to_owned()),
            ..Campaign::default()
        };
        CanvasEntry { campaign: Some(campaign), ..CanvasEntry::default() }
    });
    let messages = MESSAGES.iter().map(|(id, narrative, approved, offer, stage)| {
        let message = Message {
            message_id: (*id).to_owned(),
            narrative_id: (*narrative).to_owned(),
            approved: *approved,
            offer_subject: offer.map(|(subject, _)| subject.to_owned()),
            offer_claim: offer.map(|(_, claim)| claim.to_owned()),
            stage: stage.map(str::to_owned),
            ..Message::default()
        };
        CanvasEntry { message: Some(message), ..CanvasEntry::default() }
    });
    teams.chain(campaigns).chain(messages).collect()
}

/// The same as a file for the directory that `canvas.directory` of the configuration names. It is JSON, which is YAML.
#[must_use]
pub fn canvas_file() -> String {
    let entries = canvas();
    let teams: Vec<_> = entries.iter().filter_map(|entry| entry.team.as_ref()).collect();
    let campaigns: Vec<_> = entries.iter().filter_map(|entry| entry.campaign.as_ref()).collect();
    let messages: Vec<_> = entries.iter().filter_map(|entry| entry.message.as_ref()).collect();
    serde_json::json!({"teams": teams, "campaigns": campaigns, "messages": messages}).to_string()
}
