//! The lift in proportion to what happens without treatment.

use crate::Interval;
use crate::contrast::Contrast;

/// The treated mean over the held-out one, less 1; `None` unless the held-out mean is positive.
pub(crate) fn relative(contrast: &Contrast) -> Option<f64> {
    (contrast.held_out > 0.0).then(|| contrast.difference() / contrast.held_out)
}

/// Where the relative lift may be, by Fieller's theorem (1954): all ratios for which the treated mean less ratio times
/// the held-out mean is within so many standard errors of zero.
///
/// That the ratio is right wherever this one difference is, is why a confidence sequence for differences makes one for
/// ratios; and why it holds where the delta method's symmetric interval does not, with a held-out mean that is itself
/// uncertain. `None` where this mean is not clear of zero: no ratio can be excluded then.
pub(crate) fn interval(contrast: &Contrast, standard_errors: f64) -> Option<Interval> {
    let scale = standard_errors.powi(2);
    let square = contrast.held_out.powi(2) - scale * contrast.held_out_variance;
    if contrast.held_out <= 0.0 || square <= 0.0 {
        return None;
    }
    // The ends are the roots of square × r² − 2 × mixed × r + constant.
    let mixed = contrast.treated * contrast.held_out - scale * contrast.covariance;
    let constant = contrast.treated.powi(2) - scale * contrast.treated_variance;
    let root = (mixed * mixed - square * constant).max(0.0).sqrt();
    Some(Interval { low: (mixed - root) / square - 1.0, high: (mixed + root) / square - 1.0 })
}
