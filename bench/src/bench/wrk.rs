//! What wrk, a load generator that needs little itself, tells.

use anyhow::Context;

pub struct Told {
    pub requests: f64,
    pub seconds: f64,
    /// With `--latency`.
    pub median_ms: Option<f64>,
}

/// Fails if a request failed.
pub fn read(text: &str) -> anyhow::Result<Told> {
    anyhow::ensure!(!text.contains("Non-2xx") && !text.contains("Socket errors"), "{text}");
    // For example `134217 requests in 5.00s, 162.50MB read`.
    let counted = text.lines().find(|line| line.contains("requests in")).with_context(|| format!("wrk counted nothing: {text}"))?;
    let mut words = counted.split_whitespace();
    let requests = words.next().unwrap_or_default().parse()?;
    let seconds = ms(words.nth(2).unwrap_or_default().trim_end_matches(','))? / 1000.0;
    let median = text.lines().find_map(|line| line.trim().strip_prefix("50%"));
    Ok(Told { requests, seconds, median_ms: median.map(|median| ms(median.trim())).transpose()? })
}

fn ms(text: &str) -> anyhow::Result<f64> {
    let (digits, unit) = text.split_at(text.find(|letter: char| letter.is_ascii_alphabetic()).unwrap_or(text.len()));
    let factor = match unit {
        "us" => 0.001,
        "ms" => 1.0,
        "s" => 1000.0,
        "m" => 60_000.0,
        _ => anyhow::bail!("{text} is no time of wrk"),
    };
    Ok(digits.parse::<f64>()? * factor)
}
