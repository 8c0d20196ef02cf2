//! What series there are: their label sets, names, values and descriptions.

use std::collections::BTreeMap;

use ::telemetry::Labels;
use axum::extract::{Path, State};
use serde::Serialize;

use super::Api;
use super::answer::{Failure, Success};
use super::params::{Params, invalid};

/// `series`: the label sets that match one of the selectors.
pub async fn series(State(api): State<Api>, params: Params) -> Result<Success<Vec<Labels>>, Failure> {
    let matchers = params.matchers()?;
    if matchers.is_empty() {
        return Err(Failure::BadData("no match[] parameter provided".to_owned()));
    }
    let limit = params.limit("limit")?;
    Ok(Success::limited(api.source.series(&matchers, params.window_ms()?).await?, limit))
}

/// `labels`: the names of labels.
pub async fn label_names(State(api): State<Api>, params: Params) -> Result<Success<Vec<String>>, Failure> {
    let limit = params.limit("limit")?;
    Ok(Success::limited(api.source.label_names(&params.matchers()?, params.window_ms()?).await?, limit))
}

/// `label/{name}/values`.
pub async fn label_values(State(api): State<Api>, Path(name): Path<String>, params: Params) -> Result<Success<Vec<String>>, Failure> {
    let name = unescape(&name).ok_or_else(|| invalid("name", &format!("{name:?} is not a label name")))?;
    let limit = params.limit("limit")?;
    Ok(Success::limited(api.source.label_values(&name, &params.matchers()?, params.window_ms()?).await?, limit))
}

#[derive(Serialize)]
pub struct Description {
    #[serde(rename = "type")]
    kind: String,
    help: String,
    unit: String,
}

/// `metadata`: what metrics are, by name.
pub async fn metadata(State(api): State<Api>, params: Params) -> Result<Success<BTreeMap<String, Vec<Description>>>, Failure> {
    let only = params.get("metric");
    let limit = params.limit("limit")?.unwrap_or(usize::MAX);
    let each = params.limit("limit_per_metric")?.unwrap_or(usize::MAX);
    let mut all: BTreeMap<String, Vec<Description>> = BTreeMap::new();
    for metric in api.source.metadata().await? {
        if only.is_some_and(|only| only != metric.name) || (all.len() >= limit && !all.contains_key(&metric.name)) {
            continue;
        }
        let descriptions = all.entry(metric.name).or_default();
        if descriptions.len() < each {
            descriptions.push(Description { kind: metric.kind, help: metric.help, unit: metric.unit });
        }
    }
    Ok(Success::of(all))
}

/// Clients write names beyond ASCII letters as `U__` and the others as `_hex_`, a `_` as `__`.
fn unescape(name: &str) -> Option<String> {
    let Some(escaped) = name.strip_prefix("U__") else {
        return Some(name.to_owned()).filter(|name| !name.is_empty());
    };
    let mut plain = String::new();
    let mut rest = escaped;
    while let Some(at) = rest.find('_') {
        plain.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('_') {
            plain.push('_');
            rest = after;
            continue;
        }
        let (code, after) = rest.split_once('_')?;
        plain.push(char::from_u32(u32::from_str_radix(code, 16).ok()?)?);
        rest = after;
    }
    plain.push_str(rest);
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_label_names_are_read() {
        assert_eq!(unescape("job").as_deref(), Some("job"));
        assert_eq!(unescape("U__service_2e_name").as_deref(), Some("service.name"));
        assert_eq!(unescape("U__a__b").as_deref(), Some("a_b"));
        assert_eq!(unescape("U__a_zz_"), None);
        assert_eq!(unescape(""), None);
    }
}
