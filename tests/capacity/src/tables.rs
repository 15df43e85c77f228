//! Plans and costs as Markdown.

use crate::costs::{Costs, Stage};
use crate::figure::{Figure, Source};
use crate::format::{bytes, count, seconds, table};
use crate::plan::Plan;

/// The costs: what all stages have in common with its sources, each stage in a line, and how much of it is measured.
#[must_use]
pub fn costs(costs: &Costs) -> String {
    let all = costs.figures();
    let number = |is: fn(&Source) -> bool| all.iter().filter(|(_, figure)| is(&figure.source)).count();
    let measured = number(|source| matches!(source, Source::Measured(_)));
    let set = number(|source| matches!(source, Source::Set(_)));
    let mut out = format!(
        "Of {} figures, {measured} are measured, {set} are settings of the hub, and {} are assumed.\n\n",
        all.len(),
        all.len() - measured - set
    );
    let common: Vec<Vec<String>> = all
        .iter()
        .filter_map(|(name, figure)| Some((name.strip_prefix("runtime.")?, figure)))
        .map(|(name, figure)| vec![format!("`{name}`"), plain(figure.value), figure.source.to_string()])
        .collect();
    out.push_str(&table(&["what all stages have in common", "value", "from"], &common));
    let rows: Vec<Vec<String>> = costs.stages.iter().map(cost_row).collect();
    out.push('\n');
    out.push_str(&table(
        &["stage", "CPU µs a record", "on its thread", "writes, records × bytes", "changelog", "memory of state"],
        &rows,
    ));
    out
}

fn plain(value: f64) -> String {
    if value >= 10_000.0 { count(value) } else { value.to_string() }
}

/// A number, with a mark when it is measured.
fn marked(figure: &Figure) -> String {
    let mark = if matches!(figure.source, Source::Measured(_)) { " ✓" } else { "" };
    format!("{}{mark}", plain(figure.value))
}

fn cost_row(stage: &Stage) -> Vec<String> {
    let writes = stage.writes.iter().map(|write| {
        let per = match write.per.as_str() {
            "record" => String::new(),
            "link" => " a link".to_owned(),
            topic => format!(" of {}", short(topic)),
        };
        format!("{} {}{per} × {}", short(&write.topic), marked(&write.records), marked(&write.bytes))
    });
    let changelog = stage
        .changelog
        .as_ref()
        .map_or_else(String::new, |log| format!("{} × {}", marked(&log.records), marked(&log.bytes)));
    let state = stage.state.iter().map(|state| {
        let of = state.of.name();
        format!("{of}: {} × {} B", marked(&state.entries), marked(&state.memory_bytes))
    });
    vec![
        stage.name.clone(),
        marked(&stage.cpu_us),
        marked(&stage.thread_us),
        writes.collect::<Vec<_>>().join("<br>"),
        changelog,
        state.collect::<Vec<_>>().join("<br>"),
    ]
}

/// A topic without what all have in front; the angle brackets of families as they are read.
fn short(topic: &str) -> String {
    topic.trim_start_matches("tributary.").replace('<', "&lt;").replace('>', "&gt;")
}

/// The sizes of several hubs beside each other.
#[must_use]
pub fn overview(plans: &[Plan]) -> String {
    let rows: Vec<Vec<String>> = plans
        .iter()
        .map(|plan| {
            let realms = plan.realms.count;
            vec![
                count(plan.scenario.events_per_s),
                count(plan.scenario.persons),
                count(realms),
                count(plan.realm.partitions),
                count(plan.total(|stage| stage.workers)),
                count(plan.total(|stage| stage.cores).ceil()),
                bytes(plan.total(|stage| stage.memory_bytes)),
                format!("{}/s", bytes(realms * plan.realm.kafka.written_bytes_per_s)),
                bytes(realms * plan.realm.kafka.stored_bytes),
                format!("{} ({})", count(realms * plan.realm.kafka.brokers), plan.realm.kafka.brokers_for),
            ]
        })
        .collect();
    table(
        &[
            "events/s",
            "persons",
            "realms",
            "partitions of a topic, in each",
            "workers",
            "cores",
            "memory",
            "written to Kafka",
            "on its disks",
            "brokers (for)",
        ],
        &rows,
    )
}

/// The stages of one realm of a plan.
#[must_use]
pub fn stages(plan: &Plan) -> String {
    let realm = &plan.realm;
    let rows: Vec<Vec<String>> = realm
        .stages
        .iter()
        .map(|stage| {
            vec![
                stage.name.clone(),
                count(stage.records_per_s),
                count(stage.worker_per_s),
                count(stage.workers),
                count(stage.processes),
                format!("{:.1}", stage.cores),
                bytes(stage.memory_bytes),
                format!("{}/s", bytes(stage.changelog_bytes_per_s)),
                count(stage.transactions_per_s),
                seconds(stage.restore.checkpoint_s),
                seconds(stage.restore.changelog_s),
                seconds(stage.restore.standby_s),
            ]
        })
        .collect();
    let mut out = format!(
        "{} realm{} of {} events/s and {} persons; {} partitions for each keyed topic, for `{}`.\n\n",
        count(plan.realms.count),
        if plan.realms.count > 1.0 { "s, each" } else { "" },
        count(realm.scenario.events_per_s),
        count(realm.scenario.persons),
        count(realm.partitions),
        realm.partitions_for
    );
    out.push_str(&table(
        &[
            "stage",
            "records/s",
            "a worker can",
            "workers",
            "processes",
            "cores",
            "memory",
            "changelogs",
            "transactions/s",
            "back from checkpoint",
            "from changelogs",
            "from a standby",
        ],
        &rows,
    ));
    for note in &realm.notes {
        out.push_str(&format!("\n- {note}\n"));
    }
    out
}

/// What Kafka has to do, for several plans beside each other.
#[must_use]
pub fn kafka(plans: &[Plan]) -> String {
    let mut head = vec!["all realms together".to_owned()];
    head.extend(plans.iter().map(named));
    let row = |name: &str, of: &dyn Fn(&Plan) -> String| {
        std::iter::once(name.to_owned()).chain(plans.iter().map(of)).collect::<Vec<String>>()
    };
    let a_second = |of: fn(&Plan) -> f64| move |plan: &Plan| format!("{}/s", bytes(plan.realms.count * of(plan)));
    let largest = |plan: &Plan| {
        let name = |(topic, size, days): &(String, f64, f64)| {
            format!("{} {}, {days:.0} days", short(topic), bytes(plan.realms.count * size))
        };
        plan.realm.kafka.largest.iter().take(3).map(name).collect::<Vec<_>>().join("<br>")
    };
    let rows = vec![
        row("records written", &|plan| format!("{}/s", count(plan.realms.count * plan.realm.kafka.records_per_s))),
        row("markers of transactions", &|plan| {
            format!("{}/s", count(plan.realms.count * plan.realm.kafka.markers_per_s))
        }),
        row("written to leaders", &a_second(|plan| plan.realm.kafka.written_bytes_per_s)),
        row("of these to changelogs", &a_second(|plan| plan.realm.kafka.changelog_bytes_per_s)),
        row("copied to followers", &a_second(|plan| plan.realm.kafka.copied_bytes_per_s)),
        row("read by stages", &a_second(|plan| plan.realm.kafka.read_bytes_per_s)),
        row("on disk, all copies", &|plan| bytes(plan.realms.count * plan.realm.kafka.stored_bytes)),
        row("of these, kept for a week at most", &|plan| bytes(plan.realms.count * plan.realm.kafka.stored_week_bytes)),
        row("the largest topics", &largest),
        row("copies of partitions", &|plan| count(plan.realms.count * plan.realm.kafka.partition_copies)),
        row("brokers", &|plan| {
            format!("{}, for {}", count(plan.realms.count * plan.realm.kafka.brokers), plan.realm.kafka.brokers_for)
        }),
    ];
    table(&head.iter().map(String::as_str).collect::<Vec<_>>(), &rows)
}

fn named(plan: &Plan) -> String {
    format!("{} events/s, {} persons", count(plan.scenario.events_per_s), count(plan.scenario.persons))
}

/// Sequencers and realms, for several plans.
#[must_use]
pub fn identity(plans: &[Plan]) -> String {
    let rows: Vec<Vec<String>> = plans
        .iter()
        .map(|plan| {
            let sequencer = plan.realm.sequencer;
            let restore = plan.realm.stages.iter().find(|stage| stage.name == "identity-sequencer");
            vec![
                named(plan),
                count(plan.realms.count * sequencer.links_per_s),
                count(sequencer.most_per_s),
                bytes(plan.realms.count * sequencer.memory_bytes),
                count(plan.realms.by_rate),
                count(plan.realms.by_memory),
                count(plan.realms.count),
                seconds(sequencer.load_hours * 3_600.0),
                restore.map_or_else(String::new, |stage| seconds(stage.restore.checkpoint_s)),
            ]
        })
        .collect();
    table(
        &[
            "hub",
            "new links/s",
            "one sequencer can",
            "memory of sequencers",
            "realms for the rate",
            "for the memory",
            "realms",
            "linking all persons at once",
            "a sequencer is back",
        ],
        &rows,
    )
}
