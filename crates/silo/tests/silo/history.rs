//! Histories made by hand.

use std::collections::BTreeMap;

use tributary_model::journey::{ExposureContext, SessionContext, StoryContext, Totals};
use tributary_model::time::{DAY_MS, from_rfc3339};
use tributary_model::{
    Arm, Decision, DecisionOutcome, Direction, Domain, Fate, Identifier, JourneyEvent, MatchedBy, Money, OutcomeKind,
    PersonId, Touchpoint, WithheldReason,
};
use tributary_silo::grade::Dimension;
use tributary_silo::report::{GradedDimension, SiloReport};
use tributary_silo::{Share, SiloFold};
use uuid::Uuid;

pub(crate) fn begin() -> i64 {
    from_rfc3339("2026-03-01T08:00:00Z").unwrap()
}

pub(crate) fn person(number: u32) -> PersonId {
    PersonId(Uuid::from_u128(u128::from(number) + 1))
}

/// A touch of a person by the till's loyalty card, received at once, that changes as it is told.
#[derive(Debug, Clone)]
pub(crate) struct Touch(pub(crate) JourneyEvent);

pub(crate) fn touch(number: u32, id: &str) -> Touch {
    let touchpoint = Touchpoint {
        touchpoint_id: format!("till:{id}"),
        source: "till".to_owned(),
        domain: Domain::Store,
        event_type: "store.visited".to_owned(),
        occurred_at: begin(),
        received_at: begin(),
        identifiers: vec![Identifier::new("loyalty_id", format!("card {number}"))],
        refused_identifiers: Vec::new(),
        account_identifiers: Vec::new(),
        channel: "in_store".to_owned(),
        direction: Direction::Inbound,
        campaign_id: None,
        message_id: None,
        decision_id: None,
        agency: None,
        partner: None,
        cost: None,
        value: None,
        items: Vec::new(),
        order_id: None,
        location: None,
        consents: Vec::new(),
        duplicate_of: None,
        properties: BTreeMap::new(),
    };
    Touch(JourneyEvent {
        person_id: person(number),
        account_ids: Vec::new(),
        revision: 1,
        retracted: false,
        team_id: "store".to_owned(),
        touchpoint,
        session: SessionContext { session_id: String::new(), started_at: begin(), position: 1 },
        stage: "engaged".to_owned(),
        previous_stage: None,
        exposure: ExposureContext::default(),
        totals: Totals::default(),
        story: StoryContext::default(),
        path: Vec::new(),
        plan: None,
    })
}

impl Touch {
    pub(crate) fn from(mut self, source: &str, domain: Domain) -> Self {
        self.0.touchpoint.source = source.to_owned();
        self.0.touchpoint.domain = domain;
        self
    }

    pub(crate) fn at(mut self, after_ms: i64) -> Self {
        self.0.touchpoint.occurred_at = begin() + after_ms;
        self.0.touchpoint.received_at = begin() + after_ms;
        self
    }

    pub(crate) fn received_after(mut self, delay_ms: i64) -> Self {
        self.0.touchpoint.received_at = self.0.touchpoint.occurred_at + delay_ms;
        self
    }

    /// Named by these kinds of identifiers.
    pub(crate) fn by(mut self, namespaces: &[&str]) -> Self {
        let identifier = |namespace: &&str| Identifier::new(*namespace, format!("of {}", self.0.person_id));
        self.0.touchpoint.identifiers = namespaces.iter().map(identifier).collect();
        self
    }

    pub(crate) fn sale(mut self) -> Self {
        self.0.touchpoint.event_type = "store.purchased".to_owned();
        self.0.touchpoint.value = Some(Money::new("USD", 1_200));
        self
    }

    pub(crate) fn told(mut self, narratives: i32, conflicts: &[&str]) -> Self {
        let conflicts = conflicts.iter().map(|kind| (*kind).to_owned()).collect();
        self.0.story = StoryContext { narrative_count: narratives, conflicts, ..StoryContext::default() };
        self
    }

    pub(crate) fn of_team(mut self, team: &str, channel: &str, agency: Option<&str>) -> Self {
        self.0.team_id = team.to_owned();
        self.0.touchpoint.channel = channel.to_owned();
        self.0.touchpoint.agency = agency.map(str::to_owned);
        self
    }
}

/// The retraction of a statement.
pub(crate) fn taken_back(event: &JourneyEvent) -> JourneyEvent {
    JourneyEvent { retracted: true, ..event.clone() }
}

/// A decision of a team that e-mail is sent to a person, so many days after the beginning.
pub(crate) fn sent(id: u32, team: &str, day: i64) -> Decision {
    Decision {
        decision_id: Uuid::from_u128(u128::from(id)).to_string(),
        trigger_id: "remind".to_owned(),
        trigger_version: 1,
        team_id: team.to_owned(),
        person_id: person(id),
        decided_at: begin() + day * DAY_MS,
        arm: Arm::Treated,
        fate: Fate::Sent,
        reason: None,
        detail: None,
        channel: "email".to_owned(),
        priority: 1,
        evidence: Vec::new(),
        valid_until_at: 0,
        account_id: None,
        consent: None,
        judged_at: None,
        experiment: None,
        channel_reason: None,
        action: "message".to_owned(),
    }
}

/// The same, not sent.
pub(crate) fn withheld(id: u32, team: &str, reason: WithheldReason) -> Decision {
    Decision { fate: Fate::Withheld, reason: Some(reason), ..sent(id, team, 0) }
}

/// What came of [`sent`], so long after it.
pub(crate) fn outcome(decision: &Decision, kind: OutcomeKind, loop_ms: i64) -> DecisionOutcome {
    DecisionOutcome {
        outcome_id: format!("{} {} {loop_ms}", decision.decision_id, kind.name()),
        decision_id: decision.decision_id.clone(),
        trigger_id: decision.trigger_id.clone(),
        team_id: decision.team_id.clone(),
        person_id: decision.person_id,
        channel: decision.channel.clone(),
        is_ghost: false,
        kind,
        matched_by: MatchedBy::DecisionId,
        touchpoint_id: Some("mail:1".to_owned()),
        touchpoint_team_id: Some(decision.team_id.clone()),
        occurred_at: decision.decided_at + loop_ms,
        loop_ms,
        value: None,
        detail: None,
    }
}

pub(crate) fn fold(touches: impl IntoIterator<Item = Touch>) -> SiloFold {
    let mut fold = SiloFold::default();
    touches.into_iter().for_each(|touch| fold.journey(&touch.0));
    fold
}

pub(crate) fn report(touches: impl IntoIterator<Item = Touch>) -> SiloReport {
    fold(touches).report()
}

pub(crate) fn graded(report: &SiloReport, dimension: Dimension) -> &GradedDimension {
    report.grades.iter().find(|graded| graded.dimension == dimension).unwrap()
}

pub(crate) fn of(share: &Share) -> (u64, u64) {
    (share.count, share.of)
}
