//! What can be wrong with a statement that is otherwise well formed.

use tributary_model::scorecard::ALL_TEAMS;

/// Amounts and quantities beyond this many units are refused: sums of them could leave 64 bits.
pub const MAX_AMOUNT_MINOR: i64 = 1_000_000_000_000_000;

/// Why a statement cannot be counted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InsightError {
    /// An amount is so large that sums with it would not be exact.
    #[error(
        "touchpoint {touchpoint_id}: {field} is beyond {MAX_AMOUNT_MINOR} minor units; correct it at the source and send it again"
    )]
    AmountOutOfRange {
        /// The touchpoint.
        touchpoint_id: String,
        /// The field.
        field: &'static str,
    },
    /// A team has the name that stands for the sum of all teams.
    #[error("{subject}: team \"{ALL_TEAMS}\" is the sum of all teams; rename the team in the canvas")]
    ReservedTeam {
        /// The touchpoint or decision.
        subject: String,
    },
}

impl InsightError {
    /// The reason code on the dead letter.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::AmountOutOfRange { .. } => "amount_out_of_range",
            Self::ReservedTeam { .. } => "reserved_team",
        }
    }
}
