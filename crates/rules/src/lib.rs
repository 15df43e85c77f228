//! Vector Remap Language programs: compiled once, run per event, diagnostics with line and caret.
