//! Feature flags and configurations as real clients ask for them: OpenFeature's SDKs for Python and Node.js with their
//! OFREP providers, unchanged, and the requests that clients of AppConfig's agent send.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::fixture::server::ServerSettings;
use crate::fixture::{self, Server, eventually, repository};

const LIMIT: Duration = Duration::from_secs(20);

const CATALOG: &str = "apiVersion: backstage.io/v1alpha1
kind: User
metadata: { name: jo }
---
apiVersion: backstage.io/v1alpha1
kind: System
metadata: { name: shop }
spec: { owner: user:jo }
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: { name: orders }
spec: { type: service, lifecycle: production, owner: user:jo, system: shop }
";

const PROFILES: &str = "apiVersion: mainstay.dev/v1
kind: ConfigProfile
metadata: { name: checkout }
spec:
  component: orders
  type: flags
  file: flags/checkout.json
  environments: [{ name: production }]
---
apiVersion: mainstay.dev/v1
kind: ConfigProfile
metadata: { name: search }
spec:
  component: orders
  type: flags
  file: flags/search.yaml
  environments: [{ name: production }]
---
apiVersion: mainstay.dev/v1
kind: ConfigProfile
metadata: { name: limits }
spec:
  component: orders
  content: { perDay: 20 }
  environments: [{ name: beta, content: \"plain words\" }, { name: production }]
";

/// AppConfig's format.
const CHECKOUT: &str = r#"{
  "version": "1",
  "flags": {
    "one-page": {"name": "One page", "attributes": {"colour": {"constraints": {"type": "string"}}}},
    "vouchers": {"name": "Vouchers"}
  },
  "values": {
    "one-page": {"_variants": [
      {"name": "staff", "enabled": true, "rule": "(ends_with $email \"@shop.example\")", "attributeValues": {"colour": "green"}},
      {"name": "some", "enabled": true, "rule": "(split pct::50 by::$targetingKey)", "attributeValues": {"colour": "blue"}},
      {"name": "others", "enabled": false}
    ]},
    "vouchers": {"enabled": true}
  }
}"#;

/// flagd's format.
const SEARCH: &str = "flags:
  ranking:
    state: ENABLED
    variants: { old: classic, new: neural }
    defaultVariant: old
    targeting: { if: [{ sem_ver: [{ var: app }, '>=', '2.0.0'] }, new] }
  page-size:
    state: ENABLED
    variants: { small: 10, large: 50 }
    defaultVariant: small
    targeting: { fractional: [[small, 50], [large, 50]] }
  weight: { state: ENABLED, variants: { half: 0.5 }, defaultVariant: half }
  layout: { state: ENABLED, variants: { wide: { columns: 3 } }, defaultVariant: wide }
  retired: { state: DISABLED, variants: { on: true }, defaultVariant: on }
";

async fn server() -> Server {
    let settings = ServerSettings::new().document("catalog.yaml", CATALOG).document("profiles.yaml", PROFILES);
    settings.document("flags/checkout.json", CHECKOUT).document("flags/search.yaml", SEARCH).start().await
}

#[tokio::test]
async fn openfeatures_sdks_get_the_same_answers_in_python_and_node() {
    let server = server().await;
    let asks = json!([
        {"type": "boolean", "key": "vouchers", "default": false},
        {"type": "boolean", "key": "one-page", "default": false, "context": {"targetingKey": "u", "email": "ann@shop.example"}},
        {"type": "string", "key": "one-page.colour", "default": "none", "context": {"targetingKey": "u", "email": "ann@shop.example"}},
        {"type": "string", "key": "ranking", "default": "none", "context": {"targetingKey": "u", "app": "2.1.0"}},
        {"type": "string", "key": "ranking", "default": "none", "context": {"targetingKey": "u", "app": "1.9.0"}},
        {"type": "object", "key": "layout", "default": {}},
        {"type": "boolean", "key": "retired", "default": true},
        {"type": "boolean", "key": "absent", "default": true},
        {"type": "boolean", "key": "ranking", "default": true}
    ]);
    let expected = json!([
        {"value": true, "variant": "on", "reason": "STATIC", "error": null},
        {"value": true, "variant": "staff", "reason": "TARGETING_MATCH", "error": null},
        {"value": "green", "variant": "staff", "reason": "TARGETING_MATCH", "error": null},
        {"value": "neural", "variant": "new", "reason": "TARGETING_MATCH", "error": null},
        {"value": "classic", "variant": "old", "reason": "DEFAULT", "error": null},
        {"value": {"columns": 3}, "variant": "wide", "reason": "STATIC", "error": null},
        {"value": true, "variant": "", "reason": "DISABLED", "error": null},
        {"value": true, "variant": null, "reason": "ERROR", "error": "FLAG_NOT_FOUND"},
        {"value": true, "variant": null, "reason": "ERROR", "error": "TYPE_MISMATCH"}
    ]);
    let from_python = python(&base(&server), &asks).await;
    assert_eq!(from_python, expected, "{}", server.log());
    let from_node = without_absent(node(&base(&server), &asks).await);
    let mut expected = without_absent(expected);
    // The provider for Node.js does not know of absent values yet; the caller's own default holds all the same.
    expected[6] = json!({"value": true, "reason": "ERROR", "error": "GENERAL"});
    assert_eq!(from_node, expected);
}

#[tokio::test]
async fn who_is_in_a_split_is_so_for_every_client() {
    let server = server().await;
    let users: Vec<String> = (0..40).map(|number| format!("user-{number}")).collect();
    let asks = |kind: &str, key: &str, default: Value| -> Value {
        users.iter().map(|user| json!({"type": kind, "key": key, "default": default, "context": {"targetingKey": user}})).collect()
    };
    // Below the path of one profile, as a client that knows only its own flags asks.
    let below = server.url("applications/orders/environments/production/configurations");
    let (one_page, size) = (asks("boolean", "one-page", json!(false)), asks("integer", "page-size", json!(0)));
    let python_one_page = python(&format!("{below}/checkout"), &one_page).await;
    let node_one_page = node(&format!("{below}/checkout"), &one_page).await;
    assert_eq!(values(&python_one_page), values(&node_one_page));
    for (user, value) in users.iter().zip(values(&python_one_page)) {
        let shown = agent(&server, "shop", "checkout", "?flag=one-page", &[("context", &format!("targetingKey={user}"))]).await;
        assert_eq!(shown.2["one-page"]["enabled"], value, "{user}");
    }
    let python_size = python(&format!("{below}/search"), &size).await;
    let mut number = size;
    number.as_array_mut().expect("asks").iter_mut().for_each(|ask| ask["type"] = json!("number"));
    assert_eq!(values(&python_size), values(&node(&base(&server), &number).await));
    let large = values(&python_size).iter().filter(|value| **value == json!(50)).count();
    assert!((8..=32).contains(&large), "half of forty: {large}");
}

#[tokio::test]
async fn clients_of_appconfigs_agent_find_what_they_know() {
    let server = server().await;
    let context = [("context", "email=ann@shop.example"), ("context", "opted_in=true")];
    let (status, headers, body) = agent(&server, "orders", "checkout", "", &context).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(body, json!({"one-page": {"_variant": "staff", "colour": "green", "enabled": true}, "vouchers": {"enabled": true}}));
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(headers["configuration-version"].to_str().map(str::len).ok(), Some(32));
    let (_, _, one) = agent(&server, "shop", "checkout", "?flag=vouchers", &[]).await;
    assert_eq!(one, json!({"vouchers": {"enabled": true}}));
    let (_, _, two) = agent(&server, "shop", "search", "?flag=weight&flag=retired", &[]).await;
    assert_eq!(two, json!({"weight": {"enabled": true, "_variant": "half", "value": 0.5}, "retired": {"enabled": false}}));
    let (_, headers, limits) = agent(&server, "orders", "limits", "", &[]).await;
    assert_eq!((limits, headers["content-type"].to_str().ok()), (json!({"perDay": 20}), Some("application/json")));
    let beta = server.http().get(server.url("applications/orders/environments/beta/configurations/limits")).send().await.unwrap();
    assert_eq!(beta.headers()["content-type"], "text/plain");
    assert_eq!(beta.text().await.unwrap(), "plain words");
    for (application, configuration, query, header, expected) in [
        ("payments", "checkout", "", "a=b", 404),
        ("orders", "absent", "", "a=b", 404),
        ("orders", "checkout", "?flag=absent", "a=b", 404),
        ("orders", "limits", "?flag=vouchers", "a=b", 400),
        ("orders", "checkout", "", "no pair", 400),
    ] {
        let (status, _, _) = agent(&server, application, configuration, query, &[("context", header)]).await;
        assert_eq!(status.as_u16(), expected, "{application} {configuration} {query} {header}");
    }
}

#[tokio::test]
async fn a_bulk_answer_is_asked_again_only_after_a_change() {
    let server = server().await;
    let url = server.url("ofrep/v1/evaluate/flags?environment=production");
    let ask = async |known: Option<String>| {
        let request = server.http().post(&url).json(&json!({"context": {"targetingKey": "u", "app": "2.0.0"}}));
        let request = known.into_iter().fold(request, |request, known| request.header("if-none-match", known));
        request.send().await.expect("the server answers")
    };
    let first = ask(None).await;
    let etag = first.headers()["etag"].to_str().expect("a tag").to_owned();
    let body: Value = first.json().await.expect("JSON");
    let keys: Vec<&str> = body["flags"].as_array().expect("flags").iter().filter_map(|flag| flag["key"].as_str()).collect();
    assert_eq!(keys, ["one-page", "one-page.colour", "vouchers", "ranking", "page-size", "weight", "layout", "retired"]);
    assert_eq!(body["flags"][3]["metadata"]["flagSetId"], "search");
    assert_eq!(ask(Some(etag.clone())).await.status(), StatusCode::NOT_MODIFIED);
    let stream = body["eventStreams"][0]["endpoint"]["requestUri"].as_str().expect("where changes are told").to_owned();
    let mut events = server.http().get(server.url(&stream)).send().await.expect("a stream");
    assert_eq!(events.headers()["content-type"], "text/event-stream");
    refetch(&mut events).await;
    std::fs::write(server.ops().join("flags/search.yaml"), SEARCH.replace("neural", "deep")).unwrap();
    refetch(&mut events).await;
    let changed = ask(Some(etag)).await;
    assert_eq!(changed.status(), StatusCode::OK);
    assert_eq!(changed.json::<Value>().await.expect("JSON")["flags"][3]["value"], "deep");
}

#[tokio::test]
async fn a_broken_definition_leaves_the_last_good_one_served() {
    let server = server().await;
    let vouchers = async || server.post("ofrep/v1/evaluate/flags/vouchers", "user:default/jo", json!({})).await["value"].clone();
    assert_eq!(vouchers().await, true);
    std::fs::write(server.ops().join("flags/checkout.json"), CHECKOUT.replace("(split", "(spilt")).unwrap();
    let broken = async || {
        let profiles = server.get("api/config-profiles").await;
        profiles.as_array()?.iter().find(|profile| profile["name"] == "checkout" && profile["broken"] == true).cloned()
    };
    eventually("the fault is seen", LIMIT, broken).await;
    assert_eq!(vouchers().await, true);
    let problems = server.get("api/documents/problems").await.to_string();
    assert!(problems.contains("there is no operator `spilt`"), "{problems}");
    std::fs::write(server.ops().join("flags/checkout.json"), CHECKOUT.replace("\"vouchers\": {\"enabled\": true}", "\"vouchers\": {\"enabled\": false}")).unwrap();
    eventually("the mended version is served", LIMIT, async || (vouchers().await == false).then_some(())).await;
}

#[tokio::test]
async fn what_cannot_be_answered_is_told_in_openfeatures_words() {
    let server = server().await;
    let ask = async |path: &str, body: &'static str| {
        let answer = server.http().post(server.url(path)).body(body).send().await.expect("the server answers");
        (answer.status().as_u16(), answer.json::<Value>().await.expect("JSON")["errorCode"].clone())
    };
    assert_eq!(ask("ofrep/v1/evaluate/flags/absent", "{}").await, (404, json!("FLAG_NOT_FOUND")));
    assert_eq!(ask("ofrep/v1/evaluate/flags/vouchers", "{").await, (400, json!("PARSE_ERROR")));
    assert_eq!(ask("ofrep/v1/evaluate/flags/vouchers", r#"{"context": []}"#).await, (400, json!("INVALID_CONTEXT")));
    assert_eq!(ask("ofrep/v1/evaluate/flags?environment=production", "[]").await, (400, json!("INVALID_CONTEXT")));
    assert_eq!(ask("applications/orders/environments/gamma/configurations/checkout/ofrep/v1/evaluate/flags", "").await, (404, json!("GENERAL")));
}

#[tokio::test]
async fn the_api_shows_profiles_and_tries_flags() {
    let server = server().await;
    let detail = server.get("api/config-profiles/checkout").await;
    assert_eq!((&detail["applications"], &detail["type"]), (&json!(["orders", "shop"]), &json!("flags")));
    let content = &detail["contents"][0];
    assert_eq!((&content["format"], &content["bucketing"]), (&json!("appconfig"), &json!("murmur3-split-v1")));
    assert_eq!(content["flags"][0]["variants"][1]["rule"], "(split pct::50 by::$targetingKey)");
    let path = "api/config-profiles/checkout/environments/production/evaluate";
    let answers = server.post(path, "user:default/jo", json!({"context": {"email": "ann@shop.example"}})).await;
    assert_eq!(answers[0], json!({"key": "one-page", "value": true, "variant": "staff", "reason": "TARGETING_MATCH", "error": null}));
}

/// Status, headers and JSON of a request to the agent's path; null if the body is none.
async fn agent(server: &Server, application: &str, configuration: &str, query: &str, headers: &[(&str, &str)]) -> (StatusCode, reqwest::header::HeaderMap, Value) {
    let url = server.url(&format!("applications/{application}/environments/production/configurations/{configuration}{query}"));
    let request = headers.iter().fold(server.http().get(url), |request, (name, value)| request.header(*name, *value));
    let answer = request.send().await.expect("the server answers");
    let (status, headers) = (answer.status(), answer.headers().clone());
    let text = answer.text().await.expect("a whole answer");
    (status, headers, serde_json::from_str(&text).unwrap_or(Value::Null))
}

/// Waits for the next event that asks to fetch again.
pub async fn refetch(events: &mut reqwest::Response) {
    let next = async {
        while let Some(chunk) = events.chunk().await.expect("the stream goes on") {
            if String::from_utf8_lossy(&chunk).contains("refetchEvaluation") {
                return;
            }
        }
        panic!("the stream ended");
    };
    tokio::time::timeout(LIMIT, next).await.expect("a change is told");
}

/// As OpenFeature's providers want it: they add `/ofrep/v1/…`.
fn base(server: &Server) -> String {
    server.url("").trim_end_matches('/').to_owned()
}

async fn python(url: &str, asks: &Value) -> Value {
    let mut command = Command::new(fixture::python());
    command.arg(repository("tests/python/openfeature_client.py")).args(["--url", url, "--asks", &asks.to_string()]);
    told(command).await
}

async fn node(url: &str, asks: &Value) -> Value {
    let packages = std::env::var_os("MAINSTAY_NODE_MODULES").map(PathBuf::from).unwrap_or_else(|| repository("target/node/node_modules"));
    let mut command = Command::new("node");
    command.arg(repository("tests/node/openfeature_client.cjs")).args([url, &asks.to_string()]).env("NODE_PATH", packages);
    told(command).await
}

async fn told(mut command: Command) -> Value {
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().expect("the client runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("the client tells JSON")
}

fn values(told: &Value) -> Vec<Value> {
    told.as_array().expect("a list").iter().map(|answer| answer["value"].clone()).collect()
}

/// What one language calls null is absent in another.
fn without_absent(mut told: Value) -> Value {
    for answer in told.as_array_mut().expect("a list") {
        answer.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
    }
    told
}
