//! Each fault begins, is felt, and lifts.

use std::os::unix::fs::MetadataExt;
use std::process::Output;

use super::super::Ended;
use super::super::proxy::{Proxies, Wanted, router};
use super::*;

#[tokio::test]
async fn pause_freezes_and_lets_go() {
    let place = Place::new();
    let nap = Nap::new(place.folder.path(), "pause");
    std::fs::write(place.path("nap.pid"), format!("{}\n", nap.pid())).unwrap();
    let ways = [
        json!({"pid": nap.pid()}),
        json!({"pidFile": place.path("nap.pid")}),
        json!({"command": nap.name, "owner": process(nap.pid()).unwrap().owner_uid.to_string()}),
    ];
    for way in ways {
        let active = place.begin(json!({"fault": "pause", "process": way}), json!({"processes": [nap.name]})).await.unwrap();
        soon("the pause", || nap.state() == 'T').await;
        assert_eq!(place.records(), 1);
        active.lift().await.unwrap();
        assert_ne!(nap.state(), 'T');
        assert_eq!(place.records(), 0);
    }
}

#[tokio::test]
async fn dropping_a_fault_lifts_it() {
    let place = Place::new();
    let nap = Nap::new(place.folder.path(), "drop");
    let active = place.begin(json!({"fault": "pause", "process": {"pid": nap.pid()}}), json!({"processes": [nap.name]})).await.unwrap();
    soon("the pause", || nap.state() == 'T').await;
    drop(active);
    soon("the end of the pause", || nap.state() != 'T').await;
}

#[tokio::test]
async fn a_fault_ends_after_its_duration() {
    let place = Place::new();
    let nap = Nap::new(place.folder.path(), "duration");
    let written = json!({"fault": "pause", "process": {"pid": nap.pid()}, "duration": "300ms"});
    let start = Instant::now();
    let active = place.begin(written, json!({"processes": [nap.name]})).await.unwrap();
    assert_eq!(active.ended().await, Ended::LiftedEarly);
    assert!(start.elapsed() >= Duration::from_millis(299) && start.elapsed() < SOON, "{:?}", start.elapsed());
    assert_ne!(nap.state(), 'T');
    active.lift().await.unwrap();
}

#[tokio::test]
async fn kill_ends_a_process_and_its_restart_undoes_that() {
    let place = Place::new();
    let mut nap = Nap::new(place.folder.path(), "kill");
    let program = place.path(&nap.name);
    let written = json!({"fault": "kill", "process": {"pid": nap.pid()}, "restart": [program, "60"]});
    let active = place.begin(written, json!({"processes": [nap.name], "commands": [program]})).await.unwrap();
    nap.child.wait().unwrap();
    let runs = || Process::all().find(|process| process.command == nap.name);
    assert!(runs().is_none());
    active.lift().await.unwrap();
    soon("the restart", || runs().is_some()).await;
    kill(runs().unwrap().pid.as_raw_nonzero().get(), Signal::KILL);
}

#[tokio::test]
async fn cpu_burns_at_its_load_and_stops() {
    let place = Place::new();
    let written = json!({"fault": "cpu", "workers": 1, "loadPercent": 50});
    let active = place.begin(written, json!({"hosts": ["localhost"]})).await.unwrap();
    let burner = burner(&place);
    let before = cpu_ms(burner);
    tokio::time::sleep(Duration::from_millis(600)).await;
    let used = cpu_ms(burner) - before;
    // Half of the time, and less where the machine is busy with other things.
    assert!((30..=400).contains(&used), "{used} ms of 600");
    active.lift().await.unwrap();
    assert!(process(burner).is_none());
}

#[tokio::test]
async fn memory_is_taken_and_given_back() {
    let place = Place::new();
    let active = place.begin(json!({"fault": "memory", "bytes": 100_000_000}), json!({"hosts": ["localhost"]})).await.unwrap();
    let burner = burner(&place);
    let status = std::fs::read_to_string(format!("/proc/{burner}/status")).unwrap();
    let resident: u64 = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap().trim().trim_end_matches(" kB").parse().unwrap();
    assert!(resident * 1024 > 100_000_000, "{resident} kB");
    active.lift().await.unwrap();
    assert!(process(burner).is_none());
}

#[tokio::test]
async fn a_disk_is_filled_by_a_file_without_a_name() {
    let place = Place::new();
    let target = place.path("full");
    std::fs::create_dir(&target).unwrap();
    let written = json!({"fault": "disk", "folder": target, "bytes": 50_000_000, "keepFreeBytes": 1_000_000});
    let active = place.begin(written, json!({"folders": [place.folder.path()]})).await.unwrap();
    let burner = burner(&place);
    let open = std::fs::read_dir(format!("/proc/{burner}/fd")).unwrap().flatten().filter_map(|entry| std::fs::metadata(entry.path()).ok());
    let largest = open.filter(|file| file.is_file()).map(|file| file.blocks() * 512).max();
    assert!(largest >= Some(50_000_000), "{largest:?}");
    assert_eq!(std::fs::read_dir(&target).unwrap().count(), 0);
    active.lift().await.unwrap();
    assert!(process(burner).is_none());
}

#[tokio::test]
async fn a_command_begins_and_another_undoes() {
    let place = Place::new();
    let mark = place.path("mark");
    let written = json!({"fault": "command", "begin": ["touch", mark], "undo": ["rm", "-f", mark]});
    let active = place.begin(written, json!({"commands": ["touch", "rm"]})).await.unwrap();
    assert!(mark.exists());
    active.lift().await.unwrap();
    assert!(!mark.exists());
}

#[tokio::test]
async fn a_command_that_fails_or_lasts_is_undone() {
    let place = Place::new();
    let mark = place.path("mark");
    for (script, says) in [("touch \"$0\"; echo no >&2; exit 3", "no"), ("touch \"$0\"; sleep 60", "has not ended within 200ms")] {
        let written = json!({"fault": "command", "begin": ["sh", "-c", script, mark], "undo": ["rm", "-f", mark], "timeout": "200ms"});
        let failed = place.begin(written, json!({"commands": ["sh", "rm"]})).await.unwrap_err().to_string();
        assert!(failed.contains(says), "{failed}");
        assert!(!mark.exists());
    }
    assert_eq!(place.records(), 0);
}

#[tokio::test]
async fn toxics_on_a_proxy_of_this_process() {
    let place = Place::new();
    let proxies = place.injector.proxies();
    proxies.create(Wanted { name: "db".to_owned(), upstream: "127.0.0.1:1".to_owned(), ..Wanted::default() }).await.unwrap();
    let written = json!({"fault": "proxy", "proxy": "db", "toxics": [{"type": "latency", "attributes": {"latency": 100}}], "down": true});
    let active = place.begin(written, json!({"proxies": ["db"]})).await.unwrap();
    let shown = proxies.get("db").await.unwrap();
    assert_eq!((shown.enabled, shown.toxics.len()), (false, 1));
    active.lift().await.unwrap();
    let shown = proxies.get("db").await.unwrap();
    assert_eq!((shown.enabled, shown.toxics.len()), (true, 0));

    let written = json!({"fault": "proxy", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:1", "toxics": [{"type": "timeout"}]});
    let active = place.begin(written, json!({"hosts": ["127.0.0.1"]})).await.unwrap();
    assert_eq!(proxies.list().await.len(), 2);
    active.lift().await.unwrap();
    assert_eq!(proxies.list().await.len(), 1);
    assert!(place.guard().is_none(), "what ends with this process needs no guard");
}

#[tokio::test]
async fn toxics_on_a_proxy_behind_an_api() {
    let there = Proxies::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let api = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn({
        let router = router(there.clone());
        async move { axum::serve(listener, router).await }
    });
    there.create(Wanted { name: "db".to_owned(), upstream: "127.0.0.1:1".to_owned(), ..Wanted::default() }).await.unwrap();
    let place = Place::new();
    let toxics = json!([{"type": "latency"}, {"type": "http_status", "attributes": {"status": 503}}]);
    let written = json!({"fault": "proxy", "api": api, "proxy": "db", "toxics": toxics});
    let active = place.begin(written, json!({"hosts": ["127.0.0.1"], "proxies": ["db"]})).await.unwrap();
    assert_eq!(there.get("db").await.unwrap().toxics.len(), 2);
    active.lift().await.unwrap();
    assert_eq!(there.get("db").await.unwrap().toxics.len(), 0);
}

/// In a network namespace of its own, where this machine allows one and its kernel has netem. Elsewhere the reason
/// is told, and has to be what the system says.
#[tokio::test]
async fn the_network_is_delayed_where_the_kernel_can_or_says_so() {
    let place = Place::new();
    let Some(namespace) = Namespace::new() else { return eprintln!("skipped: this machine gives us no network namespace") };
    let written = json!({"fault": "network", "device": "lo", "delayMs": 50, "namespace": namespace.name});
    let before = namespace.round_trip();
    match place.begin(written, json!({"devices": ["lo"]})).await {
        Ok(active) => {
            assert!(namespace.shown().contains("delay 50ms"), "{}", namespace.shown());
            let during = namespace.round_trip();
            // There and back, each through the device.
            assert!((Duration::from_millis(95)..Duration::from_millis(400)).contains(&(during - before.min(during))), "{before:?}, then {during:?}");
            active.lift().await.unwrap();
            assert!(namespace.round_trip() < Duration::from_millis(95));
        }
        Err(error) => {
            let system = namespace.ip(&["netns", "exec", &namespace.name, "tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms"]);
            eprintln!("skipped: {error}");
            let reason = String::from_utf8_lossy(&system.stderr).trim().to_owned();
            assert!(!system.status.success() && error.to_string().contains(&reason), "tc says {reason:?}, and we: {error}");
        }
    }
    assert!(namespace.shown().contains("noqueue"), "{}", namespace.shown());
    assert_eq!(place.records(), 0);
}

/// Taken away when dropped.
struct Namespace {
    name: String,
}

impl Namespace {
    fn new() -> Option<Self> {
        let namespace = Self { name: format!("mainstay-{}", std::process::id()) };
        let name = namespace.name.as_str();
        let made = Command::new("ip").args(["netns", "add", name]).stderr(Stdio::null()).status().is_ok_and(|status| status.success());
        (made && namespace.ip(&["-n", name, "link", "set", "lo", "up"]).status.success()).then_some(namespace)
    }

    fn ip(&self, words: &[&str]) -> Output {
        Command::new("ip").args(words).output().unwrap()
    }

    fn shown(&self) -> String {
        let output = self.ip(&["netns", "exec", &self.name, "tc", "qdisc", "show", "dev", "lo"]);
        String::from_utf8(output.stdout).unwrap()
    }

    /// How long it takes to be told that nobody listens, without the time that the programs take to start.
    fn round_trip(&self) -> Duration {
        let timed = |script: &str| {
            let began = Instant::now();
            self.ip(&["netns", "exec", &self.name, "bash", "-c", script]);
            began.elapsed()
        };
        let started = timed("true");
        timed("echo > /dev/tcp/127.0.0.1/9").saturating_sub(started)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        self.ip(&["netns", "delete", &self.name]);
    }
}

fn burner(place: &Place) -> i32 {
    let guard = place.guard().expect("a guard").pid.as_raw_nonzero().get();
    children(guard)[0].pid.as_raw_nonzero().get()
}

/// Processor time used so far; a tick is 10 ms.
fn cpu_ms(pid: i32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    (fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()) * 10
}
