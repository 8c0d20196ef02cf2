//! Scenario scripts, read from outside.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use mainstay_documents::script::{self, *};
use mainstay_documents::{codes, load};
use serde_json::{Value, json};

fn checkout() -> Script {
    let (script, diagnostics) = script::read_file(Path::new("tests/good/checkout.yaml"));
    assert_eq!(diagnostics, []);
    script.unwrap()
}

/// A script of its own, with what is given to it.
fn reads(text: &str, given: Given) -> (Option<Script>, Vec<(&'static str, String)>) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("own.yaml");
    fs::write(&file, text).unwrap();
    let (script, diagnostics) = script::read_file_with(&file, given);
    (script, diagnostics.into_iter().map(|diagnostic| (diagnostic.code, diagnostic.message)).collect())
}

fn environment(variables: &'static [(&'static str, &'static str)]) -> Given {
    let process = move |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    Given { variables: BTreeMap::new(), process: Arc::new(process), payload: None }
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

#[test]
fn phases_say_how_users_arrive() {
    let arrivals: Vec<_> = checkout().config.phases.iter().map(|phase| phase.arrivals).collect();
    assert_eq!(
        arrivals,
        [
            Arrivals::Rate { duration: seconds(30), from: 1.0, to: 20.0, spread: Spread::Uniform },
            Arrivals::Rate { duration: seconds(120), from: 20.0, to: 20.0, spread: Spread::Poisson },
            Arrivals::Pause { duration: seconds(30) },
            Arrivals::Count { duration: seconds(60), count: 30 },
            Arrivals::Users { duration: seconds(3600), users: 50 },
            Arrivals::Pause { duration: seconds(10) },
        ]
    );
}

#[test]
fn settings_have_their_types_whatever_they_are_written_as() {
    let config = checkout().config;
    assert_eq!((config.http.timeout, config.http.pool, config.http.version), (seconds(3), Some(20), HttpVersion::Http2));
    assert!(config.http.distributed_tracing && !config.http.strict_capture && !config.tls.reject_unauthorized);
    assert_eq!(config.http.headers["x-shop"], "1");
    assert_eq!(config.http.headers["authorization"], "Bearer {{ $env.TOKEN }}", "texts stay templates");
    assert_eq!(config.http.think_jitter, Some(Jitter::Percent(10.0)));
    let [users, all] = config.payloads.as_slice() else { panic!("two files") };
    assert_eq!((users.path.as_str(), users.order, users.delimiter, users.skip_header), ("././users.csv", PayloadOrder::Sequence, ';', true));
    assert_eq!((all.load_all.as_deref(), all.cast), (Some("users"), false));
    assert_eq!(config.apdex, Some(Duration::from_millis(250)));
    let thresholds: Vec<_> = config.ensure.thresholds.iter().map(|threshold| (threshold.metric.as_str(), threshold.max)).collect();
    assert_eq!(thresholds, [("http.response_time.p99", 250.0), ("http.response_time.p95", 100.0)]);
    let conditions: Vec<_> = config.ensure.conditions.iter().map(|condition| (condition.expression.as_str(), condition.strict)).collect();
    let errors = "(vusers.created - vusers.completed) / vusers.created * 100 <= 1";
    assert_eq!(conditions, [("vusers.failed == 0", false), (errors, true)]);
    assert!(config.plugins.expect.unwrap().expect_default_200 && config.plugins.metrics_by_endpoint.is_some());
}

#[test]
fn an_environment_is_laid_over_key_by_key_and_item_by_item() {
    let script = checkout();
    let local = &script.environments["local"];
    assert_eq!(local.target.as_deref(), Some("http://127.0.0.1:8080"));
    assert_eq!(local.phases[0].name.as_deref(), Some("warm up"), "what the environment does not say stays");
    assert_eq!(local.phases[0].arrivals, Arrivals::Count { duration: seconds(5), count: 5 }, "how users arrive is replaced");
    assert_eq!(local.phases[1].arrivals, Arrivals::Rate { duration: seconds(1), from: 20.0, to: 20.0, spread: Spread::Poisson });
    assert_eq!(local.phases.len(), script.config.phases.len());
    assert_eq!((local.http.headers["x-shop"].as_str(), local.http.timeout), ("2", seconds(3)));
    assert_eq!(local.variables["currency"], json!(["chf", "gbp"]));
    assert!(local.tls.reject_unauthorized);
}

#[test]
fn what_an_environment_leaves_of_a_list_or_a_ramp_is_said() {
    let text = "
config:
  target: http://x
  phases: [{ duration: 1, arrivalRate: 1, rampTo: 9 }, { pause: 1 }]
  environments: { quick: { phases: [{ arrivalRate: 2 }] }, counted: { phases: [{ arrivalCount: 2 }, {}] } }
scenarios: [{ flow: [{ get: { url: / } }] }]
";
    let (script, diagnostics) = reads(text, environment(&[]));
    let environments = script.unwrap().environments;
    let arrivals = |name: &str| environments[name].phases.iter().map(|phase| phase.arrivals).collect::<Vec<_>>();
    let (duration, spread) = (seconds(1), Spread::Uniform);
    assert_eq!(arrivals("quick"), [Arrivals::Rate { duration, from: 2.0, to: 9.0, spread }, Arrivals::Pause { duration }]);
    assert_eq!(arrivals("counted"), [Arrivals::Count { duration, count: 2 }, Arrivals::Pause { duration }]);
    let ramp = "the script's `rampTo` stays beside this `arrivalRate`".to_owned();
    let list = "the script has 2 `phases` and this environment 1; what it has more stays".to_owned();
    assert_eq!(diagnostics, [(codes::LAID_OVER, list), (codes::LAID_OVER, ramp)]);
}

#[test]
fn requests_hold_all_that_is_sent_and_looked_at() {
    let script = checkout();
    let buy = &script.scenarios[0];
    assert_eq!((buy.weight, buy.before_scenario.as_slice(), buy.after_response.len()), (3.0, ["prepare".to_owned()].as_slice(), 2));
    let Action::Request(get) = &buy.flow[0].action else { panic!("a request") };
    assert_eq!((get.method.as_str(), get.name.as_deref(), get.gzip, get.probability), ("GET", Some("products"), true, Some(50.0)));
    assert_eq!(buy.flow[0].if_true.as_deref(), Some("limits.items > 2"));
    assert_eq!(get.headers, [("accept".to_owned(), "application/json".to_owned()), ("x-count".to_owned(), "3".to_owned())]);
    let selectors: Vec<_> = get.capture.iter().map(|capture| &capture.selector).collect();
    assert_eq!(*selectors[0], Selector::Json("$[0].id".to_owned()));
    assert_eq!(*selectors[1], Selector::Regexp { pattern: "id=(?<id>\\d+)(?=;)".to_owned(), group: Some("id".to_owned()), flags: Some("i".to_owned()) });
    assert_eq!(*selectors[2], Selector::Css { selector: "a.next".to_owned(), attribute: Some("href".to_owned()), pick: Pick::Last });
    assert_eq!((get.capture[1].strict, get.matches[0].value.clone()), (Some(false), json!(true)));
    let checks: Vec<_> = get.expect.iter().map(|expectation| &expectation.check).collect();
    assert_eq!(*checks[0], Check::StatusCode(vec![json!(200), json!(304)]));
    assert_eq!(*checks[1], Check::ContentType(json!("json")), "each of an item's expectations counts");
    assert_eq!(*checks[2], Check::Jmespath { expression: "[0].price".to_owned(), equals: Some(json!(5)) });
    assert_eq!(get.expect[2].description.as_deref(), Some("the price"));
    assert_eq!(*checks[3], Check::HeaderEquals(json!("cache-control"), json!("no-store")));
    let Action::Request(patch) = &buy.flow[6].action else { panic!("a request") };
    assert_eq!(patch.body, Body::Text(json!("raw {{ id }}")));
    assert_eq!(buy.flow[6].if_true.as_deref(), Some("isMember"));
}

#[test]
fn what_a_request_says_besides_is_for_functions_if_there_are_any() {
    let text = |config: &str| format!("config: {{ target: 'http://x'{config} }}\nscenarios: [{{ flow: [{{ post: {{ url: /, jsonFromFile: a.json, jsno: 1 }} }}] }}]\n");
    let slip = (codes::UNKNOWN_FIELD, "`post` has no field `jsno`".to_owned());
    let (_, diagnostics) = reads(&text(", processor: own.yaml"), environment(&[]));
    assert_eq!(diagnostics, [(codes::UNKNOWN_FIELD, "`jsonFromFile` in `post` is kept for the script's functions".to_owned()), slip.clone()]);
    let (_, diagnostics) = reads(&text(""), environment(&[]));
    assert_eq!(diagnostics, [(codes::UNKNOWN_FIELD, "`post` has no field `jsonFromFile`".to_owned()), slip]);
    let (script, _) = reads(&text(", processor: own.yaml").replace(", jsno: 1", ""), environment(&[]));
    let Action::Request(post) = &script.unwrap().scenarios[0].flow[0].action else { panic!("a request") };
    assert_eq!(post.extra["jsonFromFile"], json!("a.json"));
}

#[test]
fn loops_say_how_often() {
    let flow = checkout().scenarios.remove(0).flow;
    let loops: Vec<_> = flow.iter().filter_map(|step| if let Action::Loop(repeat) = &step.action { Some(repeat) } else { None }).collect();
    assert_eq!((&loops[0].times, loops[0].counter.as_deref()), (&Times::Over(json!(["a", "b"])), Some("round")));
    assert_eq!(loops[1].times, Times::Between(1, 5));
    assert_eq!((&loops[2].times, loops[2].while_true.as_deref()), (&Times::Endless, Some("unpaid")));
    let Action::Request(put) = &loops[0].steps[1].action else { panic!("a request") };
    let Body::Multipart(parts) = &put.body else { panic!("parts") };
    assert_eq!((&parts[0].content, &parts[1].content), (&PartContent::Text(json!("hi")), &PartContent::File("users.csv".to_owned())));
}

#[test]
fn other_engines_have_their_own_steps() {
    let script = checkout();
    let actions = |index: usize| script.scenarios[index].flow.iter().map(|step| step.action.clone()).collect::<Vec<_>>();
    let [_, Action::Ws(send), Action::Ws(ping), _] = &actions(1)[..] else { panic!("four steps") };
    assert_eq!(*send, WsAction::Send { payload: json!({ "subscribe": "prices" }), binary: false, answer: Answer::default() });
    let WsAction::Send { payload, answer, .. } = ping else { panic!("a message") };
    assert_eq!((payload, answer.timeout, answer.capture.len()), (&json!("ping"), Some(seconds(2)), 1));
    let [Action::Grpc(call)] = &actions(2)[..] else { panic!("a call") };
    assert_eq!((call.service.as_str(), call.expect.len()), ("shop.Stock", 1));
    let browser = actions(3);
    assert_eq!(browser[3], Action::Browser(BrowserAction::Wait { selector: None, text: None, timeout: Duration::from_millis(500) }));
    assert_eq!(browser[7], Action::Browser(BrowserAction::Screenshot { name: "result".to_owned() }));
}

const RATED: &str = "
config:
  target: http://x
  phases: [{ duration: '{{ $env.LONG }}', arrivalRate: '{{ $processEnvironment.RATE }}', maxVusers: '{{ users }}' }]
scenarios: [{ flow: [{ get: { url: / } }] }]
";

#[test]
fn numbers_come_from_the_environment_and_from_given_variables() {
    let mut given = environment(&[("RATE", "2.5"), ("LONG", "2m")]);
    given.variables.insert("users".to_owned(), Value::from(7));
    let (script, diagnostics) = reads(RATED, given);
    let config = script.unwrap().config;
    assert_eq!((diagnostics, config.unset), (vec![], vec![]));
    assert_eq!(config.phases[0].arrivals, Arrivals::Rate { duration: seconds(120), from: 2.5, to: 2.5, spread: Spread::Uniform });
    assert_eq!(config.phases[0].max_vusers, Some(7));
}

#[test]
fn a_number_without_its_variable_is_named_and_nothing_can_be_played() {
    let (script, diagnostics) = reads(RATED, environment(&[("RATE", "2.5")]));
    let config = script.unwrap().config;
    let unset: Vec<_> = config.unset.iter().map(|unset| unset.variable.as_str()).collect();
    assert_eq!((unset, config.phases.len()), (vec!["users", "$env.LONG"], 0));
    let message = |name: &str| (codes::UNSET_VARIABLE, format!("`{name}` has no value"));
    assert_eq!(diagnostics, [message("$env.LONG"), message("users")]);
}

#[test]
fn a_variable_that_is_no_number_is_not_shown() {
    let (script, diagnostics) = reads(RATED, environment(&[("RATE", "s3cret"), ("LONG", "1"), ("users", "1")]));
    assert!(script.is_none());
    assert!(diagnostics.iter().any(|(_, message)| message == "`{{ $processEnvironment.RATE }}` does not come to a number"));
    assert!(!diagnostics.iter().any(|(_, message)| message.contains("s3cret")));
}

#[test]
fn files_are_looked_for_beside_the_script_in_each_environment() {
    let text = "
config:
  target: http://x
  payload: { path: 'data/{{ $environment }}.csv', fields: [a] }
  environments: { there: {}, away: {} }
scenarios: [{ flow: [{ get: { url: / } }] }]
";
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("data")).unwrap();
    fs::write(folder.path().join("data/there.csv"), "1\n").unwrap();
    fs::write(folder.path().join("own.json"), text).unwrap();
    let (_, diagnostics) = script::read_file(&folder.path().join("own.json"));
    let missing = folder.path().join("data/away.csv");
    assert_eq!(diagnostics.len(), 1);
    assert_eq!((diagnostics[0].code, diagnostics[0].message.clone()), (codes::MISSING_FILE, format!("the CSV file is not there: {}", missing.display())));
}

#[test]
fn settings_that_scripts_share_are_no_script_of_a_folder() {
    let shared = "config: { target: 'http://x', phases: [{ duration: 1, arrivalRate: 1 }] }\n";
    let (script, diagnostics) = reads(shared, environment(&[]));
    assert_eq!((script.unwrap().scenarios.len(), diagnostics), (0, vec![]));
    let folder = tempfile::tempdir().unwrap();
    for place in ["a", "b"] {
        fs::create_dir(folder.path().join(place)).unwrap();
        fs::write(folder.path().join(place).join("config.yaml"), shared).unwrap();
    }
    let loaded = load(folder.path());
    assert_eq!((loaded.files, loaded.graph.scripts.len(), loaded.diagnostics), (2, 0, vec![]));
}

#[test]
fn a_file_full_of_environments_is_refused() {
    let environments: String = (0..65).map(|number| format!("e{number}: {{}}, ")).collect();
    let text = format!("config: {{ target: 'http://x', environments: {{ {environments} }} }}\nscenarios: [{{ flow: [{{ think: 1 }}] }}]\n");
    let (script, diagnostics) = reads(&text, environment(&[]));
    assert_eq!((script, diagnostics[0].0, diagnostics.len()), (None, codes::TOO_LARGE, 1));
}

#[test]
fn what_is_no_script_says_so() {
    for (text, code) in [("a: 1\n", codes::UNKNOWN_KIND), ("a: [\n", codes::SYNTAX), ("", codes::SYNTAX), ("- a\n", codes::UNKNOWN_KIND)] {
        let (script, diagnostics) = reads(text, environment(&[]));
        assert!(script.is_none());
        assert_eq!(diagnostics[0].0, code, "{text}");
    }
    let (script, diagnostics) = script::read_file(Path::new("tests/no-such-file.yaml"));
    assert_eq!((script, diagnostics[0].code), (None, codes::UNREADABLE));
}

#[test]
fn a_script_is_named_by_its_file_and_may_be_run_like_a_runbook() {
    let loaded = load(Path::new("tests/bad/script"));
    assert!(!loaded.graph.scripts.contains_key("settings"));
    let (script, _) = script::read_file(Path::new("tests/good/checkout.yaml"));
    let script = script.unwrap();
    assert_eq!((script.name.as_str(), script.digest.len(), script.origin.path.as_str()), ("checkout", 64, "checkout.yaml"));
}
