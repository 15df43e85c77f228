//! The progress bar on stderr; nothing is drawn when that is no terminal or the output is for machines.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::run::Step;

/// A bar over the bytes of the input files.
#[derive(Debug)]
pub struct LoadBar {
    bar: ProgressBar,
}

impl LoadBar {
    /// A bar for `total_bytes` of input; `visible` false for machine-readable output.
    #[must_use]
    pub fn new(total_bytes: u64, visible: bool) -> Self {
        let target = if visible { ProgressDrawTarget::stderr_with_hz(10) } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(total_bytes), target);
        let template = "{wide_bar} {bytes}/{total_bytes}  {msg}  {elapsed} (left {eta})";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self { bar }
    }

    /// Shows how far the load is.
    pub fn step(&self, step: Step) {
        self.bar.set_position(step.bytes);
        if step.events.is_multiple_of(500) {
            self.bar.set_message(format!("{} events", step.events));
        }
    }

    /// Lets `say` write to where the bar is.
    pub fn beside(&self, say: impl FnOnce()) {
        self.bar.suspend(say);
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
