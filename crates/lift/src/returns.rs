//! What was caused, held against what it cost.

use crate::student;
use crate::{Alpha, Arm, Estimate, Interval, LiftError, Moments};

/// What the money brought.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Returns {
    /// The incremental margin, in minor units.
    pub incremental_margin: Estimate,
    /// Incremental return on ad spend: incremental margin over cost, so that 1 is where the money comes back. `None`
    /// when it cost nothing.
    pub incremental_roas: Option<Estimate>,
}

/// Holds an incremental total against its cost.
///
/// The total is that of a metric whose outcome is margin; that of revenue makes a return on revenue. The cost was paid
/// and is known, so that the interval of the return is that of the margin in another unit, and as valid: of one look
/// for one look, of a confidence sequence at any time.
///
/// # Errors
/// [`LiftError::NegativeCost`].
pub fn returns(incremental_margin: Estimate, cost_minor: i64) -> Result<Returns, LiftError> {
    let cost = cost(cost_minor)?;
    let incremental_roas = (cost > 0.0).then(|| incremental_margin.scaled(1.0 / cost));
    Ok(Returns { incremental_margin, incremental_roas })
}

/// Money spent on those who would have bought anyway.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WastedSpend {
    /// The share of persons who convert without treatment, with the interval of Wilson, "Probable inference, the law of
    /// succession, and statistical inference" (1927).
    pub base_rate: Estimate,
    /// Cost times base rate, in minor units.
    pub wasted_minor: Estimate,
}

/// The part of the cost that went to persons who would have converted anyway.
///
/// As the cost is spent on the treated alike, this is the cost of the treated persons times the share of the held-out
/// who converted: those with an outcome other than zero. It is what the treatment could not have caused, whatever it
/// did cause, and no judgement on the rest. Of several experiments the wasted spends add up.
///
/// # Errors
/// [`LiftError::NegativeCost`], [`LiftError::NoPersons`], and [`LiftError::ImpossibleSums`] while more was taken back
/// than was added.
pub fn wasted_spend(cost_minor: i64, held_out: &Moments, alpha: Alpha) -> Result<WastedSpend, LiftError> {
    let cost = cost(cost_minor)?;
    held_out.check(Arm::HeldOut)?;
    if held_out.persons == 0 {
        return Err(LiftError::NoPersons { arm: Arm::HeldOut });
    }
    let base_rate = wilson(held_out.nonzero as f64, held_out.persons as f64, alpha);
    Ok(WastedSpend { base_rate, wasted_minor: base_rate.scaled(cost) })
}

fn cost(cost_minor: i64) -> Result<f64, LiftError> {
    if cost_minor < 0 { Err(LiftError::NegativeCost { value: cost_minor }) } else { Ok(cost_minor as f64) }
}

/// A share, with all those shares from which it is within the critical number of their own standard errors.
fn wilson(part: f64, whole: f64, alpha: Alpha) -> Estimate {
    let rate = part / whole;
    let z = student::critical(alpha.get(), f64::INFINITY);
    let weight = z * z / whole;
    let middle = (rate + weight / 2.0) / (1.0 + weight);
    let radius = (rate * (1.0 - rate) * weight + weight * weight / 4.0).sqrt() / (1.0 + weight);
    let interval = Interval { low: (middle - radius).max(0.0), high: (middle + radius).min(1.0) };
    Estimate { value: rate, interval }
}
