//! What went through, counted by version, method and status: enough for `http.server.request.duration` and its
//! companions of the OpenTelemetry semantic conventions. Each worker has a meter of its own.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use parking_lot::Mutex;
use serde::Serialize;

/// Upper bounds of the buckets, in seconds, as the semantic conventions advise; a last one is open.
pub const BOUNDS_S: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// One request, when its response has gone out or has failed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Exchange<'a> {
    /// `service.version`; None if no version was to be had.
    pub version: Option<&'a str>,
    /// `http.request.method`.
    pub method: &'a Method,
    /// `http.response.status_code`; 499 if the client went away first.
    pub status: u16,
    /// Until the last byte of the response.
    pub duration: Duration,
    /// Of the bodies.
    pub request_bytes: u64,
    pub response_bytes: u64,
}

/// Requests alike, counted since the start.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Series {
    pub version: Option<Arc<str>>,
    /// `_OTHER` for unknown ones.
    pub method: &'static str,
    pub status: u16,
    pub count: u64,
    pub duration_sum_s: f64,
    /// Requests in each bucket (not cumulative), by [`BOUNDS_S`].
    pub duration_buckets: [u64; BOUNDS_S.len() + 1],
    pub request_bytes: u64,
    pub response_bytes: u64,
}

impl Series {
    fn new(version: Option<Arc<str>>, method: &'static str, status: u16) -> Self {
        Self { version, method, status, count: 0, duration_sum_s: 0.0, duration_buckets: [0; BOUNDS_S.len() + 1], request_bytes: 0, response_bytes: 0 }
    }

    fn is(&self, version: Option<&str>, method: &'static str, status: u16) -> bool {
        self.status == status && self.method == method && self.version.as_deref() == version
    }

    fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.duration_sum_s += other.duration_sum_s;
        self.duration_buckets.iter_mut().zip(other.duration_buckets).for_each(|(sum, more)| *sum += more);
        self.request_bytes += other.request_bytes;
        self.response_bytes += other.response_bytes;
    }
}

#[derive(Default)]
pub(crate) struct Meter {
    /// Few: a search beats a hash.
    series: Mutex<Vec<Series>>,
}

impl Meter {
    pub fn count(&self, version: Option<&Arc<str>>, exchange: &Exchange<'_>) {
        let method = known(exchange.method);
        let mut all = self.series.lock();
        let at = all.iter().position(|series| series.is(exchange.version, method, exchange.status)).unwrap_or_else(|| {
            all.push(Series::new(version.cloned(), method, exchange.status));
            all.len() - 1
        });
        let series = &mut all[at];
        let seconds = exchange.duration.as_secs_f64();
        series.count += 1;
        series.duration_sum_s += seconds;
        series.duration_buckets[BOUNDS_S.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS_S.len())] += 1;
        series.request_bytes += exchange.request_bytes;
        series.response_bytes += exchange.response_bytes;
    }
}

/// All workers together, in a stable order.
pub(crate) fn together<'a>(meters: impl Iterator<Item = &'a Meter>) -> Vec<Series> {
    let mut sum: Vec<Series> = Vec::new();
    for meter in meters {
        for series in meter.series.lock().iter() {
            match sum.iter_mut().find(|known| known.is(series.version.as_deref(), series.method, series.status)) {
                Some(known) => known.add(series),
                None => sum.push(series.clone()),
            }
        }
    }
    sum.sort_by(|a, b| (&a.version, a.method, a.status).cmp(&(&b.version, b.method, b.status)));
    sum
}

fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::PATCH => "PATCH",
        Method::TRACE => "TRACE",
        Method::CONNECT => "CONNECT",
        _ => "_OTHER",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meters_add_up() {
        let version: Arc<str> = "2".into();
        let meters = [Meter::default(), Meter::default()];
        for (meter, duration_ms) in [(0, 3), (0, 30), (1, 20_000)] {
            let exchange = Exchange { version: Some("2"), method: &Method::GET, status: 200, duration: Duration::from_millis(duration_ms), request_bytes: 1, response_bytes: 10 };
            meters[meter].count(Some(&version), &exchange);
        }
        let all = together(meters.iter());
        let [series] = all.as_slice() else { panic!("{all:?}") };
        assert_eq!((series.count, series.request_bytes, series.response_bytes), (3, 3, 30));
        assert_eq!((series.duration_buckets[0], series.duration_buckets[3], series.duration_buckets[14]), (1, 1, 1));
    }
}
