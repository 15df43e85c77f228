//! Takes events over HTTP and answers 200 only when the broker has them.
