//! What a person who mistypes sees.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write;

use serde::{Deserialize, Serialize};

use super::*;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Hub {
    name: String,
    kafka: Kafka,
    limits: Limits,
    key: Option<Secret>,
    teams: Vec<Team>,
    mode: Mode,
    levels: BTreeMap<String, u32>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Kafka {
    bootstrap: String,
    partitions: u32,
    registry: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Limits {
    event: ByteSize,
    wait: Duration,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Team {
    id: String,
    size: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mode {
    ExactlyOnce,
    AtLeastOnce,
}

impl Default for Hub {
    fn default() -> Self {
        Self {
            name: "hub".to_owned(),
            kafka: Kafka::default(),
            limits: Limits::default(),
            key: None,
            teams: Vec::new(),
            mode: Mode::ExactlyOnce,
            levels: BTreeMap::new(),
        }
    }
}

impl Default for Kafka {
    fn default() -> Self {
        Self { bootstrap: "localhost:9092".to_owned(), partitions: 4, registry: None }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { event: ByteSize::kib(32), wait: Duration::from_secs(30) }
    }
}

impl Validate for Hub {
    fn validate(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.kafka.partitions == 0 {
            problems.push(Problem::new("partitions", 0, "is zero", "give at least 1").under("kafka"));
        }
        problems
    }
}

fn read(yaml: &str, env: &[(&str, &str)], flags: &[(&str, &str)]) -> (Option<Hub>, Vec<Problem>) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(yaml.as_bytes()).unwrap();
    let env = env.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let flags: Vec<_> = flags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    load_from(Some(file.path()), "TRIBUTARY", env, &flags)
}

fn read_well(yaml: &str, env: &[(&str, &str)], flags: &[(&str, &str)]) -> Hub {
    let (hub, problems) = read(yaml, env, flags);
    assert_eq!(problems, Vec::new());
    hub.unwrap()
}

#[test]
fn flags_win_over_environment_over_file_over_default() {
    let yaml = "kafka:\n  bootstrap: file:1\n  partitions: 8\nlimits:\n  event: 1MB\n";
    let env = [
        ("TRIBUTARY__KAFKA__BOOTSTRAP", "env:1"),
        ("TRIBUTARY__LIMITS__WAIT", "250ms"),
        ("TRIBUTARY_DATA", "not ours"),
        ("PATH", "/bin"),
    ];
    let hub = read_well(yaml, &env, &[("limits.wait", "5m")]);
    assert_eq!(hub.kafka, Kafka { bootstrap: "env:1".to_owned(), partitions: 8, registry: None });
    assert_eq!(hub.limits, Limits { event: ByteSize::new(1_000_000), wait: Duration::from_secs(300) });
    assert_eq!(hub.name, "hub");
}

#[test]
fn text_from_flags_becomes_what_the_key_wants() {
    let flags = [
        ("name", "42"),
        ("kafka.partitions", "12"),
        ("kafka.registry", "http://registry:8081"),
        ("mode", "at_least_once"),
        ("teams", "[{id: brand, size: 3}]"),
        ("levels", "{a: 1, b: 2}"),
        ("levels.c", "3"),
    ];
    let hub = read_well("", &[], &flags);
    assert_eq!(hub.name, "42");
    assert_eq!(hub.kafka.partitions, 12);
    assert_eq!(hub.kafka.registry.as_deref(), Some("http://registry:8081"));
    assert_eq!(hub.mode, Mode::AtLeastOnce);
    assert_eq!(hub.teams, vec![Team { id: "brand".to_owned(), size: 3 }]);
    assert_eq!(hub.levels.into_iter().collect::<Vec<_>>(), vec![("c".to_owned(), 3)]);
}

#[test]
fn a_section_set_as_a_whole_can_be_refined() {
    let yaml = "levels:\n  a: 1\n";
    let hub = read_well(yaml, &[("TRIBUTARY__LEVELS__B", "2")], &[]);
    assert_eq!(hub.levels.len(), 2);
    let hub = read_well("kafka:\nlimits: {}\n", &[("TRIBUTARY__KAFKA__REGISTRY", "")], &[]);
    assert_eq!(hub, Hub::default());
}

#[test]
fn all_problems_are_told_at_once_with_what_is_allowed() {
    let yaml = "nmae: x\nkafka:\n  bootstrp: y\n  partitions: many\nlimits:\n  event: 32 kilos\n  wait: 10\nmode: sometimes\n\
                teams:\n  - {id: brand, size: 300}\n";
    let env = [("TRIBUTARY__KAFKA__PARTITION", "3")];
    let (hub, problems) = read(yaml, &env, &[("colour", "red")]);
    assert_eq!(hub, Some(Hub::default()));
    let told: BTreeMap<_, _> = problems.iter().map(|problem| (problem.key.as_str(), problem)).collect();
    assert_eq!(told.len(), 9, "{problems:#?}");
    assert_eq!(problems.len(), 9);
    assert_eq!(told["nmae"].value, "x");
    assert!(told["nmae"].remedy.starts_with("did you mean name? allowed: name, kafka, limits"), "{problems:#?}");
    assert_eq!(told["kafka.bootstrp"].remedy, "did you mean bootstrap? allowed: bootstrap, partitions, registry");
    assert_eq!(told["kafka.partitions"].why, "is text");
    assert_eq!(told["kafka.partitions"].value, "many");
    assert!(told["kafka.partition"].why.contains("set by environment variable TRIBUTARY__KAFKA__PARTITION"));
    assert!(told["colour"].why.contains("set by flag --set colour"));
    assert!(told["limits.event"].remedy.contains("32KiB"));
    assert_eq!(told["limits.wait"].why, "is an integer");
    assert_eq!(told["mode"].remedy, "allowed: exactly_once, at_least_once");
    assert_eq!(told["teams[0].size"].value, "300");
}

#[test]
fn what_misses_a_required_key_is_named_once() {
    let (hub, problems) = read("teams:\n  - {id: brand, size: none}\nname: ok\n", &[], &[]);
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert_eq!(problems[0].key, "teams[0].size");
    assert_eq!(hub.unwrap().name, "ok");
    let (_, problems) = read("teams:\n  - {id: brand}\n", &[], &[]);
    assert_eq!(problems[0].key, "teams[0].size");
    assert_eq!(problems[0].why, "is not set and has no default");
}

#[test]
fn validation_adds_its_problems_but_not_about_replaced_values() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"kafka:\n  partitions: 0\nnmae: x\n").unwrap();
    let errors = load_validated::<Hub>(Some(file.path()), "TRIBUTARY_TEST_NONE", &[]).unwrap_err();
    let text = errors.to_string();
    assert!(text.starts_with("the configuration has 2 problems:\n"), "{text}");
    assert!(text.contains("\n  kafka.partitions = 0: is zero; give at least 1"), "{text}");
}

#[test]
fn broken_files_are_named_with_the_place() {
    let (_, problems) = read("kafka:\n  bootstrap: [a\n", &[], &[]);
    assert_eq!(problems.len(), 1);
    assert!(problems[0].why.contains("no YAML") && problems[0].why.contains("line"), "{}", problems[0]);
    let (_, problems) = read("- a\n- b\n", &[], &[]);
    assert!(problems[0].why.contains("a list of 2"), "{}", problems[0]);
    let errors = load::<Hub>(Some(Path::new("no/such/file.yaml")), "TRIBUTARY_TEST_NONE", &[]).unwrap_err();
    assert!(errors.to_string().contains("no/such/file.yaml"), "{errors}");
}

#[test]
fn secrets_are_references_and_never_printed() {
    // Cargo sets this variable for every test.
    let hub = read_well("key: {env: CARGO_PKG_NAME}\n", &[], &[]);
    let key = hub.key.clone().unwrap();
    assert_eq!(key.expose(), "tributary-service");
    assert_eq!(format!("{key} {key:?}"), "*** ***");
    let dumped = dump(&hub).unwrap();
    assert!(dumped.contains("CARGO_PKG_NAME") && !dumped.contains("tributary-service"), "{dumped}");
    assert_eq!(read_well(&dumped, &[], &[]), hub);

    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"from a file\n").unwrap();
    let path = file.path().display().to_string();
    let hub = read_well("", &[], &[("key.file", path.as_str())]);
    assert_eq!(hub.key.unwrap().expose(), "from a file");
}

#[test]
fn a_secret_in_plain_text_is_refused_without_repeating_it() {
    for (yaml, flags) in [("key: hunter2\n", vec![]), ("", vec![("key", "hunter2")])] {
        let (_, problems) = read(yaml, &[], &flags);
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].key, "key");
        assert!(problems[0].remedy.contains("{env: NAME}"), "{}", problems[0]);
        assert!(!format!("{problems:?}").contains("hunter2"), "{problems:?}");
    }
    let (_, problems) = read("key: {env: NO_SUCH_VARIABLE_HERE}\n", &[], &[]);
    assert!(problems[0].why.contains("NO_SUCH_VARIABLE_HERE is not set"), "{}", problems[0]);
    let (_, problems) = read("key: {vault: x}\n", &[], &[]);
    assert_eq!(problems[0].remedy, "allowed: env, file");
}

#[test]
fn defaults_survive_dump_and_load() {
    let dumped = dump(&Hub::default()).unwrap();
    assert_eq!(read_well(&dumped, &[], &[]), Hub::default());
}

#[test]
fn durations_and_sizes_are_read_and_printed() {
    for (text, millis) in
        [("0s", 0), ("250ms", 250), ("30s", 30_000), ("5m", 300_000), ("5min", 300_000), ("7d", 604_800_000)]
    {
        assert_eq!(text.parse(), Ok(Duration::from_millis(millis)), "{text}");
    }
    for text in ["", "5", "s", "1.5s", "-1s", "5 weeks", "99999999999999999999s", "9999999999999999d"] {
        assert!(text.parse::<Duration>().is_err(), "{text}");
    }
    for duration in ["250ms", "90s", "5m", "7d", "0s"] {
        assert_eq!(duration.parse::<Duration>().unwrap().to_string(), duration);
    }
    for (text, bytes) in [("512B", 512), ("32KB", 32_000), ("32 KiB", 32_768), ("5mb", 5_000_000), ("1GiB", 1 << 30)] {
        assert_eq!(text.parse(), Ok(ByteSize::new(bytes)), "{text}");
    }
    for text in ["", "12", "KB", "1.5KB", "3 pounds", "99999999999GiB"] {
        assert!(text.parse::<ByteSize>().is_err(), "{text}");
    }
    for size in ["512B", "32KB", "32KiB", "1GiB", "0B"] {
        assert_eq!(size.parse::<ByteSize>().unwrap().to_string(), size);
    }
}

#[test]
fn settings_on_the_command_line_are_key_and_value() {
    assert_eq!(parse_override("a.b=c=d"), Ok(("a.b".to_owned(), "c=d".to_owned())));
    assert!(parse_override("a.b").unwrap_err().contains("key=value"));
    assert!(parse_override("=x").is_err());
}
