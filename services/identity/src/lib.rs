//! Who is who: identifier owners, claims and the merge sequencer.
