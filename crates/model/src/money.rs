//! Money as integer minor units of an ISO 4217 currency; never a float.

use serde::{Deserialize, Serialize};

/// An amount of one currency.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// ISO 4217 code, three upper-case letters.
    pub currency: String,
    /// The amount in minor units (cents for USD, yen for JPY).
    pub amount_minor: i64,
}

/// What can be wrong with an amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The text is not a plain decimal number.
    #[error("\"{text}\" is not an amount: expected a decimal number such as 12.50")]
    NotANumber {
        /// The text that was given.
        text: String,
    },
    /// The number has more decimals than the currency has minor units, and they are not zeros.
    #[error("\"{text}\" has more decimals than {currency} has minor units ({exponent}): round it at the source")]
    TooPrecise {
        /// The text that was given.
        text: String,
        /// The currency it was read for.
        currency: String,
        /// Decimals of that currency.
        exponent: u32,
    },
    /// The amount does not fit 64 bits of minor units.
    #[error("\"{text}\" is out of range: it does not fit 64 bits of minor units")]
    OutOfRange {
        /// The text that was given.
        text: String,
    },
    /// The currency is not three upper-case letters.
    #[error("\"{text}\" is not an ISO 4217 currency code: expected three upper-case letters such as USD")]
    UnknownCurrency {
        /// The text that was given.
        text: String,
    },
}

/// Decimals of a currency's minor unit (ISO 4217 table A.1): 2 unless listed.
#[must_use]
pub fn minor_exponent(currency: &str) -> u32 {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "UYI" | "VND"
        | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        "CLF" | "UYW" => 4,
        _ => 2,
    }
}

impl Money {
    /// An amount of minor units.
    pub fn new(currency: impl Into<String>, amount_minor: i64) -> Self {
        Self { currency: currency.into(), amount_minor }
    }

    /// Reads a decimal text such as `12.5` or `-0.99` exactly; trailing zeros beyond the minor unit are accepted.
    ///
    /// # Errors
    /// [`MoneyError`] names the text and what is wrong with it.
    pub fn parse(text: &str, currency: &str) -> Result<Self, MoneyError> {
        if currency.len() != 3 || !currency.bytes().all(|b| b.is_ascii_uppercase()) {
            return Err(MoneyError::UnknownCurrency { text: currency.to_owned() });
        }
        let not_a_number = || MoneyError::NotANumber { text: text.to_owned() };
        let out_of_range = || MoneyError::OutOfRange { text: text.to_owned() };
        let exponent = minor_exponent(currency);
        let trimmed = text.trim();
        let (negative, digits) = match trimmed.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, trimmed.strip_prefix('+').unwrap_or(trimmed)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction) {
            return Err(not_a_number());
        }
        let (kept, beyond) = fraction.split_at(fraction.len().min(exponent as usize));
        if beyond.bytes().any(|b| b != b'0') {
            return Err(MoneyError::TooPrecise { text: text.to_owned(), currency: currency.to_owned(), exponent });
        }
        let mut minor: i64 = 0;
        let padding = std::iter::repeat_n(b'0', exponent as usize - kept.len());
        for digit in whole.bytes().chain(kept.bytes()).chain(padding) {
            minor =
                minor.checked_mul(10).and_then(|m| m.checked_add(i64::from(digit - b'0'))).ok_or_else(out_of_range)?;
        }
        Ok(Self::new(currency, if negative { -minor } else { minor }))
    }

    /// The amount as a decimal text with its currency, such as `12.50 USD`.
    #[must_use]
    pub fn display(&self) -> String {
        let exponent = minor_exponent(&self.currency);
        let scale = 10_u64.pow(exponent);
        let magnitude = self.amount_minor.unsigned_abs();
        let sign = if self.amount_minor < 0 { "-" } else { "" };
        if exponent == 0 {
            return format!("{sign}{magnitude} {}", self.currency);
        }
        let width = exponent as usize;
        format!("{sign}{}.{:0width$} {}", magnitude / scale, magnitude % scale, self.currency)
    }
}

/// Splits `total_minor` in proportion to `weights` so that the parts add up to it exactly (largest remainder,
/// Hamilton's method; ties go to the earlier part). All-zero or empty weights give zeros, or all to the first.
#[must_use]
pub fn allocate(total_minor: i64, weights: &[u64]) -> Vec<i64> {
    let sum: u128 = weights.iter().map(|w| u128::from(*w)).sum();
    if weights.is_empty() {
        return Vec::new();
    }
    if sum == 0 {
        let mut parts = vec![0; weights.len()];
        parts[0] = total_minor;
        return parts;
    }
    let magnitude = u128::from(total_minor.unsigned_abs());
    let mut parts: Vec<(u128, u128)> =
        weights.iter().map(|w| (magnitude * u128::from(*w) / sum, magnitude * u128::from(*w) % sum)).collect();
    let given: u128 = parts.iter().map(|(part, _)| part).sum();
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by(|a, b| parts[*b].1.cmp(&parts[*a].1).then(a.cmp(b)));
    for index in order.into_iter().take((magnitude - given) as usize) {
        parts[index].0 += 1;
    }
    let sign = if total_minor < 0 { -1 } else { 1 };
    parts.into_iter().map(|(part, _)| sign * part as i64).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn decimals_are_read_exactly() {
        assert_eq!(Money::parse("1.43", "USD").unwrap().amount_minor, 143);
        assert_eq!(Money::parse("-0.5", "USD").unwrap().amount_minor, -50);
        assert_eq!(Money::parse("12", "JPY").unwrap().amount_minor, 12);
        assert_eq!(Money::parse("1.500", "EUR").unwrap().amount_minor, 150);
        assert_eq!(Money::parse("1.5", "KWD").unwrap().display(), "1.500 KWD");
        assert!(matches!(Money::parse("1.505", "EUR"), Err(MoneyError::TooPrecise { exponent: 2, .. })));
        assert!(matches!(Money::parse("1e3", "EUR"), Err(MoneyError::NotANumber { .. })));
        assert!(matches!(Money::parse("", "EUR"), Err(MoneyError::NotANumber { .. })));
        assert!(matches!(Money::parse("99999999999999999999", "EUR"), Err(MoneyError::OutOfRange { .. })));
        assert!(matches!(Money::parse("1", "euro"), Err(MoneyError::UnknownCurrency { .. })));
    }

    proptest! {
        #[test]
        fn printed_amounts_read_back(amount_minor in -1_000_000_000_000_i64..1_000_000_000_000, code in "USD|JPY|KWD") {
            let money = Money::new(code.clone(), amount_minor);
            let printed = money.display();
            let read = Money::parse(printed.split(' ').next().unwrap(), &code).unwrap();
            prop_assert_eq!(read, money);
        }

        #[test]
        fn parts_add_up_and_stay_within_one_unit(total in -1_000_000_i64..1_000_000, weights in prop::collection::vec(0_u64..1000, 1..12)) {
            let parts = allocate(total, &weights);
            prop_assert_eq!(parts.iter().sum::<i64>(), total);
            let sum: u64 = weights.iter().sum();
            if sum > 0 {
                for (part, weight) in parts.iter().zip(&weights) {
                    let exact = total as f64 * *weight as f64 / sum as f64;
                    prop_assert!((*part as f64 - exact).abs() <= 1.0);
                }
            }
        }
    }
}
