//! The SQL surface: what it answers, what it refuses, and how it helps.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use kernel::Classified;
use kernel::table::{Cell, ColumnSchema, ColumnType, TableSchema, TableSource};
use lake::{Lake, LakeSettings};
use telemetry::{SqlError, SqlSource};
use tempfile::TempDir;

use crate::support::*;

struct Runs;

#[async_trait]
impl TableSource for Runs {
    fn tables(&self) -> Vec<TableSchema> {
        let column = |name: &str, kind| ColumnSchema { name: name.to_owned(), kind, description: String::new() };
        let columns = vec![column("id", ColumnType::Text), column("started", ColumnType::Timestamp), column("labels", ColumnType::Json)];
        vec![TableSchema { name: "ops.runs".to_owned(), description: "Runs.".to_owned(), columns }]
    }

    async fn rows(&self, _table: &str) -> Result<Vec<Vec<Cell>>, Box<dyn Classified>> {
        let started = Cell::Timestamp(kernel::Timestamp::from_second(NOW_S).unwrap());
        Ok(vec![vec![Cell::Text("run-1".to_owned()), started, Cell::Json(serde_json::json!({"service": "orders"}))]])
    }
}

async fn lake_with_ops(folder: &TempDir) -> Lake {
    let lake = Lake::open(LakeSettings::below(folder.path()), Arc::new(clock()), vec![Arc::new(Runs)]).await.unwrap();
    write_log(&lake, log("orders", 0, "payment failed")).await;
    write_log(&lake, log("web", 10, "hello")).await;
    write_span(&lake, span("orders", 0, 1, false)).await;
    lake
}

#[tokio::test]
async fn other_rooms_tables_join_with_signals() {
    let folder = TempDir::new().unwrap();
    let lake = lake_with_ops(&folder).await;
    let query = "SELECT r.id, r.started, r.labels, l.body FROM ops.runs r JOIN logs l ON l.service = r.labels->>'service'";
    assert_eq!(lines(&lake, query).await, [r#"run-1|"2026-03-01T12:00:00Z"|{"service":"orders"}|payment failed"#]);
    let names: Vec<_> = lake.tables().into_iter().map(|table| table.name).collect();
    assert_eq!(names, ["logs", "spans", "metrics", "ops.runs"]);
    let shown = lines(&lake, "SHOW TABLES").await;
    assert!(shown.iter().any(|line| line.contains("ops|runs")) && shown.iter().any(|line| line.contains("public|logs")), "{shown:?}");
}

#[tokio::test]
async fn described_columns_are_the_columns() {
    let folder = TempDir::new().unwrap();
    let lake = lake_with_ops(&folder).await;
    for table in lake.tables() {
        let answer = sql(&lake, &format!("SELECT * FROM {}", table.name)).await;
        let described: Vec<_> = table.columns.iter().map(|column| (column.name.clone(), column.kind)).collect();
        let shown: Vec<_> = answer.columns.iter().map(|column| (column.name.clone(), column.kind)).collect();
        assert_eq!(shown, described, "{}", table.name);
    }
}

#[tokio::test]
async fn json_is_reached_by_operator_and_by_function() {
    let folder = TempDir::new().unwrap();
    let lake = lake_with_ops(&folder).await;
    let query = "SELECT json_get(attributes, 'http.route'), attributes->'http.route', attributes->>'none', json_get_int('{\"a\":[1,2]}', 'a', 1) FROM logs WHERE resource->>'service.name' = 'web'";
    assert_eq!(lines(&lake, query).await, [r#"/orders/{id}|"/orders/{id}"|null|2"#]);
}

#[tokio::test]
async fn grouping_by_time_and_relative_times_work() {
    let folder = TempDir::new().unwrap();
    let lake = lake_with_ops(&folder).await;
    let query = "SELECT date_bin(INTERVAL '1 minute', time) AS minute, count(*) FILTER (WHERE severity = 'ERROR') AS errors, count(*) AS lines FROM logs WHERE time > now() - INTERVAL '10 years' GROUP BY minute";
    assert_eq!(lines(&lake, query).await, [r#""2026-03-01T12:00:00Z"|1|2"#]);
    assert_eq!(lines(&lake, "SELECT approx_percentile_cont(duration_ns, 0.99) FROM spans WHERE start_time BETWEEN '2026-03-01' AND '2026-03-02'").await, ["1500000.0"]);
    assert_eq!(lines(&lake, "SELECT array_agg(service ORDER BY service) FROM logs").await, [r#"["orders","web"]"#]);
}

#[tokio::test]
async fn rows_beyond_the_limit_are_left_out_and_it_says_so() {
    let folder = TempDir::new().unwrap();
    let lake = lake_with_ops(&folder).await;
    let answer = lake.sql("SELECT body FROM logs ORDER BY time", 1).await.unwrap();
    assert_eq!((answer.rows, answer.truncated), (vec![vec![Cell::Text("payment failed".to_owned())]], true));
    let answer = lake.sql("SELECT body FROM logs", 2).await.unwrap();
    assert_eq!((answer.rows.len(), answer.truncated), (2, false));
}

async fn refusal(lake: &Lake, query: &str) -> String {
    match lake.sql(query, 10).await {
        Err(SqlError::Invalid { message }) => message,
        other => panic!("{query}: {other:?}"),
    }
}

#[tokio::test]
async fn mistakes_are_explained() {
    let folder = TempDir::new().unwrap();
    let lake = lake_with_ops(&folder).await;
    assert_eq!(refusal(&lake, "SELECT servce FROM logs").await, "there is no column `servce`; did you mean `service`?");
    assert_eq!(refusal(&lake, "SELECT * FROM log").await, "there is no table `log`; did you mean `logs`?");
    assert_eq!(refusal(&lake, "SELECT * FROM ops.run").await, "there is no table `ops.run`; did you mean `ops.runs`?");
    assert!(refusal(&lake, "SELEC 1").await.contains("SELEC"));
    assert!(refusal(&lake, "SELECT 1; SELECT 2").await.contains("single SQL statement"));
    assert!(refusal(&lake, "SELECT nosuch(1)").await.contains("nosuch"));
    assert!(refusal(&lake, "SELECT CAST(body AS BIGINT) FROM logs").await.contains("payment failed"));
    refusal(&lake, "").await;
}

#[tokio::test]
async fn nothing_can_be_changed() {
    let folder = TempDir::new().unwrap();
    let lake = lake_with_ops(&folder).await;
    let queries = [
        "CREATE TABLE t AS SELECT 1",
        "CREATE EXTERNAL TABLE t STORED AS PARQUET LOCATION '/tmp/x'",
        "DROP TABLE logs",
        "INSERT INTO logs SELECT * FROM logs",
        "DELETE FROM logs",
        "UPDATE logs SET body = 'x'",
        "COPY (SELECT * FROM logs) TO '/tmp/x.csv'",
        "SET datafusion.execution.batch_size = 1",
        "EXPLAIN ANALYZE DELETE FROM logs",
    ];
    for query in queries {
        let message = refusal(&lake, query).await;
        assert!(message.contains("SQL only reads here"), "{query}: {message}");
    }
    assert_eq!(lines(&lake, "SELECT count(*) FROM logs").await, ["2"]);
}

#[tokio::test]
async fn files_of_the_machine_are_out_of_reach() {
    let folder = TempDir::new().unwrap();
    let lake = lake_with_ops(&folder).await;
    refusal(&lake, "SELECT * FROM '/etc/passwd'").await;
}

#[tokio::test]
async fn a_query_ends_at_its_time() {
    let folder = TempDir::new().unwrap();
    let mut settings = LakeSettings::below(folder.path());
    settings.query.sql_timeout = Duration::from_millis(50);
    let lake = Lake::open(settings, Arc::new(clock()), vec![]).await.unwrap();
    let slow = "SELECT count(*) FROM generate_series(1, 100000000) a, generate_series(1, 100000) b WHERE a.value % 7 = b.value % 5";
    assert!(matches!(lake.sql(slow, 10).await, Err(SqlError::Timeout { .. })));
}

#[tokio::test]
async fn a_query_keeps_to_its_memory() {
    let folder = TempDir::new().unwrap();
    let mut settings = LakeSettings::below(folder.path());
    settings.query.sql_memory_bytes = 1 << 20;
    let lake = Lake::open(settings, Arc::new(clock()), vec![]).await.unwrap();
    let large = "SELECT value, count(*) FROM generate_series(1, 10000000) GROUP BY value ORDER BY value";
    let refused = lake.sql(large, 10).await;
    assert!(matches!(refused, Err(SqlError::Memory)), "{refused:?}");
}
