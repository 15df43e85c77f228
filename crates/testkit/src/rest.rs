//! Reading a frame of the Kafka protocol from its front.

use crate::fetch_answer::{int16, int32};

/// What of a frame is still to be read.
pub(crate) struct Rest<'a> {
    frame: &'a [u8],
    at: usize,
}

impl<'a> Rest<'a> {
    /// What a request says behind key, version, correlation id and the client's name.
    pub(crate) fn behind_header(frame: &'a [u8]) -> Option<Self> {
        let client = usize::try_from(int16(frame, 8)?).unwrap_or(0);
        Some(Self { frame, at: 10 + client })
    }

    pub(crate) fn skip(&mut self, bytes: usize) {
        self.at += bytes;
    }

    pub(crate) fn int32(&mut self) -> Option<i32> {
        let number = int32(self.frame, self.at)?;
        self.at += 4;
        Some(number)
    }

    /// A length in four bytes; that of null is none.
    pub(crate) fn length(&mut self) -> Option<usize> {
        Some(usize::try_from(self.int32()?).unwrap_or(0))
    }

    /// A string with its length in two bytes; `Some(None)` is null.
    #[allow(clippy::option_option)]
    pub(crate) fn string(&mut self) -> Option<Option<String>> {
        let length = int16(self.frame, self.at)?;
        self.at += 2;
        let Ok(length) = usize::try_from(length) else { return Some(None) };
        self.utf8(length).map(Some)
    }

    fn number(&mut self) -> Option<usize> {
        let (mut number, mut shift) = (0, 0);
        loop {
            let byte = *self.frame.get(self.at)?;
            self.at += 1;
            number |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 || shift > 28 {
                return Some(number);
            }
        }
    }

    /// A compact length.
    pub(crate) fn count(&mut self) -> Option<usize> {
        Some(self.number()?.saturating_sub(1))
    }

    /// A compact string; `Some(None)` is null.
    #[allow(clippy::option_option)]
    pub(crate) fn text(&mut self) -> Option<Option<String>> {
        let Some(length) = self.number()?.checked_sub(1) else { return Some(None) };
        self.utf8(length).map(Some)
    }

    fn utf8(&mut self, length: usize) -> Option<String> {
        let bytes = self.frame.get(self.at..self.at.checked_add(length)?)?;
        self.at += length;
        String::from_utf8(bytes.to_vec()).ok()
    }

    /// Skips tagged fields; there are none in what we read.
    pub(crate) fn tags(&mut self) -> Option<()> {
        (self.number()? == 0).then_some(())
    }
}
