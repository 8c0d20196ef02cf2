//! W3C Trace Context, Level 1: who asked, so that a slow answer leads to its trace.

use http::header::HeaderValue;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    pub trace_id: u128,
    pub span_id: u64,
    /// Whether services along the way are asked to record it.
    pub sampled: bool,
}

impl TraceContext {
    /// A new trace; `part` of all, from 0 to 1, are recorded.
    pub fn new(part: f64) -> Self {
        Self { trace_id: fastrand::u128(1..), span_id: fastrand::u64(1..), sampled: fastrand::f64() < part }
    }

    /// The value of `traceparent`.
    pub fn header(&self) -> HeaderValue {
        let text = format!("00-{:032x}-{:016x}-{:02x}", self.trace_id, self.span_id, u8::from(self.sampled));
        HeaderValue::try_from(text).expect("hexadecimal digits can stand in a header")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_hexadecimal_of_full_length() {
        let context = TraceContext { trace_id: 0xabc, span_id: 1, sampled: true };
        assert_eq!(context.header(), "00-00000000000000000000000000000abc-0000000000000001-01");
    }
}
