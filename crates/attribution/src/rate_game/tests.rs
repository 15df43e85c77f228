//! The sample against all coalitions, which the public interface does not offer side by side.

use super::*;
use crate::Paths;

/// Paths over so many channels with rates that differ by channel and company.
fn census(channels: usize) -> Census {
    let labels: Vec<String> = (0..channels).map(|number| format!("c{number:02}")).collect();
    let mut paths = Paths::new();
    for (number, label) in labels.iter().enumerate() {
        let after = &labels[(number * 7 + 3) % channels];
        let far = &labels[(number * 5 + 1) % channels];
        let number = number as i64;
        paths.add(&[label], 1 + number % 3, 100 * (1 + number), 5 + number).unwrap();
        paths.add(&[label, after], 2 + number % 5, 700 + 13 * number, 9).unwrap();
        paths.add(&[label, after, far, label], number % 2, (number % 2) * 4_000, 3 + number % 4).unwrap();
    }
    Census::of(&paths).unwrap()
}

fn misses(exact: &[Share], sampled: &[Share]) -> Vec<f64> {
    let miss = |(exact, sampled): (&Share, &Share)| {
        let error = sampled.standard_error.unwrap();
        assert!(error.conversions > 0.0 && error.value_minor > 0.0, "an estimate of such a game has a spread");
        [
            (sampled.conversions - exact.conversions) / error.conversions,
            (sampled.value_minor - exact.value_minor) / error.value_minor,
        ]
    };
    exact.iter().zip(sampled).flat_map(miss).collect()
}

#[test]
fn a_sample_is_off_by_a_few_standard_errors_and_says_so_honestly() {
    for channels in [4, 9, EXACT_CHANNELS + 1] {
        let game = RateGame::of(&census(channels));
        let exact = exact::shares(&game);
        let mut squares = Vec::new();
        for seed in [SEED, 1, 2, 3] {
            let misses = misses(&exact, &sampled::shares(&game, seed));
            assert!(misses.iter().all(|miss| miss.abs() < 4.5), "{channels} channels, seed {seed}: {misses:?}");
            squares.extend(misses.iter().map(|miss| miss * miss));
        }
        // Standard errors that are told too large would hide that the estimate is good: the mean square is about 1.
        let mean = squares.iter().sum::<f64>() / squares.len() as f64;
        assert!((0.4..2.0).contains(&mean), "{channels} channels: mean squared miss {mean}");
    }
}

#[test]
fn the_count_of_channels_decides_between_all_coalitions_and_a_sample() {
    let exact = shares(&census(EXACT_CHANNELS));
    assert!(exact.iter().all(|share| share.standard_error.is_none()));
    let sampled = shares(&census(EXACT_CHANNELS + 1));
    assert!(sampled.iter().all(|share| share.standard_error.is_some()));
    assert_eq!(sampled, shares(&census(EXACT_CHANNELS + 1)), "the same paths give the same credits");
}

#[test]
fn an_estimate_is_close_enough_to_be_of_use() {
    let census = census(EXACT_CHANNELS + 1);
    let total = census.totals.conversions as f64;
    for share in shares(&census) {
        let error = share.standard_error.unwrap().conversions;
        assert!(error < total / 100.0, "{error} of {total}");
    }
}
