//! Dashboards for Grafana: their queries ask for what there is, and a panel says what it shows, in which unit.

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::Value;

use crate::catalogue::Catalogue;
use crate::{File, Finding, promql};

/// How wide a dashboard is, in the units of its grid.
const WIDTH: i64 = 24;
/// What a dashboard calls its data source.
const DATA_SOURCE: &str = "${datasource}";

/// A query of a dashboard and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Target {
    place: String,
    query: String,
}

/// What is wrong with all dashboards.
#[must_use]
pub fn findings(dashboards: &[&File], catalogue: &Catalogue) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut uids: BTreeMap<String, &str> = BTreeMap::new();
    for file in dashboards {
        let dashboard: Value = match serde_json::from_str(&file.text) {
            Ok(dashboard) => dashboard,
            Err(error) => {
                findings.push(Finding::new(&file.path, format!("is no JSON: {error}"), "export it from Grafana again"));
                continue;
            }
        };
        let mut find = |place: &str, what: String, remedy: &str| {
            findings.push(Finding::new(format!("{}: {place}", file.path), what, remedy));
        };
        whole(&dashboard, &mut find);
        let uid = text(&dashboard["uid"]);
        if let Some(other) = uids.insert(uid.to_owned(), &file.path) {
            find("uid", format!("{uid} is that of {other} too"), "give each dashboard a uid of its own");
        }
        let variables = variables(&dashboard, catalogue, &mut find);
        let panels = items(&dashboard["panels"]);
        if panels.iter().all(|panel| panel["type"] == "row") {
            find("panels", "has none".to_owned(), "add one");
        }
        let mut used = String::new();
        for panel in panels.iter().filter(|panel| panel["type"] != "row") {
            shape(panel, &mut find);
            for target in targets(panel) {
                used.push_str(&target.query);
                query(&target, &variables, catalogue, &mut find);
            }
        }
        for name in variables.iter().filter(|name| *name != "datasource" && !used.contains(&format!("${name}"))) {
            find(name, "is a variable that no query uses".to_owned(), "use it or remove it");
        }
        overlaps(panels, &mut find);
    }
    findings
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn whole(dashboard: &Value, find: &mut impl FnMut(&str, String, &str)) {
    for key in ["uid", "title", "description"] {
        if text(&dashboard[key]).is_empty() {
            find(key, "is missing".to_owned(), "write it");
        }
    }
    if !dashboard["id"].is_null() {
        find("id", "is that of one Grafana".to_owned(), "make it null; the uid is what stays");
    }
    if text(&dashboard["time"]["from"]).is_empty() || text(&dashboard["time"]["to"]) != "now" {
        find("time", "is no range up to now".to_owned(), "give from and to");
    }
}

/// The names of the variables.
fn variables(dashboard: &Value, catalogue: &Catalogue, find: &mut impl FnMut(&str, String, &str)) -> Vec<String> {
    let asked = Regex::new(r"^label_values\((.+), *([a-z_]+)\)$");
    let mut names = Vec::new();
    for variable in items(&dashboard["templating"]["list"]) {
        let name = text(&variable["name"]).to_owned();
        if variable["type"] == "query" {
            let text = text(&variable["query"]["query"]);
            match asked.as_ref().ok().and_then(|asked| asked.captures(text)) {
                Some(parts) => {
                    let read = promql::read(&filled(&parts[1], &names), catalogue);
                    if !read.labels.contains(&parts[2]) {
                        let what = format!("asks for the label {}, which {} does not have", &parts[2], &parts[1]);
                        find(&name, what, "ask for a label that it has");
                    }
                    read.faults.into_iter().for_each(|fault| find(&name, fault, "mend the variable"));
                }
                None => find(&name, format!("asks {text:?}"), "ask label_values(series, label)"),
            }
            if variable["datasource"]["uid"] != DATA_SOURCE {
                find(&name, "has another data source".to_owned(), &format!("use {DATA_SOURCE}"));
            }
        }
        names.push(name);
    }
    let source = items(&dashboard["templating"]["list"]).first().map(|first| text(&first["type"]).to_owned());
    if source.as_deref() != Some("datasource") || names.first().map(String::as_str) != Some("datasource") {
        find("variables", "do not begin with the data source".to_owned(), "add datasource, of type datasource");
    }
    names
}

/// The panel itself: what it is, where it lies, and what it says.
fn shape(panel: &Value, find: &mut impl FnMut(&str, String, &str)) {
    let title = text(&panel["title"]);
    if title.is_empty() {
        find("panel", format!("number {} has no title", panel["id"]), "give it one");
    }
    if text(&panel["description"]).is_empty() {
        find(title, "has no description".to_owned(), "say what it shows and when to worry");
    }
    if text(&panel["fieldConfig"]["defaults"]["unit"]).is_empty() {
        find(title, "has no unit".to_owned(), "set fieldConfig.defaults.unit");
    }
    if panel["datasource"]["uid"] != DATA_SOURCE {
        find(title, "has another data source".to_owned(), &format!("use {DATA_SOURCE}"));
    }
    if items(&panel["targets"]).is_empty() {
        find(title, "has no query".to_owned(), "give it a target");
    }
}

fn targets(panel: &Value) -> Vec<Target> {
    let title = text(&panel["title"]);
    let target = |target: &Value| Target {
        place: format!("{title} {}", text(&target["refId"])),
        query: text(&target["expr"]).to_owned(),
    };
    items(&panel["targets"]).iter().map(target).collect()
}

fn query(target: &Target, variables: &[String], catalogue: &Catalogue, find: &mut impl FnMut(&str, String, &str)) {
    let filled = filled(&target.query, variables);
    if filled.contains('$') {
        let what = format!("uses a variable that is not there: {}", target.query);
        return find(&target.place, what, "define it, or use $__rate_interval or $__range");
    }
    for fault in promql::read(&filled, catalogue).faults {
        find(&target.place, fault, "mend the query; docs/metrics.md has the metrics and their labels");
    }
}

/// A query with values for its variables, the longest names first.
fn filled(query: &str, variables: &[String]) -> String {
    let mut text = query.replace("$__rate_interval", "5m").replace("$__range", "1h");
    let mut names: Vec<&String> = variables.iter().collect();
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    for name in names {
        text = text.replace(&format!("${name}"), ".*");
    }
    text
}

/// Where a panel lies: left, top, right, bottom.
fn place(panel: &Value) -> Option<[i64; 4]> {
    let grid = &panel["gridPos"];
    let (x, y, w, h) = (grid["x"].as_i64()?, grid["y"].as_i64()?, grid["w"].as_i64()?, grid["h"].as_i64()?);
    (x >= 0 && y >= 0 && w > 0 && h > 0 && x + w <= WIDTH).then_some([x, y, x + w, y + h])
}

fn overlaps(panels: &[Value], find: &mut impl FnMut(&str, String, &str)) {
    let mut placed: Vec<(&str, [i64; 4])> = Vec::new();
    let mut ids = Vec::new();
    for panel in panels {
        let title = text(&panel["title"]);
        if panel["id"].is_null() || ids.contains(&&panel["id"]) {
            find(title, format!("has the id {} of another", panel["id"]), "number the panels");
        }
        ids.push(&panel["id"]);
        let Some(here) = place(panel) else {
            find(title, format!("does not lie on the grid: {}", panel["gridPos"]), "give it x, y, w and h");
            continue;
        };
        for (other, there) in &placed {
            if here[0] < there[2] && there[0] < here[2] && here[1] < there[3] && there[1] < here[3] {
                find(title, format!("lies over {other}"), "move one of them");
            }
        }
        placed.push((title, here));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::catalogue::tests::small;

    fn panel(id: i64, x: i64, expr: &str) -> Value {
        json!({
            "id": id, "type": "timeseries", "title": format!("Panel {id}"), "description": "What it shows.",
            "datasource": { "type": "prometheus", "uid": "${datasource}" },
            "fieldConfig": { "defaults": { "unit": "short" } },
            "gridPos": { "x": x, "y": 0, "w": 8, "h": 8 },
            "targets": [{ "refId": "A", "expr": expr }],
        })
    }

    fn dashboard() -> Value {
        let lag = "sum by (stage) (tributary_stream_lag_records{stage=~\"$stage\"})";
        json!({
            "id": null, "uid": "one", "title": "One", "description": "One.", "time": { "from": "now-1h", "to": "now" },
            "templating": { "list": [
                { "name": "datasource", "type": "datasource", "query": "prometheus" },
                { "name": "stage", "type": "query", "datasource": { "uid": "${datasource}" },
                  "query": { "query": "label_values(tributary_stream_lag_records, stage)" } },
            ] },
            "panels": [panel(1, 0, lag), panel(2, 8, "rate(tributary_stream_starts_total[$__rate_interval])")],
        })
    }

    fn found(dashboards: &[Value]) -> Vec<String> {
        let files: Vec<File> = dashboards
            .iter()
            .enumerate()
            .map(|(number, dashboard)| File { path: format!("{number}.json"), text: dashboard.to_string() })
            .collect();
        let findings = findings(&files.iter().collect::<Vec<_>>(), &small());
        findings.into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn a_dashboard_is_whole() {
        assert_eq!(found(&[dashboard()]), Vec::<String>::new());
        assert_eq!(found(&[dashboard(), dashboard()]), ["one is that of 0.json too"]);
        let changes: [(&str, Value, &str); 10] = [
            ("/description", json!(""), "is missing"),
            ("/id", json!(3), "is that of one Grafana"),
            ("/time/to", json!("yesterday"), "is no range up to now"),
            ("/panels/0/description", json!(""), "has no description"),
            ("/panels/0/fieldConfig/defaults/unit", json!(""), "has no unit"),
            ("/panels/0/datasource/uid", json!("mine"), "has another data source"),
            ("/panels/1/targets", json!([]), "has no query"),
            ("/panels/1/id", json!(1), "has the id 1 of another"),
            ("/panels/1/gridPos/x", json!(7), "lies over Panel 1"),
            ("/panels/1/gridPos/x", json!(17), "does not lie on the grid: {\"h\":8,\"w\":8,\"x\":17,\"y\":0}"),
        ];
        for (pointer, value, fault) in changes {
            let mut changed = dashboard();
            *changed.pointer_mut(pointer).unwrap() = value;
            assert_eq!(found(&[changed]), [fault], "{pointer}");
        }
    }

    #[test]
    fn queries_ask_for_what_there_is() {
        let with = |pointer: &str, text: &str| {
            let mut changed = dashboard();
            *changed.pointer_mut(pointer).unwrap() = json!(text);
            found(&[changed])
        };
        let second = "/panels/1/targets/0/expr";
        assert_eq!(
            with(second, "tributary_stream_stops_total"),
            ["looks at tributary_stream_stops_total, which nothing exports"]
        );
        assert_eq!(with(second, "sum by (team) (tributary_stream_starts_total)").len(), 1);
        assert_eq!(with(second, "sum(tributary_stream_starts_total").len(), 1);
        assert_eq!(with(second, "tributary_stream_starts_total{job=~\"$job\"}").len(), 1);
        assert_eq!(
            with("/panels/0/targets/0/expr", "tributary_stream_lag_records"),
            ["is a variable that no query uses"]
        );
        let variable = "/templating/list/1/query/query";
        assert_eq!(with(variable, "label_values(tributary_stream_lag_records, team)").len(), 1);
        assert_eq!(with(variable, "label_values(stage)"), ["asks \"label_values(stage)\""]);
        assert_eq!(with("/templating/list/0/type", "custom"), ["do not begin with the data source"]);
    }
}
