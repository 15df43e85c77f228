//! A limit of so many a second: the generic cell rate algorithm (ITU-T I.371), with a burst of one second's worth.

/// Thousandths of a millisecond, so that the interval of a thousand and more a second is not zero.
const MICROS: i64 = 1000;
const SECOND_MICROS: i64 = 1_000_000;

/// Lets so many through a second. It starts anew with the process: a limit of speed needs no memory beyond a second.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Pacer {
    /// When everything let through so far would have gone at an even pace, in microseconds.
    even_at: i64,
}

impl Pacer {
    /// Takes one, if there is one at `now_at`.
    pub(crate) fn try_take(&mut self, rate_per_second: Option<u32>, now_at: i64) -> bool {
        let Some(rate) = rate_per_second else { return true };
        if self.ready_at(rate_per_second) > now_at {
            return false;
        }
        self.even_at = self.even_at.max(now_at.saturating_mul(MICROS)) + interval(rate);
        true
    }

    /// From when there is one to be taken, in milliseconds.
    pub(crate) fn ready_at(&self, rate_per_second: Option<u32>) -> i64 {
        let Some(rate) = rate_per_second else { return i64::MIN };
        let earliest = self.even_at - (SECOND_MICROS - interval(rate));
        // Rounded up, so that it is ready then.
        earliest.div_euclid(MICROS) + i64::from(earliest.rem_euclid(MICROS) > 0)
    }
}

fn interval(rate: u32) -> i64 {
    (SECOND_MICROS / i64::from(rate.max(1))).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_of_a_second_and_then_an_even_pace() {
        for rate in [1_u32, 3, 10, 1000] {
            let mut pacer = Pacer::default();
            let start = 1_772_366_400_000;
            let taken = |pacer: &mut Pacer, at: i64| (0..5000).take_while(|_| pacer.try_take(Some(rate), at)).count();
            assert_eq!(taken(&mut pacer, start), rate as usize, "{rate}");
            assert!(pacer.ready_at(Some(rate)) > start && pacer.ready_at(Some(rate)) <= start + 1000);
            let within_ten_seconds: usize = (1..=10_000).map(|ms| taken(&mut pacer, start + ms)).sum();
            assert!(within_ten_seconds.abs_diff(10 * rate as usize) <= rate as usize / 100 + 1, "{within_ten_seconds}");
            let ready_at = pacer.ready_at(Some(rate));
            assert!(pacer.try_take(Some(rate), ready_at.max(start + 10_000)), "ready means ready");
        }
    }

    #[test]
    fn without_a_rate_all_go() {
        let mut pacer = Pacer::default();
        assert!((0..10_000).all(|_| pacer.try_take(None, 0)));
        assert_eq!(pacer.ready_at(None), i64::MIN);
    }
}
