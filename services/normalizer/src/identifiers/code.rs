//! Numbers of cards and tills: one value for all the ways in which people and machines write them.

use serde::Deserialize;

use super::INVALID_CHECK_DIGIT;

/// What does not count in a code.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct CodeRule {
    /// Characters that go, wherever they stand.
    drop: String,
    case: Case,
    leading_zeros: LeadingZeros,
    check_digit: CheckDigit,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Case {
    #[default]
    Keep,
    Upper,
    Lower,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum LeadingZeros {
    #[default]
    Keep,
    Drop,
}

/// How the last digit proves the others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum CheckDigit {
    #[default]
    None,
    /// ISO/IEC 7812-1, annex B: payment and most loyalty cards.
    Luhn,
    /// GS1 General Specifications, 7.9: EAN, UPC, GSRN.
    Gs1,
}

impl CodeRule {
    pub(super) fn apply(&self, raw: &str) -> Result<String, &'static str> {
        let kept: String = raw.trim().chars().filter(|c| !self.drop.contains(*c)).collect();
        let kept = kept.trim();
        let kept = match self.leading_zeros {
            LeadingZeros::Keep => kept,
            LeadingZeros::Drop => kept.trim_start_matches('0'),
        };
        let code = match self.case {
            Case::Keep => kept.to_owned(),
            Case::Upper => kept.to_uppercase(),
            Case::Lower => kept.to_lowercase(),
        };
        if self.check_digit.holds(&code) { Ok(code) } else { Err(INVALID_CHECK_DIGIT) }
    }
}

impl CheckDigit {
    /// Both sums go from the right, so leading zeros change neither.
    fn holds(self, code: &str) -> bool {
        let weigh: fn((usize, u32)) -> u32 = match self {
            Self::None => return true,
            Self::Luhn => |(place, digit)| match (place % 2, digit * 2) {
                (0, _) => digit,
                (_, doubled) if doubled > 9 => doubled - 9,
                (_, doubled) => doubled,
            },
            Self::Gs1 => |(place, digit)| if place % 2 == 0 { digit } else { digit * 3 },
        };
        let digits: Option<Vec<u32>> = code.chars().rev().map(|c| c.to_digit(10)).collect();
        digits.is_some_and(|digits| {
            digits.len() > 1 && digits.into_iter().enumerate().map(weigh).sum::<u32>().is_multiple_of(10)
        })
    }
}
