//! A load's report as one HTML file that needs nothing else.

use evolve::postmortems::{Chart, Line};
use scenario::load::{Point, Report, Summary};

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2430;background:#fff}\
    @media(prefers-color-scheme:dark){body{color:#dde3ea;background:#14181d}td,th{border-color:#333b45}.chart{background:#f7f8fa}}\
    table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #d8dde3;padding:.3rem .5rem;text-align:right;font-variant-numeric:tabular-nums}\
    td:first-child,th:first-child{text-align:left}.bad{color:#c2452d}.good{color:#2c8a4b}.warn{border:1px solid #c2452d;padding:.6rem 1rem;border-radius:.4rem}\
    .chart{border-radius:.4rem;margin:1rem 0}.chart svg{max-width:100%;height:auto}";

pub fn page(report: &Report) -> String {
    let mut body = format!("<h1>{}</h1>", escaped(&report.name));
    body += &format!("<p>{}</p>", escaped(report.target.as_deref().unwrap_or("no target")));
    if let Some(reason) = &report.generator.reason {
        body += &format!("<p class=warn><b>The generator was the limit:</b> {}. The figures are its own, not the target's.</p>", escaped(reason));
    }
    body += &format!(
        "<p>{} arrivals asked ({:.1}/s), {} delivered ({:.1}/s); {} requests, {} answers; {:.2} % slip.</p>",
        report.asked_count, report.asked_rate, report.delivered_count, report.delivered_rate, report.requests, report.responses, report.slip.percent
    );
    body += &charts(&report.series);
    body += &latencies(report);
    body += &outcomes(report);
    format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'><title>{}</title><style>{STYLE}</style>{body}</html>\n",
        escaped(&report.name)
    )
}

fn charts(series: &[Point]) -> String {
    let line = |name: &str, value: &dyn Fn(&Point) -> f64| Line {
        name: name.to_owned(),
        points: series.iter().map(|point| (point.second as f64, value(point))).collect(),
    };
    let chart = |title: &str, unit: &str, lines: Vec<Line>| Chart {
        name: title.to_owned(),
        title: title.to_owned(),
        unit: unit.to_owned(),
        start_s: 0.0,
        end_s: series.last().map_or(1.0, |point| point.second as f64).max(1.0),
        step_s: 1.0,
        lines,
        marks: Vec::new(),
        query: String::new(),
    };
    let rates = vec![line("requests", &|point| point.requests as f64), line("errors", &|point| point.errors as f64)];
    let latency = vec![line("p50", &|point| point.p50_ms), line("p95", &|point| point.p95_ms), line("p99", &|point| point.p99_ms)];
    let all = [chart("Requests and errors", "per second", rates), chart("Latency to the last byte", "ms", latency)];
    all.iter().map(|chart| format!("<div class=chart>{}</div>", chart.svg())).collect()
}

fn latencies(report: &Report) -> String {
    let row = |name: &str, of: &Summary| {
        let cells = [of.p50, of.p90, of.p95, of.p99, of.p999, of.max].map(|value| format!("<td>{value:.1}</td>")).concat();
        format!("<tr><td>{}</td>{cells}</tr>", escaped(name))
    };
    let mut rows = row("to the first byte", &report.latency_ms.first_byte);
    rows += &row("to the last byte", &report.latency_ms.last_byte);
    rows += &row("uncorrected", &report.service_ms.last_byte);
    for endpoint in &report.endpoints {
        rows += &row(&format!("{} ×{}", endpoint.name, endpoint.requests), &endpoint.latency_ms.last_byte);
    }
    format!("<h2>Latency</h2><table><tr><th>ms</th><th>p50</th><th>p90</th><th>p95</th><th>p99</th><th>p99.9</th><th>max</th></tr>{rows}</table>")
}

fn outcomes(report: &Report) -> String {
    let mut rows = String::new();
    for (code, count) in &report.codes {
        rows += &format!("<tr><td>{code}</td><td>{count}</td><td></td></tr>");
    }
    for (code, failures) in report.errors.iter().chain(&report.expectations_failed) {
        rows += &format!("<tr class=bad><td>{}</td><td>{}</td><td>{}</td></tr>", escaped(code), failures.count, escaped(&failures.example));
    }
    let mut html = format!("<h2>Answers</h2><table><tr><th>code</th><th>count</th><th></th></tr>{rows}</table>");
    if !report.verdicts.is_empty() {
        let rows: String = report
            .verdicts
            .iter()
            .map(|verdict| {
                let (class, mark) = if verdict.holds { ("good", "holds") } else { ("bad", "broken") };
                format!("<tr class={class}><td>{}</td><td>{}</td><td>{mark}</td></tr>", escaped(&verdict.rule), escaped(&verdict.actual))
            })
            .collect();
        html += &format!("<h2>Thresholds</h2><table>{rows}</table>");
    }
    html
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
