//! How often the client is asked for more records while there are some to handle: asking in vain costs as much as handling a
//! small record does.

/// Records that are handled between two looks, when the last one found nothing more.
const RECORDS: u32 = 16;

/// Counts the records since the client last had nothing more.
#[derive(Debug)]
pub(crate) struct FetchPace {
    handled: u32,
}

impl Default for FetchPace {
    fn default() -> Self {
        Self { handled: RECORDS }
    }
}

impl FetchPace {
    /// A record was handled.
    pub(crate) fn handled(&mut self) {
        self.handled = self.handled.saturating_add(1);
    }

    /// The client was asked and had nothing more.
    pub(crate) fn had_nothing_more(&mut self) {
        self.handled = 0;
    }

    /// True when there is no need to ask again yet, as long as something is left to handle.
    pub(crate) fn is_early(&self) -> bool {
        self.handled < RECORDS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_early_for_a_few_records_after_asking_in_vain() {
        let mut pace = FetchPace::default();
        assert!(!pace.is_early(), "nobody has asked yet");
        pace.had_nothing_more();
        let early: Vec<bool> = (0..18)
            .map(|_| {
                pace.handled();
                pace.is_early()
            })
            .collect();
        assert_eq!(early.iter().filter(|early| **early).count(), 15);
        assert!(!early[15] && !early[17]);
    }
}
