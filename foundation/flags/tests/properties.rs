//! What must hold whatever a stranger writes, and for all users together.

use std::collections::HashMap;

use flags::{Ask, Context, FlagSet};
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

const SEEDS: [&str; 4] = [
    include_str!("cases/answered/jsonlogic.yaml"),
    include_str!("cases/answered/flagd-basics.json"),
    include_str!("cases/answered/appconfig.json"),
    include_str!("cases/answered/bucketing-split-v1.json"),
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// A definition with pieces cut out, doubled or replaced compiles or is refused, and what compiles answers.
    #[test]
    fn no_mutated_definition_makes_anything_panic(seed in 0..SEEDS.len(), cuts in prop::collection::vec((any::<prop::sample::Index>(), 0..12_usize, "\\PC{0,6}"), 1..6)) {
        let mut text: Vec<char> = definition(SEEDS[seed]).chars().collect();
        for (index, length, put) in cuts {
            let start = index.index(text.len().max(1)).min(text.len());
            let end = (start + length).min(text.len());
            text.splice(start..end, put.chars());
        }
        let text: String = text.into_iter().collect();
        if let Ok(set) = FlagSet::compile(text.as_bytes(), None) {
            let context = json!({"targetingKey": "u", "basket": [{"price": 3}], "n": -1.5, "list": [[]], "email": "\u{0}"});
            let _ = set.evaluate_all(ask(context.as_object().expect("an object")));
            let _ = set.appconfig_view(&[], ask(context.as_object().expect("an object")));
        }
    }

    /// Rules meet contexts of every shape.
    #[test]
    fn no_context_makes_anything_panic(values in prop::collection::hash_map("[a-z]{1,8}", value(), 0..8)) {
        let set = FlagSet::compile(SEEDS[0].as_bytes(), None).expect("the definition compiles");
        let mut context: Context = values.into_iter().collect();
        for (index, key) in ["a", "b", "n", "list", "basket", "age", "email", "name", "text"].iter().enumerate() {
            if let Some(value) = context.values().nth(index).cloned() {
                context.insert((*key).to_owned(), value);
            }
        }
        for (_, answer) in set.evaluate_all(ask(&context)) {
            if let Ok(evaluation) = answer {
                prop_assert_eq!(evaluation.value.is_some(), evaluation.variant.is_some());
            }
        }
    }

    /// Nobody who was in a split is left out by a larger one.
    #[test]
    fn a_growing_split_keeps_who_is_in(small in 0.0..100.0_f64, more in 0.0..100.0_f64, user in "\\PC{1,20}") {
        let large = (small + more).min(100.0);
        let context = json!({"userId": user});
        let within = |percentage: f64| {
            let set = split(&format!("(split pct::{percentage} by::$userId)"));
            set.evaluate("a", ask(context.as_object().expect("an object"))).expect("an answer").value == Some(&Value::Bool(true))
        };
        prop_assert!(!within(small) || within(large));
    }
}

#[test]
fn shares_come_near_their_weights() {
    const USERS: usize = 20_000;
    for bucketing in ["murmur3-v1", "murmur3-v2"] {
        let definition = json!({
            "metadata": {"mainstay.dev/bucketing": bucketing},
            "flags": {"a": {"state": "ENABLED", "variants": {"x": 1, "y": 2, "z": 3}, "targeting": {"fractional": [["x", 5], ["y", 20], ["z", 75]]}}}
        });
        let set = FlagSet::compile(definition.to_string().as_bytes(), None).expect("it compiles");
        let shares = shares(&set, USERS, "targetingKey");
        for (variant, expected) in [("x", 0.05), ("y", 0.20), ("z", 0.75)] {
            let share = shares[variant] as f64 / USERS as f64;
            // Five standard deviations of a fair draw.
            let room = 5.0 * (expected * (1.0 - expected) / USERS as f64).sqrt();
            assert!((share - expected).abs() < room, "{bucketing}: {variant} {share}");
        }
    }
    let shares = shares(&split("(split pct::12.5 by::$userId)"), USERS, "userId");
    assert!((shares["in"] as f64 / USERS as f64 - 0.125).abs() < 0.012, "{shares:?}");
}

#[test]
fn the_same_share_twice_overlaps_and_a_seed_pulls_them_apart() {
    let set = |second: &str| {
        let definition = json!({
            "version": "1",
            "flags": {"a": {"name": "A"}},
            "values": {"a": {"_variants": [
                {"name": "first", "enabled": true, "rule": "(split pct::20 by::$userId)"},
                {"name": "second", "enabled": true, "rule": second},
                {"name": "rest", "enabled": false}
            ]}}
        });
        FlagSet::compile(definition.to_string().as_bytes(), None).expect("it compiles")
    };
    let same = set("(split pct::20 by::$userId)");
    assert!(!shares(&same, 5000, "userId").contains_key("second"));
    assert_eq!(same.doubts().len(), 1);
    let more = shares(&set("(split pct::25 by::$userId)"), 5000, "userId")["second"];
    assert!((150..350).contains(&more), "5 % of 5000: {more}");
    let seeded = shares(&set("(split pct::25 by::$userId seed::\"other\")"), 5000, "userId")["second"];
    assert!((850..1150).contains(&seeded), "25 % of the 80 % left over: {seeded}");
}

#[test]
fn flags_split_apart_unless_they_share_a_seed() {
    let definition = |rule: &str| {
        let variants = json!({"_variants": [{"name": "in", "enabled": true, "rule": rule}, {"name": "out", "enabled": false}]});
        let definition = json!({"version": "1", "flags": {"a": {"name": "A"}, "b": {"name": "B"}}, "values": {"a": variants, "b": variants}});
        FlagSet::compile(definition.to_string().as_bytes(), None).expect("it compiles")
    };
    let agree = |set: &FlagSet| {
        let same = |number: &usize| {
            let context = json!({"userId": format!("user-{number}")});
            let answer = |key| set.evaluate(key, ask(context.as_object().expect("an object"))).expect("an answer").value.cloned();
            answer("a") == answer("b")
        };
        (0..2000).filter(same).count()
    };
    assert_eq!(agree(&definition("(split pct::50 by::$userId seed::\"s\")")), 2000);
    let apart = agree(&definition("(split pct::50 by::$userId)"));
    assert!((900..1100).contains(&apart), "{apart}");
}

fn split(rule: &str) -> FlagSet {
    let variants = json!([{"name": "in", "enabled": true, "rule": rule}, {"name": "out", "enabled": false}]);
    let definition = json!({"version": "1", "flags": {"a": {"name": "A"}}, "values": {"a": {"_variants": variants}}});
    FlagSet::compile(definition.to_string().as_bytes(), None).expect("it compiles")
}

/// How many users get which variant of `a`; each asked twice.
fn shares(set: &FlagSet, users: usize, key: &str) -> HashMap<String, usize> {
    let mut shares = HashMap::new();
    for number in 0..users {
        let context = json!({key: format!("user-{number}")});
        let answer = || set.evaluate("a", ask(context.as_object().expect("an object"))).expect("an answer").variant.map(str::to_owned);
        assert_eq!(answer(), answer());
        *shares.entry(answer().expect("a variant")).or_default() += 1;
    }
    shares
}

fn ask(context: &Context) -> Ask<'_> {
    Ask { context, now: Timestamp::UNIX_EPOCH }
}

/// Of a file of cases, the definition alone.
fn definition(text: &str) -> String {
    serde_json::from_str::<Value>(text).map_or_else(|_| text.to_owned(), |file| file["definition"].to_string())
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map("[a-z]{1,5}", inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}
