//! `docs/capacity.md`: its tables and pictures are made from the costs, the rest is written by people.

use crate::costs::Costs;
use crate::plan::Plan;
use crate::problem::{Problem, Problems};
use crate::scenario::Scenario;
use crate::{report, tables};

/// Rates that the document plans for.
const RATES: [f64; 3] = [1_000.0, 100_000.0, 5_000_000.0];
/// Persons that it plans for.
const PERSONS: [f64; 3] = [1e6, 1e8, 1e9];
/// The files of its pictures.
pub const PICTURES: [&str; 3] = ["capacity-load.svg", "capacity-failure-latency.svg", "capacity-failure-lag.svg"];
/// The load at which workers die in it.
pub const STRUCK_LOAD: f64 = 0.5;

/// What the costs make of the document.
#[derive(Debug, Clone, PartialEq)]
pub struct Made {
    /// Blocks by name.
    pub blocks: Vec<(&'static str, String)>,
    /// Pictures by the name of their file.
    pub pictures: Vec<(&'static str, String)>,
}

/// Plans and simulates all that the document tells.
///
/// # Errors
/// [`Problems`] when the costs allow no plan.
pub fn make(costs: &Costs) -> Result<Made, Problems> {
    let plan = |rate: f64, persons: f64| Plan::new(costs, &Scenario::of(rate, persons));
    let mut grid = Vec::new();
    for rate in RATES {
        for persons in PERSONS {
            grid.push(plan(rate, persons)?);
        }
    }
    let diagonal: Vec<Plan> = grid.iter().step_by(PERSONS.len() + 1).cloned().collect();
    let middle = &diagonal[1].realm;
    let steady = report::steady(costs, middle)?;
    let faults = report::faults(costs, middle, STRUCK_LOAD)?;
    let blocks = vec![
        ("costs", tables::costs(costs)),
        ("overview", tables::overview(&grid)),
        ("small", tables::stages(&diagonal[0])),
        ("middle", tables::stages(&diagonal[1])),
        ("large", tables::stages(&diagonal[2])),
        ("kafka", tables::kafka(&diagonal)),
        ("identity", tables::identity(&diagonal)),
        ("load", steady.text),
        ("hubs", report::hubs(costs, &diagonal)?),
        ("failure", faults.text),
    ];
    let plots = steady.plots.iter().chain(&faults.plots);
    let pictures = PICTURES.into_iter().zip(plots.map(crate::svg::Plot::svg)).collect();
    Ok(Made { blocks, pictures })
}

/// The document with its blocks made new.
///
/// # Errors
/// [`Problems`] when it lacks a block, or has one that nobody makes.
pub fn renew(text: &str, blocks: &[(&'static str, String)]) -> Result<String, Problems> {
    let mut problems = Vec::new();
    let mut out = text.to_owned();
    for (name, block) in blocks {
        let (begin, end) = (format!("<!-- capacity:begin {name} -->"), format!("<!-- capacity:end {name} -->"));
        let found = out.find(&begin).zip(out.find(&end)).filter(|(from, to)| from < to);
        match found {
            Some((from, to)) => out.replace_range(from + begin.len()..to, &format!("\n\n{}\n", block.trim_end())),
            None => problems.push(Problem::new(
                "document",
                name,
                "has no such block",
                &format!("write `{begin}` and `{end}` where it is to stand"),
            )),
        }
        out = out
            .replace(&format!("\n{end}"), &format!("\n\n{end}"))
            .replace(&format!("\n\n\n{end}"), &format!("\n\n{end}"));
    }
    let begins = text.split("<!-- capacity:begin ").skip(1).filter_map(|rest| rest.split(" -->").next());
    for name in begins.filter(|name| !blocks.iter().any(|(known, _)| known == name)) {
        problems.push(Problem::new("document", name, "is a block that nobody makes", "take its marks out"));
    }
    if problems.is_empty() { Ok(out) } else { Err(Problems(problems)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_made_new_and_the_rest_stays() {
        let text = "a\n<!-- capacity:begin x -->\nold\n<!-- capacity:end x -->\nb\n";
        let new = "a\n<!-- capacity:begin x -->\n\nnew\n\n<!-- capacity:end x -->\nb\n";
        let blocks = [("x", "new\n".to_owned())];
        assert_eq!(renew(text, &blocks).unwrap(), new);
        assert_eq!(renew(new, &blocks).unwrap(), new);
    }

    #[test]
    fn a_block_that_is_missing_or_that_nobody_makes_is_named() {
        let told = renew("<!-- capacity:begin y --><!-- capacity:end y -->", &[("x", String::new())]).unwrap_err();
        assert_eq!(
            told.to_string(),
            "document = x: has no such block; write `<!-- capacity:begin x -->` and `<!-- capacity:end x -->` where it is \
             to stand\ndocument = y: is a block that nobody makes; take its marks out"
        );
    }
}
