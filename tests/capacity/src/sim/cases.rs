//! x
pub struct Case;
pub struct Slice;
