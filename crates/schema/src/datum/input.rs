//! The bytes of a datum, read from front to back. Nothing is read beyond their end, and no length in them is believed
//! before the bytes that it promises are seen to be there.

use std::str::Utf8Error;

use super::error::DatumError;

/// Seven bits a byte: ten bytes hold 64.
const LONGEST_VARINT: usize = 10;

/// What is left to read.
pub(super) struct Input<'de> {
    bytes: &'de [u8],
}

impl<'de> Input<'de> {
    pub(super) fn new(bytes: &'de [u8]) -> Self {
        Self { bytes }
    }

    /// The next `length` bytes.
    #[inline]
    pub(super) fn take(&mut self, length: usize) -> Result<&'de [u8], DatumError> {
        let Some((taken, rest)) = self.bytes.split_at_checked(length) else { return Err(self.too_short(length)) };
        self.bytes = rest;
        Ok(taken)
    }

    #[cold]
    fn too_short(&self, length: usize) -> DatumError {
        DatumError::new(format!("{length} bytes are announced and {} are left", self.bytes.len()))
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], DatumError> {
        let Some((taken, rest)) = self.bytes.split_first_chunk::<N>() else { return Err(self.too_short(N)) };
        self.bytes = rest;
        Ok(*taken)
    }

    /// A zigzag variable-length integer (Avro 1.12, "Binary encode primitive types").
    #[inline]
    pub(super) fn long(&mut self) -> Result<i64, DatumError> {
        if let Some((first, rest)) = self.bytes.split_first()
            && *first < 0x80
        {
            self.bytes = rest;
            return Ok(zigzag(u64::from(*first)));
        }
        self.long_of_bytes()
    }

    #[inline(never)]
    fn long_of_bytes(&mut self) -> Result<i64, DatumError> {
        let mut value = 0;
        for (place, byte) in self.bytes.iter().take(LONGEST_VARINT).enumerate() {
            value |= u64::from(byte & 0x7F) << (7 * place);
            if *byte < 0x80 {
                self.bytes = &self.bytes[place + 1..];
                return Ok(zigzag(value));
            }
        }
        Err(if self.bytes.len() < LONGEST_VARINT {
            DatumError::new("the bytes end within an integer")
        } else {
            DatumError::new("an integer has more than 64 bits")
        })
    }

    #[inline]
    pub(super) fn int(&mut self) -> Result<i32, DatumError> {
        let long = self.long()?;
        i32::try_from(long).map_err(|_| no_int(long))
    }

    /// Bytes after their length.
    #[inline]
    pub(super) fn bytes(&mut self) -> Result<&'de [u8], DatumError> {
        let length = self.long()?;
        match usize::try_from(length) {
            Ok(length) => self.take(length),
            Err(_) => Err(no_length(length)),
        }
    }

    #[inline]
    pub(super) fn text(&mut self) -> Result<&'de str, DatumError> {
        let bytes = self.bytes()?;
        std::str::from_utf8(bytes).map_err(no_text)
    }

    /// How many items the next block of an array or map has, each of at least `least` bytes; 0 ends the array or map. A
    /// negative number says that the block's size in bytes follows, which nobody needs who reads every item.
    #[inline]
    pub(super) fn block(&mut self, least: usize) -> Result<usize, DatumError> {
        let count = self.long()?;
        if count < 0 {
            self.long()?;
        }
        let room = self.bytes.len() / least.max(1);
        match usize::try_from(count.unsigned_abs()) {
            Ok(count) if count <= room => Ok(count),
            _ => Err(self.too_many(count)),
        }
    }

    #[cold]
    fn too_many(&self, count: i64) -> DatumError {
        let (count, left) = (count.unsigned_abs(), self.bytes.len());
        DatumError::new(format!("a block of {count} items is announced and {left} bytes are left"))
    }
}

#[cold]
fn no_length(length: i64) -> DatumError {
    DatumError::new(format!("a length of {length} bytes is announced"))
}

#[cold]
fn no_text(error: Utf8Error) -> DatumError {
    DatumError::new(format!("a text is not UTF-8: {error}"))
}

#[cold]
fn no_int(long: i64) -> DatumError {
    DatumError::new(format!("{long} is no integer of 32 bits"))
}

#[inline]
fn zigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}
