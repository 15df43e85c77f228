//! A schema as the codec walks it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use apache_avro::Schema;
use apache_avro::schema::{EnumSchema, Name, RecordSchema, UnionSchema};

use super::default;
use super::error::DatumError;

/// A compiled schema. No type in it contains itself, so what is written and read is never deeper than the schema.
pub(crate) struct Plan(Node);

/// One type of a schema.
#[derive(Clone)]
pub(super) enum Node {
    Boolean,
    Int,
    Long,
    Float,
    Double,
    String,
    Bytes,
    Enum(Arc<Enum>),
    Record(Arc<Record>),
    Array(Arc<Block>),
    Map(Arc<Block>),
    Nullable(Arc<Nullable>),
}

/// The values of an enum, in the order of their numbers.
pub(super) struct Enum {
    pub(super) name: String,
    pub(super) symbols: Box<[String]>,
}

/// A record with its fields in the order of their bytes.
pub(super) struct Record {
    pub(super) name: String,
    pub(super) fields: Box<[Field]>,
    /// The fewest bytes that one takes.
    least: usize,
    known: Known,
}

/// A field of a record.
pub(super) struct Field {
    pub(super) name: String,
    pub(super) node: Node,
    /// What is written where the struct has no such field, already encoded.
    pub(super) default: Option<Box<[u8]>>,
}

/// What an array or map consists of.
pub(super) struct Block {
    pub(super) item: Node,
    /// The fewest bytes that one item takes, with its key.
    pub(super) least: usize,
}

/// A value or null.
pub(super) struct Nullable {
    pub(super) null_index: i32,
    pub(super) some_index: i32,
    pub(super) inner: Node,
}

/// Remembers which list of names was found to be the one that a record has, by its address: it lives as long as the
/// program and does not change, so it need not be compared again.
#[derive(Default)]
struct Known(AtomicUsize);

impl Plan {
    /// Compiles `schema`; the error says what the codec does not know.
    pub(crate) fn compile(schema: &Schema) -> Result<Self, DatumError> {
        Compiler::default().node(schema).map(Self)
    }

    pub(super) fn root(&self) -> &Node {
        &self.0
    }
}

impl Node {
    /// What it is called in messages.
    pub(super) fn describe(&self) -> String {
        let name = match self {
            Self::Boolean => "boolean",
            Self::Int => "int",
            Self::Long => "long",
            Self::Float => "float",
            Self::Double => "double",
            Self::String => "string",
            Self::Bytes => "bytes",
            Self::Enum(node) => return format!("enum {}", node.name),
            Self::Record(node) => return format!("record {}", node.name),
            Self::Array(_) => "array",
            Self::Map(_) => "map",
            Self::Nullable(node) => return format!("null or {}", node.inner.describe()),
        };
        name.to_owned()
    }

    fn least(&self) -> usize {
        match self {
            Self::Float => 4,
            Self::Double => 8,
            Self::Record(record) => record.least,
            _ => 1,
        }
    }
}

impl Record {
    /// True when `names` are those of the fields, in their order.
    pub(super) fn has_fields(&self, names: &'static [&'static str]) -> bool {
        if names.len() != self.fields.len() {
            return false;
        }
        let address = names.as_ptr().addr();
        if self.known.0.load(Ordering::Relaxed) == address {
            return true;
        }
        let same = self.fields.iter().zip(names).all(|(field, name)| field.name == *name);
        if same {
            self.known.0.store(address, Ordering::Relaxed);
        }
        same
    }
}

#[derive(Default)]
struct Compiler {
    /// Types that were defined before, by name.
    named: HashMap<Name, Node>,
}

impl Compiler {
    fn node(&mut self, schema: &Schema) -> Result<Node, DatumError> {
        Ok(match schema {
            Schema::Boolean => Node::Boolean,
            Schema::Int | Schema::Date | Schema::TimeMillis => Node::Int,
            Schema::Long
            | Schema::TimeMicros
            | Schema::TimestampMillis
            | Schema::TimestampMicros
            | Schema::TimestampNanos
            | Schema::LocalTimestampMillis
            | Schema::LocalTimestampMicros
            | Schema::LocalTimestampNanos => Node::Long,
            Schema::Float => Node::Float,
            Schema::Double => Node::Double,
            Schema::String => Node::String,
            Schema::Bytes => Node::Bytes,
            Schema::Enum(schema) => self.enumeration(schema),
            Schema::Record(schema) => self.record(schema)?,
            Schema::Array(array) => {
                let item = self.node(&array.items)?;
                Node::Array(Arc::new(Block { least: item.least(), item }))
            }
            Schema::Map(map) => {
                let item = self.node(&map.types)?;
                Node::Map(Arc::new(Block { least: 1 + item.least(), item }))
            }
            Schema::Union(union) => self.union(union)?,
            Schema::Ref { name } => match self.named.get(name) {
                Some(node) => node.clone(),
                None => return Err(DatumError::new(format!("{name} contains itself, or is not defined before"))),
            },
            other => return Err(DatumError::new(format!("the codec does not know the type {other:?}"))),
        })
    }

    fn enumeration(&mut self, schema: &EnumSchema) -> Node {
        let name = schema.name.name().to_owned();
        let node = Node::Enum(Arc::new(Enum { name, symbols: schema.symbols.clone().into() }));
        self.named.insert(schema.name.clone(), node.clone());
        node
    }

    fn record(&mut self, schema: &RecordSchema) -> Result<Node, DatumError> {
        let name = schema.name.name().to_owned();
        if schema.fields.is_empty() {
            return Err(DatumError::new(format!("{name} has no fields: an array of it could be of any length")));
        }
        let mut fields = Vec::with_capacity(schema.fields.len());
        for field in &schema.fields {
            let node = self.node(&field.schema).map_err(|error| error.within(&name, &field.name))?;
            let default = field.default.as_ref().and_then(|json| default::encode(&node, json));
            fields.push(Field { name: field.name.clone(), node, default });
        }
        let least = fields.iter().map(|field| field.node.least()).sum();
        let node = Node::Record(Arc::new(Record { name, fields: fields.into(), least, known: Known::default() }));
        self.named.insert(schema.name.clone(), node.clone());
        Ok(node)
    }

    fn union(&mut self, union: &UnionSchema) -> Result<Node, DatumError> {
        let (null_index, some_index, inner) = match union.variants() {
            [Schema::Null, inner] => (0, 1, inner),
            [inner, Schema::Null] => (1, 0, inner),
            _ => return Err(DatumError::new("the codec knows unions of null and one other type only")),
        };
        Ok(Node::Nullable(Arc::new(Nullable { null_index, some_index, inner: self.node(inner)? })))
    }
}
