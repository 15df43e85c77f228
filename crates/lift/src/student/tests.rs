use std::f64::consts::PI;

use super::*;

#[track_caller]
fn assert_close(found: f64, expected: f64, part: f64) {
    assert!((found - expected).abs() <= part * expected.abs(), "{found:e} is not {expected:e} within {part:e}");
}

const POINTS: [f64; 9] = [1e-6, 0.01, 0.3, 1.0, 1.7, 2.5, 6.0, 40.0, 3e5];

#[test]
fn few_degrees_of_freedom_have_closed_forms() {
    for t in POINTS {
        // All without the cancellation that comes with 1 − cdf.
        assert_close(two_sided(t, 1.0), 2.0 / PI * (1.0 / t).atan(), 1e-13);
        let root = (2.0 + t * t).sqrt();
        assert_close(two_sided(t, 2.0), 2.0 / (root * (root + t)), 1e-13);
        let angle = (3.0_f64.sqrt() / t).atan();
        if t < 10.0 {
            assert_close(two_sided(t, 3.0), 2.0 / PI * (angle - angle.sin() * angle.cos()), 1e-12);
        }
    }
}

/// From any printed table of t, such as that of Fisher and Yates.
#[test]
fn the_critical_values_are_those_of_the_tables() {
    let table = [
        (0.05, 1.0, 12.706),
        (0.05, 2.0, 4.303),
        (0.05, 5.0, 2.571),
        (0.05, 10.0, 2.228),
        (0.01, 10.0, 3.169),
        (0.10, 20.0, 1.725),
        (0.01, 30.0, 2.750),
        (0.05, 120.0, 1.980),
        (0.001, 60.0, 3.460),
        (0.05, f64::INFINITY, 1.960),
        (0.001, f64::INFINITY, 3.291),
    ];
    for (probability, freedom, t) in table {
        assert!((critical(probability, freedom) - t).abs() <= 0.000_51, "{probability} {freedom}");
    }
    assert_close(critical(0.05, f64::INFINITY), 1.959_963_984_540_054, 1e-14);
}

/// The tail by Simpson's rule on the density alone, over the angle that the whole line shrinks to.
#[test]
fn the_tail_is_the_integral_of_the_density() {
    for freedom in [1.3, 3.0, 17.5, 400.0, 998.0, 1_002.0, 21_000.0, 3e6] {
        for t in [0.02, 0.9, 1.96, 3.1] {
            const STEPS: usize = 200_000;
            let start = f64::atan(t);
            let width = (PI / 2.0 - start) / STEPS as f64;
            let value = |step: usize| {
                let angle = start + width * step as f64;
                if step == STEPS { 0.0 } else { density(angle.tan(), freedom) / angle.cos().powi(2) }
            };
            let weight = |step: usize| [2.0, 4.0][step % 2];
            let inner: f64 = (1..STEPS).map(|step| weight(step) * value(step)).sum();
            let integral = 2.0 * (value(0) + inner + value(STEPS)) * width / 3.0;
            // The integrand has a kink at the end for fractions below 2.
            let part = if freedom < 2.0 { 1e-5 } else { 1e-9 };
            assert_close(two_sided(t, freedom), integral, part);
        }
    }
}

#[test]
fn many_degrees_of_freedom_are_the_normal_distribution() {
    for t in [0.5, 1.96, 5.0] {
        let normal = two_sided(t, f64::INFINITY);
        // The first term of the expansion in 1 / freedom (Fisher 1925) is what is left between them.
        let normal_density = density(t, f64::INFINITY);
        let term = |freedom: f64| normal + normal_density * (t.powi(3) + t) / (2.0 * freedom);
        assert_close(two_sided(t, 1e7), term(1e7), 1e-9);
        assert_close(two_sided(t, 1e12), normal, 1e-7);
    }
}

#[test]
fn the_series_go_on_where_the_fraction_ends() {
    for t in [0.02_f64, 0.9, 1.96, 3.1, 6.0, 9.0] {
        assert_close(by_series(t * t, MANY), by_fraction(t * t, MANY), 1e-11);
    }
    for a in [500.0, 700.5, 4_000.0] {
        assert_close(gamma_ratio(a), (libm::lgamma(a + 0.5) - libm::lgamma(a)).exp(), 1e-11);
    }
    assert_close(gamma_ratio(0.5), 1.0 / PI.sqrt(), 1e-14);
    assert_close(gamma_ratio(3.0), 15.0 * PI.sqrt() / 16.0, 1e-14);
}

#[test]
fn the_critical_value_has_the_probability() {
    for freedom in [1.0, 2.7, 30.0, 1e4, 1e9, f64::INFINITY] {
        for probability in [0.5, 0.05, 1e-3, 1e-9] {
            assert_close(two_sided(critical(probability, freedom), freedom), probability, 1e-10);
        }
    }
}

#[test]
fn the_ends_are_exact() {
    assert_eq!(two_sided(0.0, 7.0), 1.0);
    assert_eq!(two_sided(f64::INFINITY, 7.0), 0.0);
    assert_eq!(two_sided(-2.0, 7.0), two_sided(2.0, 7.0));
    assert_eq!(two_sided(1e3, 1e6), 0.0);
}
