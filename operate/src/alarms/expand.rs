//! Labels and annotations of an instance, from the rule's templates and the sample that it stands for.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use kernel::Timestamp;
use telemetry::Labels;
use telemetry::labels::METRIC_NAME;

use super::evaluate::Queries;
use super::plan::AlertPlan;
use super::state::Held;
use crate::template::{Sample, Scope, Stop, Template, TemplateError};

pub const NAME_LABEL: &str = "alertname";

/// A template may ask for this many different queries.
const QUERIES_MAX: usize = 20;

/// The instance, and what went wrong with its templates, for the operator's log. As in Prometheus, a
/// template that fails leaves its error in its place.
pub async fn expand(plan: &AlertPlan, labels: &Labels, value: f64, queries: &Queries<'_>) -> (Held, Vec<String>) {
    let mut scope = Scope {
        labels: labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        external_labels: BTreeMap::new(),
        external_url: queries.external_url().to_owned(),
        value,
        now: Timestamp::from_millisecond(queries.at_ms).unwrap_or(Timestamp::UNIX_EPOCH),
        answers: HashMap::new(),
    };
    let mut failures = Vec::new();
    let mut labels = scope.labels.clone();
    labels.remove(METRIC_NAME);
    for (name, template) in &plan.labels {
        let text = expand_one(name, template, &mut scope, queries, &mut failures).await;
        if text.is_empty() { labels.remove(name) } else { labels.insert(name.clone(), text) };
    }
    labels.insert(NAME_LABEL.to_owned(), plan.rule.alert.clone());
    let mut annotations = BTreeMap::new();
    for (name, template) in &plan.annotations {
        annotations.insert(name.clone(), expand_one(name, template, &mut scope, queries, &mut failures).await);
    }
    (Held { labels, annotations, value }, failures)
}

async fn expand_one(
    name: &str,
    template: &Result<Template, TemplateError>,
    scope: &mut Scope,
    queries: &Queries<'_>,
    failures: &mut Vec<String>,
) -> String {
    let expanded = match template {
        Ok(template) => with_answers(template, scope, queries).await,
        Err(error) => Err(error.clone()),
    };
    expanded.unwrap_or_else(|error| {
        failures.push(format!("{name}: {error}"));
        format!("<error expanding template: {error}>")
    })
}

/// Expands until every query that the template asks for is answered.
async fn with_answers(template: &Template, scope: &mut Scope, queries: &Queries<'_>) -> Result<String, TemplateError> {
    loop {
        match template.expand(scope) {
            Ok(text) => return Ok(text),
            Err(Stop::Error(error)) => return Err(error),
            Err(Stop::Query(_)) if scope.answers.len() >= QUERIES_MAX => {
                return Err(TemplateError(format!("the rule's templates ask for more than {QUERIES_MAX} queries")));
            }
            Err(Stop::Query(query)) => {
                let answer = queries.vector(&query).await.map(|samples| samples.into_iter().map(sample).collect());
                scope.answers.insert(query, answer);
            }
        }
    }
}

fn sample((labels, value): (Labels, f64)) -> Sample {
    let labels = labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Sample { labels: Arc::new(labels), value }
}
