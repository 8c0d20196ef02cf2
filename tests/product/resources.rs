//! Small when it has nothing to do, and there at once.

use std::time::Duration;

use crate::fixture::Server;
use crate::fixture::server::ServerSettings;

/// The build that tests use is not fully optimised; `cargo xtask bench` holds the release to 0.5 s.
const READY_WITHIN: Duration = Duration::from_millis(1500);
const RESIDENT_BYTES_MAX: u64 = 100 << 20;

#[tokio::test]
async fn an_idle_server_is_small_and_starts_quickly() {
    let server = ServerSettings::new().start().await;
    assert!(server.ready_after < READY_WITHIN, "ready after {:?}", server.ready_after);
    // A first look at everything that is loaded lazily.
    server.get("api/overview").await;
    let resident = resident_bytes(&server);
    println!("ready after {:?}, {} MiB resident", server.ready_after, resident >> 20);
    assert!(resident < RESIDENT_BYTES_MAX, "{} MiB resident", resident >> 20);
}

fn resident_bytes(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.process_id())).expect("the server runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"));
    line.and_then(|kilobytes| kilobytes.parse::<u64>().ok()).expect("VmRSS in kB") << 10
}
