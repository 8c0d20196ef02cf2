//! A script played once from its file. What it does at a rate is in `timed`.

use std::process::Output;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::fixture::target::Target;
use crate::fixture::program;

pub fn shop(target: &Target, expected: u16) -> String {
    format!(
        "config:
  target: '{}'
  phases: [{{ duration: 2, arrivalRate: 30 }}]
  plugins: {{ expect: {{}} }}
  ensure: {{ thresholds: [{{ http.response_time.p99: 2000 }}] }}
scenarios:
  - name: buy
    flow:
      - get: {{ url: /item, capture: [{{ json: $.code, as: code }}, {{ json: $.token, as: token }}] }}
      - post: {{ url: /buy, name: pay, json: {{ code: '{{{{ code }}}}' }}, expect: [{{ statusCode: {expected} }}] }}
",
        target.url
    )
}

pub async fn mainstay(folder: &std::path::Path, arguments: &[&str]) -> Output {
    Command::new(program("mainstay")).args(arguments).current_dir(folder).env_remove("MAINSTAY_SERVER").output().await.unwrap()
}

pub fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test]
async fn a_test_tells_each_step_and_hides_secrets() {
    let target = Target::start(1.0).await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("shop.yaml"), shop(&target, 201)).unwrap();
    let passed = mainstay(folder.path(), &["run", "shop.yaml"]).await;
    assert_eq!(passed.status.code(), Some(0), "{}", said(&passed));
    assert!(said(&passed).contains("✓ buy") && said(&passed).contains("code=c-7"), "{}", said(&passed));
    assert!(!said(&passed).contains("hush-hush"), "{}", said(&passed));

    std::fs::write(folder.path().join("shop.yaml"), shop(&target, 200)).unwrap();
    let failed = mainstay(folder.path(), &["run", "shop.yaml", "--junit", "result.xml", "--json"]).await;
    assert_eq!(failed.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&failed.stdout).unwrap();
    let failure = &report["scenarios"][0]["steps"][1]["failures"][0];
    assert_eq!((&failure["what"], &failure["expected"], &failure["actual"]), (&json!("statusCode"), &json!("200"), &json!("201")));
    assert_eq!(failure["place"], "shop.yaml:10");
    let junit = std::fs::read_to_string(folder.path().join("result.xml")).unwrap();
    assert!(junit.contains(r#"tests="2" failures="1""#) && junit.contains("statusCode"), "{junit}");
}

/// Settings and rows that other files hold are given on the command line.
#[tokio::test]
async fn a_script_without_settings_takes_those_of_another_file() {
    let target = Target::start(1.0).await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("common")).unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("common/config.yaml", &format!("config: {{ target: '{}', processor: names.js, payload: {{ fields: [path] }} }}\n", target.url));
    write("common/names.js", "exports.name = (context, events, done) => { context.vars.name = 'of names.js'; done(); };");
    write("rows.csv", "/item\n");
    write("items.yaml", "scenarios:\n- beforeScenario: name\n  flow: [{ get: { url: '{{ path }}', expect: { statusCode: 200 } } }, { log: 'a name {{ name }}' }]\n");
    let played = mainstay(folder.path(), &["run", "items.yaml", "--config", "common/config.yaml", "--payload", "rows.csv"]).await;
    assert_eq!(played.status.code(), Some(0), "{}", said(&played));
    assert!(said(&played).contains("a name of names.js") && target.requests() == 1, "{}", said(&played));

    let rowless = mainstay(folder.path(), &["run", "items.yaml", "--config", "common/config.yaml"]).await;
    assert!(rowless.status.code() == Some(2) && said(&rowless).contains("give it by --payload FILE"), "{}", said(&rowless));
    write("own.yaml", &shop(&target, 201));
    let twice = mainstay(folder.path(), &["run", "own.yaml", "--config", "common/config.yaml"]).await;
    assert!(twice.status.code() == Some(2) && said(&twice).contains("the script has settings of its own"), "{}", said(&twice));
}

#[tokio::test]
async fn what_cannot_be_played_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let cases = [
        ("flow: [{ gett: { url: / } }]", "did you mean", 2),
        ("flow: [{ get: { url: /, capture: { json: '$[', as: a } } }]", "$[", 2),
        ("flow: [{ get: { url: / } }]", "refused", 1),
    ];
    for (flow, reason, code) in cases {
        let script = format!("config: {{ target: 'http://127.0.0.1:1' }}\nscenarios:\n  - {flow}\n");
        std::fs::write(folder.path().join("script.yaml"), script).unwrap();
        let output = mainstay(folder.path(), &["run", "script.yaml"]).await;
        assert!(said(&output).contains(reason), "{flow}: {}", said(&output));
        assert_eq!(output.status.code(), Some(code), "{flow}: {}", said(&output));
    }
}
