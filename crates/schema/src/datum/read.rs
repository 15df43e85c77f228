//! Reading a value.

use serde::de::{Deserializer, Visitor};

use super::error::DatumError;
use super::input::Input;
use super::plan::Node;
use super::read_parts::{BlockReader, EnumReader, RecordReader};

/// Reads one value of the type `node` from the front of `input`.
pub(super) struct Reader<'p, 'a, 'de> {
    pub(super) node: &'p Node,
    pub(super) input: &'a mut Input<'de>,
}

impl<'p> Reader<'p, '_, '_> {
    /// The type of the value that is there: of a nullable one, what it is when it is not null; `None` for null.
    #[inline]
    fn present(&mut self) -> Result<Option<&'p Node>, DatumError> {
        let Node::Nullable { null_first, inner } = self.node else { return Ok(Some(self.node)) };
        match self.input.long()? {
            index @ (0 | 1) if (index == 0) == *null_first => Ok(None),
            0 | 1 => Ok(Some(inner)),
            index => Err(no_type(index)),
        }
    }

    #[cold]
    fn misfit(&self, what: &str) -> DatumError {
        DatumError::new(format!("{what} is expected and this is {}", self.node.describe()))
    }

    fn boolean(self) -> Result<bool, DatumError> {
        match self.input.array()? {
            [0] => Ok(false),
            [1] => Ok(true),
            [byte] => Err(DatumError::new(format!("{byte} is no boolean"))),
        }
    }
}

#[cold]
fn no_type(index: i64) -> DatumError {
    DatumError::new(format!("type {index} of a union of two is announced"))
}

/// Integers, as what Avro has of them and converted.
macro_rules! integers {
    ($($method:ident: $node:ident by $read:ident to $integer:ty, $visit:ident;)*) => {
        $(#[inline]
        fn $method<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, DatumError> {
            let Some(Node::$node) = self.present()? else { return Err(self.misfit(stringify!($integer))) };
            let value = self.input.$read()?;
            match <$integer>::try_from(value) {
                Ok(value) => visitor.$visit(value),
                Err(_) => Err(DatumError::new(format!(concat!("{} is no ", stringify!($integer)), value))),
            }
        })*
    };
}

/// Values that no schema has a type for.
macro_rules! misfits {
    ($($method:ident($($argument:ty),*), $what:literal;)*) => {
        $(fn $method<V: Visitor<'de>>(self, $(_: $argument,)* _: V) -> Result<V::Value, DatumError> {
            Err(self.misfit($what))
        })*
    };
}

impl<'de> Deserializer<'de> for Reader<'_, '_, 'de> {
    type Error = DatumError;

    fn deserialize_any<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, DatumError> {
        let Some(node) = self.present()? else { return visitor.visit_unit() };
        let reader = Reader { node, input: self.input };
        match node {
            Node::Boolean => visitor.visit_bool(reader.boolean()?),
            Node::Int => visitor.visit_i32(reader.input.int()?),
            Node::Long => visitor.visit_i64(reader.input.long()?),
            Node::Float => visitor.visit_f32(f32::from_le_bytes(reader.input.array()?)),
            Node::Double => visitor.visit_f64(f64::from_le_bytes(reader.input.array()?)),
            Node::String => visitor.visit_borrowed_str(reader.input.text()?),
            Node::Bytes => visitor.visit_borrowed_bytes(reader.input.bytes()?),
            Node::Enum(node) => visitor.visit_enum(EnumReader { node, input: reader.input }),
            Node::Record(record) => visitor.visit_map(RecordReader::new(record, reader.input)),
            Node::Array(block) => visitor.visit_seq(BlockReader::new(block, reader.input)?),
            Node::Map(block) => visitor.visit_map(BlockReader::new(block, reader.input)?),
            Node::Nullable { .. } => Err(reader.misfit("a type")),
        }
    }

    #[inline]
    fn deserialize_bool<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, DatumError> {
        match self.present()? {
            Some(Node::Boolean) => visitor.visit_bool(self.boolean()?),
            _ => Err(self.misfit("a boolean")),
        }
    }

    integers! {
        deserialize_i8: Int by int to i8, visit_i8;
        deserialize_i16: Int by int to i16, visit_i16;
        deserialize_i32: Int by int to i32, visit_i32;
        deserialize_i64: Long by long to i64, visit_i64;
        deserialize_u8: Int by int to u8, visit_u8;
        deserialize_u16: Int by int to u16, visit_u16;
        deserialize_u32: Long by long to u32, visit_u32;
    }

    fn deserialize_f32<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, DatumError> {
        match self.present()? {
            Some(Node::Float) => visitor.visit_f32(f32::from_le_bytes(self.input.array()?)),
            _ => Err(self.misfit("a float")),
        }
    }

    #[inline]
    fn deserialize_f64<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, DatumError> {
        match self.present()? {
            Some(Node::Double) => visitor.visit_f64(f64::from_le_bytes(self.input.array()?)),
            _ => Err(self.misfit("a double")),
        }
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DatumError> {
        self.deserialize_str(visitor)
    }

    #[inline]
    fn deserialize_str<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, DatumError> {
        match self.present()? {
            Some(Node::String) => visitor.visit_borrowed_str(self.input.text()?),
            _ => Err(self.misfit("a text")),
        }
    }

    #[inline]
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DatumError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DatumError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, DatumError> {
        match self.present()? {
            Some(Node::Bytes) => visitor.visit_borrowed_bytes(self.input.bytes()?),
            _ => Err(self.misfit("a byte string")),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DatumError> {
        self.deserialize_bytes(visitor)
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, DatumError> {
        let Node::Nullable { .. } = self.node else { return Err(self.misfit("an optional value")) };
        match self.present()? {
            Some(node) => visitor.visit_some(Reader { node, input: self.input }),
            None => visitor.visit_none(),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, DatumError> {
        match self.present()? {
            None => visitor.visit_unit(),
            Some(_) => Err(self.misfit("null")),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, DatumError> {
        match self.present()? {
            Some(Node::Array(block)) => visitor.visit_seq(BlockReader::new(block, self.input)?),
            _ => Err(self.misfit("a list")),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, DatumError> {
        match self.present()? {
            Some(Node::Map(block)) => visitor.visit_map(BlockReader::new(block, self.input)?),
            _ => Err(self.misfit("a map")),
        }
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DatumError> {
        match self.present()? {
            Some(Node::Record(record)) if record.name.is(name) => {
                let mut reader = RecordReader::new(record, self.input);
                if !record.has_fields(fields) {
                    return visitor.visit_map(reader);
                }
                // The struct has the record's fields in the record's order, so their names need not be told.
                let value = visitor.visit_seq(&mut reader);
                if value.is_ok() {
                    reader.finish()?;
                }
                value
            }
            _ => Err(self.misfit(name)),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DatumError> {
        match self.node {
            Node::Enum(node) => visitor.visit_enum(EnumReader { node, input: self.input }),
            _ => Err(self.misfit(name)),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, DatumError> {
        // An enum's name is looked at before what comes with it, of which a visitor that ignores expects something.
        let Some(node) = self.present()? else { return visitor.visit_unit() };
        let reader = Reader { node, input: self.input };
        match node {
            Node::Enum(node) => node.symbol(reader.input).and_then(|_| visitor.visit_unit()),
            _ => reader.deserialize_any(visitor),
        }
    }

    misfits! {
        deserialize_u64(), "u64";
        deserialize_unit_struct(&'static str), "an empty struct";
        deserialize_newtype_struct(&'static str), "a newtype";
        deserialize_tuple(usize), "a tuple";
        deserialize_tuple_struct(&'static str, usize), "a tuple";
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}
