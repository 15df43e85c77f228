//! What conditions and payloads of triggers about accounts see: `.account` and `.now_at`.

use tributary_model::account::{AccountEvent, AccountMember, AccountStory, Coverage, HeardNarrative, OpenOpportunity};
use tributary_model::{AccountId, Decision};
use tributary_rules::{KeyString, ObjectMap, Shape, Value};

use crate::context::lookup;
use crate::payload::is_of_decision;

/// One field: its name, its shape for the compiler, and how to read it.
struct Field {
    name: &'static str,
    shape: fn() -> Shape,
    read: fn(&AccountEvent) -> Value,
}

const fn field(name: &'static str, shape: fn() -> Shape, read: fn(&AccountEvent) -> Value) -> Field {
    Field { name, shape, read }
}

fn texts() -> Shape {
    Shape::list(Shape::text())
}

fn optional_text() -> Shape {
    Shape::text().or_null()
}

const ACCOUNT: &[Field] = &[
    field("account_id", Shape::text, |a| a.account_id.to_string().into()),
    field("namespace", Shape::text, |a| a.namespace.as_str().into()),
    field("stage", Shape::text, |a| a.stage.as_str().into()),
    field("persons", texts, |a| a.persons.iter().map(|id| Value::from(id.to_string())).collect::<Vec<_>>().into()),
    field("person_count", Shape::integer, |a| a.person_count.into()),
    field("touch_count", Shape::integer, |a| a.touch_count.into()),
    field("order_count", Shape::integer, |a| a.order_count.into()),
    field("value_minor", Shape::integer, |a| a.value_minor.into()),
    field("currency", optional_text, |a| a.currency.as_deref().into()),
    field("last_at", Shape::integer, |a| a.last_at.into()),
    field(
        "last_touches",
        || Shape::map(Shape::integer().or_null()),
        |a| {
            let touches = a.last_touches.iter();
            Value::Object(touches.map(|touch| (touch.team_id.as_str().into(), touch.occurred_at.into())).collect())
        },
    ),
    field("engagement", Shape::integer, |a| a.engagement_milli.div_euclid(1_000).into()),
    field("coverage", coverage_shape, |a| coverage(&a.coverage)),
    field("members", || Shape::list(member_shape()), |a| a.members.iter().map(member).collect::<Vec<_>>().into()),
    field("open_opportunity_count", Shape::integer, |a| a.open_opportunity_count.into()),
    field(
        "open_opportunities",
        || Shape::list(opportunity_shape()),
        |a| a.open_opportunities.iter().map(opportunity).collect::<Vec<_>>().into(),
    ),
    field("merged_accounts", texts, |a| ids(&a.merged_accounts)),
    field("story", story_shape, |a| story(&a.story)),
];

fn ids(accounts: &[AccountId]) -> Value {
    accounts.iter().map(|id| Value::from(id.to_string())).collect::<Vec<_>>().into()
}

fn names(names: &[String]) -> Value {
    names.iter().map(|name| Value::from(name.as_str())).collect::<Vec<_>>().into()
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Value::Object(fields.into_iter().map(|(name, value)| (KeyString::from(name), value)).collect())
}

fn coverage_shape() -> Shape {
    Shape::object([
        ("percent", Shape::integer()),
        ("expected_roles", texts()),
        ("known_roles", texts()),
        ("touched_roles", texts()),
        ("touched_person_count", Shape::integer()),
    ])
}

fn coverage(coverage: &Coverage) -> Value {
    object([
        ("percent", coverage.percent().into()),
        ("expected_roles", names(&coverage.expected_roles)),
        ("known_roles", names(&coverage.known_roles)),
        ("touched_roles", names(&coverage.touched_roles)),
        ("touched_person_count", coverage.touched_person_count.into()),
    ])
}

fn story_shape() -> Shape {
    let narrative =
        Shape::object([("narrative_id", Shape::text()), ("exposure_count", Shape::integer()), ("team_ids", texts())]);
    Shape::object([
        ("narrative_count", Shape::integer()),
        ("exposure_count", Shape::integer()),
        ("approved_count", Shape::integer()),
        ("narratives", Shape::list(narrative)),
    ])
}

fn story(story: &AccountStory) -> Value {
    let narrative = |heard: &HeardNarrative| {
        object([
            ("narrative_id", heard.narrative_id.as_str().into()),
            ("exposure_count", heard.exposure_count.into()),
            ("team_ids", names(&heard.team_ids)),
        ])
    };
    object([
        ("narrative_count", story.narrative_count.into()),
        ("exposure_count", story.exposure_count.into()),
        ("approved_count", story.approved_count.into()),
        ("narratives", story.narratives.iter().map(narrative).collect::<Vec<_>>().into()),
    ])
}

fn member_shape() -> Shape {
    Shape::object([
        ("person_id", Shape::text()),
        ("role", optional_text()),
        ("last_at", Shape::integer().or_null()),
        ("is_primary", Shape::boolean()),
    ])
}

fn member(member: &AccountMember) -> Value {
    object([
        ("person_id", member.person_id.to_string().into()),
        ("role", member.role.as_deref().into()),
        ("last_at", member.last_at.into()),
        ("is_primary", member.is_primary.into()),
    ])
}

fn opportunity_shape() -> Shape {
    Shape::object([
        ("opportunity_id", Shape::text()),
        ("stage", optional_text()),
        ("value_minor", Shape::integer().or_null()),
        ("currency", optional_text()),
    ])
}

fn opportunity(opportunity: &OpenOpportunity) -> Value {
    object([
        ("opportunity_id", opportunity.opportunity_id.as_str().into()),
        ("stage", opportunity.stage.as_deref().into()),
        ("value_minor", opportunity.value_minor.into()),
        ("currency", opportunity.currency.as_deref().into()),
    ])
}

/// The shape of the whole context, for the compiler.
pub(crate) fn context_shape() -> Shape {
    let account = Shape::object(ACCOUNT.iter().map(|field| (field.name, (field.shape)())));
    Shape::object([("account", account), ("now_at", Shape::integer())])
}

/// The context as a value.
pub(super) fn build(account: &AccountEvent) -> Value {
    let fields: ObjectMap = ACCOUNT.iter().map(|field| (field.name.into(), (field.read)(account))).collect();
    object([("account", Value::Object(fields)), ("now_at", account.last_at.into())])
}

/// The context with the decision in it.
pub(super) fn with_decision(mut context: Value, decision: &Decision) -> Value {
    if let Value::Object(sections) = &mut context {
        let fields = object([
            ("decision_id", decision.decision_id.as_str().into()),
            ("trigger_id", decision.trigger_id.as_str().into()),
            ("channel", decision.channel.as_str().into()),
            ("decided_at", decision.decided_at.into()),
            ("valid_until_at", decision.valid_until_at.into()),
        ]);
        sections.insert("decision".into(), fields);
    }
    context
}

/// Whether a payload may name this path.
pub(super) fn knows_path(path: &[String]) -> bool {
    match path {
        [root] => root == "now_at",
        [root, team, _] if root == "account" && team == "last_touches" => true,
        [root, name, rest @ ..] if root == "account" => {
            let is_field = ACCOUNT.iter().any(|field| field.name == name);
            let is_within = || match name.as_str() {
                "coverage" => lookup(&coverage(&Coverage::default()), rest).is_some(),
                "story" => lookup(&story(&AccountStory::default()), rest).is_some(),
                _ => false,
            };
            is_field && (rest.is_empty() || is_within())
        }
        _ => is_of_decision(path),
    }
}
