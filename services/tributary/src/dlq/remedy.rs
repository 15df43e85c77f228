//! What to do about a dead letter, by its reason code.

/// The codes with what to do; the normaliser's are those of `docs/adding-a-source.md`.
const REMEDIES: &[(&[&str], &str)] = &[
    (
        &["undecodable"],
        "the bytes are no record of this topic: find who wrote them there (see the headers) and mend that; when a newer \
         release wrote them, upgrade this stage and replay",
    ),
    (
        &["no_registry", "unknown_schema"],
        "set kafka.schema_registry_url to the registry of whoever wrote the record, restart, and replay",
    ),
    (&["unknown_source"], "add the source under definitions/sources, run `tributary check`, restart, and replay"),
    (
        &["malformed_json"],
        "the sender wrote no JSON: tell it; correct the one letter with `tributary dlq replay PLACE --with FILE`",
    ),
    (
        &["mapping_failed", "bad_result"],
        "mend the source's mapping.vrl at the line named, add the event as a sample, run `tributary check`, restart, and \
         replay",
    ),
    (
        &["undeclared_drop", "undeclared_type"],
        "list the reason or type in the source's source.yaml, or mend the mapping; run `tributary check`, restart, and \
         replay",
    ),
    (
        &["unknown_field", "missing_field", "invalid_field"],
        "mend the mapping for the field named and replay; when the event itself lacks it, correct it with --with or --map",
    ),
    (&["unknown_channel"], "add the channel to channels.yaml or mend the mapping; restart, and replay"),
    (
        &["invalid_amount", "too_precise", "mixed_currencies"],
        "mend the mapping's amounts and replay; when the event itself is wrong, correct it with --with or --map",
    ),
    (&["too_old"], "raise max_age_days in source.yaml if such history is wanted, restart, and replay; else leave it"),
    (&["too_far_ahead"], "the sender's clock is wrong: mend it there, and correct the time with --with or --map"),
    (&["panic"], "a defect of the hub: report it with the stage and the message; replay once a release mends it"),
    (&["too_many_hops"], "raise journey.max_hops, restart, and replay"),
    (
        &["account_circle"],
        "the kinds of accounts.yaml were changed while accounts were merged by the old ones: begin with new topics",
    ),
    (&["corrupt_delta", "corrupt_step"], "something else writes account commands: find and stop it"),
    (&["account_key"], "something else writes account touches: find and stop it; the letter is of no use"),
    (&["amount_out_of_range"], "the amount is beyond what money may be: correct it at the source"),
    (&["reserved_team"], "a team of the canvas has the reserved name of the sum: rename it, restart, and replay"),
];

/// What to do about letters of this code.
#[must_use]
pub fn remedy(code: &str) -> &'static str {
    let known = REMEDIES.iter().find(|(codes, _)| codes.contains(&code));
    known.map_or("read the message; mend what it names, and replay", |(_, remedy)| remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_code_has_a_remedy_of_its_own() {
        let text = include_str!("../../../../docs/adding-a-source.md");
        let table = text.split_once("### Dead-letter codes").unwrap().1.split_once("\n## ").unwrap().0;
        let cells = table.lines().filter_map(|line| line.strip_prefix("| `")?.split('|').next());
        let codes: Vec<&str> =
            cells.flat_map(|cell| cell.split(',')).map(|code| code.trim_matches(['`', ' '])).collect();
        assert!(codes.len() >= 15, "{codes:?}");
        for code in codes {
            assert_ne!(remedy(code), remedy("a code nobody knows"), "{code}");
        }
    }
}
