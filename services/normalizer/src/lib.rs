//! Turns every source's raw events into touchpoints, by mappings that are data.
