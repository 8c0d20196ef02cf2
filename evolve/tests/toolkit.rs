//! Experiments beside Chaos Toolkit itself: `experiments/NAME.expect.json` keeps what the toolkit made of each
//! (`experiments/record.py` wrote it) and what it comes to by the specification.
//!
//! `UPDATE_EXPECTED=1 cargo test -p mainstay-evolve --test toolkit` writes our own side anew; read it before keeping it.

mod support;

use std::fs;
use std::path::PathBuf;

use mainstay_evolve::experiments::conformance::{Checked, Outcome, run_folder};
use mainstay_evolve::experiments::{NoPlatform, Settings};
use serde_json::Value;

#[tokio::test]
async fn every_experiment_comes_to_what_the_toolkit_and_the_specification_say() {
    let shop = support::shop().await;
    let checked = run_folder(&folder(), &settings(&shop), &NoPlatform).await.unwrap();
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        checked.iter().for_each(keep_ours);
    }
    let wrong: Vec<String> = checked
        .iter()
        .filter_map(|checked| match &checked.outcome {
            Outcome::Passed => None,
            Outcome::Failed(why) | Outcome::Unsupported(why) => Some(format!("{}: {why}", checked.file)),
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(checked.len() >= 40);
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/experiments")
}

fn settings(shop: &str) -> Settings {
    let environment = [("SHOP_URL", shop), ("SHOP_TOKEN", "hunter22")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    Settings { environment: environment.into(), ..Settings::default() }
}

/// One line for each field, as people compare them.
fn keep_ours(checked: &Checked) {
    let path = folder().join(&checked.file).with_extension("expect.json");
    let mut expect: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    expect["ours"] = checked.found["ours"].clone();
    let lines = |value: &Value, indent: &str| match value.as_object() {
        None => value.to_string(),
        Some(fields) => {
            let fields: Vec<_> = fields.iter().map(|(key, value)| format!("{indent}  \"{key}\": {value}")).collect();
            format!("{{\n{}\n{indent}}}", fields.join(",\n"))
        }
    };
    let sides: Vec<_> = expect.as_object().unwrap().iter().map(|(side, value)| format!("  \"{side}\": {}", lines(value, "  "))).collect();
    fs::write(path, format!("{{\n{}\n}}\n", sides.join(",\n"))).unwrap();
}

/// Nothing exits with 0 unless the hypothesis held and every activity ran.
#[test]
fn by_the_specification_only_a_success_exits_with_0() {
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if !path.to_string_lossy().ends_with(".expect.json") {
            continue;
        }
        let expect: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let ours = &expect["ours"];
        if ours["exit"] != 0 {
            continue;
        }
        let rows = |part: &str| ours[part].as_array().cloned().unwrap_or_default();
        let probes = [rows("before"), rows("after")].concat();
        assert_eq!((&ours["status"], &ours["deviated"]), (&"completed".into(), &false.into()), "{}", path.display());
        assert!(probes.iter().all(|row| row[2] == true) && !rows("during").contains(&false.into()), "{}", path.display());
        assert!([rows("run"), rows("rollbacks")].concat().iter().all(|row| row[1] == "succeeded"), "{}", path.display());
    }
}
