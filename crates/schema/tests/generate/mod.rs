//! Arbitrary values of a schema, with the extremes that each type has.

use std::collections::{BTreeMap, HashMap};

use apache_avro::Schema;
use apache_avro::schema::Name;
use apache_avro::types::Value;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::strategy::Union;

/// Fields whose text is the UUID of a person or account.
const IDS: [&str; 11] = [
    "account_id",
    "account_ids",
    "contested_by",
    "loser",
    "merged_accounts",
    "merged_into",
    "other_person_id",
    "person_id",
    "persons",
    "previous_person_id",
    "winner",
];
/// Fields whose text is an integer of 128 bits.
const SUMS: [&str; 5] = ["covariate_squares", "covariates", "outcome_squares", "outcomes", "products"];

/// Values of `schema`.
pub(crate) fn values(schema: &Schema) -> BoxedStrategy<Value> {
    Generator { named: HashMap::new() }.of(schema, "")
}

struct Generator<'s> {
    named: HashMap<&'s Name, BoxedStrategy<Value>>,
}

impl<'s> Generator<'s> {
    /// Values of `schema`, which stands in the field of that name.
    fn of(&mut self, schema: &'s Schema, field: &str) -> BoxedStrategy<Value> {
        match schema {
            Schema::Null => Just(Value::Null).boxed(),
            Schema::Boolean => any::<bool>().prop_map(Value::Boolean).boxed(),
            Schema::Int => ints().prop_map(Value::Int).boxed(),
            Schema::Long => longs().prop_map(Value::Long).boxed(),
            Schema::TimestampMillis => longs().prop_map(Value::TimestampMillis).boxed(),
            Schema::Double => prop::num::f64::ANY.prop_map(Value::Double).boxed(),
            Schema::Bytes => vec(any::<u8>(), 0..200).prop_map(Value::Bytes).boxed(),
            Schema::String => texts(field).prop_map(Value::String).boxed(),
            Schema::Array(array) => {
                let items = self.of(&array.items, field);
                let some = vec(items.clone(), 0..4);
                prop_oneof![12 => some, 1 => vec(items, 65..80)].prop_map(Value::Array).boxed()
            }
            Schema::Map(map) => {
                let value = self.of(&map.types, field);
                let some = btree_map(texts(""), value.clone(), 0..4);
                let entries = prop_oneof![12 => some, 1 => btree_map(texts(""), value, 65..80)];
                entries.prop_map(|map: BTreeMap<_, _>| Value::Map(map.into_iter().collect())).boxed()
            }
            Schema::Union(union) => Union::new(union.variants().iter().zip(0..).map(|(variant, index)| {
                self.of(variant, field).prop_map(move |value| Value::Union(index, Box::new(value))).boxed()
            }))
            .boxed(),
            Schema::Enum(schema) => {
                let symbols: Vec<_> = (0..).zip(schema.symbols.clone()).collect();
                let values = prop::sample::select(symbols).prop_map(|(index, symbol)| Value::Enum(index, symbol));
                self.keep(&schema.name, values.boxed())
            }
            Schema::Record(schema) => {
                let fields: Vec<_> = schema
                    .fields
                    .iter()
                    .map(|field| (Just(field.name.clone()), self.of(&field.schema, &field.name)))
                    .collect();
                self.keep(&schema.name, fields.prop_map(Value::Record).boxed())
            }
            Schema::Ref { name } => self.named[name].clone(),
            other => panic!("no values of {other:?}"),
        }
    }

    fn keep(&mut self, name: &'s Name, values: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
        self.named.insert(name, values.clone());
        values
    }
}

fn ints() -> impl Strategy<Value = i32> {
    prop_oneof![any::<i32>(), -70..70_i32, Just(i32::MIN), Just(i32::MAX)]
}

fn longs() -> impl Strategy<Value = i64> {
    prop_oneof![any::<i64>(), -70..70_i64, 1_700_000_000_000..1_900_000_000_000_i64, Just(i64::MIN), Just(i64::MAX)]
}

fn texts(field: &str) -> BoxedStrategy<String> {
    if IDS.contains(&field) {
        return any::<u128>().prop_map(uuid).boxed();
    }
    if SUMS.contains(&field) {
        return prop_oneof![any::<i128>(), -9..9_i128].prop_map(|sum| sum.to_string()).boxed();
    }
    prop_oneof![10 => "[a-z_]{0,12}", 4 => ".{0,12}", 1 => ".{60,70}", 1 => "x{200,300}"].boxed()
}

/// The 36 characters of a UUID.
fn uuid(number: u128) -> String {
    let mut text = format!("{number:032x}");
    for hyphen in [8, 13, 18, 23] {
        text.insert(hyphen, '-');
    }
    text
}
