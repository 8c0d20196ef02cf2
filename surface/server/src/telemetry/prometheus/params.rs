//! Parameters: from the query string, and from the form of a POST.

use std::ops::RangeInclusive;
use std::time::Duration;

use ::telemetry::ports::Matcher;
use ::telemetry::promql::{QueryOptions, selectors};
use axum::extract::{Form, FromRequest, Query, Request};
use axum::http::{Method, header};
use jiff::Timestamp;

use super::answer::Failure;

/// In the order in which they came, the form's first.
pub struct Params(Vec<(String, String)>);

impl<S: Send + Sync> FromRequest<S> for Params {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let bad = |error: &dyn std::fmt::Display| Failure::BadData(format!("error parsing form values: {error}"));
        let Query(in_url) = Query::<Vec<(String, String)>>::try_from_uri(request.uri()).map_err(|error| bad(&error))?;
        let mut all = Vec::new();
        if request.method() == Method::POST && request.headers().contains_key(header::CONTENT_TYPE) {
            let Form(form) = Form::<Vec<(String, String)>>::from_request(request, state).await.map_err(|error| bad(&error))?;
            all = form;
        }
        all.extend(in_url);
        Ok(Self(all))
    }
}

impl Params {
    /// The first of this name that says something.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).find(|value| !value.is_empty())
    }

    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub fn required(&self, name: &str) -> Result<&str, Failure> {
        self.get(name).ok_or_else(|| invalid(name, "it is missing"))
    }

    pub fn time_ms(&self, name: &str) -> Result<Option<i64>, Failure> {
        self.get(name).map(|text| time_ms(text).ok_or_else(|| invalid(name, &format!("cannot parse {text:?} to a valid timestamp")))).transpose()
    }

    pub fn duration(&self, name: &str) -> Result<Option<Duration>, Failure> {
        self.get(name).map(|text| duration(text).ok_or_else(|| invalid(name, &format!("cannot parse {text:?} to a valid duration")))).transpose()
    }

    /// A count; 0 stands for none.
    pub fn limit(&self, name: &str) -> Result<Option<usize>, Failure> {
        let parse = |text: &str| text.parse::<usize>().map_err(|_| invalid(name, "limit must be a number of at least 0"));
        Ok(self.get(name).map(parse).transpose()?.filter(|limit| *limit > 0))
    }

    pub fn options(&self) -> Result<QueryOptions, Failure> {
        Ok(QueryOptions { timeout: self.duration("timeout")?, lookback: self.duration("lookback_delta")? })
    }

    /// One list of matchers for each `match[]`.
    pub fn matchers(&self) -> Result<Vec<Vec<Matcher>>, Failure> {
        self.all("match[]").map(|text| selectors(text).map_err(|error| invalid("match[]", &error.to_string()))).collect()
    }

    /// From `start` to `end`; all of the past, up to an hour from now, if they are not given.
    pub fn window_ms(&self) -> Result<RangeInclusive<i64>, Failure> {
        const HOUR_MS: i64 = 3_600_000;
        let start = self.time_ms("start")?.unwrap_or(0);
        let end = self.time_ms("end")?.unwrap_or_else(|| now_ms() + HOUR_MS);
        if end < start {
            return Err(invalid("end", "end timestamp must not be before start time"));
        }
        Ok(start..=end)
    }
}

pub fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}

pub fn invalid(name: &str, why: &str) -> Failure {
    Failure::BadData(format!("invalid parameter {name:?}: {why}"))
}

/// Seconds since the epoch, or RFC 3339.
fn time_ms(text: &str) -> Option<i64> {
    match text.parse::<f64>() {
        Ok(seconds) => whole_ms(seconds),
        Err(_) => text.parse::<Timestamp>().ok().map(|time| time.as_millisecond()),
    }
}

/// Seconds, or as in `1h30m`; more than nothing.
fn duration(text: &str) -> Option<Duration> {
    let duration = match text.parse::<f64>() {
        Ok(seconds) => Duration::from_millis(u64::try_from(whole_ms(seconds)?).ok()?),
        Err(_) => kernel::parse_duration(text).ok()?,
    };
    Some(duration).filter(|duration| !duration.is_zero())
}

/// Within the years that samples can have.
fn whole_ms(seconds: f64) -> Option<i64> {
    const MAX_S: f64 = 9e9;
    (seconds.is_finite() && seconds.abs() <= MAX_S).then(|| (seconds * 1000.0).round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds_or_rfc_3339() {
        assert_eq!(time_ms("1435781451.781"), Some(1_435_781_451_781));
        assert_eq!(time_ms("2015-07-01T20:10:51.781Z"), Some(1_435_781_451_781));
        assert_eq!(time_ms("NaN"), None);
        assert_eq!(time_ms("yesterday"), None);
    }

    #[test]
    fn durations_are_seconds_or_units() {
        assert_eq!(duration("15"), Some(Duration::from_secs(15)));
        assert_eq!(duration("1h30m"), Some(Duration::from_secs(5400)));
        assert_eq!(duration("0"), None);
        assert_eq!(duration("-5"), None);
    }
}
