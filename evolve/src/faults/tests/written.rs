//! How faults are written, and what is refused before anything is touched.

use kernel::{Clock, SystemClock};

use super::*;

#[test]
fn every_kind_reads_back_as_it_was_written() {
    let kinds = [
        json!({"fault": "proxy", "proxy": "db", "toxics": [{"name": "t", "stream": "upstream", "toxicity": 1.0, "type": "latency", "attributes": {"latency": 5, "jitter": 1}}]}),
        json!({"fault": "stop", "process": {"command": "nginx", "owner": "www-data"}, "restart": ["systemctl", "start", "nginx"]}),
        json!({"fault": "pause", "process": {"pidFile": "/run/a.pid"}, "duration": "30s"}),
        json!({"fault": "kill", "process": {"pid": 7}}),
        json!({"fault": "cpu", "workers": 2, "loadPercent": 80, "duration": "1m"}),
        json!({"fault": "memory", "bytes": 1000, "maxSharePercent": 50}),
        json!({"fault": "disk", "folder": "/var/tmp", "bytes": 1000, "keepFreeBytes": 5}),
        json!({"fault": "network", "device": "eth0", "delayMs": 100, "jitterMs": 10, "lossPercent": 1.5}),
        json!({"fault": "command", "begin": ["a", "b"], "undo": ["c"], "timeout": "10s"}),
    ];
    for written in kinds {
        let read = spec(written.clone());
        assert_eq!(read.name(), written["fault"]);
        let again = serde_json::to_value(&read).unwrap();
        for (name, value) in written.as_object().unwrap() {
            assert_eq!(&again[name], value, "{name} of {written}");
        }
    }
}

#[test]
fn a_misspelt_field_is_an_error() {
    let wrong = serde_json::from_value::<FaultSpec>(json!({"fault": "cpu", "worker": 2})).unwrap_err();
    assert!(wrong.to_string().contains("unknown field `worker`"), "{wrong}");
    let wrong = serde_json::from_value::<FaultSpec>(json!({"fault": "kill", "process": {"command": "nginx"}})).unwrap_err();
    assert!(wrong.to_string().contains("needs its `owner`"), "{wrong}");
    let wrong = serde_json::from_value::<FaultSpec>(json!({"fault": "cpu", "workers": 2, "duration": "soon"})).unwrap_err();
    assert!(wrong.to_string().contains("not a duration"), "{wrong}");
}

#[tokio::test]
async fn what_is_not_listed_is_refused_by_name() {
    let place = Place::new();
    let nap = Nap::new(place.folder.path(), "unlisted");
    let folder = place.folder.path().canonicalize().unwrap();
    let latency = json!([{"type": "latency"}]);
    let cases = [
        (json!({"fault": "pause", "process": {"pid": nap.pid()}}), nap.name.as_str(), "processes"),
        (json!({"fault": "cpu", "workers": 1}), "localhost", "hosts"),
        (json!({"fault": "memory", "bytes": 1}), "localhost", "hosts"),
        (json!({"fault": "disk", "folder": folder, "bytes": 1}), folder.to_str().unwrap(), "folders"),
        (json!({"fault": "network", "device": "eth9", "delayMs": 1}), "eth9", "devices"),
        (json!({"fault": "command", "begin": ["touch", "x"], "undo": ["rm", "x"]}), "touch", "commands"),
        (json!({"fault": "proxy", "proxy": "db", "toxics": latency}), "db", "proxies"),
        (json!({"fault": "proxy", "listen": "127.0.0.1:0", "upstream": "db:5432", "toxics": latency}), "127.0.0.1:0", "hosts"),
        (json!({"fault": "proxy", "api": "http://far:8474", "proxy": "db", "toxics": latency}), "far:8474", "hosts"),
    ];
    for (written, target, list) in cases {
        let refused = place.begin(written, json!({})).await.unwrap_err().to_string();
        assert!(refused.contains(&format!("{target:?}")) && refused.contains(&format!("`{list}`")), "{refused}");
    }
    // The program that undoes needs a permission too.
    let written = json!({"fault": "command", "begin": ["touch", "x"], "undo": ["rm", "x"]});
    assert!(place.begin(written, json!({"commands": ["touch"]})).await.unwrap_err().to_string().contains("\"rm\""));
    assert!(place.guard().is_none(), "a guard runs though nothing began");
}

#[tokio::test]
async fn the_first_process_we_and_our_ancestors_are_not_touched() {
    let place = Place::new();
    let own = std::process::id() as i32;
    let mut pids = vec![-1, 0, 1, own];
    pids.extend(process(own).map(|process| process.parent));
    for pid in pids {
        let names = process(pid).map(|process| process.command);
        let refused = place.begin(json!({"fault": "kill", "process": {"pid": pid}}), json!({"processes": names.as_slice()})).await;
        assert!(matches!(refused, Err(FaultError::Invalid { .. })), "{pid}: {refused:?}");
    }
}

#[tokio::test]
async fn limits_are_kept() {
    let place = Place::new();
    let here = json!({"hosts": ["localhost"], "folders": [place.folder.path()]});
    let cases = [
        json!({"fault": "memory", "bytes": u64::MAX}),
        json!({"fault": "memory", "bytes": 1, "maxSharePercent": 100}),
        json!({"fault": "disk", "folder": place.folder.path(), "bytes": 1_000_000, "keepFreeBytes": u64::MAX}),
        json!({"fault": "cpu", "workers": 1, "loadPercent": 0}),
        json!({"fault": "cpu", "workers": 10_000}),
    ];
    for written in cases {
        let refused = place.begin(written.clone(), here.clone()).await;
        assert!(matches!(refused, Err(FaultError::Invalid { .. })), "{written}: {refused:?}");
    }
    let passed = SystemClock.now() - Duration::from_secs(1);
    let refused = place.begin(json!({"fault": "cpu", "workers": 1}), json!({"hosts": ["localhost"], "deadline": passed})).await;
    assert!(matches!(refused, Err(FaultError::DeadlinePassed)));
}
