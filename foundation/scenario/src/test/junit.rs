//! The report as JUnit's XML, which every CI system shows: a suite for each scenario, a case for each step.

use std::fmt::Write;

use super::report::{ScenarioReport, StepReport, TestReport};

impl TestReport {
    pub fn junit(&self) -> String {
        let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        // Writing to a string does not fail.
        write_suites(&mut xml, self).unwrap_or_default();
        xml
    }
}

fn write_suites(xml: &mut String, report: &TestReport) -> std::fmt::Result {
    let (tests, failures) = counts(&report.scenarios);
    writeln!(
        xml,
        "<testsuites name=\"{}\" tests=\"{tests}\" failures=\"{failures}\" time=\"{:.3}\">",
        escaped(&report.name),
        report.duration_ms / 1000.0
    )?;
    for scenario in &report.scenarios {
        write_suite(xml, report, scenario)?;
    }
    writeln!(xml, "</testsuites>")
}

fn write_suite(xml: &mut String, report: &TestReport, scenario: &ScenarioReport) -> std::fmt::Result {
    let (tests, failures) = counts(std::slice::from_ref(scenario));
    let name = escaped(&scenario.name);
    let seconds = scenario.duration_ms / 1000.0;
    writeln!(xml, "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" time=\"{seconds:.3}\">")?;
    let class = format!("{}.{name}", escaped(&report.name));
    for step in &scenario.steps {
        write_case(xml, &class, step)?;
    }
    if let Some(error) = own_error(scenario) {
        writeln!(xml, "    <testcase classname=\"{class}\" name=\"the journey\" time=\"{seconds:.3}\">")?;
        writeln!(xml, "      <failure message=\"{}\"/>\n    </testcase>", escaped(error))?;
    }
    if !scenario.printed.is_empty() {
        writeln!(xml, "    <system-out>{}</system-out>", escaped(&scenario.printed.join("\n")))?;
    }
    writeln!(xml, "  </testsuite>")
}

fn write_case(xml: &mut String, class: &str, step: &StepReport) -> std::fmt::Result {
    let (name, seconds) = (escaped(&step.name), step.last_byte_ms / 1000.0);
    if step.passed() {
        return writeln!(xml, "    <testcase classname=\"{class}\" name=\"{name}\" time=\"{seconds:.3}\"/>");
    }
    writeln!(xml, "    <testcase classname=\"{class}\" name=\"{name}\" time=\"{seconds:.3}\">")?;
    for failure in step.failures.iter().filter(|failure| failure.strict) {
        let body = step.response.as_ref().map_or("", |response| &response.body);
        let place = failure.place.as_deref().unwrap_or_default();
        writeln!(
            xml,
            "      <failure type=\"{}\" message=\"{}\">{} {place}\n{}</failure>",
            escaped(&failure.what),
            escaped(&failure.message),
            escaped(&step.url),
            escaped(body)
        )?;
    }
    writeln!(xml, "    </testcase>")
}

/// An error that no step tells.
fn own_error(scenario: &ScenarioReport) -> Option<&str> {
    scenario.error.as_deref().filter(|_| scenario.steps.iter().all(StepReport::passed))
}

fn counts(scenarios: &[ScenarioReport]) -> (usize, usize) {
    let of = |scenario: &ScenarioReport| {
        let own = usize::from(own_error(scenario).is_some());
        let failed = scenario.steps.iter().filter(|step| !step.passed()).count();
        (scenario.steps.len() + own, failed + own)
    };
    scenarios.iter().map(of).fold((0, 0), |sum, counts| (sum.0 + counts.0, sum.1 + counts.1))
}

/// As text or in an attribute. Control characters cannot stand in XML at all.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(letter),
            control if control.is_control() => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::super::report::Failure;
    use super::*;

    #[test]
    fn a_failed_step_is_a_failed_case_with_its_reason() {
        let failure = Failure {
            what: "statusCode".to_owned(),
            message: "statusCode: expected 200, got \"500\"".to_owned(),
            expected: None,
            actual: None,
            place: Some("shop.yaml:12".to_owned()),
            strict: true,
        };
        let failed = StepReport { name: "pay <now>".to_owned(), failures: vec![failure], ..StepReport::default() };
        let passed = StepReport { name: "GET /".to_owned(), last_byte_ms: 12.0, ..StepReport::default() };
        let scenario = ScenarioReport {
            name: "buy".to_owned(),
            duration_ms: 30.0,
            steps: vec![passed, failed],
            error: Some("told by the step".to_owned()),
            ..ScenarioReport::default()
        };
        let report = TestReport {
            name: "shop".to_owned(),
            environment: None,
            test_id: "t1".to_owned(),
            target: None,
            duration_ms: 30.0,
            scenarios: vec![scenario],
        };
        let xml = report.junit();
        assert!(xml.contains("<testsuites name=\"shop\" tests=\"2\" failures=\"1\" time=\"0.030\">"), "{xml}");
        assert!(xml.contains("<testcase classname=\"shop.buy\" name=\"GET /\" time=\"0.012\"/>"), "{xml}");
        assert!(xml.contains("message=\"statusCode: expected 200, got &quot;500&quot;\""), "{xml}");
    }
}
