//! What each step of a path is due of a sale, by each model, computed from the words of the model.

/// The models, by their names in scorecards.
pub(crate) const MODELS: [&str; 6] = ["first", "last", "last_non_direct", "linear", "position_based", "time_decay"];

const HOUR_MS: i64 = 3_600_000;
const WEEK_H: i64 = 168;

/// A step as the models see it: its channel and when it was.
pub(crate) type Step<'a> = (&'a str, i64);

/// What each step gets of `value`, oldest first.
pub(crate) fn shares(model: &str, value: i64, steps: &[Step<'_>]) -> Vec<i64> {
    divide(value, &weights(model, steps))
}

fn weights(model: &str, steps: &[Step<'_>]) -> Vec<i128> {
    let count = steps.len();
    let only = |chosen: usize| (0..count).map(|place| i128::from(place == chosen)).collect();
    match model {
        "first" => only(0),
        "last" => only(count - 1),
        "last_non_direct" => {
            let brought = (0..count).filter(|place| steps[*place].0 != "direct").max();
            only(brought.unwrap_or(count - 1))
        }
        "position_based" if count > 2 => {
            // Of 10 (count - 2) equal pieces four tenths are at each end, and two tenths lie between.
            let between = count as i128 - 2;
            (0..count).map(|place| if place == 0 || place + 1 == count { 4 * between } else { 2 }).collect()
        }
        "time_decay" => {
            let newest = steps.iter().map(|(_, at)| *at).fold(i64::MIN, i64::max);
            steps.iter().map(|(_, at)| decayed((newest - at) / HOUR_MS)).collect()
        }
        _ => vec![1; count],
    }
}

/// 2^32 halved for every week, and in between as much as the hours of the week say.
fn decayed(hours: i64) -> i128 {
    let in_its_week = 2_f64.powf(32.0 - (hours % WEEK_H) as f64 / WEEK_H as f64).round() as i128;
    (0..(hours / WEEK_H).min(64)).fold(in_its_week, |weight, _| weight / 2)
}

/// The largest remainder gets the next unit, the earlier step among equal ones.
fn divide(value: i64, weights: &[i128]) -> Vec<i64> {
    let whole: i128 = weights.iter().sum();
    let due = |place: usize| i128::from(value.abs()) * weights[place];
    let mut parts: Vec<i128> = (0..weights.len()).map(|place| due(place) / whole).collect();
    let mut without: Vec<usize> = (0..weights.len()).collect();
    while parts.iter().sum::<i128>() < i128::from(value.abs()) {
        let rest = |place: &usize| due(*place) % whole;
        let next = without.iter().copied().rev().max_by_key(rest).unwrap_or_default();
        parts[next] += 1;
        without.retain(|place| *place != next);
    }
    parts.into_iter().map(|part| part as i64 * value.signum()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(model: &str, value: i64, hours: &[i64]) -> Vec<i64> {
        shares(model, value, &hours.iter().map(|hour| ("email", hour * HOUR_MS)).collect::<Vec<_>>())
    }

    #[test]
    fn shares_are_as_the_models_say() {
        assert_eq!(of("first", 7, &[0, 1]), [7, 0]);
        assert_eq!(of("last", 7, &[0, 1]), [0, 7]);
        assert_eq!(of("linear", -8, &[0, 1, 2]), [-3, -3, -2]);
        assert_eq!(of("position_based", 100, &[0, 1, 2, 3]), [40, 10, 10, 40]);
        assert_eq!(of("position_based", 5, &[0, 1]), [3, 2]);
        assert_eq!(of("time_decay", 300, &[0, 168]), [100, 200]);
        assert_eq!(shares("last_non_direct", 7, &[("email", 0), ("direct", 1)]), [7, 0]);
        assert_eq!(shares("last_non_direct", 7, &[("direct", 0), ("direct", 1)]), [0, 7]);
    }
}
