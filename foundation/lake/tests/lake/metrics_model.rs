//! Metrics against a model: whatever is appended, flushed, merged and reopened in between, a selection
//! gives each sample once, the first of two values for one time.

use std::collections::BTreeMap;

use proptest::prelude::*;
use telemetry::labels::METRIC_NAME;
use telemetry::ports::{Matcher, Sample, Series};
use telemetry::{Labels, MetricSource};
use tempfile::TempDir;

use crate::support::*;

#[derive(Debug, Clone)]
enum Step {
    Append(Vec<(u8, i64, f64)>),
    Flush,
    Merge,
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let value = prop_oneof![(0..100i32).prop_map(f64::from), any::<f64>().prop_filter("comparable", |value| !value.is_nan())];
    let sample = (0..4u8, -400..400i64, value);
    prop_oneof![
        6 => prop::collection::vec(sample, 1..200).prop_map(Step::Append),
        3 => Just(Step::Flush),
        1 => Just(Step::Merge),
        1 => Just(Step::Reopen),
    ]
}

fn labels(series: u8) -> Labels {
    Labels::from_pairs([(METRIC_NAME, "level".to_owned()), ("series", series.to_string()), ("parity", (series % 2).to_string())])
}

type Model = BTreeMap<(Labels, i64), f64>;

fn selected(model: &Model, parity: &str, from: i64, to: i64) -> Vec<Series> {
    let mut series: BTreeMap<Labels, Vec<Sample>> = BTreeMap::new();
    for ((labels, time_ms), value) in model {
        if labels.get("parity") == Some(parity) && (from..=to).contains(time_ms) {
            series.entry(labels.clone()).or_default().push(Sample { time_ms: *time_ms, value: *value });
        }
    }
    series.into_iter().map(|(labels, samples)| Series { labels, samples }).collect()
}

async fn run(steps: Vec<Step>, from: i64, to: i64) {
    let folder = TempDir::new().unwrap();
    let mut lake = open(folder.path()).await;
    let mut model = Model::new();
    for step in steps {
        match step {
            Step::Append(samples) => {
                for (series, at, value) in samples {
                    let sample = Sample { time_ms: NOW_MS + at * 250, value };
                    model.entry((labels(series), sample.time_ms)).or_insert(value);
                    lake.append(vec![Series { labels: labels(series), samples: vec![sample] }]).await.unwrap();
                }
            }
            Step::Flush => drop(lake.flush().await.unwrap()),
            Step::Merge => drop(compaction(&lake).pass().await.unwrap()),
            Step::Reopen => lake = reopen(lake, folder.path()).await,
        }
        let matchers = [Matcher::equal(METRIC_NAME, "level"), Matcher::equal("parity", "0")];
        let found = lake.select(&matchers, NOW_MS + from..=NOW_MS + to).await.unwrap();
        assert_eq!(found, selected(&model, "0", NOW_MS + from, NOW_MS + to));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 50, ..ProptestConfig::default() })]

    #[test]
    fn a_selection_is_what_the_model_says(
        steps in prop::collection::vec(step(), 1..12),
        from in -100_000..50_000i64,
        length in 0..200_000i64,
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(run(steps, from, from + length));
    }
}
