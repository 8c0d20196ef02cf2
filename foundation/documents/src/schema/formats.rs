//! What a text must look like: the `format`s that the schemas name.

use super::check::Checker;
use super::template;
use crate::codes;
use crate::diagnostic::Level;
use crate::promql::PromqlFault;
use crate::source::Node;
use crate::value::{Template, check_path};

pub fn check(format: &str, node: &Node, checker: &mut Checker<'_>) {
    let Some(text) = node.text() else { return };
    match format {
        "duration" => duration(text, node, checker),
        "name" => name(text, node, checker),
        "label-name" => label_name(text, node, checker),
        "variable-name" => variable_name(text, node, checker),
        "metric-name" => metric_name(text, node, checker),
        "promql" => promql(text, node, checker),
        "go-template" => balanced(template::check_go(text), node, checker),
        "event-template" => balanced(template::check_event(text), node, checker),
        "number-or-template" => number_or_template(text, node, checker),
        "flag-or-template" => flag_or_template(text, node, checker),
        "script-duration" => script_duration(text, node, checker),
        "address" => address(text, node, checker),
        "regex" => regex(text, node, checker),
        "jitter" => jitter(text, node, checker),
        "url" => url(text, node, checker),
        "target-url" => target_url(text, node, checker),
        "value" => value(text, node, checker),
        "value-path" => value_path(text, node, checker),
        // Standard formats that say something to editors only.
        _ => {}
    }
}

fn duration(text: &str, node: &Node, checker: &mut Checker<'_>) {
    if let Err(error) = kernel::parse_duration(text) {
        checker.findings.error(codes::WRONG_DURATION, node.span, error.to_string(), None);
    }
}

/// Scripts fill templates in later; what is no template must be a number.
fn number_or_template(text: &str, node: &Node, checker: &mut Checker<'_>) {
    if !text.contains("{{") && !text.trim().parse::<f64>().is_ok_and(f64::is_finite) {
        let message = format!("{} must be a number, not `{text}`", checker.subject());
        checker.findings.error(codes::WRONG_TYPE, node.span, message, None);
    }
}

fn flag_or_template(text: &str, node: &Node, checker: &mut Checker<'_>) {
    if !text.contains("{{") && !["true", "false"].iter().any(|flag| text.trim().eq_ignore_ascii_case(flag)) {
        let message = format!("{} must be true or false, not `{text}`", checker.subject());
        checker.findings.error(codes::WRONG_TYPE, node.span, message, None);
    }
}

fn script_duration(text: &str, node: &Node, checker: &mut Checker<'_>) {
    if !text.contains("{{") && crate::script::duration_of(text).is_none() {
        let message = format!("`{text}` is not a duration");
        let mend = "write seconds, for example 10, or a text such as 500ms, 30s or 2m".to_owned();
        checker.findings.error(codes::WRONG_DURATION, node.span, message, mend);
    }
}

/// `host:port`, the host perhaps an IPv6 address in brackets.
fn address(text: &str, node: &Node, checker: &mut Checker<'_>) {
    let split = text.rsplit_once(':').filter(|(host, _)| !host.is_empty() && (!host.contains(':') || host.starts_with('[')));
    if !split.is_some_and(|(_, port)| port.parse::<u16>().is_ok_and(|port| port > 0)) || text.contains(['/', ' ']) {
        let message = format!("{} must be a host and a port", checker.subject());
        checker.findings.error(codes::WRONG_VALUE, node.span, message, "write for example shop.example:443".to_owned());
    }
}

fn regex(text: &str, node: &Node, checker: &mut Checker<'_>) {
    if let Err(error) = fancy_regex::Regex::new(text) {
        let reason = error.to_string();
        let message = format!("`{text}` is not a regular expression: {}", reason.lines().last().unwrap_or_default().trim());
        checker.findings.error(codes::REGEX, node.span, message, None);
    }
}

/// Milliseconds, or a percentage.
fn jitter(text: &str, node: &Node, checker: &mut Checker<'_>) {
    let number = text.trim().trim_end_matches('%').trim_end();
    if !text.contains("{{") && !number.parse::<f64>().is_ok_and(|number| number.is_finite() && number >= 0.0) {
        let message = format!("{} must be a number of milliseconds or a percentage, not `{text}`", checker.subject());
        checker.findings.error(codes::WRONG_VALUE, node.span, message, "write for example 200 or 20%".to_owned());
    }
}

fn name(text: &str, node: &Node, checker: &mut Checker<'_>) {
    if !kernel::entity::is_name(text) {
        let message = format!("`{text}` is not a name");
        let mend = "use 1 to 63 letters and digits, joined by -, _ or .".to_owned();
        checker.findings.error(codes::WRONG_NAME, node.span, message, mend);
    }
}

/// Prometheus 3 takes any text as a label's name except an empty one; older servers and other stores do not.
fn label_name(text: &str, node: &Node, checker: &mut Checker<'_>) {
    if text.is_empty() || text == "__name__" {
        let message = format!("a rule cannot set the label `{text}`");
        checker.findings.error(codes::WRONG_NAME, node.span, message, None);
    } else if !is_identifier(text, "_") {
        let message = format!("`{text}` is not a label name that every Prometheus-compatible store takes");
        let mend = "use letters, digits and _, not beginning with a digit".to_owned();
        checker.findings.report(Level::Warning, codes::WRONG_NAME, node.span, message, mend);
    }
}

/// A parameter becomes an environment variable.
fn variable_name(text: &str, node: &Node, checker: &mut Checker<'_>) {
    if text.is_empty() || !is_identifier(text, "_") {
        let message = format!("`{text}` cannot be the name of an environment variable");
        let mend = "use letters, digits and _, not beginning with a digit".to_owned();
        checker.findings.error(codes::WRONG_NAME, node.span, message, mend);
    }
}

fn metric_name(text: &str, node: &Node, checker: &mut Checker<'_>) {
    let mend = "use letters, digits, _ and :, not beginning with a digit".to_owned();
    if text.is_empty() || text.contains(['{', '}']) {
        let message = format!("`{text}` is not a metric name");
        checker.findings.error(codes::WRONG_NAME, node.span, message, mend);
    } else if !is_identifier(text, "_:") {
        let message = format!("`{text}` is not a metric name that every Prometheus-compatible store takes");
        checker.findings.report(Level::Warning, codes::WRONG_NAME, node.span, message, mend);
    }
}

fn is_identifier(text: &str, joiners: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || joiners.contains(c)) && !text.starts_with(|c: char| c.is_ascii_digit())
}

fn promql(text: &str, node: &Node, checker: &mut Checker<'_>) {
    match (checker.promql)(text) {
        Ok(()) => {}
        Err(PromqlFault::Wrong(message)) => {
            let mend = "see https://prometheus.io/docs/prometheus/latest/querying/basics/".to_owned();
            checker.findings.error(codes::PROMQL, node.span, message, mend);
        }
        Err(PromqlFault::Unchecked(message)) => {
            checker.findings.report(Level::Warning, codes::PROMQL_UNCHECKED, node.span, message, None);
        }
    }
}

fn balanced(outcome: Result<(), String>, node: &Node, checker: &mut Checker<'_>) {
    if let Err(message) = outcome {
        checker.findings.error(codes::TEMPLATE, node.span, message, None);
    }
}

fn url(text: &str, node: &Node, checker: &mut Checker<'_>) {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    if host.is_none_or(|host| host.is_empty() || host.starts_with('/') || text.contains(char::is_whitespace)) {
        let message = format!("{} must be an http or https address", checker.subject());
        checker.findings.error(codes::WRONG_URL, node.span, message, None);
    }
}

/// A URL, or the environment variable that holds it.
fn target_url(text: &str, node: &Node, checker: &mut Checker<'_>) {
    match text.strip_prefix("env:") {
        Some(variable) if !variable.is_empty() && is_identifier(variable, "_") => {}
        Some(_) => {
            let message = format!("`{text}` does not name an environment variable");
            checker.findings.error(codes::WRONG_URL, node.span, message, "write env:NAME, for example env:SLACK_URL".to_owned());
        }
        None => {
            url(text, node, checker);
            if text.contains("hooks.slack.com/") {
                let mend = "put it in an environment variable and write env:NAME".to_owned();
                let message = "whoever reads this URL can post to the channel";
                checker.findings.report(Level::Warning, codes::SECRET, node.span, message, mend);
            }
        }
    }
}

/// A text that may hold references to values kept elsewhere.
fn value(text: &str, node: &Node, checker: &mut Checker<'_>) {
    if let Err(error) = Template::parse(text) {
        let mend = "write {{resolve:SERVICE:KEY}}, for example {{resolve:mainstay-secret:/shop/orders/token}}".to_owned();
        checker.findings.error(codes::VALUE_REFERENCE, node.span, error.to_string(), mend);
    }
}

fn value_path(text: &str, node: &Node, checker: &mut Checker<'_>) {
    if let Err(error) = check_path(text) {
        checker.findings.error(codes::VALUE_REFERENCE, node.span, error.to_string(), None);
    }
}
