//! What must hold for any series and any expression: a range query answers what instant queries answer
//! at its steps, and nothing a stranger writes makes the evaluation panic.

use std::sync::Arc;

use mainstay_telemetry::ports::{STALE_NAN_BITS, Sample, Series};
use mainstay_telemetry::promql::{Engine, Limits, QueryOptions, Value, check};
use mainstay_telemetry::{Labels, MemorySource};
use proptest::prelude::*;

const EXPRESSIONS: &[&str] = &[
    "x",
    "x offset 7s",
    "x @ 40",
    "-x",
    "x > 2",
    "x > bool 2",
    "x * 2 + time()",
    "rate(x[20s])",
    "increase(x[45s] offset 5s)",
    "irate(x[30s])",
    "delta(x[30s])",
    "deriv(x[40s])",
    "predict_linear(x[40s], 60)",
    "avg_over_time(x[30s])",
    "stddev_over_time(x[30s])",
    "quantile_over_time(0.3, x[30s])",
    "changes(x[1m])",
    "resets(x[1m])",
    "last_over_time(x[12s])",
    "absent(x{a=\"1\"})",
    "absent_over_time(x{a=\"1\"}[12s])",
    "sum(x)",
    "sum by (a) (rate(x[30s]))",
    "avg without (b) (x)",
    "stdvar(x)",
    "max by (b) (x)",
    "topk(2, x)",
    "bottomk by (a) (1, x)",
    "quantile(0.7, x)",
    "count_values(\"v\", round(x))",
    "limitk(2, x)",
    "limit_ratio(0.5, x)",
    "x{a=\"1\"} + on (b) x{a=\"2\"}",
    "x / on (a) group_left sum by (a) (x)",
    "x and on (b) x{a=\"2\"} > 1",
    "x unless on (b) x{a=\"2\"}",
    "x{a=\"1\"} or x{a=\"2\"}",
    "max_over_time(sum(x)[30s:7s])",
    "sum_over_time(rate(x[20s])[40s:10s] offset 5s)",
    "scalar(x{a=\"1\", b=\"1\"})",
    "vector(time())",
    "timestamp(x)",
    "minute(x * 100)",
    "label_replace(x, \"c\", \"$1\", \"a\", \"(.*)\")",
    "clamp(x, -1, 1)",
    "histogram_quantile(0.5, label_join(x, \"le\", \"\", \"b\"))",
];

fn values() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![
        6 => (-5i32..20).prop_map(|v| Some(f64::from(v) / 2.0)),
        2 => Just(None),
        1 => Just(Some(f64::from_bits(STALE_NAN_BITS))),
        1 => prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY)].prop_map(Some),
    ]
}

/// Up to six series `x{a, b}`, scraped about every five seconds.
fn series() -> impl Strategy<Value = Vec<Series>> {
    let samples = prop::collection::vec((values(), 0i64..3000), 25);
    prop::collection::vec(samples, 6).prop_map(|all| {
        let numbered = all.into_iter().enumerate();
        let series = numbered.map(|(i, samples)| Series {
            labels: Labels::from_pairs([("__name__", "x"), ("a", ["1", "2"][i % 2]), ("b", ["1", "2", "3"][i / 2])]),
            samples: samples
                .into_iter()
                .enumerate()
                .filter_map(|(i, (value, late_ms))| Some(Sample { time_ms: i as i64 * 5000 + late_ms, value: value? }))
                .collect(),
        });
        series.collect()
    })
}

fn engine(series: Vec<Series>) -> Engine {
    let source = MemorySource::default();
    source.load(series);
    Engine::with_limits(Arc::new(source), Limits { max_steps: 500, max_samples: 100_000, ..Limits::default() })
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts").block_on(future)
}

/// Values per label set at one instant, sorted; NaN made comparable.
fn at(value: &Value, time_ms: i64) -> Vec<(String, String)> {
    let show = |labels: &Labels, value: f64| (labels.to_string(), format!("{value:.9e}"));
    let mut found: Vec<_> = match value {
        Value::Scalar(sample) => vec![show(&Labels::default(), sample.value)],
        Value::Vector(vector) => vector.iter().map(|(labels, sample)| show(labels, sample.value)).collect(),
        Value::Matrix(matrix) => {
            let of = |series: &Series| series.samples.iter().find(|sample| sample.time_ms == time_ms).map(|sample| show(&series.labels, sample.value));
            matrix.iter().filter_map(of).collect()
        }
        Value::String { .. } => Vec::new(),
    };
    found.sort();
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_range_query_answers_what_instant_queries_answer(series in series(), start_s in 0i64..60, step_ms in 3000i64..20_000) {
        let engine = engine(series);
        let options = QueryOptions { lookback: Some(std::time::Duration::from_secs(17)), timeout: None };
        block_on(async {
            for expression in EXPRESSIONS {
                let (start, end) = (start_s * 1000, start_s * 1000 + 60_000);
                let times = || (0..).map(|i| start + i * step_ms).take_while(|time| *time <= end);
                match engine.range_with(expression, start, end, step_ms, &options).await {
                    Ok(range) => {
                        for time in times() {
                            let instant = engine.instant_with(expression, time, &options).await.map_err(|e| TestCaseError::fail(format!("{expression}: {e}")))?;
                            prop_assert_eq!(at(&range.value, time), at(&instant.value, time), "{} at {}", expression, time);
                        }
                    }
                    Err(error) => {
                        let mut fails = false;
                        for time in times() {
                            fails |= engine.instant_with(expression, time, &options).await.is_err();
                        }
                        prop_assert!(fails, "{expression} fails over the range only: {error}");
                    }
                }
            }
            Ok(())
        })?;
    }
}

/// Expressions that are mostly well formed, of pieces that mostly fit.
fn expressions() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("x".to_owned()),
        Just("x{a=\"1\"}".to_owned()),
        Just("x[30s]".to_owned()),
        Just("x[1h:1s]".to_owned()),
        Just("1e300".to_owned()),
        Just("NaN".to_owned()),
        Just("\"t\"".to_owned()),
        Just("time()".to_owned()),
        "[0-9]{1,6}",
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        let names = prop::sample::select(vec![
            "rate", "sum", "avg_over_time", "quantile_over_time", "topk", "quantile", "count_values", "histogram_quantile", "label_replace", "clamp",
            "predict_linear", "absent", "scalar", "vector", "limit_ratio", "round", "days_in_month", "sort_by_label", "histogram_fraction", "label_join",
        ]);
        let ops = prop::sample::select(vec!["+", "/", "%", "^", ">", "== bool", "and", "or", "unless on (a)", "* on (a) group_left", "atan2"]);
        prop_oneof![
            (names, prop::collection::vec(inner.clone(), 0..4)).prop_map(|(name, args)| format!("{name}({})", args.join(", "))),
            (inner.clone(), ops, inner.clone()).prop_map(|(a, op, b)| format!("({a} {op} {b})")),
            inner.clone().prop_map(|a| format!("({a})[40s:3s]")),
            inner.clone().prop_map(|a| format!("{a} offset -3d @ end()")),
            inner.prop_map(|a| format!("-{a}")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_expression_panics(expression in expressions(), series in series()) {
        let engine = engine(series);
        block_on(async {
            // Only whether they return matters here.
            let _ = engine.instant(&expression, 60_000).await;
            let _ = engine.range(&expression, 0, 120_000, 7_000).await;
        });
    }

    #[test]
    fn no_text_panics_the_parser(text in "[ -~\\n]{0,60}", wild in ".{0,40}") {
        let _ = check(&text);
        let _ = check(&wild);
        let _ = check(&format!("rate({text}[{wild}])"));
    }
}
