//! Trigger definitions, patterns, caps, hold-outs and decisions; chained behind the journey.
