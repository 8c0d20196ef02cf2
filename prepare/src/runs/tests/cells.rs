//! What a cell can rely on.

use kernel::table::{Cell, Column, ColumnType, Table};
use ledger::{OutputKind, RunStatus, StepStatus};

use super::world::{World, eventually, lives, map};

const HEAD: &str = "---\napiVersion: mainstay.dev/v1\nkind: Runbook\n---\n# Test\n";

fn runbook(body: &str) -> String {
    format!("{HEAD}{body}")
}

#[tokio::test]
async fn outputs_pass_from_cell_to_cell_and_language_to_language() {
    let text = "---\napiVersion: mainstay.dev/v1\nkind: Runbook\nspec:\n  parameters:\n  - name: max_wait\n    default: 5s\n---\n\
        ```bash\necho \"service=orders\" >> \"$MAINSTAY_OUTPUT\"\nprintf 'report<<END\\none\\ntwo\\nEND\\n' >> \"$MAINSTAY_OUTPUT\"\n```\n\
        ```python\nimport os\nprint(os.environ['service'], os.environ['max_wait'], os.environ['report'].count('\\n'))\n\
        open(os.environ['MAINSTAY_OUTPUT'], 'a').write('answer=42\\n')\n```\n\
        ```js\nconsole.log(`node says ${process.env.answer}`)\n```\n\
        ```sh {\"env.extra\": \"more\"}\nset -o | grep -E '^(pipefail|errexit|nounset)' | tr -s ' \\t' ' '\n\
        echo \"$extra $MAINSTAY_URL $MAINSTAY_RUN ${MAINSTAY_INCIDENT}.\"\n```\n";
    let world = World::with(&[("passing", text)]).await;
    let run = world.run("passing", &[], RunStatus::Succeeded).await;
    let expected = [("service", "orders"), ("report", "one\ntwo"), ("answer", "42")];
    assert_eq!(run.outputs, map(&expected));
    let stdout = world.output(&run.id, OutputKind::Stdout).await;
    assert!(stdout.starts_with("orders 5s 1\nnode says 42\n"), "{stdout}");
    assert!(stdout.contains("errexit on\nnounset on\npipefail on\n"), "{stdout}");
    assert!(stdout.ends_with(&format!("more http://127.0.0.1:1 {} .\n", run.id)), "{stdout}");
}

#[tokio::test]
async fn the_first_failing_cell_ends_the_run() {
    let text = runbook("```bash {\"name\": \"break\"}\necho before; echo wrong >&2; false | true; echo never\n```\n```bash\necho later\n```\n");
    let world = World::with(&[("failing", &text)]).await;
    let run = world.run("failing", &[], RunStatus::Failed).await;
    assert_eq!(run.error.as_deref(), Some("the step \"break\" ended with exit code 1"));
    assert_eq!(world.output(&run.id, OutputKind::Stdout).await, "before\n");
    assert_eq!(world.output(&run.id, OutputKind::Stderr).await, "wrong\n");
    let first = world.step(&run.id, 0).await;
    assert_eq!((first.status, first.exit_code, first.attempt), (StepStatus::Failed, Some(1), 1));
    assert_eq!(world.step(&run.id, 1).await.status, StepStatus::Skipped);
    let kinds: Vec<String> = world.events(&run.id).await.into_iter().map(|event| event.kind.replace("dev.mainstay.", "")).collect();
    assert_eq!(kinds, ["run.planned", "run.requested", "run.started", "step.started", "step.finished", "run.failed"]);
}

#[tokio::test]
async fn a_timeout_ends_the_whole_process_group() {
    // The child ignores the request to end, so it has to be made to.
    let text = runbook("```bash { timeout=300ms }\n(trap '' TERM; while :; do sleep 1; done) &\necho \"child $!\"; wait\n```\n");
    let world = World::with(&[("slow", &text)]).await;
    let run = world.run("slow", &[], RunStatus::Failed).await;
    assert_eq!(run.error.as_deref(), Some("the step \"cell-1\" failed: it took longer than its timeout of 300ms and was stopped"));
    let stdout = world.output(&run.id, OutputKind::Stdout).await;
    let child = stdout.trim().strip_prefix("child ").unwrap().to_owned();
    eventually("the child is gone", || !lives(&child)).await;
}

#[tokio::test]
async fn a_cell_leaves_nothing_behind() {
    let text = runbook("```bash\nsleep 60 & echo $!\n```\n```bash\necho done\n```\n");
    let world = World::with(&[("tidy", &text)]).await;
    let run = world.run("tidy", &[], RunStatus::Succeeded).await;
    let stdout = world.output(&run.id, OutputKind::Stdout).await;
    assert!(!lives(stdout.lines().next().unwrap()));
    let files = world.folder.path().join("data/runs");
    eventually("the files of the run are gone", || std::fs::read_dir(&files).unwrap().count() == 0).await;
}

#[tokio::test]
async fn a_run_has_a_deadline_of_its_own() {
    let text = "---\napiVersion: mainstay.dev/v1\nkind: Runbook\nspec:\n  timeout: 400ms\n---\n```bash\nsleep 60\n```\n";
    let world = World::with(&[("limited", text)]).await;
    let run = world.run("limited", &[], RunStatus::Cancelled).await;
    assert_eq!(run.error.as_deref(), Some("the time that the runbook allows is over"));
    assert_eq!(world.step(&run.id, 0).await.status, StepStatus::Cancelled);
}

#[tokio::test]
async fn background_cells_live_until_the_run_ends() {
    let front = "while [ ! -s ../pid ]; do sleep 0.01; done; kill -0 \"$(cat ../pid)\"; echo front";
    let text = runbook(&format!("```bash {{ background=true }}\necho $$ > ../pid; exec sleep 60\n```\n```bash\n{front}\n```\n"));
    let world = World::with(&[("back", &text)]).await;
    let run = world.run("back", &[], RunStatus::Succeeded).await;
    assert_eq!(world.output(&run.id, OutputKind::Stdout).await, "front\n");
    assert!(!lives(&std::fs::read_to_string(world.folder.path().join("pid")).unwrap()));
    assert_eq!(world.step(&run.id, 0).await.status, StepStatus::Succeeded);
}

#[tokio::test]
async fn a_background_cell_that_fails_fails_the_run() {
    let text = runbook("```bash { name=tunnel background=true }\nexit 3\n```\n```bash\nsleep 0.5\n```\n```bash\necho never\n```\n");
    let world = World::with(&[("tunnel", &text)]).await;
    let run = world.run("tunnel", &[], RunStatus::Failed).await;
    assert_eq!(run.error.as_deref(), Some("the step \"tunnel\" ended with exit code 3"));
    assert_eq!(world.output(&run.id, OutputKind::Stdout).await, "");
}

#[tokio::test]
async fn output_is_shown_while_the_cell_runs_and_keeps_its_colours() {
    let text = runbook("```bash\nprintf '\\033[31mred\\033[0m\\n'; printf 'no line yet'; sleep 60\n```\n");
    let world = World::with(&[("live", &text)]).await;
    let run = world.request("live", &[]).await;
    world.until_output(&run.id, "no line yet").await;
    assert_eq!(world.output(&run.id, OutputKind::Stdout).await, "\u{1b}[31mred\u{1b}[0m\nno line yet");
    world.runs.cancel(&run.id, &super::world::user("jo")).await.unwrap();
    let run = world.until(&run.id, RunStatus::Cancelled).await;
    assert_eq!(run.error.as_deref(), Some("cancelled by user:default/jo"));
}

#[tokio::test]
async fn too_much_output_is_cut_and_the_cell_goes_on() {
    let text = runbook("```bash\nhead -c 6000000 /dev/zero | tr '\\0' x\necho end >&2; echo x=1 >> $MAINSTAY_OUTPUT\n```\n```bash\necho next\n```\n");
    let world = World::with(&[("chatty", &text)]).await;
    let run = world.run("chatty", &[], RunStatus::Succeeded).await;
    let stdout = world.output(&run.id, OutputKind::Stdout).await;
    assert!(stdout.len() < 2_300_000 && stdout.len() > 2_000_000, "{}", stdout.len());
    assert!(stdout.ends_with("next\n"));
    assert_eq!(world.output(&run.id, OutputKind::Note).await, "more than 2 MiB of output; the rest is not kept, the step goes on");
    assert_eq!(run.outputs, map(&[("x", "1")]));
}

#[tokio::test]
async fn interactive_cells_have_no_input_and_excluded_ones_are_skipped() {
    let text = runbook("```bash { interactive=true }\ncat; echo read nothing\n```\n```bash { excludeFromRunAll=true }\nexit 1\n```\n");
    let world = World::with(&[("asking", &text)]).await;
    let run = world.run("asking", &[], RunStatus::Succeeded).await;
    assert_eq!(world.output(&run.id, OutputKind::Stdout).await, "read nothing\n");
    assert_eq!(world.step(&run.id, 1).await.status, StepStatus::Skipped);
}

#[tokio::test]
async fn working_folders_start_at_the_document() {
    let text = runbook("```bash\npwd\n```\n```bash { cwd=.. }\npwd\n```\n```bash { cwd=nowhere }\npwd\n```\n");
    let world = World::with(&[("where", &text)]).await;
    let run = world.run("where", &[], RunStatus::Failed).await;
    let root = world.folder.path().canonicalize().unwrap();
    assert_eq!(world.output(&run.id, OutputKind::Stdout).await, format!("{0}/ops\n{0}\n", root.display()));
    assert!(run.error.as_deref().unwrap().contains("its working folder"), "{:?}", run.error);
}

#[tokio::test]
async fn what_cannot_be_run_says_so() {
    let text = runbook("```bash { interpreter=no-such-shell }\ntrue\n```\n");
    let outputs = runbook("```bash\necho nonsense >> $MAINSTAY_OUTPUT\n```\n");
    let world = World::with(&[("missing", &text), ("wrong-output", &outputs)]).await;
    let run = world.run("missing", &[], RunStatus::Failed).await;
    assert!(run.error.as_deref().unwrap().contains("\"no-such-shell\" is not installed here"), "{:?}", run.error);
    let run = world.run("wrong-output", &[], RunStatus::Failed).await;
    assert!(run.error.as_deref().unwrap().contains("line 1 of MAINSTAY_OUTPUT is neither"), "{:?}", run.error);
}

#[tokio::test]
async fn sql_cells_show_a_table_and_hand_out_one_row() {
    let text = "---\napiVersion: mainstay.dev/v1\nkind: Playbook\nspec:\n  parameters:\n  - name: service\n    required: true\n---\n\
        ```sql\nSELECT service, count(*) AS failed FROM spans WHERE service = {{ service }} GROUP BY 1\n```\n\
        ```bash\necho \"$service failed $failed times\"\n```\n";
    let world = World::with(&[("diagnose", text)]).await;
    let column = |name: &str, kind| Column { name: name.to_owned(), kind };
    *world.queries.table.lock() = Some(Table {
        columns: vec![column("service", ColumnType::Text), column("failed", ColumnType::Integer)],
        rows: vec![vec![Cell::Text("orders".to_owned()), Cell::Integer(7)]],
        truncated: false,
    });
    let run = world.run("diagnose", &[("service", "o'rders")], RunStatus::Succeeded).await;
    assert_eq!(*world.queries.asked.lock(), ["SELECT service, count(*) AS failed FROM spans WHERE service = 'o''rders' GROUP BY 1"]);
    let table: serde_json::Value = serde_json::from_str(&world.output(&run.id, OutputKind::Table).await).unwrap();
    assert_eq!(table["rows"], serde_json::json!([["orders", 7]]));
    assert_eq!(world.output(&run.id, OutputKind::Stdout).await, "orders failed 7 times\n");
}

#[tokio::test]
async fn a_wrong_query_fails_its_cell_with_the_reason() {
    let world = World::with(&[("wrong", &runbook("```sql { name=look }\nSELECT 1 FROM nowhere\n```\n"))]).await;
    let run = world.run("wrong", &[], RunStatus::Failed).await;
    assert_eq!(run.error.as_deref(), Some("the step \"look\" failed: there is no table named nowhere"));
}
