//! Telephone numbers in E.164 (ITU-T), by the numbering plans of libphonenumber.

use phonenumber::Mode;
use phonenumber::country::Id;

use super::{INVALID_PHONE, PHONE_WITHOUT_REGION};

/// Longer texts are no number, whatever stands in them.
const MAX_BYTES: usize = 64;

/// The country, by ISO 3166-1 code, whose national numbers are meant where a number names none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Region(Id);

impl Region {
    /// The region of a code in capitals.
    pub(crate) fn parse(code: &str) -> Option<Self> {
        code.parse().ok().map(Self)
    }
}

/// `+` and digits. A number without a country is one of `region`; it may also be dialled from there with the exit code.
pub(super) fn e164(raw: &str, region: Option<Region>) -> Result<String, &'static str> {
    let trimmed = raw.trim();
    if trimmed.len() > MAX_BYTES {
        return Err(INVALID_PHONE);
    }
    // The exit code of most countries, written in all of them.
    let international = trimmed.strip_prefix("00").map(|rest| format!("+{rest}"));
    let text = international.as_deref().unwrap_or(trimmed);
    match phonenumber::parse(region.map(|region| region.0), text) {
        Ok(number) if phonenumber::is_valid(&number) => Ok(number.format().mode(Mode::E164).to_string()),
        Err(_) if region.is_none() && is_national(text) => Err(PHONE_WITHOUT_REGION),
        _ => Err(INVALID_PHONE),
    }
}

/// Digits as people write them, with nothing that says a country.
fn is_national(text: &str) -> bool {
    let is_usual = |c: char| c.is_ascii_digit() || c.is_whitespace() || "()-/.".contains(c);
    text.chars().all(is_usual) && text.chars().any(|c| c.is_ascii_digit())
}
