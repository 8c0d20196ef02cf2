//! The command line, with a server and without one.

use std::process::{Command, Output};

use serde_json::Value;

use crate::fixture::server::ServerSettings;
use crate::fixture::{otlp, program};

fn mainstay(folder: &std::path::Path, arguments: &[&str]) -> Output {
    Command::new(program("mainstay")).args(arguments).current_dir(folder).env_remove("MAINSTAY_SERVER").output().unwrap()
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn a_first_folder_is_written_checked_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    assert!(stdout(&mainstay(folder.path(), &["init"])).contains("ops"));
    stdout(&mainstay(folder.path(), &["check", "--strict"]));
    std::fs::write(folder.path().join("ops/mine.yaml"), "apiVersion: mainstay.dev/v1\nkind: EventRool\n").unwrap();
    let broken = mainstay(folder.path(), &["check"]);
    assert_eq!(broken.status.code(), Some(1));
    let said = format!("{}{}", String::from_utf8_lossy(&broken.stdout), String::from_utf8_lossy(&broken.stderr));
    assert!(said.contains("mine.yaml:2") && said.contains("EventRule"), "{said}");
    assert_eq!(mainstay(folder.path(), &["check", "nowhere"]).status.code(), Some(2));
    for format in ["json", "sarif"] {
        let machine = mainstay(folder.path(), &["check", "--format", format]);
        serde_json::from_slice::<Value>(&machine.stdout).unwrap();
    }
}

#[test]
fn commands_work_without_a_server() {
    const RUNBOOK: &str = "---\napiVersion: mainstay.dev/v1\nkind: Runbook\nmetadata:\n  name: hello\nspec:\n  parameters:\n    - name: who\n      default: world\n---\n# Hello\n\n```bash { name=greet }\necho \"hello $who\"\necho \"greeted=$who\" >> \"$MAINSTAY_OUTPUT\"\n```\n\n```sql { name=count }\nSELECT 40 + 2 AS answer\n```\n";
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("ops")).unwrap();
    std::fs::write(folder.path().join("ops/hello.md"), RUNBOOK).unwrap();
    let kept = ["--data", "records"];
    let run = mainstay(folder.path(), &["run", "hello", "--param", "who=tests", kept[0], kept[1]]);
    let printed = stdout(&run);
    assert!(printed.contains("hello tests") && printed.contains("42"), "{printed}");
    let query = mainstay(folder.path(), &["query", "SELECT document, status FROM ops.runs", "--format", "csv", kept[0], kept[1]]);
    assert_eq!(stdout(&query), "document,status\nhello,succeeded\n");
    let declared = mainstay(folder.path(), &["incident", "declare", "something is off", "--severity", "sev3", kept[0], kept[1]]);
    assert!(stdout(&declared).starts_with("INC-1 "));
    let promql = mainstay(folder.path(), &["promql", "1 + 1", "--format", "json"]);
    assert_eq!(serde_json::from_str::<Value>(&stdout(&promql)).unwrap()["result"][1], "2");
}

#[test]
fn what_fails_says_so_by_its_exit_code() {
    const RUNBOOK: &str = "---\napiVersion: mainstay.dev/v1\nkind: Runbook\nmetadata:\n  name: fails\n---\n# Fails\n\n```bash\nexit 3\n```\n";
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("ops")).unwrap();
    std::fs::write(folder.path().join("ops/fails.md"), RUNBOOK).unwrap();
    assert_eq!(mainstay(folder.path(), &["run", "fails"]).status.code(), Some(1));
    let wrong = mainstay(folder.path(), &["query", "SELEC 1"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(!wrong.stderr.is_empty());
    assert_eq!(mainstay(folder.path(), &["query", "SELECT 1", "--server", "http://127.0.0.1:1"]).status.code(), Some(2));
}

#[tokio::test]
async fn commands_speak_to_a_server() {
    let server = ServerSettings::new().start().await;
    let now_ns = otlp::now_ns();
    assert!(server.export("metrics", &otlp::gauge("cli", "temperature", [(now_ns, 21.5)])).await);
    let folder = tempfile::tempdir().unwrap();
    let url = server.url("");
    let answer = tokio::task::spawn_blocking(move || mainstay(folder.path(), &["promql", "temperature", "--server", &url, "--format", "csv"]));
    let printed = stdout(&answer.await.unwrap());
    assert!(printed.contains("temperature") && printed.contains("21.5"), "{printed}");
}
