//! Writing a value.

use std::fmt::Display;
use std::io::Write as _;

use serde::Serialize;
use serde::ser::{Impossible, Serializer};

use super::error::DatumError;
use super::output;
use super::plan::Node;
use super::write_parts::{BlockWriter, RecordWriter};

/// Writes one value of the type `node` at the end of `out`.
pub(super) struct Writer<'a> {
    pub(super) node: &'a Node,
    pub(super) out: &'a mut Vec<u8>,
}

impl<'a> Writer<'a> {
    /// The type that a value has which is there: of a nullable one, what it is when it is not null.
    #[inline]
    fn present(&mut self) -> &'a Node {
        match self.node {
            Node::Nullable { null_first, inner } => {
                output::present(self.out, *null_first);
                inner
            }
            node => node,
        }
    }

    #[cold]
    fn misfit(&self, what: &str) -> DatumError {
        DatumError::new(format!("{what} is no {}", self.node.describe()))
    }

    #[inline]
    fn int(mut self, value: i32) -> Result<(), DatumError> {
        match self.present() {
            Node::Int => output::long(self.out, value.into()),
            _ => return Err(self.misfit("an integer of at most 32 bits")),
        }
        Ok(())
    }

    #[inline]
    fn long(mut self, value: i64) -> Result<(), DatumError> {
        match self.present() {
            Node::Long => output::long(self.out, value),
            _ => return Err(self.misfit("an integer of 64 bits")),
        }
        Ok(())
    }
}

/// Values that no schema has a type for.
macro_rules! misfits {
    ($($method:ident($($argument:ty),*) -> $ok:ty, $what:literal;)*) => {
        $(fn $method(self, $(_: $argument),*) -> Result<$ok, DatumError> {
            Err(self.misfit($what))
        })*
    };
}

impl<'a> Serializer for Writer<'a> {
    type Ok = ();
    type Error = DatumError;
    type SerializeSeq = BlockWriter<'a>;
    type SerializeMap = BlockWriter<'a>;
    type SerializeStruct = RecordWriter<'a>;
    type SerializeTuple = Impossible<(), DatumError>;
    type SerializeTupleStruct = Impossible<(), DatumError>;
    type SerializeTupleVariant = Impossible<(), DatumError>;
    type SerializeStructVariant = Impossible<(), DatumError>;

    #[inline]
    fn serialize_bool(mut self, value: bool) -> Result<(), DatumError> {
        match self.present() {
            Node::Boolean => self.out.push(u8::from(value)),
            _ => return Err(self.misfit("a boolean")),
        }
        Ok(())
    }

    fn serialize_i8(self, value: i8) -> Result<(), DatumError> {
        self.int(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<(), DatumError> {
        self.int(value.into())
    }

    #[inline]
    fn serialize_i32(self, value: i32) -> Result<(), DatumError> {
        self.int(value)
    }

    #[inline]
    fn serialize_i64(self, value: i64) -> Result<(), DatumError> {
        self.long(value)
    }

    fn serialize_u8(self, value: u8) -> Result<(), DatumError> {
        self.int(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<(), DatumError> {
        self.int(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<(), DatumError> {
        self.long(value.into())
    }

    fn serialize_f32(mut self, value: f32) -> Result<(), DatumError> {
        match self.present() {
            Node::Float => self.out.extend_from_slice(&value.to_le_bytes()),
            _ => return Err(self.misfit("a float")),
        }
        Ok(())
    }

    #[inline]
    fn serialize_f64(mut self, value: f64) -> Result<(), DatumError> {
        match self.present() {
            Node::Double => self.out.extend_from_slice(&value.to_le_bytes()),
            _ => return Err(self.misfit("a double")),
        }
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), DatumError> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    #[inline]
    fn serialize_str(mut self, value: &str) -> Result<(), DatumError> {
        match self.present() {
            Node::String => output::bytes(self.out, value.as_bytes()),
            _ => return Err(self.misfit("a text")),
        }
        Ok(())
    }

    fn collect_str<T: Display + ?Sized>(mut self, value: &T) -> Result<(), DatumError> {
        let Node::String = self.present() else { return Err(self.misfit("a text")) };
        let start = self.out.len();
        write!(self.out, "{value}").map_err(|error| DatumError::new(error.to_string()))?;
        let length = self.out.len() - start;
        output::count_before(self.out, start, length);
        Ok(())
    }

    fn serialize_bytes(mut self, value: &[u8]) -> Result<(), DatumError> {
        match self.present() {
            Node::Bytes => output::bytes(self.out, value),
            _ => return Err(self.misfit("a byte string")),
        }
        Ok(())
    }

    #[inline]
    fn serialize_none(self) -> Result<(), DatumError> {
        match self.node {
            Node::Nullable { null_first, .. } => output::null(self.out, *null_first),
            _ => return Err(self.misfit("nothing")),
        }
        Ok(())
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(mut self, value: &T) -> Result<(), DatumError> {
        let Node::Nullable { .. } = self.node else { return Err(self.misfit("an optional value")) };
        let node = self.present();
        value.serialize(Writer { node, out: self.out })
    }

    fn serialize_unit(self) -> Result<(), DatumError> {
        self.serialize_none()
    }

    #[inline]
    fn serialize_unit_variant(self, _: &'static str, index: u32, variant: &'static str) -> Result<(), DatumError> {
        let Node::Enum(node) = self.node else { return Err(self.misfit("an enum")) };
        let index = index as usize;
        let index = if node.symbols.get(index).is_some_and(|symbol| symbol.is(variant)) {
            Some(index)
        } else {
            node.symbols.iter().position(|symbol| symbol.is(variant))
        };
        output::count(self.out, index.ok_or_else(|| DatumError::new(format!("{} has no {variant}", node.name)))?);
        Ok(())
    }

    #[inline]
    fn serialize_seq(mut self, length: Option<usize>) -> Result<BlockWriter<'a>, DatumError> {
        match self.present() {
            Node::Array(block) => Ok(BlockWriter::new(&block.item, self.out, length)),
            _ => Err(self.misfit("a list")),
        }
    }

    #[inline]
    fn serialize_map(mut self, length: Option<usize>) -> Result<BlockWriter<'a>, DatumError> {
        match self.present() {
            Node::Map(block) => Ok(BlockWriter::new(&block.item, self.out, length)),
            _ => Err(self.misfit("a map")),
        }
    }

    #[inline]
    fn serialize_struct(mut self, name: &'static str, _: usize) -> Result<RecordWriter<'a>, DatumError> {
        match self.present() {
            Node::Record(record) => Ok(RecordWriter::new(record, self.out)),
            _ => Err(self.misfit(name)),
        }
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, _: &T) -> Result<(), DatumError> {
        Err(self.misfit(name))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), DatumError> {
        Err(self.misfit(name))
    }

    misfits! {
        serialize_u64(u64) -> (), "an unsigned integer of 64 bits";
        serialize_unit_struct(&'static str) -> (), "an empty struct";
        serialize_tuple(usize) -> Self::SerializeTuple, "a tuple";
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct, "a tuple";
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Self::SerializeTupleVariant,
            "a variant with a tuple";
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Self::SerializeStructVariant,
            "a variant with fields";
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}
