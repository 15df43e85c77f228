//! What conditions and payloads see: `.touchpoint`, `.person` and `.now_at`, each field in one table with its shape.

use tributary_model::journey::{ExposureContext, SessionContext, StoryContext, Totals};
use tributary_model::{Item, JourneyEvent, Money};
use tributary_rules::{KeyString, ObjectMap, Shape, Value};

use crate::needs::{Needs, Wanted};

/// A moment in a person's journey.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// `.touchpoint`: the touch in question.
    pub touch: &'a JourneyEvent,
    /// `.person`: the journey as of this touch; the newest one when time alone has passed.
    pub person: &'a JourneyEvent,
    /// `.now_at`: event time.
    pub now_at: i64,
}

impl<'a> Situation<'a> {
    /// The moment of a touch, with the context it had at its place.
    #[must_use]
    pub fn at(event: &'a JourneyEvent) -> Self {
        Self { touch: event, person: event, now_at: event.touchpoint.occurred_at }
    }
}

/// One field: its name, its shape for the compiler, and how to read it.
struct Field {
    name: &'static str,
    shape: fn() -> Shape,
    read: fn(&JourneyEvent) -> Value,
}

const fn field(name: &'static str, shape: fn() -> Shape, read: fn(&JourneyEvent) -> Value) -> Field {
    Field { name, shape, read }
}

fn optional_text() -> Shape {
    Shape::text().or_null()
}

fn optional_integer() -> Shape {
    Shape::integer().or_null()
}

fn text_map() -> Shape {
    Shape::map(Shape::text().or_null())
}

const TOUCHPOINT: &[Field] = &[
    field("touchpoint_id", Shape::text, |e| e.touchpoint.touchpoint_id.as_str().into()),
    field("source", Shape::text, |e| e.touchpoint.source.as_str().into()),
    field("domain", Shape::text, |e| e.touchpoint.domain.name().into()),
    field("type", Shape::text, |e| e.touchpoint.event_type.as_str().into()),
    field("occurred_at", Shape::integer, |e| e.touchpoint.occurred_at.into()),
    field("channel", Shape::text, |e| e.touchpoint.channel.as_str().into()),
    field("direction", Shape::text, |e| match e.touchpoint.direction {
        tributary_model::Direction::Outbound => "outbound".into(),
        tributary_model::Direction::Inbound => "inbound".into(),
    }),
    field("team_id", Shape::text, |e| e.team_id.as_str().into()),
    field("campaign_id", optional_text, |e| e.touchpoint.campaign_id.as_deref().into()),
    field("message_id", optional_text, |e| e.touchpoint.message_id.as_deref().into()),
    field("decision_id", optional_text, |e| e.touchpoint.decision_id.as_deref().into()),
    field("agency", optional_text, |e| e.touchpoint.agency.as_deref().into()),
    field("partner", optional_text, |e| e.touchpoint.partner.as_deref().into()),
    field("order_id", optional_text, |e| e.touchpoint.order_id.as_deref().into()),
    field("location", optional_text, |e| e.touchpoint.location.as_deref().into()),
    field("cost_minor", optional_integer, |e| minor(e.touchpoint.cost.as_ref())),
    field("value_minor", optional_integer, |e| minor(e.touchpoint.value.as_ref())),
    field("currency", optional_text, |e| e.touchpoint.value.as_ref().map(|money| money.currency.as_str()).into()),
    field("items", || Shape::list(item_shape()), |e| e.touchpoint.items.iter().map(item).collect::<Vec<_>>().into()),
    field("properties", text_map, properties),
];

const PERSON: &[Field] = &[
    field("person_id", Shape::text, |e| e.person_id.to_string().into()),
    field(
        "account_ids",
        || Shape::list(Shape::text()),
        |e| e.account_ids.iter().map(|id| Value::from(id.to_string())).collect::<Vec<_>>().into(),
    ),
    field("stage", Shape::text, |e| e.stage.as_str().into()),
    field("previous_stage", optional_text, |e| e.previous_stage.as_deref().into()),
    field("last_at", Shape::integer, |e| e.touchpoint.occurred_at.into()),
    field("totals", totals_shape, |e| totals(&e.totals)),
    field("exposure", exposure_shape, |e| exposure(&e.exposure)),
    field("story", story_shape, |e| story(&e.story)),
    field("session", session_shape, |e| session(&e.session)),
    field("properties", text_map, properties),
];

fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Value::Object(fields.into_iter().map(|(name, value)| (KeyString::from(name), value)).collect())
}

fn minor(money: Option<&Money>) -> Value {
    money.map(|money| money.amount_minor).into()
}

fn properties(event: &JourneyEvent) -> Value {
    let pairs = event.touchpoint.properties.iter();
    Value::Object(pairs.map(|(name, text)| (KeyString::from(name.as_str()), text.as_str().into())).collect())
}

fn item_shape() -> Shape {
    Shape::object([
        ("sku", Shape::text()),
        ("quantity", Shape::integer()),
        ("unit_price_minor", optional_integer()),
        ("line_value_minor", optional_integer()),
        ("category", optional_text()),
        ("brand", optional_text()),
    ])
}

fn item(item: &Item) -> Value {
    object([
        ("sku", item.sku.as_str().into()),
        ("quantity", item.quantity.into()),
        ("unit_price_minor", item.unit_price_minor.into()),
        ("line_value_minor", item.line_value_minor.into()),
        ("category", item.category.as_deref().into()),
        ("brand", item.brand.as_deref().into()),
    ])
}

fn totals_shape() -> Shape {
    Shape::object([
        ("touch_count", Shape::integer()),
        ("order_count", Shape::integer()),
        ("value_minor", Shape::integer()),
        ("margin_minor", Shape::integer()),
        ("currency", optional_text()),
        ("first_at", Shape::integer()),
        ("last_order_at", optional_integer()),
    ])
}

fn totals(totals: &Totals) -> Value {
    object([
        ("touch_count", totals.touch_count.into()),
        ("order_count", totals.order_count.into()),
        ("value_minor", totals.value_minor.into()),
        ("margin_minor", totals.margin_minor.into()),
        ("currency", totals.currency.as_deref().into()),
        ("first_at", totals.first_at.into()),
        ("last_order_at", totals.last_order_at.into()),
    ])
}

fn exposure_shape() -> Shape {
    Shape::object([
        ("count_30d", Shape::integer()),
        ("brand_count_30d", Shape::integer()),
        ("last_at", optional_integer()),
        ("last_channel", optional_text()),
    ])
}

fn exposure(exposure: &ExposureContext) -> Value {
    object([
        ("count_30d", exposure.count_30d.into()),
        ("brand_count_30d", exposure.brand_count_30d.into()),
        ("last_at", exposure.last_at.into()),
        ("last_channel", exposure.last_channel.as_deref().into()),
    ])
}

fn story_shape() -> Shape {
    Shape::object([
        ("narrative_count", Shape::integer()),
        ("exposure_count", Shape::integer()),
        ("approved_count", Shape::integer()),
        ("conflict_count", Shape::integer()),
        ("conflicts", Shape::list(Shape::text())),
    ])
}

fn story(story: &StoryContext) -> Value {
    object([
        ("narrative_count", story.narrative_count.into()),
        ("exposure_count", story.exposure_count.into()),
        ("approved_count", story.approved_count.into()),
        ("conflict_count", (story.conflicts.len() as i64).into()),
        ("conflicts", story.conflicts.iter().map(|conflict| Value::from(conflict.as_str())).collect::<Vec<_>>().into()),
    ])
}

fn session_shape() -> Shape {
    Shape::object([("session_id", Shape::text()), ("started_at", Shape::integer()), ("position", Shape::integer())])
}

fn session(session: &SessionContext) -> Value {
    object([
        ("session_id", session.session_id.as_str().into()),
        ("started_at", session.started_at.into()),
        ("position", session.position.into()),
    ])
}

fn section_shape(section: &[Field]) -> Shape {
    Shape::object(section.iter().map(|field| (field.name, (field.shape)())))
}

/// The shape of the whole context, for the compiler.
pub(crate) fn context_shape() -> Shape {
    Shape::object([
        ("touchpoint", section_shape(TOUCHPOINT)),
        ("person", section_shape(PERSON)),
        ("now_at", Shape::integer()),
    ])
}

/// Whether a payload may name this path: it leads somewhere in every situation, or to a property.
pub(crate) fn knows_path(path: &[String]) -> bool {
    let is_property = path.len() == 3 && path[1] == "properties";
    is_property || lookup(&build(&Situation::at(&blank()), &Needs::everything()), path).is_some()
}

/// The value at a path.
pub(crate) fn lookup<'v>(value: &'v Value, path: &[String]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, name| value.as_object()?.get(name.as_str()))
}

/// An event with nothing in it, to ask the tables for their fields.
fn blank() -> JourneyEvent {
    use tributary_model::{Direction, Domain, PersonId, Touchpoint};
    JourneyEvent {
        person_id: PersonId(uuid::Uuid::nil()),
        account_ids: Vec::new(),
        revision: 1,
        retracted: false,
        team_id: String::new(),
        touchpoint: Touchpoint {
            touchpoint_id: String::new(),
            source: String::new(),
            domain: Domain::Channel,
            event_type: String::new(),
            occurred_at: 0,
            received_at: 0,
            identifiers: Vec::new(),
            refused_identifiers: Vec::new(),
            account_identifiers: Vec::new(),
            channel: String::new(),
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
            properties: std::collections::BTreeMap::new(),
        },
        session: SessionContext { session_id: String::new(), started_at: 0, position: 1 },
        stage: String::new(),
        previous_stage: None,
        exposure: ExposureContext::default(),
        totals: Totals::default(),
        story: StoryContext::default(),
        path: Vec::new(),
        plan: None,
    }
}

/// The context as a value.
pub(crate) fn build(situation: &Situation<'_>, needs: &Needs) -> Value {
    let section = |fields: &[Field], event: &JourneyEvent, wanted: &Wanted| {
        let named = fields.iter().filter(|field| wanted.includes(field.name));
        Value::Object(named.map(|field| (KeyString::from(field.name), (field.read)(event))).collect::<ObjectMap>())
    };
    object([
        ("touchpoint", section(TOUCHPOINT, situation.touch, &needs.touchpoint)),
        ("person", section(PERSON, situation.person, &needs.person)),
        ("now_at", situation.now_at.into()),
    ])
}
