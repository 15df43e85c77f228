//! A query uses series that exist, by labels that they have, and its sides can match.

use std::collections::BTreeSet;

use promql_parser::label::{METRIC_NAME, MatchOp};
use promql_parser::parser::value::ValueType;
use promql_parser::parser::{self, AggregateExpr, BinaryExpr, Call, Expr, LabelModifier, VectorMatchCardinality};

use crate::catalogue::Catalogue;

/// What was found in a query.
#[derive(Debug, Default)]
pub struct Query {
    /// The labels of what it gives.
    pub labels: BTreeSet<String>,
    /// The series that it asks for.
    pub series: BTreeSet<String>,
    /// What is wrong with it.
    pub faults: Vec<String>,
}

/// Reads a query.
#[must_use]
pub fn read(text: &str, catalogue: &Catalogue) -> Query {
    let mut reader = Reader { catalogue, series: BTreeSet::new(), faults: Vec::new() };
    let labels = match parser::parse(text) {
        Ok(expr) => reader.labels(&expr),
        Err(error) => {
            reader.faults.push(format!("is no PromQL: {error}"));
            return Query { faults: reader.faults, ..Query::default() };
        }
    };
    if reader.series.is_empty() {
        reader.faults.push("looks at no metric".to_owned());
    }
    Query { labels, series: reader.series, faults: reader.faults }
}

struct Reader<'a> {
    catalogue: &'a Catalogue,
    series: BTreeSet<String>,
    faults: Vec<String>,
}

impl Reader<'_> {
    /// The labels of what an expression gives.
    fn labels(&mut self, expr: &Expr) -> BTreeSet<String> {
        match expr {
            Expr::Aggregate(aggregate) => self.aggregate(aggregate),
            Expr::Unary(unary) => self.labels(&unary.expr),
            Expr::Binary(binary) => self.binary(binary),
            Expr::Paren(paren) => self.labels(&paren.expr),
            Expr::Subquery(subquery) => self.labels(&subquery.expr),
            Expr::Call(call) => self.call(call),
            Expr::VectorSelector(selector) => self.select(selector),
            Expr::MatrixSelector(selector) => self.select(&selector.vs),
            Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => BTreeSet::new(),
        }
    }

    fn select(&mut self, selector: &parser::VectorSelector) -> BTreeSet<String> {
        let matchers = &selector.matchers.matchers;
        let by_matcher = matchers.iter().find(|matcher| matcher.name == METRIC_NAME && matcher.op == MatchOp::Equal);
        let name = selector.name.as_ref().or(by_matcher.map(|matcher| &matcher.value));
        let Some(name) = name else {
            self.faults.push("selects by no name".to_owned());
            return BTreeSet::new();
        };
        self.series.insert(name.clone());
        let Some(labels) = self.catalogue.labels(name).cloned() else {
            self.faults.push(format!("looks at {name}, which nothing exports"));
            return BTreeSet::new();
        };
        let used = matchers.iter().map(|matcher| &matcher.name).filter(|label| *label != METRIC_NAME);
        self.has(used, &labels, name);
        labels
    }

    /// Notes labels that are not there.
    fn has<'b>(&mut self, used: impl IntoIterator<Item = &'b String>, labels: &BTreeSet<String>, of: &str) {
        let missing = used.into_iter().filter(|label| !labels.contains(*label));
        self.faults.extend(missing.map(|label| format!("uses the label {label}, which {of} does not have")));
    }

    fn aggregate(&mut self, aggregate: &AggregateExpr) -> BTreeSet<String> {
        let inner = self.labels(&aggregate.expr);
        let operation = aggregate.op.to_string();
        let what = format!("what {operation} aggregates");
        let result = match &aggregate.modifier {
            Some(LabelModifier::Include(by)) => {
                self.has(&by.labels, &inner, &what);
                by.labels.iter().cloned().collect()
            }
            Some(LabelModifier::Exclude(without)) => {
                self.has(&without.labels, &inner, &what);
                inner.iter().filter(|label| !without.labels.contains(label)).cloned().collect()
            }
            None => BTreeSet::new(),
        };
        if ["topk", "bottomk"].contains(&operation.as_str()) { inner } else { result }
    }

    fn binary(&mut self, binary: &BinaryExpr) -> BTreeSet<String> {
        let (left, right) = (self.labels(&binary.lhs), self.labels(&binary.rhs));
        let is_scalar = |side: &Expr| side.value_type() == ValueType::Scalar;
        match (is_scalar(&binary.lhs), is_scalar(&binary.rhs)) {
            (true, _) => return right,
            (_, true) => return left,
            (false, false) => {}
        }
        let modifier = binary.modifier.as_ref();
        let matching = modifier.and_then(|modifier| modifier.matching.as_ref());
        let card = modifier.map(|modifier| &modifier.card);
        let kept = match matching {
            Some(LabelModifier::Include(on)) => {
                self.has(&on.labels, &left, "the left side");
                self.has(&on.labels, &right, "the right side");
                on.labels.iter().cloned().collect()
            }
            Some(LabelModifier::Exclude(ignored)) => {
                let left_over = |side: &BTreeSet<String>| -> BTreeSet<String> {
                    side.iter().filter(|label| !ignored.labels.contains(label)).cloned().collect()
                };
                self.same(&left_over(&left), &left_over(&right));
                left_over(&left)
            }
            None => {
                self.same(&left, &right);
                left.clone()
            }
        };
        match card {
            Some(VectorMatchCardinality::ManyToOne(_)) => left,
            Some(VectorMatchCardinality::OneToMany(_)) => right,
            _ if binary.op.is_set_operator() => left,
            _ => kept,
        }
    }

    /// Sides whose labels differ never match.
    fn same(&mut self, left: &BTreeSet<String>, right: &BTreeSet<String>) {
        if left != right {
            self.faults.push(format!("matches {left:?} with {right:?}, which never match"));
        }
    }

    fn call(&mut self, call: &Call) -> BTreeSet<String> {
        let mut labels = BTreeSet::new();
        for argument in &call.args.args {
            labels.extend(self.labels(argument));
        }
        match call.func.name {
            "absent" | "absent_over_time" | "scalar" | "vector" => BTreeSet::new(),
            "histogram_quantile" => {
                self.has(&["le".to_owned()], &labels, "the histogram");
                labels.remove("le");
                labels
            }
            "label_replace" | "label_join" => {
                self.faults.push(format!("uses {}, whose labels this test does not follow", call.func.name));
                labels
            }
            _ => labels,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::tests::small;

    fn faults(text: &str) -> Vec<String> {
        read(text, &small()).faults
    }

    fn labels(text: &str) -> Vec<String> {
        let query = read(text, &small());
        assert_eq!(query.faults, Vec::<String>::new(), "{text}");
        query.labels.into_iter().collect()
    }

    #[test]
    fn metrics_and_labels_have_to_exist() {
        assert_eq!(labels("max by (stage) (tributary_stream_lag_records) > 3"), ["stage"]);
        let quantile = "histogram_quantile(0.9, sum by (le) (rate(tributary_stream_commit_seconds_bucket[5m]))) > 1";
        assert_eq!(labels(quantile), Vec::<String>::new());
        assert_eq!(labels("topk(3, tributary_stream_starts_total)"), ["instance", "job"]);
        let wrong = "sum by (stag) (tributary_stream_lag_records)";
        assert_eq!(faults(wrong), ["uses the label stag, which what sum aggregates does not have"]);
        assert_eq!(faults("sum by (stage) (sum by (topic) (tributary_stream_lag_records))").len(), 1);
        assert_eq!(faults("tributary_stream_lag_records{stge='a'} > 3").len(), 1);
        assert_eq!(faults("max(tributary_stream_leg_records)").len(), 1);
        assert_eq!(
            faults("rate(tributary_stream_commit_seconds[5m])").len(),
            1,
            "a histogram has no series of its name"
        );
        assert_eq!(faults("1 > bool 0"), ["looks at no metric"]);
        assert!(faults("max(tributary_stream_lag_records")[0].starts_with("is no PromQL"));
        assert_eq!(faults("histogram_quantile(0.9, sum(rate(tributary_stream_commit_seconds_bucket[5m])))").len(), 1);
    }

    #[test]
    fn sides_have_to_match() {
        let lag = "sum by (stage) (tributary_stream_lag_records)";
        let starts = "sum(tributary_stream_starts_total)";
        assert_eq!(labels(&format!("{lag} / {lag}")), ["stage"]);
        assert_eq!(labels(&format!("2 * {lag}")), ["stage"]);
        assert_eq!(faults(&format!("{lag} / {starts}")).len(), 1);
        assert_eq!(labels(&format!("{lag} / on () group_left () {starts}")), ["stage"]);
        let by_topic = "sum by (stage, topic) (tributary_stream_lag_records)";
        assert_eq!(labels(&format!("{by_topic} / on (stage) group_left () {lag}")), ["stage", "topic"]);
        assert_eq!(labels(&format!("{by_topic} / ignoring (topic) group_left () {lag}")), ["stage", "topic"]);
        assert_eq!(faults(&format!("{by_topic} / on (topic) group_left () {lag}")).len(), 1);
        assert_eq!(labels("tributary_stream_starts_total unless tributary_stream_starts_total offset 15m").len(), 2);
    }
}
