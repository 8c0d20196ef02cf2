//! Chaos Toolkit's experiments, read from outside.

use std::path::Path;
use std::time::Duration;

use mainstay_documents::experiment::{
    ActivityKind, Carrier, Contribution, EnvType, Experiment, HypothesisStrategy, OwnCall, Provider, RollbackStrategy, Scope, Secret, Setting, Step, StopWhen,
    Tolerance, read_file,
};
use mainstay_documents::{codes, load};
use serde_json::json;

fn cache() -> Experiment {
    let loaded = load(Path::new("tests/experiments"));
    assert_eq!(loaded.diagnostics, []);
    loaded.graph.experiments["cache"].clone()
}

fn provider(step: &Step) -> &Provider {
    match step {
        Step::Activity(activity) => &activity.provider,
        Step::Ref(name) => panic!("a ref to {name}"),
    }
}

#[test]
fn experiments_are_found_by_content_and_named_by_their_file() {
    let loaded = load(Path::new("tests/experiments"));
    let names: Vec<_> = loaded.graph.experiments.keys().map(String::as_str).collect();
    assert_eq!((names, loaded.files), (vec!["cache", "files"], 3), "and the script that one of them plays");
}

#[test]
fn one_file_is_read_without_its_folder_and_whatever_it_looks_like() {
    let loaded = read_file(Path::new("tests/experiments/empty.json"));
    assert_eq!(loaded.diagnostics, []);
    assert_eq!(loaded.graph.experiments["empty"].method, []);
    let loaded = read_file(Path::new("tests/experiments/not-one.yaml"));
    assert!(loaded.graph.experiments.is_empty() && loaded.diagnostics.iter().any(|problem| problem.code == codes::WRONG_TYPE));
    let loaded = read_file(Path::new("tests/experiments/no-such-file.yaml"));
    assert_eq!(loaded.diagnostics[0].code, codes::UNREADABLE);
}

#[test]
fn the_journal_can_hold_it_as_it_was_written() {
    let experiment = cache();
    assert_eq!(experiment.document["extensions"][0], json!({ "name": "vendor", "whatever": true }));
    assert_eq!(experiment.document["method"][1], json!({ "ref": "answers" }));
    assert_eq!((experiment.title.as_str(), experiment.digest.len()), ("The shop at ${shop_url} stands without its cache", 64));
    assert_eq!((experiment.origin.path.as_str(), experiment.tags), ("cache.json", vec!["cache".to_owned(), "orders".to_owned()]));
    assert_eq!((experiment.contributions["reliability"], experiment.contributions["security"]), (Contribution::High, Contribution::None));
}

#[test]
fn values_come_from_the_document_the_environment_probes_files_and_stores() {
    let experiment = cache();
    let [(_, literal), (_, env), (_, probe)] = &experiment.configuration[..] else { panic!("three values") };
    assert_eq!(*literal, Setting::Literal(json!("http://localhost:8080")));
    assert_eq!(*env, Setting::Env { key: "ATTEMPTS".to_owned(), default: Some(json!(3)), as_type: EnvType::Integer });
    assert!(matches!(probe, Setting::Probe(activity) if activity.kind == ActivityKind::Probe));
    let [(name, Secret::Group(secrets))] = &experiment.secrets[..] else { panic!("one group") };
    let kinds: Vec<&Secret> = secrets.iter().map(|(_, secret)| secret).collect();
    assert_eq!(name, "shop");
    assert_eq!(*kinds[1], Secret::File { path: "secrets.json".to_owned(), key: Some("key".to_owned()) });
    assert_eq!(*kinds[3], Secret::Store { name: "shop-password".to_owned() });
}

#[test]
fn secrets_that_are_written_in_it_are_told_and_hidden() {
    let loaded = read_file(Path::new("tests/experiments/told/secret.yaml"));
    let told: Vec<_> = loaded.diagnostics.iter().map(|problem| (problem.code, problem.origin.line)).collect();
    assert_eq!(told, [(codes::SECRET, 5), (codes::SECRET, 7)]);
    let shown = loaded.graph.experiments["secret"].document_without_secrets();
    let expected = json!({ "shop": { "token": "***", "from": { "type": "env", "key": "TOKEN" }, "deep": { "pin": "***" } } });
    assert_eq!(shown["secrets"], expected);
}

#[test]
fn tolerances_have_five_forms() {
    let hypothesis = cache().hypothesis.unwrap();
    let tolerances: Vec<&Tolerance> = hypothesis.probes.iter().map(|probe| &probe.tolerance).collect();
    assert_eq!(*tolerances[0], Tolerance::Scalar(json!(200)));
    assert_eq!(*tolerances[1], Tolerance::List(vec![json!(200), json!(299)]));
    let Tolerance::JsonPath { expect, count, target, .. } = tolerances[2] else { panic!("a JSONPath") };
    assert_eq!((expect.as_ref(), *count, target.as_deref()), (Some(&json!(["a", "b"])), Some(2), Some("body")));
    assert_eq!(*tolerances[3], Tolerance::Regex { pattern: "^(?=ok)".to_owned(), target: Some("stdout".to_owned()) });
    assert_eq!(*tolerances[4], Tolerance::Range { low: 0.0, high: 0.5, target: None });
    assert!(matches!(tolerances[5], Tolerance::Probe(judge) if judge.name == "judge"));
}

#[test]
fn activities_have_their_providers() {
    let experiment = cache();
    let Provider::Http(call) = provider(&experiment.hypothesis.as_ref().unwrap().probes[0].step) else { panic!("a call") };
    assert_eq!((call.method.as_str(), call.verify_tls, &call.timeout), ("GET", false, &Some(json!([1, 2.5]))));
    let Step::Activity(slow) = &experiment.method[0] else { panic!("an activity") };
    assert!(slow.background && matches!(&slow.provider, Provider::Mainstay(OwnCall::Fault(fault)) if fault["duration"] == "30s"));
    assert_eq!((slow.pauses.before.clone(), slow.pauses.after.clone()), (Some(json!("${attempts}")), Some(json!(1.5))));
    assert_eq!(slow.controls[0].carrier, Carrier::Ref("note".to_owned()));
    assert_eq!(experiment.method[1], Step::Ref("answers".to_owned()));
    assert_eq!(experiment.activity("answers").unwrap().document["tolerance"], 200);
    let Provider::Python(call) = provider(&experiment.rollbacks[0]) else { panic!("a function") };
    assert_eq!(call.secrets, Some(vec!["shop".to_owned()]), "one name is a list of one");
}

#[test]
fn strategies_controls_and_our_own_extension_are_typed() {
    let experiment = cache();
    let runtime = &experiment.runtime;
    assert_eq!((runtime.hypothesis, runtime.rollbacks), (HypothesisStrategy::Continuously, RollbackStrategy::Always));
    assert_eq!((runtime.frequency, runtime.fail_fast), (Some(Duration::from_millis(500)), true));
    assert_eq!(experiment.controls[0].carrier, Carrier::Python { module: "chaostracing.control".to_owned() });
    assert_eq!((experiment.controls[1].scope, experiment.controls[1].automatic), (Some(Scope::Before), false));
    let safety = &experiment.safety;
    assert_eq!((safety.targets.proxies.clone(), safety.environment.as_deref()), (vec!["cache".to_owned()], Some("staging")));
    assert_eq!(safety.deadline, Some(Duration::from_secs(600)));
    let alert = |name: &str| StopWhen::Alert(name.to_owned());
    let promql = |query: &str| StopWhen::Promql(query.to_owned());
    assert_eq!(safety.stop_when, [alert("OrdersFail"), promql("sum(rate(errors[1m])) > 1"), alert("Very bad"), promql("up")]);
}
