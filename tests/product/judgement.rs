//! Signals are judged: by an alarm, and by the queries of a playbook.

use std::time::Duration;

use serde_json::{Value, json};

use crate::fixture::server::ServerSettings;
use crate::fixture::{Server, eventually, otlp};

const ACTOR: &str = "user:default/test";

const RULES: &str = "groups:
  - name: weather
    interval: 1s
    rules:
      - record: room:temperature:max
        expr: max by (job) (temperature)
      - alert: TooWarm
        expr: temperature > 30
        labels: { severity: page }
        annotations: { summary: 'it is {{ $value }} degrees' }
";

const PLAYBOOK: &str = r#"---
apiVersion: mainstay.dev/v1
kind: Playbook
metadata:
  name: look
---
# Look at the temperature

```promql { name=now }
max(temperature)
```

```promql { name=before display=chart }
temperature
```

```sql { name=compare }
SELECT {{ value | number }} - 30 AS above
```
"#;

async fn warm_server() -> Server {
    let server = ServerSettings::new().document("rules.yaml", RULES).document("look.md", PLAYBOOK).start().await;
    assert!(server.export("metrics", &otlp::gauge("house", "temperature", [(otlp::now_ns(), 31.5)])).await);
    server
}

#[tokio::test]
async fn an_alarm_is_told_as_prometheus_tells_it() {
    let server = warm_server().await;
    let alert = eventually("the alarm fires", Duration::from_secs(15), async || {
        let answer = server.get("prometheus/api/v1/alerts").await;
        answer["data"]["alerts"].as_array()?.iter().find(|alert| alert["state"] == "firing").cloned()
    })
    .await;
    assert_eq!(alert["labels"]["alertname"], "TooWarm");
    assert_eq!(alert["labels"]["severity"], "page");
    assert_eq!(alert["annotations"]["summary"], "it is 31.5 degrees");
    let answer = server.get("prometheus/api/v1/rules").await;
    let group = &answer["data"]["groups"][0];
    assert_eq!((&group["name"], &group["interval"]), (&json!("weather"), &json!(1.0)), "{group}");
    let rules: Vec<(&Value, &Value)> = group["rules"].as_array().unwrap().iter().map(|rule| (&rule["type"], &rule["health"])).collect();
    assert_eq!(rules, [(&json!("recording"), &json!("ok")), (&json!("alerting"), &json!("ok"))]);
    let recorded = server.get_with("prometheus/api/v1/query", &[("query", "room:temperature:max")]).await;
    assert_eq!(recorded["data"]["result"][0]["value"][1], "31.5", "{recorded}");
}

#[tokio::test]
async fn a_playbook_asks_promql_and_hands_on_the_answer() {
    let server = warm_server().await;
    let run = server.post("api/runs", ACTOR, json!({ "document": "look" })).await;
    let id = run["id"].as_str().unwrap();
    let detail = eventually("the run ends", Duration::from_secs(15), async || {
        let detail = server.get(&format!("api/runs/{id}")).await;
        detail["run"]["finished_at"].is_string().then_some(detail)
    })
    .await;
    assert_eq!(detail["run"]["status"], "succeeded", "{detail:#}");
    assert_eq!(detail["run"]["outputs"]["above"], "1.5");
    let output = server.get(&format!("api/runs/{id}/output")).await;
    let chunks: Vec<(&str, Value)> = output["chunks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|chunk| (chunk["kind"].as_str().unwrap(), serde_json::from_str(chunk["data"].as_str().unwrap()).unwrap_or_default()))
        .collect();
    let kinds: Vec<&str> = chunks.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, ["table", "chart", "table"], "{output:#}");
    assert_eq!(chunks[0].1["rows"], json!([[31.5]]));
    assert_eq!(chunks[1].1["expression"], "temperature");
    assert_eq!(chunks[1].1["result"][0]["metric"]["job"], "house");
}
