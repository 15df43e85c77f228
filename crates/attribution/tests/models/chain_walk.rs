//! A slow oracle for removal effects: the crowd of all who start walks the chain step by step, forwards, until nobody
//! is left on the way. It takes the definition literally: a step to the removed channel ends in NULL.

use std::collections::HashMap;

use crate::support::Record;

/// Where a step leads.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Place {
    /// Touches that are remembered, the last one last; nothing at the start.
    On(Vec<String>),
    Conversion,
    Null,
}

pub(crate) struct ChainWalk {
    steps: HashMap<Vec<String>, HashMap<Place, f64>>,
}

impl ChainWalk {
    pub(crate) fn of(records: &[Record], order: usize, with_nulls: bool) -> Self {
        let mut steps: HashMap<Vec<String>, HashMap<Place, f64>> = HashMap::new();
        for record in records {
            let nulls = if with_nulls { record.nulls } else { 0 };
            for (end, times) in [(Place::Conversion, record.conversions), (Place::Null, nulls)] {
                if times == 0 {
                    continue;
                }
                let mut at = Vec::new();
                for label in &record.path {
                    let mut next = at.clone();
                    next.push(label.clone());
                    if next.len() > order {
                        next.remove(0);
                    }
                    *steps.entry(at).or_default().entry(Place::On(next.clone())).or_default() += times as f64;
                    at = next;
                }
                *steps.entry(at).or_default().entry(end).or_default() += times as f64;
            }
        }
        Self { steps }
    }

    /// The share of the crowd that converts when this channel is removed.
    pub(crate) fn converting(&self, removed: Option<&str>) -> f64 {
        let mut crowd = HashMap::from([(Vec::new(), 1.0)]);
        let mut converted = 0.0;
        while crowd.values().sum::<f64>() > 1e-17 {
            let mut next_crowd = HashMap::new();
            for (at, share) in crowd {
                let out = &self.steps[&at];
                let all: f64 = out.values().sum();
                for (place, times) in out {
                    match place {
                        Place::Conversion => converted += share * times / all,
                        Place::Null => {}
                        Place::On(next) if next.last().map(String::as_str) == removed => {}
                        Place::On(next) => *next_crowd.entry(next.clone()).or_default() += share * times / all,
                    }
                }
            }
            crowd = next_crowd;
        }
        converted
    }

    /// What is lost without the channel, of what there is with it.
    pub(crate) fn removal_effect(&self, channel: &str) -> f64 {
        1.0 - self.converting(Some(channel)) / self.converting(None)
    }
}
