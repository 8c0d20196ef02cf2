//! Kayenta's published vectors; MAINSTAY_KAYENTA_VECTORS names a folder with more in the same form.

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;

use crate::judge::Direction;
use crate::judge::kayenta::{Allowed, Classifier, EffectMeasure};

#[derive(Deserialize)]
struct Vectors {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    tolerance: f64,
    confidence: f64,
    direction: Direction,
    effect: String,
    allowed: (f64, f64),
    critical_allowed: (f64, f64),
    critical: bool,
    replace_missing: bool,
    expected: Expected,
    control: Vec<f64>,
    experiment: Vec<f64>,
}

#[derive(Deserialize)]
struct Expected {
    class: String,
    critical: Option<bool>,
    /// A number, or `NaN`.
    deviation: Option<Value>,
}

#[test]
fn published_vectors_are_classified_as_by_kayenta() {
    let own = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/conformance/kayenta"));
    let folders = [Some(own), std::env::var_os("MAINSTAY_KAYENTA_VECTORS").map(PathBuf::from)];
    let mut wrong = Vec::new();
    for file in folders.into_iter().flatten().flat_map(|folder| std::fs::read_dir(folder).unwrap()) {
        let vectors: Vectors = serde_json::from_slice(&std::fs::read(file.unwrap().path()).unwrap()).unwrap();
        assert!(!vectors.cases.is_empty());
        wrong.extend(vectors.cases.into_iter().filter_map(|case| case.wrong()));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

impl Case {
    fn wrong(&self) -> Option<String> {
        let allowed = |(decrease, increase)| Allowed { decrease, increase };
        let classifier = Classifier {
            tolerance: self.tolerance,
            confidence: self.confidence,
            measure: if self.effect == "cles" { EffectMeasure::CommonLanguage } else { EffectMeasure::MeanRatio },
            allowed: allowed(self.allowed),
            critical: self.critical.then(|| allowed(self.critical_allowed)),
            direction: self.direction,
            replace_missing: self.replace_missing,
        };
        let found = classifier.classify(&self.control, &self.experiment);
        let deviation_is = |expected: &Value| expected.as_f64().map_or(found.deviation.is_nan(), |expected| found.deviation == expected);
        let right = format!("{:?}", found.class) == self.expected.class
            && self.expected.critical.is_none_or(|critical| critical == found.critical)
            && self.expected.deviation.as_ref().is_none_or(deviation_is);
        (!right).then(|| format!("{}: {found:?}", self.name))
    }
}
