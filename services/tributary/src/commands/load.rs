//! `tributary load`: files onto their raw topic.

use std::time::{Duration, SystemTime};

use tributary_normalizer::Rulebook;
use tributary_stream::{BulkPublisher, LagWatch, OutRecord};

use crate::cli::LoadArgs;
use crate::compose::{Definition, nameless};
use crate::config::HubConfig;
use crate::error::CliError;
use crate::exit::Exit;
use crate::gateway::loadable;
use crate::load::{BrokerSink, Held, Load, LoadBar, LoadOptions, LoadReport, ProgressFile, Sink, SinkError, run};
use crate::output::Output;
use crate::pace::Pace;

/// How long the broker may take to acknowledge.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Loads, with a bar for people, and goes on where an earlier load of the same files stopped.
///
/// # Errors
/// [`CliError`] naming file and line, or what the broker said and how many events are safe.
pub(super) fn load(args: &LoadArgs, config: &HubConfig, output: &mut Output) -> Result<Exit, CliError> {
    let rulebook = Rulebook::load(&config.normalizer)
        .map_err(|error| CliError::Definition { what: "sources", detail: error.to_string() })?;
    let load = Load::open(&args.source, &args.files, &loadable(&rulebook))?;
    let settings = config.kafka()?;
    let contracts = settings.contracts()?;
    // Says so at once when nobody answers, instead of after the first flush.
    tributary_stream::list_topics(&settings)?;
    let publisher = BulkPublisher::new(&settings, TIMEOUT)?;
    let sink = BrokerSink::new(publisher, TIMEOUT);
    let bar = LoadBar::new(load.total_bytes()?, !output.is_json());
    let sink: Box<dyn Sink + '_> = match args.max_lag {
        None => Box::new(sink),
        Some(max_lag) => {
            let notice = |text: &str| bar.beside(|| output.notice(text));
            Box::new(Held::new(sink, lag_of_the_hub(config)?, max_lag, notice))
        }
    };
    let mut sink = Paced { sink, pace: Pace::new(args.rate) };
    let mut options = LoadOptions::new(now_ms());
    options.progress = Some(ProgressFile::new(format!(".tributary-load-{}.json", args.source)));
    let report = run(load, &mut sink, &contracts, &options, &mut |step| bar.step(step));
    drop(sink);
    bar.finish();
    let report = report?;
    output.either(&report, || text(&report))?;
    Ok(Exit::Done)
}

/// How far the stages of the whole hub lag behind.
fn lag_of_the_hub(config: &HubConfig) -> Result<LagWatch, CliError> {
    let stages = nameless(config, Definition::read(config)?)?;
    Ok(LagWatch::new(&config.kafka()?, stages.iter().map(|staffed| &staffed.stage))?)
}

fn text(report: &LoadReport) -> String {
    let mut lines = vec![format!(
        "{}: {} events; {} sent and acknowledged now, {} were there from an earlier load",
        report.what, report.events, report.sent, report.skipped
    )];
    for file in &report.tally.files {
        lines.push(format!("  {:<36} {:>10} rows: {}", file.file, file.rows, file.became));
    }
    for (kind, count) in &report.tally.events {
        lines.push(format!("  {kind:<36} {count:>10} events"));
    }
    for (fact, count) in &report.tally.facts {
        lines.push(format!("  {fact:<36} {count:>10}"));
    }
    lines.join("\n")
}

/// The wall clock, as the time at which the hub receives what is loaded now.
pub(crate) fn now_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}

/// A sink that takes records no faster than asked.
struct Paced<'a> {
    sink: Box<dyn Sink + 'a>,
    pace: Pace,
}

impl Sink for Paced<'_> {
    fn send(&mut self, record: OutRecord) -> Result<(), SinkError> {
        self.pace.keep();
        self.sink.send(record)
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        self.sink.flush()
    }
}
