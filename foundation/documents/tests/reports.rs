//! What scripts and code review get to read.

use std::path::Path;

use mainstay_documents::{codes, load, report};

#[test]
fn json_counts_and_places_every_problem() {
    let json = report::json(&load(Path::new("tests/bad/duplicate-key")));
    assert_eq!((json["errors"].as_u64(), json["files"].as_u64()), (Some(2), Some(1)));
    let first = &json["diagnostics"][0];
    assert_eq!((first["code"].as_str(), first["level"].as_str()), (Some(codes::DUPLICATE_KEY), Some("error")));
    assert_eq!(first["origin"], serde_json::json!({ "path": "workload.yaml", "line": 4, "column": 3 }));
}

#[test]
fn sarif_has_what_code_review_needs() {
    let sarif = report::sarif(&load(Path::new("tests/bad/workload")), "1.2.3");
    assert_eq!(sarif["version"], "2.1.0");
    let run = &sarif["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let results = run["results"].as_array().unwrap();
    assert!(!results.is_empty());
    for result in results {
        let rule = result["ruleIndex"].as_u64().and_then(|index| rules.get(index as usize)).unwrap();
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(["error", "warning", "note"].contains(&result["level"].as_str().unwrap()));
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "tests/bad/workload/workload.yaml");
        let region = &place["region"];
        assert!(region["startLine"].as_u64() >= Some(1) && region["endColumn"].as_u64() > region["startColumn"].as_u64());
    }
}
