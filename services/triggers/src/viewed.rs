//! Experiments that are run elsewhere: a touch `experiment.viewed` says that a person was exposed in one of them.
//!
//! Its properties are `experiment_id`; `arm`, `treated` or `held_out`; and `holdout_percent`, the share of persons who were
//! to be held out.

use tributary_model::JourneyEvent;

use crate::enrolled::{Enrolled, FirstExposure};

/// Begins the names of such experiments, so that none is taken for a trigger's.
const ELSEWHERE: &str = "external:";

/// The experiment and the exposure that a touch tells; nothing for other touches, and for those whose properties are not
/// as they have to be: the normalizer refuses them.
pub(crate) fn viewed(event: &JourneyEvent) -> Option<(String, Enrolled)> {
    let touchpoint = &event.touchpoint;
    let viewed = touchpoint.experiment_viewed()?.ok()?;
    let first = FirstExposure {
        at: touchpoint.occurred_at,
        team_id: event.team_id.clone(),
        holdout_buckets: viewed.holdout_buckets,
        is_clustered: false,
        campaign_id: touchpoint.campaign_id.clone(),
    };
    Some((format!("{ELSEWHERE}{}", viewed.experiment_id), Enrolled::new(viewed.arm, first)))
}
