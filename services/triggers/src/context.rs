//! What conditions and payloads see: `.touchpoint`, `.person` and `.now_at`, each field in one table with its shape.

use std::collections::BTreeMap;

use tributary_model::{Item, JourneyEvent, Money};
use tributary_rules::{KeyString, ObjectMap, Shape, Value};

use crate::needs::Needs;

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

/// One field: its name, and what it is.
struct Field {
    name: &'static str,
    is: Is,
}

enum Is {
    /// A value: its shape for the compiler, and how to read it.
    Leaf(fn() -> Shape, fn(&JourneyEvent) -> Value),
    /// Fields of its own.
    Section(&'static [Field]),
    /// Texts with any names.
    Texts(fn(&JourneyEvent) -> &BTreeMap<String, String>),
}

const fn field(name: &'static str, shape: fn() -> Shape, read: fn(&JourneyEvent) -> Value) -> Field {
    Field { name, is: Is::Leaf(shape, read) }
}

const fn section(name: &'static str, fields: &'static [Field]) -> Field {
    Field { name, is: Is::Section(fields) }
}

const PROPERTIES: Field = Field { name: "properties", is: Is::Texts(|e| &e.touchpoint.properties) };

fn optional_text() -> Shape {
    Shape::text().or_null()
}

fn optional_integer() -> Shape {
    Shape::integer().or_null()
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
    PROPERTIES,
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
    section("totals", TOTALS),
    section("exposure", EXPOSURE),
    section("story", STORY),
    section("session", SESSION),
    PROPERTIES,
];

const TOTALS: &[Field] = &[
    field("touch_count", Shape::integer, |e| e.totals.touch_count.into()),
    field("order_count", Shape::integer, |e| e.totals.order_count.into()),
    field("value_minor", Shape::integer, |e| e.totals.value_minor.into()),
    field("margin_minor", Shape::integer, |e| e.totals.margin_minor.into()),
    field("currency", optional_text, |e| e.totals.currency.as_deref().into()),
    field("first_at", Shape::integer, |e| e.totals.first_at.into()),
    field("last_order_at", optional_integer, |e| e.totals.last_order_at.into()),
];

const EXPOSURE: &[Field] = &[
    field("count_30d", Shape::integer, |e| e.exposure.count_30d.into()),
    field("brand_count_30d", Shape::integer, |e| e.exposure.brand_count_30d.into()),
    field("last_at", optional_integer, |e| e.exposure.last_at.into()),
    field("last_channel", optional_text, |e| e.exposure.last_channel.as_deref().into()),
];

const STORY: &[Field] = &[
    field("narrative_count", Shape::integer, |e| e.story.narrative_count.into()),
    field("exposure_count", Shape::integer, |e| e.story.exposure_count.into()),
    field("approved_count", Shape::integer, |e| e.story.approved_count.into()),
    field("conflict_count", Shape::integer, |e| (e.story.conflicts.len() as i64).into()),
    field(
        "conflicts",
        || Shape::list(Shape::text()),
        |e| e.story.conflicts.iter().map(|conflict| Value::from(conflict.as_str())).collect::<Vec<_>>().into(),
    ),
];

const SESSION: &[Field] = &[
    field("session_id", Shape::text, |e| e.session.session_id.as_str().into()),
    field("started_at", Shape::integer, |e| e.session.started_at.into()),
    field("position", Shape::integer, |e| e.session.position.into()),
];

fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Value::Object(fields.into_iter().map(|(name, value)| (KeyString::from(name), value)).collect())
}

fn minor(money: Option<&Money>) -> Value {
    money.map(|money| money.amount_minor).into()
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

fn shape_of(fields: &[Field]) -> Shape {
    Shape::object(fields.iter().map(|field| {
        let shape = match field.is {
            Is::Leaf(shape, _) => shape(),
            Is::Section(fields) => shape_of(fields),
            Is::Texts(_) => Shape::map(optional_text()),
        };
        (field.name, shape)
    }))
}

/// The shape of the whole context, for the compiler.
pub(crate) fn context_shape() -> Shape {
    Shape::object([("touchpoint", shape_of(TOUCHPOINT)), ("person", shape_of(PERSON)), ("now_at", Shape::integer())])
}

/// Whether somebody may name this path: it leads to a field, to a section or to a property.
pub(crate) fn knows_path(path: &[String]) -> bool {
    let Some((root, rest)) = path.split_first() else { return false };
    match root.as_str() {
        "touchpoint" => leads_somewhere(TOUCHPOINT, rest),
        "person" => leads_somewhere(PERSON, rest),
        "now_at" => rest.is_empty(),
        _ => false,
    }
}

fn leads_somewhere(fields: &[Field], path: &[String]) -> bool {
    let Some((name, rest)) = path.split_first() else { return true };
    fields.iter().find(|field| field.name == *name).is_some_and(|field| match field.is {
        Is::Leaf(..) => rest.is_empty(),
        Is::Section(fields) => leads_somewhere(fields, rest),
        Is::Texts(_) => rest.len() <= 1,
    })
}

/// The value at a path.
pub(crate) fn lookup<'v>(value: &'v Value, path: &[String]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, name| value.as_object()?.get(name.as_str()))
}

/// The fields of the context that somebody reads, looked up once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selection {
    touchpoint: Vec<Selected>,
    person: Vec<Selected>,
}

#[derive(Debug, Clone)]
struct Selected {
    name: &'static str,
    is: Picked,
}

#[derive(Debug, Clone)]
enum Picked {
    Leaf(fn(&JourneyEvent) -> Value),
    Section(Vec<Selected>),
    /// All texts, or those of these names.
    Texts(fn(&JourneyEvent) -> &BTreeMap<String, String>, Option<Vec<String>>),
}

impl Selection {
    /// The fields that these needs name.
    pub(crate) fn of(needs: &Needs) -> Self {
        let [touchpoint, person] = [("touchpoint", TOUCHPOINT), ("person", PERSON)]
            .map(|(section, fields)| needs.of_field(section).map_or_else(Vec::new, |wanted| select(fields, wanted)));
        Self { touchpoint, person }
    }
}

fn select(fields: &[Field], wanted: &Needs) -> Vec<Selected> {
    let one = |field: &Field| {
        let wanted = wanted.of_field(field.name)?;
        let is = match field.is {
            Is::Leaf(_, read) => Picked::Leaf(read),
            Is::Section(fields) => Picked::Section(select(fields, wanted)),
            Is::Texts(read) => Picked::Texts(read, wanted.names().map(|names| names.map(str::to_owned).collect())),
        };
        Some(Selected { name: field.name, is })
    };
    fields.iter().filter_map(one).collect()
}

/// The context as a value.
pub(crate) fn build(situation: &Situation<'_>, selection: &Selection) -> Value {
    object([
        ("touchpoint", built(&selection.touchpoint, situation.touch)),
        ("person", built(&selection.person, situation.person)),
        ("now_at", situation.now_at.into()),
    ])
}

fn built(selected: &[Selected], event: &JourneyEvent) -> Value {
    let mut map = ObjectMap::new();
    for Selected { name, is } in selected {
        let value = match is {
            Picked::Leaf(read) => read(event),
            Picked::Section(fields) => built(fields, event),
            Picked::Texts(read, names) => texts(read(event), names.as_deref()),
        };
        map.insert(KeyString::from(*name), value);
    }
    Value::Object(map)
}

fn texts(all: &BTreeMap<String, String>, names: Option<&[String]>) -> Value {
    let pair = |(name, text): (&String, &String)| (KeyString::from(name.as_str()), text.as_str().into());
    Value::Object(match names {
        None => all.iter().map(pair).collect(),
        Some(names) => names.iter().filter_map(|name| all.get_key_value(name)).map(pair).collect(),
    })
}
