//! Writing what consists of parts: records, arrays and maps.

use serde::Serialize;
use serde::ser::{SerializeMap, SerializeSeq, SerializeStruct};

use super::error::DatumError;
use super::output;
use super::plan::{Field, Node, Record};
use super::write::Writer;

/// Writes the fields of a record in the schema's order. Our structs give them in that order; one that comes early is kept
/// until its turn.
pub(super) struct RecordWriter<'a> {
    record: &'a Record,
    out: &'a mut Vec<u8>,
    /// The field whose turn it is.
    next: usize,
    /// Fields that came early, encoded.
    early: Vec<(usize, Vec<u8>)>,
}

impl<'a> RecordWriter<'a> {
    #[inline]
    pub(super) fn new(record: &'a Record, out: &'a mut Vec<u8>) -> Self {
        Self { record, out, next: 0, early: Vec::new() }
    }

    #[inline]
    fn write<T: Serialize + ?Sized>(&mut self, field: &'a Field, value: &T) -> Result<(), DatumError> {
        let writer = Writer { node: &field.node, out: self.out };
        value.serialize(writer).map_err(|error| error.within(&self.record.name, &field.name))
    }

    #[cold]
    fn write_early<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), DatumError> {
        let record = self.record;
        let Some(position) = record.fields.iter().position(|field| field.name.is(key)) else {
            return Err(DatumError::new("the schema has no such field").within(&record.name, key));
        };
        if position < self.next || self.early.iter().any(|(early, _)| *early == position) {
            return Err(DatumError::new("the field is given twice").within(&record.name, key));
        }
        let start = self.out.len();
        self.write(&record.fields[position], value)?;
        let bytes = self.out.split_off(start);
        self.early.push((position, bytes));
        Ok(())
    }

    /// Writes the fields that came early and whose turn it is now.
    #[cold]
    fn catch_up(&mut self) {
        while let Some(index) = self.early.iter().position(|(position, _)| *position == self.next) {
            let (_, bytes) = self.early.swap_remove(index);
            self.out.extend_from_slice(&bytes);
            self.next += 1;
        }
    }
}

impl SerializeStruct for RecordWriter<'_> {
    type Ok = ();
    type Error = DatumError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), DatumError> {
        let record = self.record;
        match record.fields.get(self.next) {
            Some(field) if field.name.is(key) => self.write(field, value)?,
            _ => return self.write_early(key, value),
        }
        self.next += 1;
        if !self.early.is_empty() {
            self.catch_up();
        }
        Ok(())
    }

    fn end(mut self) -> Result<(), DatumError> {
        while let Some(field) = self.record.fields.get(self.next) {
            let Some(default) = &field.default else {
                return Err(
                    DatumError::new("the field is not given and has no default").within(&self.record.name, &field.name)
                );
            };
            self.out.extend_from_slice(default);
            self.next += 1;
            self.catch_up();
        }
        Ok(())
    }
}

/// Writes the items of an array or the entries of a map as one block.
pub(super) struct BlockWriter<'a> {
    item: &'a Node,
    out: &'a mut Vec<u8>,
    /// The length that was announced, and is written already.
    announced: Option<usize>,
    count: usize,
    start: usize,
}

impl<'a> BlockWriter<'a> {
    #[inline]
    pub(super) fn new(item: &'a Node, out: &'a mut Vec<u8>, announced: Option<usize>) -> Self {
        // No items are no block: only the end is written.
        if let Some(count) = announced
            && count > 0
        {
            output::count(out, count);
        }
        let start = out.len();
        Self { item, out, announced, count: 0, start }
    }

    #[inline]
    fn finish(self) -> Result<(), DatumError> {
        match self.announced {
            Some(announced) if announced != self.count => {
                return Err(DatumError::new(format!("{announced} items were announced and {} came", self.count)));
            }
            None if self.count > 0 => output::count_before(self.out, self.start, self.count),
            _ => {}
        }
        self.out.push(0);
        Ok(())
    }
}

impl SerializeSeq for BlockWriter<'_> {
    type Ok = ();
    type Error = DatumError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), DatumError> {
        self.count += 1;
        value.serialize(Writer { node: self.item, out: self.out })
    }

    #[inline]
    fn end(self) -> Result<(), DatumError> {
        self.finish()
    }
}

impl SerializeMap for BlockWriter<'_> {
    type Ok = ();
    type Error = DatumError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), DatumError> {
        key.serialize(Writer { node: &Node::String, out: self.out })
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), DatumError> {
        self.serialize_element(value)
    }

    #[inline]
    fn end(self) -> Result<(), DatumError> {
        self.finish()
    }
}
