//! The API's manners: problems that help, and an OpenAPI document that tells the truth.

use serde_json::{Value, json};

use crate::fixture::server::ServerSettings;

#[tokio::test]
async fn errors_are_problem_details_that_help() {
    let server = ServerSettings::new().start().await;
    let cases = [
        (server.http().get(server.url("api/nowhere")), 404, "openapi.json"),
        (server.http().post(server.url("nowhere")), 404, "openapi.json"),
        (server.http().get(server.url("api/incidents/INC-99")), 404, "INC-99"),
        (server.http().get(server.url("api/runs/not-an-id")), 400, "run id"),
        (server.http().post(server.url("api/query")).json(&json!({"sql": "SELECT nothing FROM spans"})), 400, "nothing"),
        (server.http().post(server.url("api/query")).json(&json!({"sql": "DROP TABLE spans"})), 400, ""),
        (server.http().post(server.url("api/query")).json(&json!({"sqll": "SELECT 1"})), 422, "sqll"),
        (server.http().post(server.url("api/runs")).json(&json!({"document": "nowhere"})), 404, "nowhere"),
        (server.http().get(server.url("api/logs?severity=loud")), 400, "loud"),
        (server.http().get(server.url("api/traces/xyz")), 400, "trace id"),
        (server.http().post(server.url("api/query")).header("content-type", "application/json").body(vec![b' '; 5 << 20]), 413, ""),
    ];
    for (request, status, mentions) in cases {
        let response = request.send().await.unwrap();
        let url = response.url().clone();
        assert_eq!(response.status(), status, "{url}");
        assert_eq!(response.headers()["content-type"], "application/problem+json", "{url}");
        let problem: Value = response.json().await.unwrap();
        assert_eq!(problem["status"], status, "{url}");
        assert!(problem["detail"].as_str().unwrap().contains(mentions), "{url}: {problem}");
    }
}

#[tokio::test]
async fn every_described_route_that_needs_no_parameter_answers() {
    let server = ServerSettings::new().start().await;
    let description = server.get("api/openapi.json").await;
    assert!(description["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut asked = 0;
    for (path, operations) in description["paths"].as_object().unwrap() {
        let answers = &operations["get"]["responses"]["200"]["content"];
        let endless = !answers["text/event-stream"].is_null();
        let parameters = operations["get"]["parameters"].as_array().into_iter().flatten();
        let needs_none = parameters.filter(|parameter| parameter["required"] == true).count() == 0;
        if operations["get"].is_object() && needs_none && !endless {
            server.get(path).await;
            asked += 1;
        }
    }
    assert!(asked > 15, "{asked}");
}

#[tokio::test]
async fn the_signals_and_the_ledger_meet_in_one_query() {
    use crate::fixture::otlp;
    const CATALOG: &str = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: orders\nspec:\n  type: service\n  lifecycle: production\n  owner: group:default/shop\n---\napiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata:\n  name: shop\nspec:\n  type: team\n  children: []\n";
    let server = ServerSettings::new().document("catalog.yaml", CATALOG).start().await;
    assert!(server.export("traces", &otlp::spans("orders", 0..10, true)).await);
    let rows = server
        .sql("SELECT c.owner, count(*) FROM spans s JOIN ops.components c ON c.service = s.service WHERE s.status = 'error' GROUP BY c.owner")
        .await;
    assert_eq!(rows, [[json!("group:default/shop"), json!(10)]]);
}
