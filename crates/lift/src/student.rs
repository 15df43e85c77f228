//! Tails of Student's t and of the normal distribution.
//!
//! The two-sided tail of t is a regularised incomplete beta function, and is computed by its continued fraction (NIST
//! Digital Library of Mathematical Functions, 8.17.22) with the method of Lentz as Thompson and Barnett changed it
//! (1986). With many degrees of freedom its terms cancel, and experiments have millions. There t is turned into a
//! normal deviate with the same tail, by the series of Hill, "Algorithm 395: Student's t-distribution" (Communications
//! of the ACM, 1970).

use std::f64::consts::{PI, SQRT_2};

/// Degrees of freedom from which on the series have all digits.
const MANY: f64 = 1_000.0;

/// The probability that t is as far from zero as this, or further. Infinite degrees of freedom are the normal
/// distribution.
pub(crate) fn two_sided(t: f64, freedom: f64) -> f64 {
    if freedom.is_infinite() {
        return libm::erfc(t.abs() / SQRT_2);
    }
    let square = t * t;
    if square == 0.0 {
        return 1.0;
    }
    if square.is_infinite() {
        return 0.0;
    }
    if freedom >= MANY { by_series(square, freedom) } else { by_fraction(square, freedom) }
}

fn by_fraction(square: f64, freedom: f64) -> f64 {
    let half = freedom / 2.0;
    // The arguments x and 1 − x of the incomplete beta function, and x^a (1 − x)^b / B(a, b) with a = freedom / 2 and
    // b = 1/2.
    let (tail, core) = (freedom / (freedom + square), square / (freedom + square));
    let power = (-half * (square / freedom).ln_1p()).exp() * core.sqrt();
    let front = power * gamma_ratio(half) / PI.sqrt();
    if tail < (half + 1.0) / (half + 2.5) {
        front / half * fraction(half, 0.5, tail)
    } else {
        1.0 - front / 0.5 * fraction(0.5, half, core)
    }
}

/// What the series leaves out falls with the sixth power of the degrees of freedom.
fn by_series(square: f64, freedom: f64) -> f64 {
    let a = freedom - 0.5;
    let b = 48.0 * a * a;
    let z = a * (square / freedom).ln_1p();
    let second = (((0.4 * z + 3.3) * z + 24.0) * z + 85.5) / (0.8 * z * z + 100.0 + b);
    libm::erfc((z / 2.0).sqrt() * (1.0 + (z + 3.0 - second) / b))
}

/// How far from zero t is with no more than this probability.
///
/// By Newton's method from zero: the tail falls and is convex, so that every step ends before the goal, until rounding
/// stops it.
pub(crate) fn critical(probability: f64, freedom: f64) -> f64 {
    let mut t = 0.0;
    loop {
        let next = t + (two_sided(t, freedom) - probability) / (2.0 * density(t, freedom));
        // A step of a few units in the last place is rounding.
        if next <= t * (1.0 + 4.0 * f64::EPSILON) {
            return t;
        }
        t = next;
    }
}

fn density(t: f64, freedom: f64) -> f64 {
    if freedom.is_infinite() {
        return (-t * t / 2.0).exp() / (2.0 * PI).sqrt();
    }
    let power = (-(freedom + 1.0) / 2.0 * (t * t / freedom).ln_1p()).exp();
    gamma_ratio(freedom / 2.0) / (PI * freedom).sqrt() * power
}

/// `Γ(a + 1/2) / Γ(a)`; for large numbers by the series in Graham, Knuth and Patashnik, "Concrete Mathematics", 2nd
/// edition, answer 9.60.
fn gamma_ratio(a: f64) -> f64 {
    if a < MANY / 2.0 {
        return (libm::lgamma(a + 0.5) - libm::lgamma(a)).exp();
    }
    let r = 1.0 / a;
    a.sqrt() * (1.0 + r * (-1.0 / 8.0 + r * (1.0 / 128.0 + r * (5.0 / 1024.0 - r * 21.0 / 32_768.0))))
}

/// The continued fraction `1/(1 + d₁/(1 + d₂/(1 + …)))` of the incomplete beta function. It converges fast for
/// `x < (a + 1) / (a + b + 2)`.
fn fraction(a: f64, b: f64, x: f64) -> f64 {
    /// A few dozen are usual.
    const MOST_STEPS: u32 = 10_000;
    let (mut denominator, mut upper, mut lower) = (1.0, 1.0, 0.0);
    for step in 1..=MOST_STEPS {
        let m = f64::from(step / 2);
        let at = a + 2.0 * m;
        let d = if step % 2 == 0 {
            m * (b - m) * x / ((at - 1.0) * at)
        } else {
            -(a + m) * (a + b + m) * x / (at * (at + 1.0))
        };
        lower = 1.0 / nonzero(1.0 + d * lower);
        upper = nonzero(1.0 + d / upper);
        denominator *= upper * lower;
        if (upper * lower - 1.0).abs() <= f64::EPSILON {
            break;
        }
    }
    1.0 / denominator
}

/// Keeps a denominator away from zero, as the method asks.
fn nonzero(number: f64) -> f64 {
    if number.abs() < f64::MIN_POSITIVE { f64::MIN_POSITIVE } else { number }
}

#[cfg(test)]
mod tests;
