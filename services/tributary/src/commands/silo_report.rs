//! `tributary silo-report`: how far apart the silos are, and what to repair first.

use tributary_model::time::from_rfc3339;
use tributary_model::{Decision, DecisionOutcome, JourneyEvent, PersonId, topics};
use tributary_schema::{AvroRecord, Contracts};
use tributary_silo::{SiloFold, html, markdown};
use tributary_stream::{KafkaSettings, read_to_end};

use crate::cli::{ReportFormat, SiloReportArgs};
use crate::config::HubConfig;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;

/// Writes the report.
///
/// # Errors
/// [`CliError`] when no broker answers, or the file cannot be written.
pub(super) fn silo_report(args: &SiloReportArgs, hub: &HubConfig, output: &mut Output) -> Result<Exit, CliError> {
    let settings = hub.kafka()?;
    let contracts = settings.contracts()?;
    let begin_of = |date: jiff::civil::Date| from_rfc3339(&format!("{date}T00:00:00Z"));
    let live_at = match args.live_since {
        Some(date) => begin_of(date),
        None => first_receipt(&settings, &contracts)?,
    };
    let fold = SiloFold::new(args.since.and_then(begin_of)).live_since(live_at);
    let mut reading = Reading { settings: &settings, contracts: &contracts, fold, output };
    reading.read::<JourneyEvent>(topics::JOURNEYS, SiloFold::journey, SiloFold::erase_journey)?;
    reading.read::<Decision>(topics::DECISIONS, SiloFold::decision, SiloFold::erase_decisions)?;
    reading.read::<DecisionOutcome>(topics::OUTCOMES, SiloFold::outcome, SiloFold::erase_outcomes)?;
    let report = reading.fold.report();
    if report.unmatched_retractions > 0 {
        let (count, topic) = (report.unmatched_retractions, topics::JOURNEYS);
        output.notice(format!(
            "{count} retractions on {topic} take back what it does not hold any more: they count nothing"
        ));
    }
    let by_default = if output.is_json() { ReportFormat::Json } else { ReportFormat::Markdown };
    let text = match args.format.unwrap_or(by_default) {
        ReportFormat::Markdown => markdown(&report),
        ReportFormat::Html => html(&report),
        ReportFormat::Json => {
            let json = serde_json::to_string_pretty(&report).map_err(std::io::Error::from);
            json.map_err(CliError::system("writing JSON"))? + "\n"
        }
    };
    match &args.file {
        None => output.text(text.trim_end())?,
        Some(path) => {
            std::fs::write(path, text).map_err(CliError::system(format!("writing {}", path.display())))?;
            output.notice(format!("wrote {}", path.display()));
        }
    }
    Ok(Exit::Done)
}

/// When the hub first received something that is still on the topic; what cannot be read is told when it is counted.
fn first_receipt(settings: &KafkaSettings, contracts: &Contracts) -> Result<Option<i64>, CliError> {
    let mut first = None;
    read_to_end(settings, topics::JOURNEYS, |record| {
        let said = record.value.and_then(|value| contracts.decode::<JourneyEvent>(&value).ok());
        first = first.into_iter().chain(said.map(|event| event.touchpoint.received_at)).min();
    })?;
    Ok(first)
}

/// What is read from where.
struct Reading<'a> {
    settings: &'a KafkaSettings,
    contracts: &'a Contracts,
    fold: SiloFold,
    output: &'a mut Output,
}

impl Reading<'_> {
    /// Reads a topic that is keyed by person, to its end.
    fn read<T: AvroRecord>(
        &mut self,
        topic: &str,
        say: fn(&mut SiloFold, &T),
        erase: fn(&mut SiloFold, PersonId),
    ) -> Result<(), CliError> {
        let (fold, contracts) = (&mut self.fold, self.contracts);
        let mut unreadable = 0;
        read_to_end(self.settings, topic, |record| match record.value {
            Some(value) => match contracts.decode::<T>(&value) {
                Ok(said) => say(fold, &said),
                Err(_) => unreadable += 1,
            },
            // The person was erased.
            None => match std::str::from_utf8(&record.key).ok().and_then(|key| key.parse().ok()) {
                Some(person_id) => erase(fold, person_id),
                None => unreadable += 1,
            },
        })?;
        if unreadable > 0 {
            let what = "records cannot be read and are left out: is the schema registry set?";
            self.output.notice(format!("{topic}: {unreadable} {what}"));
        }
        Ok(())
    }
}
