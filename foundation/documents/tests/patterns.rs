//! Patterns against events, as the files in `patterns/` tell: what each pattern matches, what it
//! misses, and how a wrong one is refused.

use mainstay_documents::event_rule::Pattern;
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Case {
    name: String,
    pattern: Value,
    #[serde(default)]
    matches: Vec<Value>,
    #[serde(default)]
    misses: Vec<Value>,
}

#[derive(Deserialize)]
struct Refusal {
    pattern: Value,
    path: Vec<String>,
    message: String,
    mend: String,
}

fn read<T: serde::de::DeserializeOwned>(file: &str) -> Vec<T> {
    let path = format!("{}/tests/patterns/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_yaml_ng::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn patterns_match_what_they_should() {
    let mut events = 0;
    for file in ["values.yaml", "filters.yaml", "arrays.yaml", "or.yaml", "ledger.yaml"] {
        for case in read::<Case>(file) {
            let pattern = Pattern::compile(case.pattern).unwrap_or_else(|error| panic!("{file}: {}: {error}", case.name));
            for (expected, list) in [(true, &case.matches), (false, &case.misses)] {
                for event in list {
                    events += 1;
                    assert_eq!(pattern.matches(event), expected, "{file}: {}: {event}", case.name);
                }
            }
        }
    }
    assert!(events > 100, "only {events} events were compared");
}

#[test]
fn wrong_patterns_are_refused_with_their_place_and_a_mend() {
    for case in read::<Refusal>("refused.yaml") {
        let shown = case.pattern.to_string();
        let error = Pattern::compile(case.pattern).expect_err(&shown);
        assert_eq!((error.path, error.message, error.mend), (case.path, case.message, Some(case.mend)), "{shown}");
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let plain = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-c*\\\\]{0,3}".prop_map(Value::from),
    ];
    plain.prop_recursive(4, 40, 5, |inner| {
        let key = prop_oneof![
            Just("$or".to_owned()), Just("prefix".to_owned()), Just("anything-but".to_owned()),
            Just("numeric".to_owned()), Just("exists".to_owned()), Just("wildcard".to_owned()), "[ab]",
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Objects nested to three levels, with plain values in their leaves.
fn any_event() -> impl Strategy<Value = Value> {
    let plain = prop_oneof![any::<bool>().prop_map(Value::from), any::<i32>().prop_map(Value::from), "[a-d]{0,4}".prop_map(Value::from)];
    plain.prop_recursive(3, 20, 4, |inner| {
        prop::collection::btree_map("[a-d]{1,2}", inner, 1..4).prop_map(|map| Value::Object(map.into_iter().collect()))
    }).prop_filter("an event is an object", Value::is_object)
}

/// The pattern that names every leaf of the event.
fn exact(value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(map.iter().map(|(key, value)| (key.clone(), exact(value))).collect()),
        plain => Value::Array(vec![plain.clone()]),
    }
}

proptest! {
    #[test]
    fn nothing_panics(pattern in any_json(), event in any_json()) {
        if let Ok(pattern) = Pattern::compile(pattern) {
            pattern.matches(&event);
        }
    }

    #[test]
    fn an_event_matches_its_own_leaves(event in any_event()) {
        let pattern = Pattern::compile(exact(&event)).unwrap();
        prop_assert!(pattern.matches(&event));
    }
}
