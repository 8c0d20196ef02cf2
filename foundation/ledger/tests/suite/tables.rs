//! The ledger as SQL tables.

use kernel::table::{Cell, ColumnType, TableSource};
use ledger::*;
use serde_json::json;

use crate::support::*;

on_every_backend!(rows_fit_their_columns, durations_are_in_seconds, run_output_is_bounded);

async fn rows_fit_their_columns(database: TestDatabase) {
    let ledger = database.open().await;
    let run = a_run();
    let batch = Batch::new()
        .event(happened("x"))
        .run(run.clone())
        .step(Step { approval: Some(Approval::default()), exit_code: Some(1), ..a_step(&run.id, 0) })
        .output(a_chunk(&run.id, 0, "hello"))
        .incident(an_incident(1))
        .alarm(an_alarm("a"))
        .delivery(a_delivery(0))
        .parameter(crate::values::a_parameter("/a"))
        .secret(crate::values::a_secret("/b"));
    ledger.commit(batch).await.unwrap();
    let tables = ledger.tables();
    let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
    let expected = "ops.events ops.runs ops.run_steps ops.run_output ops.incidents ops.alarms ops.deliveries ops.postmortems ops.actions ops.parameters ops.secrets";
    assert_eq!(names.join(" "), expected);
    for table in &tables {
        for row in ledger.rows(&table.name).await.unwrap() {
            assert_eq!(row.len(), table.columns.len());
            for (cell, column) in row.iter().zip(&table.columns) {
                assert!(fits(cell, column.kind), "{}.{}: {cell:?}", table.name, column.name);
            }
        }
    }
    let absent = ledger.rows("ops.nothing").await.unwrap_err();
    assert_eq!(absent.kind(), kernel::Kind::NotFound);
}

fn fits(cell: &Cell, kind: ColumnType) -> bool {
    matches!(
        (cell, kind),
        (Cell::Null, _)
            | (Cell::Boolean(_), ColumnType::Boolean)
            | (Cell::Integer(_), ColumnType::Integer)
            | (Cell::Float(_), ColumnType::Float)
            | (Cell::Text(_), ColumnType::Text)
            | (Cell::Timestamp(_), ColumnType::Timestamp)
            | (Cell::Json(_), ColumnType::Json)
    )
}

async fn durations_are_in_seconds(database: TestDatabase) {
    let ledger = database.open().await;
    let incident = Incident { acknowledged_at: Some(instant(90)), ..an_incident(1) };
    let event = happened("x").incident(incident.id);
    ledger.commit(Batch::new().event(event).incident(incident)).await.unwrap();
    let cell = async |table: &str, column: &str| {
        let schema = ledger.tables().into_iter().find(|schema| schema.name == table).unwrap();
        let index = schema.columns.iter().position(|candidate| candidate.name == column).unwrap();
        ledger.rows(table).await.unwrap()[0][index].clone()
    };
    assert_eq!(cell("ops.incidents", "time_to_acknowledge_s").await, Cell::Float(90.0));
    assert_eq!(cell("ops.incidents", "time_to_resolve_s").await, Cell::Null);
    assert_eq!(cell("ops.incidents", "id").await, Cell::Text("INC-1".to_owned()));
    assert_eq!(cell("ops.events", "incident").await, Cell::Text("INC-1".to_owned()));
    assert_eq!(cell("ops.events", "data").await, Cell::Json(json!({"kind": "x"})));
}

async fn run_output_is_bounded(database: TestDatabase) {
    let ledger = database.open().await;
    let run = a_run();
    for n in 0..70 {
        ledger.commit(Batch::new().output(a_chunk(&run.id, n, &"x".repeat(1_000_000)))).await.unwrap();
    }
    let rows = ledger.rows("ops.run_output").await.unwrap();
    assert_eq!(rows.len(), 67, "as many of the newest megabytes as fit into 64 MiB");
    assert_eq!(rows[0][2], Cell::Integer(69));
}
