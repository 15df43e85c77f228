//! Amounts, exactly: through their decimal text into minor units.

use tributary_model::money::MoneyError;
use tributary_model::{Discount, Item, Money};

use super::fields::{Fields, Path};
use super::said::{Object, Said};
use crate::error::Refusal;

/// The money of a touchpoint.
#[derive(Debug)]
pub(super) struct Amounts {
    pub(super) value: Option<Money>,
    pub(super) cost: Option<Money>,
    pub(super) items: Vec<Item>,
}

/// How the value of a touchpoint is stated.
enum Stated {
    Money(Money),
    SumOfLines { currency: String },
}

impl Stated {
    fn currency(&self) -> &str {
        match self {
            Self::Money(money) => &money.currency,
            Self::SumOfLines { currency } => currency,
        }
    }
}

/// Takes `currency`, `value`, `cost` and `items`.
pub(super) fn read(fields: &mut Fields<'_>) -> Result<Amounts, Refusal> {
    let currency = currency(fields)?;
    let value = fields.object("value")?.map(|map| stated(map, Path::Value, true)).transpose()?;
    let cost = match fields.object("cost")?.map(|map| stated(map, Path::Cost, false)).transpose()? {
        Some(Stated::Money(money)) => Some(money),
        _ => None,
    };
    if let (Some(currency), Some(value)) = (&currency, &value)
        && currency != value.currency()
    {
        return Err(Refusal::new("mixed_currencies", "currency: is another than value.currency"));
    }
    let of_value = value.as_ref().map(|value| value.currency().to_owned());
    let of_items = currency.or(of_value).or_else(|| cost.as_ref().map(|cost| cost.currency.clone()));
    let mut items = Vec::new();
    for (index, map) in fields.objects("items")?.into_iter().enumerate() {
        items.push(item(map, index, of_items.as_deref())?);
    }
    let value = match value {
        Some(Stated::SumOfLines { currency }) => Some(sum_of_lines(currency, &items)?),
        Some(Stated::Money(money)) => Some(money),
        None => None,
    };
    Ok(Amounts { value, cost, items })
}

fn currency(fields: &mut Fields<'_>) -> Result<Option<String>, Refusal> {
    let Some(code) = fields.text("currency")? else { return Ok(None) };
    if code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase()) {
        return Ok(Some(code));
    }
    Err(fields.refusal("invalid_amount", "currency", "is not an ISO 4217 code of three upper-case letters"))
}

fn stated(fields: Object<'_>, path: Path, may_sum: bool) -> Result<Stated, Refusal> {
    let mut fields = Fields::new(fields, path);
    let currency = currency(&mut fields)?.ok_or_else(|| fields.missing("currency"))?;
    let amount = amount(&mut fields, "amount", Some(&currency))?;
    let amount_minor = fields.integer("amount_minor")?;
    let sum_of = fields.text("sum_of")?;
    let stated = match (amount.or(amount_minor), sum_of.as_deref()) {
        (Some(amount_minor), None) => Stated::Money(Money::new(currency, amount_minor)),
        (None, Some("line_value")) if may_sum => Stated::SumOfLines { currency },
        (None, None) => return Err(fields.missing("amount")),
        (None, Some(_)) => return Err(fields.invalid("sum_of", "can only be line_value, and only for value")),
        (Some(_), Some(_)) => return Err(fields.invalid("sum_of", "stands beside an amount: give one of them")),
    };
    if amount.is_some() && amount_minor.is_some() {
        return Err(fields.invalid("amount_minor", "stands beside amount: give one of them"));
    }
    fields.finish()?;
    Ok(stated)
}

fn item(fields: Object<'_>, index: usize, currency: Option<&str>) -> Result<Item, Refusal> {
    let mut fields = Fields::new(fields, Path::Item(index));
    let mut discounts = Vec::new();
    for (place, map) in fields.objects("discounts")?.into_iter().enumerate() {
        let mut fields = Fields::new(map, Path::Discount(index, place));
        let kind = fields.required("kind", Fields::text)?;
        let amount_minor = fields.required("amount", |fields, key| amount(fields, key, currency))?;
        fields.finish()?;
        discounts.push(Discount { kind, amount_minor });
    }
    let item = Item {
        sku: fields.required("sku", Fields::text)?,
        quantity: fields.integer("quantity")?.unwrap_or(1),
        unit_price_minor: amount(&mut fields, "unit_price", currency)?,
        unit_cost_minor: amount(&mut fields, "unit_cost", currency)?,
        line_value_minor: amount(&mut fields, "line_value", currency)?,
        discounts,
        category: fields.text("category")?,
        brand: fields.text("brand")?,
    };
    fields.finish()?;
    Ok(item)
}

/// An amount in minor units of `currency`.
fn amount(fields: &mut Fields<'_>, key: &'static str, currency: Option<&str>) -> Result<Option<i64>, Refusal> {
    let Some(value) = fields.take(key) else { return Ok(None) };
    let Some(currency) = currency else {
        return Err(fields.refusal("missing_field", key, "is an amount without a currency: set currency or value"));
    };
    let text = match value {
        Said::Boolean(_) => None,
        other => other.into_text().ok(),
    };
    let parsed = text.as_deref().map(|text| Money::parse(text, currency));
    match parsed {
        Some(Ok(money)) => Ok(Some(money.amount_minor)),
        Some(Err(MoneyError::TooPrecise { currency, exponent, .. })) => {
            let why = format!("has more decimals than {currency} has ({exponent}): round it in the mapping");
            Err(fields.refusal("too_precise", key, why))
        }
        Some(Err(MoneyError::OutOfRange { .. })) => {
            Err(fields.refusal("invalid_amount", key, "does not fit 64 bits of minor units"))
        }
        Some(Err(MoneyError::NotANumber { .. } | MoneyError::UnknownCurrency { .. })) | None => {
            Err(fields.refusal("invalid_amount", key, "is not a decimal number such as 12.50"))
        }
    }
}

fn sum_of_lines(currency: String, items: &[Item]) -> Result<Money, Refusal> {
    let mut sum_minor: i64 = 0;
    for (index, item) in items.iter().enumerate() {
        let Some(line_minor) = item.line_value_minor else {
            let why = format!("items[{index}].line_value: is missing, and value is the sum of them");
            return Err(Refusal::new("missing_field", why));
        };
        sum_minor = sum_minor.checked_add(line_minor).ok_or_else(|| {
            Refusal::new("invalid_amount", "value: the sum of the lines does not fit 64 bits of minor units")
        })?;
    }
    Ok(Money::new(currency, sum_minor))
}
