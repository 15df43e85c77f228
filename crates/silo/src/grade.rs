//! Grades, and the thresholds behind them: all of them stand here, each with its reason.

use serde::Serialize;
use tributary_model::time::{DAY_MS, HOUR_MS, MINUTE_MS};

/// How many have to be counted for a grade. With 30 the interval of a share is at most 34 points wide, about two
/// grades; with fewer a grade would be chance.
pub const MIN_COUNT: u64 = 30;
/// How old a message has to be for its silence to count: the time that the hub gives a sale to follow it by default
/// (`triggers.outcome_window`).
pub const LOOP_WINDOW_MS: i64 = 7 * DAY_MS;

/// The dimensions of readiness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// Whether domains know the same persons.
    MatchRate,
    /// How long it takes until another team can know, and until the one that was asked acts.
    HandOver,
    /// Whether it is known who it was.
    IdentityCoverage,
    /// Whether persons hear one story.
    Consistency,
    /// Whether suppressions are kept.
    SuppressionLeakage,
    /// Whether it is told what came of what was sent.
    LoopTime,
}

impl Dimension {
    /// All of them, in the order of the report.
    pub const ALL: [Self; 6] = [
        Self::MatchRate,
        Self::HandOver,
        Self::IdentityCoverage,
        Self::Consistency,
        Self::SuppressionLeakage,
        Self::LoopTime,
    ];

    /// Its title.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::MatchRate => "Match rate",
            Self::HandOver => "Hand-over",
            Self::IdentityCoverage => "Identity coverage",
            Self::Consistency => "Consistency",
            Self::SuppressionLeakage => "Suppression leakage",
            Self::LoopTime => "Loop time",
        }
    }

    /// The thresholds of its figure.
    #[must_use]
    pub const fn scale(self) -> &'static Scale {
        match self {
            Self::MatchRate => &MATCH_RATE,
            Self::HandOver => &HAND_OVER,
            Self::IdentityCoverage => &IDENTITY_COVERAGE,
            Self::Consistency => &CONSISTENCY,
            Self::SuppressionLeakage => &SUPPRESSION_LEAKAGE,
            Self::LoopTime => &LOOP_TIME,
        }
    }
}

/// A grade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Grade {
    /// Nothing to repair first.
    A,
    /// Good.
    B,
    /// Fair.
    C,
    /// Poor.
    D,
    /// A silo.
    F,
    /// Too little was counted to say.
    #[serde(rename = "not_enough_data")]
    NotEnoughData,
}

impl Grade {
    /// As people read it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
            Self::D => "D",
            Self::F => "F",
            Self::NotEnoughData => "not enough data",
        }
    }
}

/// Where one grade ends and the next begins.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Scale {
    /// True when more is better.
    pub is_more_better: bool,
    /// The last figure of each of A, B, C and D, itself included; beyond is F.
    pub limits: [f64; 4],
}

impl Scale {
    /// The grade of a figure.
    #[must_use]
    pub fn grade(&self, figure: f64) -> Grade {
        let holds = |limit: &f64| if self.is_more_better { figure >= *limit } else { figure <= *limit };
        let place = self.limits.iter().position(holds);
        place.map_or(Grade::F, |place| [Grade::A, Grade::B, Grade::C, Grade::D][place])
    }
}

/// Share of the persons that two domains could share who are known to both. Not everybody uses every channel, so that
/// nobody reaches all; two in three is what only a common login or loyalty card brings. Below one in ten, what one
/// domain knows is as good as never at hand in another.
pub const MATCH_RATE: Scale = Scale { is_more_better: true, limits: [0.60, 0.40, 0.25, 0.10] };

/// Nine in ten within so many milliseconds, of the slowest source or team. A minute reaches somebody who is still
/// there; a quarter of an hour the same visit (a session ends after 30 minutes); an hour is the lateness that the hub
/// waits for, and what comes after it finds decisions taken; a day is the nightly batch.
pub const HAND_OVER: Scale =
    Scale { is_more_better: false, limits: [MINUTE_MS as f64, 15.0 * MINUTE_MS as f64, HOUR_MS as f64, DAY_MS as f64] };

/// Share of sales that name somebody. An advertisement that nobody is known to have seen is normal; a sale to nobody
/// can be credited to no message and stops none. With one in ten unknown, suppressions are right for nearly all; with
/// half unknown, as often wrong as right.
pub const IDENTITY_COVERAGE: Scale = Scale { is_more_better: true, limits: [0.90, 0.75, 0.50, 0.25] };

/// Share of those who heard a story who heard one. One in twenty is campaigns that follow each other; with one in
/// three, contradiction is a habit; with half, the story is chance.
pub const CONSISTENCY: Scale = Scale { is_more_better: true, limits: [0.95, 0.85, 0.70, 0.50] };

/// Share of the contacts that met a suppression which were made nevertheless. One in a hundred is messages on their
/// way when it began; one in four is a system that does not hear of suppressions at all, beside others that do.
pub const SUPPRESSION_LEAKAGE: Scale = Scale { is_more_better: false, limits: [0.01, 0.05, 0.10, 0.25] };

/// Share of messages asked for that anything was reported on. Delivery reports alone bring 95 of 100; where half
/// are never reported on, no team can learn from what it sent. How long a customer takes to answer is not graded: it is
/// the customer's time and not a team's.
pub const LOOP_TIME: Scale = Scale { is_more_better: true, limits: [0.95, 0.85, 0.70, 0.50] };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_belongs_to_its_grade_and_a_hair_beyond_to_the_next() {
        let grades = [Grade::A, Grade::B, Grade::C, Grade::D, Grade::F];
        for dimension in Dimension::ALL {
            let scale = dimension.scale();
            let worse = if scale.is_more_better { -1e-9 } else { 1e-9 };
            for (place, limit) in scale.limits.into_iter().enumerate() {
                assert_eq!(scale.grade(limit), grades[place], "{dimension:?}");
                assert_eq!(scale.grade(limit + worse * limit.abs()), grades[place + 1], "{dimension:?}");
            }
            let (best, worst) = if scale.is_more_better { (1.0, 0.0) } else { (0.0, f64::MAX) };
            assert_eq!((scale.grade(best), scale.grade(worst)), (Grade::A, Grade::F), "{dimension:?}");
        }
    }

    #[test]
    fn at_the_least_count_an_interval_is_about_two_grades_wide() {
        let share = crate::Share::new(MIN_COUNT / 2, MIN_COUNT);
        assert!(share.high - share.low < 0.345, "{share:?}");
    }
}
