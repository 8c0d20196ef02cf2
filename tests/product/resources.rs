//! Small when it has nothing to do, and there at once.

use std::time::Duration;

use crate::fixture::Server;
use crate::fixture::server::ServerSettings;

/// The build that tests use is not optimised; `cargo xtask bench` measures the release.
const READY_WITHIN: Duration = Duration::from_millis(1500);
const RESIDENT_BYTES_MAX: u64 = 100 << 20;
/// Of memory that is the server's own, not pages of the program, which an unoptimised build has thrice as many of.
const OWN_BYTES_MAX: u64 = 50 << 20;

#[tokio::test]
async fn an_idle_server_is_small_and_starts_quickly() {
    let server = ServerSettings::new().start().await;
    assert!(server.ready_after < READY_WITHIN, "ready after {:?}", server.ready_after);
    let resident = memory_bytes(&server, "VmRSS:");
    // A first look at everything that is loaded lazily.
    server.get("api/overview").await;
    let own = memory_bytes(&server, "RssAnon:");
    println!("ready after {:?}, {} MiB resident, {} MiB its own after a first look", server.ready_after, resident >> 20, own >> 20);
    assert!(resident < RESIDENT_BYTES_MAX, "{} MiB resident", resident >> 20);
    assert!(own < OWN_BYTES_MAX, "{} MiB its own", own >> 20);
}

fn memory_bytes(server: &Server, field: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.process_id())).expect("the server runs");
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.trim().strip_suffix(" kB"));
    line.and_then(|kilobytes| kilobytes.parse::<u64>().ok()).expect("a field in kB") << 10
}
