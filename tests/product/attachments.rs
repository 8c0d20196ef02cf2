//! What runs leave behind: pictures and records, of a browser that failed somewhere else.

use std::time::Duration;

use serde_json::{Value, json};

use crate::fixture::server::ServerSettings;
use crate::fixture::target::Target;
use crate::fixture::{Server, eventually};
use crate::runner::Runner;
use crate::scenario::{mainstay, said};

const ACTOR: &str = "user:default/test";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
/// A picture in Base64, as short as it may be.
const PICTURE: &str = "iVBORw0KGgo=";

/// It waits for what never comes.
fn journey(target: &Target) -> String {
    format!("config: {{ target: '{}', http: {{ timeout: 1 }} }}\nscenarios:\n- {{ name: buys, engine: browser, flow: [{{ goto: /item }}, {{ wait: '#buy' }}] }}\n", target.url)
}

/// What the last report of a run tells of the attachments of its first scenario.
async fn told(server: &Server, run: &str) -> Value {
    let output = server.get(&format!("api/runs/{run}/output")).await;
    let reports = output["chunks"].as_array().unwrap().iter().filter(|chunk| chunk["kind"] == "report");
    let report: Value = serde_json::from_str(reports.last().unwrap()["data"].as_str().unwrap()).unwrap();
    report["scenarios"][0]["attachments"].clone()
}

/// A picture and a HAR, as the report tells them.
async fn are_there(server: &Server, run: &str) {
    let told = told(server, run).await;
    let names: Vec<_> = told.as_array().unwrap().iter().map(|attachment| attachment["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["failed.png", "requests.har"], "{told}");
    let read = async |number: u64| {
        let response = server.http().get(server.url(&format!("api/runs/{run}/attachments/{number}"))).send().await.unwrap();
        assert_eq!(response.status(), 200);
        response.bytes().await.unwrap()
    };
    let picture = read(0).await;
    assert!(picture.starts_with(PNG) && told[0]["size_bytes"] == picture.len());
    let har: Value = serde_json::from_slice(&read(1).await).unwrap();
    assert_eq!(har["log"]["version"], "1.2");
}

#[tokio::test]
async fn a_recorded_run_brings_its_pictures() {
    let target = Target::start(1.0).await;
    let server = ServerSettings::new().start().await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("shop.yaml"), journey(&target)).unwrap();
    let output = mainstay(folder.path(), &["run", "shop.yaml", "--server", &server.url("")]).await;
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("recorded: "), "{}", said(&output));
    let runs = server.get("api/runs").await;
    assert_eq!((&runs[0]["document"], &runs[0]["status"]), (&json!("shop"), &json!("failed")), "{runs}");
    are_there(&server, runs[0]["id"].as_str().unwrap()).await;
}

#[tokio::test]
async fn a_canary_seen_from_elsewhere_brings_its_pictures() {
    const LIMIT: Duration = Duration::from_secs(60);
    let target = Target::start(1.0).await;
    let canary = "apiVersion: mainstay.dev/v1\nkind: Canary\nmetadata: { name: buys }\nspec: { scenario: shop, every: 5s, locations: [berlin] }\n";
    let server = ServerSettings::new().document("canary.yaml", canary).document("shop.yaml", &journey(&target)).start().await;
    let runner = Runner::of(&server, "berlin");
    let run = eventually("a look from Berlin", LIMIT, async || {
        let canary = server.get("api/canaries/buys").await;
        canary["looks"][0]["run"].as_str().map(str::to_owned)
    })
    .await;
    are_there(&server, &run).await;
    drop(runner);
}

#[tokio::test]
async fn attachments_are_shown_as_what_they_are_and_limited() {
    let server = ServerSettings::new().start().await;
    let recorded = |attachments: Value| {
        json!({
            "kind": "scenario", "document": "shop", "started_at": "2024-05-01T00:00:00Z", "finished_at": "2024-05-01T00:00:01Z",
            "report": { "report": "test" }, "attachments": attachments,
        })
    };
    let attached = |number: i64, name: &str, media_type: &str, data: &str| json!({ "number": number, "name": name, "media_type": media_type, "data": data });
    let sent = json!([attached(0, "failed.png", "image/png", PICTURE), attached(1, "page\".html", "text/html", "PGI+aGk8L2I+")]);
    let run = server.post("api/runs/recorded", ACTOR, recorded(sent)).await;
    let path = format!("api/runs/{}/attachments", run["id"].as_str().unwrap());
    let read = async |number: i64| server.http().get(server.url(&format!("{path}/{number}"))).send().await.unwrap();
    let header = |response: &reqwest::Response, name: &str| response.headers()[name].to_str().unwrap().to_owned();

    let picture = read(0).await;
    assert_eq!((header(&picture, "content-type"), header(&picture, "x-content-type-options")), ("image/png".to_owned(), "nosniff".to_owned()));
    assert_eq!(header(&picture, "content-disposition"), "inline; filename=\"failed.png\"");
    assert_eq!(&picture.bytes().await.unwrap()[..], PNG);
    let page = read(1).await;
    assert_eq!(header(&page, "content-type"), "application/octet-stream", "no page of a stranger's is shown as one of ours");
    assert_eq!(header(&page, "content-disposition"), "attachment; filename=\"page.html\"");
    let none = read(2).await;
    assert_eq!(none.status(), 404);
    assert!(none.json::<Value>().await.unwrap()["detail"].as_str().unwrap().contains("attachment 2"));

    let many: Vec<_> = (0..11).map(|number| attached(number, "a", "image/png", PICTURE)).collect();
    let large: Vec<_> = (0..3).map(|number| attached(number, "a", "image/png", &"A".repeat(4 << 20))).collect();
    let huge = attached(0, "a", "image/png", &"A".repeat(7 << 20));
    for (attachments, status, says) in [
        (json!(many), 400, "at most 10 attachments"),
        (json!(large), 400, "together at most 8 MiB"),
        (json!([huge]), 413, "takes at most"),
        (json!([attached(0, "a", "image/png", "no Base64")]), 400, "in Base64"),
        (json!([attached(0, "a", "image/png", PICTURE), attached(0, "b", "image/png", PICTURE)]), 400, "a number of its own"),
    ] {
        let response = server.http().post(server.url("api/runs/recorded")).json(&recorded(attachments)).send().await.unwrap();
        let (answered, body) = (response.status().as_u16(), response.text().await.unwrap());
        assert!(answered == status && body.contains(says), "{answered} {body}, not {status} {says}");
    }
    assert_eq!(server.get("api/runs").await.as_array().unwrap().len(), 1, "what is refused leaves no run");
}
