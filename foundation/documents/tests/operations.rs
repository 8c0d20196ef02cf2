//! Canaries, deployments and game days, read from outside.

use std::path::Path;
use std::time::Duration;

use kernel::Severity;
use mainstay_documents::canary::{Canary, CanaryAlarm, CanaryCheck, DnsRecord};
use mainstay_documents::deployment::Gate;
use mainstay_documents::game_day::GameDay;
use mainstay_documents::schedule::Schedule;
use mainstay_documents::load;

fn canary(name: &str) -> Canary {
    load(Path::new("tests/good")).graph.canaries[name].clone()
}

fn game_day(name: &str) -> GameDay {
    load(Path::new("tests/good")).graph.game_days[name].clone()
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

#[test]
fn a_canary_plays_a_script_by_the_clock() {
    let canary = canary("checkout-works");
    assert_eq!(canary.check, CanaryCheck::Scenario { name: "checkout".to_owned(), environment: Some("local".to_owned()) });
    assert_eq!(canary.component.map(|component| component.to_string()).as_deref(), Some("component:default/orders"));
    assert_eq!((canary.jitter, canary.timeout, canary.locations.len()), (seconds(20), seconds(120), 2));
    assert_eq!(canary.alarm, CanaryAlarm { failures: 2, of: 5 });
    let friday_evening = "2026-10-23T20:56:00Z".parse().unwrap();
    let monday = canary.schedule.unwrap().next(friday_evening).unwrap();
    assert_eq!(monday.to_string(), "2026-10-26T05:00:00Z", "six o'clock in Berlin, after the clocks went back");
}

#[test]
fn each_check_has_its_defaults() {
    let CanaryCheck::Http(http) = canary("front-page").check else { panic!("an HTTP check") };
    assert_eq!((http.method.as_str(), http.status, http.body.as_deref()), ("GET", vec![200, 204], Some("(?i)welcome")));
    let certificate = canary("certificate");
    assert_eq!((certificate.timeout, certificate.locations, certificate.schedule), (seconds(5), vec!["server".to_owned()], Some(Schedule::Every(seconds(3600)))));
    let CanaryCheck::Tls(tls) = certificate.check else { panic!("a certificate") };
    assert_eq!((tls.server_name, tls.expires_in), (None, seconds(21 * 86_400)));
    let CanaryCheck::Dns(dns) = canary("names").check else { panic!("a name") };
    assert_eq!((dns.record, dns.resolver.as_deref()), (DnsRecord::Aaaa, Some("9.9.9.9")));
    assert_eq!(canary("database").check, CanaryCheck::Tcp { address: "[::1]:5432".to_owned(), timeout: Some(Duration::from_millis(500)) });
    assert!(!canary("database").enabled);
    assert_eq!(canary("gateway").alarm, CanaryAlarm { failures: 2, of: 3 });
    let backup = canary("backup");
    assert_eq!((backup.check, backup.schedule), (CanaryCheck::Heartbeat { every: seconds(86_400), grace: seconds(7200) }, None));
    assert_eq!(backup.alarm, CanaryAlarm { failures: 1, of: 1 });
}

#[test]
fn a_game_day_says_who_tries_what_and_when() {
    let day = game_day("autumn");
    assert_eq!((day.goal.as_str(), day.severity), ("We notice a slow database within five minutes", Severity::Sev2));
    assert_eq!((day.experiments, day.abort_when), (vec!["slow-database".to_owned()], vec!["OrdersFailing".to_owned()]));
    assert_eq!((day.hypotheses[0].source.as_deref(), day.hypotheses[1].source.as_deref()), (None, None));
    assert_eq!((day.hypotheses[1].experiment.as_deref(), day.hypotheses[1].detect_within), (Some("slow-database"), Some(seconds(300))));
    assert_eq!(day.hypotheses[2].source.as_deref(), Some("notes.md#database"));
    assert_eq!((day.participants[0].user.to_string().as_str(), day.participants[0].role.as_str()), ("user:default/jo", "commander"));
    let schedule = day.schedule.unwrap();
    assert_eq!((schedule.start.to_string().as_str(), schedule.duration), ("2026-11-03T13:00:00Z", seconds(7200)));
    assert!(!schedule.automatic, "a day for people waits for them");
}

#[test]
fn a_deployment_says_through_what_a_version_goes() {
    let loaded = load(Path::new("tests/good"));
    let deployment = &loaded.graph.deployments["orders-rollout"];
    let [beta, production] = &deployment.environments[..] else { panic!("{deployment:?}") };
    assert_eq!((beta.strategy.name.as_str(), beta.gates.len(), beta.hooks.after_allow_traffic.len()), ("AllAtOnce", 0, 1));
    assert_eq!(production.strategy.duration(), seconds(900));
    assert_eq!(production.strategy.steps.iter().map(|step| step.weight.as_percent()).collect::<Vec<_>>(), [10.0, 100.0]);
    assert!(matches!(&production.gates[..], [Gate::Approval(_), Gate::Window(_), Gate::Quiet(_), Gate::Readiness(_)]));
    assert_eq!(production.hooks.before_allow_traffic[0].timeout, seconds(300));
    assert!(deployment.frozen("2026-12-24T12:00:00Z".parse().unwrap()).is_some());
    assert!(deployment.frozen("2027-01-02T00:00:00+01:00".parse().unwrap()).is_none());
}
