//! A load's report for the terminal.

use std::fmt::Write;

use scenario::load::{Comparison, Report, Summary};

pub fn text(report: &Report) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write_report(&mut text, report);
    text
}

fn write_report(out: &mut String, report: &Report) -> std::fmt::Result {
    let environment = report.environment.as_deref().map(|name| format!(" in {name}")).unwrap_or_default();
    writeln!(out, "{}{environment}: {}", report.name, report.target.as_deref().unwrap_or("no target"))?;
    if report.cancelled {
        writeln!(out, "It was ended before its time; this is what was measured until then.")?;
    }
    if let Some(reason) = &report.generator.reason {
        writeln!(out, "THE GENERATOR WAS THE LIMIT: {reason}. The figures below are its own, not the target's.")?;
    }
    writeln!(out)?;
    if report.asked_count > 0 {
        writeln!(out, "arrivals    asked {} ({:.1}/s), delivered {} ({:.1}/s)", report.asked_count, report.asked_rate, report.delivered_count, report.delivered_rate)?;
    }
    let users = &report.vusers;
    writeln!(out, "users       {} created, {} completed, {} failed, {} skipped", users.created, users.completed, users.failed, users.skipped)?;
    writeln!(out, "requests    {} ({:.1}/s), {} answers, {} bytes", report.requests, report.request_rate, report.responses, report.downloaded_bytes)?;
    writeln!(out, "slip        {:.2} % more than {:.0} ms late, p99 {:.1} ms", report.slip.percent, report.slip.late_after_ms, report.slip.ms.p99)?;
    writeln!(out, "\n{:<28}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}", "ms", "p50", "p90", "p95", "p99", "p999", "max")?;
    row(out, "to the first byte", &report.latency_ms.first_byte)?;
    row(out, "to the last byte", &report.latency_ms.last_byte)?;
    row(out, "  uncorrected", &report.service_ms.last_byte)?;
    row(out, "whole journeys", &report.session_ms)?;
    for endpoint in report.endpoints.iter().filter(|_| report.endpoints.len() > 1) {
        row(out, &format!("{} ×{}", endpoint.name, endpoint.requests), &endpoint.latency_ms.last_byte)?;
    }
    writeln!(out)?;
    let codes: Vec<String> = report.codes.iter().map(|(code, count)| format!("{code} ×{count}")).collect();
    if !codes.is_empty() {
        writeln!(out, "codes       {}", codes.join("   "))?;
    }
    for (code, failures) in report.errors.iter().chain(&report.expectations_failed) {
        writeln!(out, "✗ {code} ×{}: {}", failures.count, failures.example)?;
    }
    for verdict in &report.verdicts {
        let mark = if verdict.holds { "✓" } else { "✗" };
        writeln!(out, "{mark} {} ({})", verdict.rule, verdict.actual)?;
    }
    Ok(())
}

fn row(out: &mut String, name: &str, of: &Summary) -> std::fmt::Result {
    let name: String = name.chars().take(27).collect();
    writeln!(out, "{name:<28}{:>10.1}{:>10.1}{:>10.1}{:>10.1}{:>10.1}{:>10.1}", of.p50, of.p90, of.p95, of.p99, of.p999, of.max)
}

pub fn comparison(compared: &Comparison) -> String {
    let mut text = String::from("\ncompared with the earlier run:\n");
    for change in &compared.changes {
        let said = if !change.real {
            "no real difference".to_owned()
        } else if change.worse {
            format!("worse by {:.1} % ({:.1} to {:.1} %)", change.percent, change.interval_percent.0, change.interval_percent.1)
        } else {
            format!("better by {:.1} % ({:.1} to {:.1} %)", -change.percent, -change.interval_percent.1, -change.interval_percent.0)
        };
        let _ = writeln!(text, "{:<28}{:>10.2} → {:<10.2} {said}", change.what, change.before, change.after);
    }
    text
}
