//! The cases in `tests/cases`: definitions with the answers that are expected of them, and definitions that are
//! refused with the fault that is expected to be told.

use std::fs;
use std::path::{Path, PathBuf};

use flags::{Ask, Bucketing, Context, FlagSet, Format};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

/// One file: a definition and what is asked of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answered {
    #[serde(rename = "about")]
    _about: String,
    format: String,
    /// The definition, or the name of a file beside this one that holds it.
    definition: Value,
    bucketing: Option<String>,
    /// Seconds since 1970.
    #[serde(default)]
    now: i64,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    flag: String,
    #[serde(default)]
    context: Context,
    /// Absent: the caller's own default.
    value: Option<Value>,
    variant: Option<String>,
    reason: Option<String>,
    error: Option<String>,
    metadata: Option<Map<String, Value>>,
    /// As AppConfig's agent shows it.
    shown: Option<Value>,
}

/// One file of definitions that are refused, or doubted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refused {
    definition: Vec<String>,
    faults: Option<Vec<String>>,
    doubts: Option<Vec<String>>,
}

#[test]
fn every_case_is_answered_as_expected() {
    let mut told = Vec::new();
    let mut count = 0;
    for file in files("answered") {
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        let answered: Answered = read(&file);
        let text = match &answered.definition {
            Value::String(beside) => fs::read(file.with_file_name(beside)).expect("the definition is there"),
            written => written.to_string().into_bytes(),
        };
        let set = FlagSet::compile(&text, None).unwrap_or_else(|faults| panic!("{name}: {faults:#?}"));
        assert_eq!(set.format().name(), answered.format, "{name}");
        assert!(answered.bucketing.is_none_or(|bucketing| set.bucketing().name() == bucketing), "{name}");
        for (index, case) in answered.cases.iter().enumerate() {
            count += 1;
            let now = Timestamp::from_second(answered.now).expect("an instant");
            if let Err(wrong) = case.check(&set, now) {
                told.push(format!("{name}, case {}: {}: {wrong}", index + 1, case.flag));
            }
        }
    }
    assert!(told.is_empty(), "{} of {count} cases:\n{}", told.len(), told.join("\n"));
}

impl Case {
    fn check(&self, set: &FlagSet, now: Timestamp) -> Result<(), String> {
        let ask = Ask { context: &self.context, now };
        let evaluation = match (set.evaluate(&self.flag, ask), &self.error) {
            (Ok(evaluation), None) => evaluation,
            (Err(failure), Some(code)) if failure.code() == code => return Ok(()),
            (got, _) => return Err(format!("{got:?}")),
        };
        let same_variant = self.variant.as_deref().is_none_or(|variant| evaluation.variant == Some(variant));
        let same_reason = self.reason.as_deref().is_none_or(|reason| evaluation.reason.name() == reason);
        let same_metadata = self.metadata.as_ref().is_none_or(|metadata| evaluation.metadata == metadata);
        if evaluation.value != self.value.as_ref() || !same_variant || !same_reason || !same_metadata {
            return Err(format!("{evaluation:?}"));
        }
        let Some(shown) = &self.shown else { return Ok(()) };
        let view = set.appconfig_view(&[&self.flag], ask).map_err(|failure| failure.to_string())?;
        if view.get(&self.flag) == Some(shown) { Ok(()) } else { Err(format!("{view:?}")) }
    }
}

#[test]
fn every_faulty_definition_is_refused_at_its_place() {
    let mut told = Vec::new();
    for file in files("refused") {
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        let cases: Vec<Refused> = read(&file);
        for refused in cases {
            let text = refused.definition.join("\n");
            let (faults, doubts) = match FlagSet::compile(text.as_bytes(), None) {
                Ok(set) => (Vec::new(), set.doubts().to_vec()),
                Err(faults) => (faults, Vec::new()),
            };
            let show = |faults: Vec<flags::Fault>| {
                let mend = |fault: &flags::Fault| fault.mend.as_ref().map(|mend| format!("; {mend}")).unwrap_or_default();
                faults.iter().map(|fault| format!("{fault}{}", mend(fault))).collect::<Vec<_>>()
            };
            let (faults, doubts) = (show(faults), show(doubts));
            if faults != refused.faults.unwrap_or_default() || doubts != refused.doubts.unwrap_or_default() {
                told.push(format!("{name}:\n{text}\nfaults {faults:#?}\ndoubts {doubts:#?}"));
            }
        }
    }
    assert!(told.is_empty(), "{}", told.join("\n"));
}

#[test]
fn names_of_bucketings_and_formats_are_fixed() {
    let names = Bucketing::FLAGD.map(Bucketing::name);
    assert_eq!((names, Bucketing::Murmur3SplitV1.name()), (["murmur3-v1", "murmur3-v2"], "murmur3-split-v1"));
    assert_eq!(Format::ALL.map(Format::name), ["appconfig", "flagd"]);
}

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(folder);
    let entries = fs::read_dir(&folder).expect("the folder of cases").map(|entry| entry.expect("an entry").path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|ending| ending == "json")).collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

fn read<T: serde::de::DeserializeOwned>(file: &Path) -> T {
    let text = fs::read_to_string(file).expect("a case is readable");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}
