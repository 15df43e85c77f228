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
    Nullable { null_first: bool, inner: Arc<Node> },
}

/// The values of an enum, in the order of their numbers.
pub(super) struct Enum {
    pub(super) name: String,
    pub(super) symbols: Box<[Named]>,
}

/// A record with its fields in the order of their bytes.
pub(super) struct Record {
    pub(super) name: Named,
    pub(super) fields: Box<[Field]>,
    /// The fewest bytes that one takes.
    least: usize,
    /// The list of a struct's fields that are these.
    known: Known,
}

/// A field of a record.
pub(super) struct Field {
    pub(super) name: Named,
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

/// Remembers a name, or list of names, that was found to be the one of the schema, by its address: it lives as long as the
/// program and does not change, so the same address with the same length need not be compared again.
#[derive(Default)]
struct Known(AtomicUsize);

impl Known {
    /// Whether what has this address is the same, as `compare` finds out when it is seen for the first time.
    #[inline]
    fn is(&self, address: usize, compare: impl FnOnce() -> bool) -> bool {
        self.0.load(Ordering::Relaxed) == address || self.learn(address, compare)
    }

    fn learn(&self, address: usize, compare: impl FnOnce() -> bool) -> bool {
        let same = compare();
        // The first address stays: threads that come with different ones would take the memory from each other.
        if same && self.0.load(Ordering::Relaxed) == 0 {
            self.0.store(address, Ordering::Relaxed);
        }
        same
    }
}

/// A name of the schema.
pub(super) struct Named {
    text: Box<str>,
    known: Known,
}

impl Named {
    fn new(text: &str) -> Self {
        Self { text: text.into(), known: Known::default() }
    }

    /// Whether it is the name that a Rust type uses.
    #[inline]
    pub(super) fn is(&self, name: &'static str) -> bool {
        name.len() == self.text.len() && self.known.is(name.as_ptr().addr(), || *self.text == *name)
    }
}

impl std::ops::Deref for Named {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

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
            Self::Record(node) => return format!("record {}", &*node.name),
            Self::Array(_) => "array",
            Self::Map(_) => "map",
            Self::Nullable { inner, .. } => return format!("null or {}", inner.describe()),
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
    /// Whether `names` are those of the fields, in their order.
    #[inline]
    pub(super) fn has_fields(&self, names: &'static [&'static str]) -> bool {
        let same = || self.fields.iter().zip(names).all(|(field, name)| *field.name == **name);
        names.len() == self.fields.len() && self.known.is(names.as_ptr().addr(), same)
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
        let node = Node::Enum(Arc::new(Enum {
            name,
            symbols: schema.symbols.iter().map(|symbol| Named::new(symbol)).collect(),
        }));
        self.named.insert(schema.name.clone(), node.clone());
        node
    }

    fn record(&mut self, schema: &RecordSchema) -> Result<Node, DatumError> {
        let name = Named::new(schema.name.name());
        if schema.fields.is_empty() {
            return Err(DatumError::new(format!("{} has no fields: an array of it could be of any length", &*name)));
        }
        let mut fields = Vec::with_capacity(schema.fields.len());
        for field in &schema.fields {
            let node = self.node(&field.schema).map_err(|error| error.within(&name, &field.name))?;
            let default = field.default.as_ref().and_then(|json| default::encode(&node, json));
            fields.push(Field { name: Named::new(&field.name), node, default });
        }
        let least = fields.iter().map(|field| field.node.least()).sum();
        let node = Node::Record(Arc::new(Record { name, fields: fields.into(), least, known: Known::default() }));
        self.named.insert(schema.name.clone(), node.clone());
        Ok(node)
    }

    fn union(&mut self, union: &UnionSchema) -> Result<Node, DatumError> {
        let (null_first, inner) = match union.variants() {
            [Schema::Null, inner] => (true, inner),
            [inner, Schema::Null] => (false, inner),
            _ => return Err(DatumError::new("the codec knows unions of null and one other type only")),
        };
        Ok(Node::Nullable { null_first, inner: Arc::new(self.node(inner)?) })
    }
}
