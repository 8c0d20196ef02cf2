//! The workload `mainstay` observes itself, over OTLP like any other.

use std::time::Duration;

use crate::fixture::eventually;
use crate::fixture::server::ServerSettings;

#[tokio::test]
async fn its_own_traces_and_logs_arrive_in_its_own_lake() {
    let server = ServerSettings::new().start().await;
    server.get("api/overview").await;
    for table in ["spans", "logs"] {
        let sql = format!("SELECT count(*) FROM {table} WHERE service = 'mainstay'");
        eventually(&format!("{table} of mainstay itself"), Duration::from_secs(20), async || {
            (server.count(&sql).await > 0).then_some(())
        })
        .await;
    }
}
