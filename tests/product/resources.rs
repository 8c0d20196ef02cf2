//! Small when it has nothing to do, and there at once.

use std::time::Duration;

use crate::fixture::Server;
use crate::fixture::server::ServerSettings;

/// The build that tests use is not optimised: its program alone, of which pages are dropped when somebody needs the
/// room, is 80 MiB resident. `cargo xtask bench start` measures the release, which is to stay below 100 MiB in all.
const RESIDENT_BYTES_MAX: u64 = 120 << 20;
/// Of memory that is the server's own, not pages of the program.
const OWN_BYTES_MAX: u64 = 40 << 20;

#[tokio::test]
async fn an_idle_server_is_small() {
    let server = ServerSettings::new().start().await;
    let resident = memory_bytes(&server, "VmRSS:");
    // A first look at everything that is loaded lazily.
    server.get("api/overview").await;
    let own = memory_bytes(&server, "RssAnon:");
    println!("ready after {:?}, {} MiB resident, {} MiB its own after a first look", server.ready_after, resident >> 20, own >> 20);
    assert!(resident < RESIDENT_BYTES_MAX, "{} MiB resident", resident >> 20);
    assert!(own < OWN_BYTES_MAX, "{} MiB its own", own >> 20);
}

/// What a clock must be asked of; the rest of the suite must not take its time from it.
mod timed {
    use super::*;

    const READY_WITHIN: Duration = Duration::from_millis(1500);

    #[tokio::test]
    #[ignore = "runs alone"]
    async fn a_server_starts_quickly() {
        let server = ServerSettings::new().start().await;
        assert!(server.ready_after < READY_WITHIN, "ready after {:?}", server.ready_after);
    }
}

fn memory_bytes(server: &Server, field: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.process_id())).expect("the server runs");
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.trim().strip_suffix(" kB"));
    line.and_then(|kilobytes| kilobytes.parse::<u64>().ok()).expect("a field in kB") << 10
}
