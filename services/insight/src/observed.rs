//! How demand messages do with and without brand messages before them: persons who are compared as they came.
//!
//! For each campaign for demand a person counts from its first message on, as one who had met a brand message in the window
//! before, or as one who had not. The two kinds of persons differ in more than that: whoever meets many messages buys more
//! anyway. So they are compared within strata of what they bought before, and what is left of the difference need not be the
//! brand's doing: only an experiment could tell (docs/brand-demand.md).

use std::collections::BTreeMap;

use tributary_model::Arm;
use tributary_model::experiment::ExperimentKey;

use crate::deeds::Deed;
use crate::trials::Told;

/// Begins the names under which comparisons are kept beside experiments; no experiment's name begins so.
pub(crate) const OBSERVED: char = '~';

/// Under which name the comparison of a campaign is kept.
pub(crate) fn kept_as(campaign_id: &str) -> String {
    format!("{OBSERVED}{campaign_id}")
}

/// The comparisons that a person is part of by its deeds, under the names they are kept as. Deeds come in order of time, with
/// how often each is stated at present.
pub(crate) fn comparisons<'d>(
    deeds: impl Iterator<Item = (&'d Deed, i32)> + Clone,
    before_ms: i64,
) -> BTreeMap<String, Told> {
    let stated = deeds.filter(|(_, count)| *count > 0);
    let mut all = BTreeMap::new();
    for (deed, _) in stated.clone() {
        let Some((campaign_id, team_id, with_brand)) = deed.asking() else { continue };
        let enrolled_at = deed.occurred_at;
        all.entry(kept_as(campaign_id)).or_insert_with(|| {
            let before = enrolled_at.saturating_sub(before_ms).saturating_add(1)..=enrolled_at;
            let bought = stated.clone().filter(|(other, _)| before.contains(&other.occurred_at));
            let orders = bought.map(|(other, count)| other.orders() * i64::from(count)).sum();
            Told {
                key: ExperimentKey {
                    experiment: stratum(orders).to_owned(),
                    team_id: team_id.to_owned(),
                    holdout_buckets: 0,
                    is_clustered: false,
                    campaign_id: Some(campaign_id.to_owned()),
                    is_observed: true,
                },
                arm: if with_brand { Arm::Treated } else { Arm::HeldOut },
                is_contaminated: false,
                enrolled_at,
            }
        });
    }
    all
}

/// Those who bought alike before are alike.
fn stratum(orders: i64) -> &'static str {
    match orders {
        ..=0 => "no order before",
        1 => "one order before",
        2.. => "more orders before",
    }
}
