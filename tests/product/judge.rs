//! `mainstay judge`, on anybody's own data.

use std::fmt::Write;
use std::path::Path;

use serde_json::Value;

use crate::scenario::{mainstay, said};

/// Points that vary by a third of their level, and do not follow each other.
fn points(level: f64, count: u32) -> String {
    (0..count).fold(String::new(), |mut text, n| {
        let _ = writeln!(text, "{}", level * (1.0 + f64::from(n * 7 % 11) / 30.0));
        text
    })
}

async fn judged(folder: &Path, arguments: &[&str]) -> (Option<i32>, Value) {
    let output = mainstay(folder, &[&["judge", "--format", "json"], arguments].concat()).await;
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output))))
}

#[tokio::test]
async fn two_files_are_judged_and_drawn() {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in [("old.txt", points(10.0, 60)), ("same.txt", points(10.1, 60)), ("slow.txt", points(14.0, 60)), ("few.txt", points(10.0, 4))] {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    let (code, judgement) = judged(folder.path(), &["--control", "old.txt", "--canary", "slow.txt", "--picture", "judged.svg"]).await;
    assert_eq!((code, &judgement["verdict"]), (Some(1), &"fail".into()));
    let effect = |bound: &str| judgement["effect"][bound].as_f64().unwrap();
    assert!((effect("estimate") - 1.4).abs() < 0.01 && effect("lower") > 1.2 && effect("upper") < 1.7, "{judgement}");
    assert_eq!((&judgement["control"]["points"], &judgement["canary"]["points"]), (&60.into(), &60.into()));
    let picture = std::fs::read_to_string(folder.path().join("judged.svg")).unwrap();
    assert!(picture.contains("<circle") && picture.contains("no change"));

    assert_eq!(judged(folder.path(), &["--control", "old.txt", "--canary", "same.txt"]).await.1["verdict"], "pass");
    let (code, few) = judged(folder.path(), &["--control", "old.txt", "--canary", "few.txt"]).await;
    assert_eq!((code, &few["verdict"], &few["needed_points"]), (Some(3), &"not_enough_data".into(), &4.into()));
    let (code, kayenta) = judged(folder.path(), &["--control", "old.txt", "--canary", "slow.txt", "--mode", "kayenta"]).await;
    assert_eq!((code, &kayenta["classification"]), (Some(1), &"High".into()));
}

#[tokio::test]
async fn columns_and_ranges_are_judged_alike() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("both.csv"), (0..60).fold("old,new\n".to_owned(), |text, n| format!("{text}{},{}\n", 10 + n % 7, 40 + n % 7))).unwrap();
    assert_eq!(judged(folder.path(), &["--control", "both.csv#old", "--canary", "both.csv#new"]).await.1["verdict"], "fail");
    let range = ["--start", "2026-01-01T00:00:00Z", "--end", "2026-01-01T00:59:00Z", "--step", "1m"];
    let queries = ["--control-query", "vector(10 + time() / 60 % 7)", "--canary-query", "vector(40 + time() / 60 % 7)"];
    let (_, judgement) = judged(folder.path(), &[&queries[..], &range].concat()).await;
    assert_eq!((&judgement["verdict"], &judgement["canary"]["points"]), (&"fail".into(), &60.into()));
}

#[tokio::test]
async fn what_is_no_number_is_named_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("old.txt"), "1\n2\nthree\n").unwrap();
    std::fs::write(folder.path().join("two.csv"), "1,2\n").unwrap();
    for (arguments, says) in [
        (["--control", "old.txt", "--canary", "old.txt"], "line 3: \"three\" is not a number"),
        (["--control", "two.csv", "--canary", "old.txt"], "several columns; name one as FILE#COLUMN"),
        (["--control", "none.txt", "--canary", "old.txt"], "none.txt cannot be read"),
    ] {
        let output = mainstay(folder.path(), &[&["judge"], &arguments[..]].concat()).await;
        assert_eq!(output.status.code(), Some(2));
        assert!(said(&output).contains(says), "{}", said(&output));
    }
}
