//! One story or three: what persons and accounts were told, who contradicted whom, and examples that can be opened.
//!
//! In come the records of `tributary.journeys`, and the newest of `tributary.accounts` ([`StoryFold`]). Out comes a
//! [`StoryReport`], as data or as Markdown ([`markdown()`]). The journey has judged each message by the plan of its time
//! (docs/story.md); here it is only counted, by team, channel, agency and campaign, and told who made it two stories.
//!
//! It promises that the report is that of the statements that stand, in whatever order those of different persons came, and
//! that it names persons by their ids only. No I/O, no clock.

mod fold;
mod markdown;
pub mod report;

pub use fold::StoryFold;
pub use markdown::markdown;
pub use report::StoryReport;
