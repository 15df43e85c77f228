//! Reading what consists of parts: records, arrays, maps and enums.

use serde::de::Visitor;
use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, EnumAccess, Error, IntoDeserializer, MapAccess, SeqAccess, Unexpected, VariantAccess,
};

use super::error::DatumError;
use super::input::Input;
use super::plan::{Block, Enum, Node, Record};
use super::read::Reader;

/// Reads the fields of a record: as a sequence for a struct that has them in the same order, otherwise by name.
pub(super) struct RecordReader<'p, 'a, 'de> {
    record: &'p Record,
    input: &'a mut Input<'de>,
    next: usize,
}

impl<'p, 'a, 'de> RecordReader<'p, 'a, 'de> {
    #[inline]
    pub(super) fn new(record: &'p Record, input: &'a mut Input<'de>) -> Self {
        Self { record, input, next: 0 }
    }

    /// Makes sure that no field was left unread: what comes after the record would be read from the wrong place.
    #[inline]
    pub(super) fn finish(&self) -> Result<(), DatumError> {
        match self.record.fields.get(self.next) {
            None => Ok(()),
            Some(field) => Err(DatumError::new("the field was not read").within(&self.record.name, &field.name)),
        }
    }

    /// The next field's value; `None` after the last.
    #[inline]
    fn read<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, DatumError> {
        let Some(field) = self.record.fields.get(self.next) else { return Ok(None) };
        self.next += 1;
        let value = seed.deserialize(Reader { node: &field.node, input: self.input });
        value.map(Some).map_err(|error| error.within(&self.record.name, &field.name))
    }
}

impl<'de> SeqAccess<'de> for RecordReader<'_, '_, 'de> {
    type Error = DatumError;

    #[inline]
    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, DatumError> {
        self.read(seed)
    }
}

impl<'de> MapAccess<'de> for RecordReader<'_, '_, 'de> {
    type Error = DatumError;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, DatumError> {
        let Some(field) = self.record.fields.get(self.next) else { return Ok(None) };
        let name: StrDeserializer<'_, DatumError> = field.name.into_deserializer();
        seed.deserialize(name).map(Some).map_err(|error| error.within(&self.record.name, &field.name))
    }

    #[inline]
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, DatumError> {
        self.read(seed)?.ok_or_else(|| DatumError::new("a value is asked for after the last field"))
    }
}

/// Reads the items of an array or the entries of a map.
pub(super) struct BlockReader<'p, 'a, 'de> {
    block: &'p Block,
    input: &'a mut Input<'de>,
    /// Items that are left of the block at hand; 0 at the end.
    remaining: usize,
}

impl<'p, 'a, 'de> BlockReader<'p, 'a, 'de> {
    #[inline]
    pub(super) fn new(block: &'p Block, input: &'a mut Input<'de>) -> Result<Self, DatumError> {
        let remaining = input.block(block.least)?;
        Ok(Self { block, input, remaining })
    }

    #[inline]
    fn item<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, DatumError> {
        let value = seed.deserialize(Reader { node: &self.block.item, input: self.input });
        self.remaining = self.remaining.saturating_sub(1);
        if self.remaining == 0 && value.is_ok() {
            self.remaining = self.input.block(self.block.least)?;
        }
        value
    }
}

impl<'de> SeqAccess<'de> for BlockReader<'_, '_, 'de> {
    type Error = DatumError;

    #[inline]
    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, DatumError> {
        if self.remaining == 0 { Ok(None) } else { self.item(seed).map(Some) }
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.remaining)
    }
}

impl<'de> MapAccess<'de> for BlockReader<'_, '_, 'de> {
    type Error = DatumError;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, DatumError> {
        if self.remaining == 0 {
            return Ok(None);
        }
        seed.deserialize(Reader { node: &Node::String, input: self.input }).map(Some)
    }

    #[inline]
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, DatumError> {
        self.item(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.remaining)
    }
}

impl Enum {
    /// Reads the name of a value.
    #[inline]
    pub(super) fn symbol(&self, input: &mut Input<'_>) -> Result<&str, DatumError> {
        let index = input.long()?;
        match usize::try_from(index).ok().and_then(|index| self.symbols.get(index)) {
            Some(symbol) => Ok(symbol),
            None => Err(DatumError::new(format!("{} has no value with the number {index}", self.name))),
        }
    }
}

/// Reads the value of an enum, which is a name and nothing else.
pub(super) struct EnumReader<'p, 'a, 'de> {
    pub(super) node: &'p Enum,
    pub(super) input: &'a mut Input<'de>,
}

impl<'de> EnumAccess<'de> for EnumReader<'_, '_, 'de> {
    type Error = DatumError;
    type Variant = Unit;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Unit), DatumError> {
        let symbol = self.node.symbol(self.input)?;
        let name: StrDeserializer<'_, DatumError> = symbol.into_deserializer();
        Ok((seed.deserialize(name)?, Unit))
    }
}

/// What comes with the name of an enum's value: nothing.
pub(super) struct Unit;

impl<'de> VariantAccess<'de> for Unit {
    type Error = DatumError;

    fn unit_variant(self) -> Result<(), DatumError> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, _: S) -> Result<S::Value, DatumError> {
        Err(DatumError::invalid_type(Unexpected::UnitVariant, &"newtype variant"))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, DatumError> {
        Err(DatumError::invalid_type(Unexpected::UnitVariant, &"tuple variant"))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Result<V::Value, DatumError> {
        Err(DatumError::invalid_type(Unexpected::UnitVariant, &"struct variant"))
    }
}
