//! A folder without a fault, read from outside.

use std::path::Path;
use std::time::Duration;

use mainstay_documents::config_profile::ProfileKind;
use mainstay_documents::deployment::HookCheck;
use mainstay_documents::event_rule::{NotifyChannel, Target};
use mainstay_documents::rules::Rule;
use mainstay_documents::runbook::{Display, RunbookKind};
use mainstay_documents::{Loaded, load};
use kernel::{EntityRef, Impact};

fn good() -> Loaded {
    let loaded = load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/good"));
    assert_eq!(loaded.diagnostics, []);
    loaded
}

fn entity(text: &str) -> EntityRef {
    text.parse().unwrap()
}

#[test]
fn the_workload_has_its_settings() {
    let workload = good().graph.workload;
    assert_eq!((workload.name.as_str(), workload.title.as_deref()), ("shop", Some("The shop")));
    assert_eq!(workload.evaluation_interval, Duration::from_secs(15));
    assert_eq!(workload.retention, Duration::from_secs(30 * 24 * 3600));
}

#[test]
fn secrets_have_readers() {
    let policies = good().graph.workload.secrets;
    assert_eq!(policies[0].path, "/shop/orders");
    assert_eq!(policies[0].component, Some(entity("component:default/orders")));
    assert_eq!(policies[0].readers, [entity("group:default/payments"), entity("user:default/jo")]);
    assert_eq!(policies[0].documents, ["restart", "checkout", "slow-database"]);
    let env = &good().graph.runbooks["restart"].env;
    assert_eq!(env["RETRIES"], "3");
    assert!(env["DB_URL"].starts_with("postgres://app:{{resolve:"));
}

#[test]
fn the_catalogue_is_a_graph() {
    let loaded = good();
    assert_eq!((loaded.files, loaded.graph.entities.len(), loaded.graph.scripts.len()), (12, 8, 1));
    let orders = loaded.graph.component_of_service("orders-api").unwrap();
    assert_eq!((orders.impact, orders.tier), (Some(Impact::Critical), Some(1)));
    assert_eq!(orders.depends_on, [entity("resource:default/orders-db")]);
    assert_eq!(orders.system, Some(entity("system:default/shop")));
    assert_eq!(loaded.graph.commander_for(&orders.reference), Some(entity("user:default/jo")));
    let worker = loaded.graph.entity(&entity("component:default/worker")).unwrap();
    assert_eq!((worker.impact, worker.service()), (Some(Impact::Critical), Some("worker")), "the merge key fills in");
}

#[test]
fn rules_keep_their_order_and_places() {
    let groups = good().graph.rule_groups;
    let [Rule::Recording(record), Rule::Alerting(page), Rule::Alerting(ticket)] = groups[0].rules.as_slice() else {
        panic!("one recording rule and two alerts")
    };
    assert_eq!(record.record, "service:errors:ratio_rate5m");
    assert_eq!((page.for_, page.keep_firing_for), (Duration::from_secs(120), Duration::from_secs(60)));
    assert_eq!(page.component, Some(entity("component:default/orders")), "from the group's labels");
    assert_eq!(page.runbook.as_deref(), Some("restart"));
    assert_eq!((page.origin.path.as_str(), page.origin.line), ("rules.yaml", 8));
    assert_eq!(ticket.labels["severity"], "ticket");
}

#[test]
fn event_rules_have_their_targets_in_order() {
    let rules = good().graph.event_rules;
    let [Target::Incident(incident), Target::Run(run), Target::Notify(slack), Target::Notify(hook)] = rules[0].targets.as_slice() else {
        panic!("four targets")
    };
    assert!(rules[0].enabled && incident.resolve_with_alarm);
    assert_eq!(run.parameters["REASON"], "{{ data.name }}");
    assert_eq!((slack.channel, slack.url.as_str()), (NotifyChannel::Slack, "env:SLACK_URL"));
    assert_eq!(hook.headers["authorization"], "env:HOOK_TOKEN");
}

#[test]
fn runbooks_have_cells_and_prose_is_left_alone() {
    let graph = good().graph;
    let restart = &graph.runbooks["restart"];
    assert_eq!((restart.kind, restart.title.as_str()), (RunbookKind::Runbook, "Restart a service"));
    assert_eq!(restart.parameters[0].allowed, ["orders", "worker"]);
    assert_eq!(restart.digest.len(), 64);
    let [before, cell, purge] = restart.cells.as_slice() else { panic!("three cells") };
    assert_eq!((before.language.as_str(), before.display, before.line), ("promql", Display::Chart, 25));
    assert_eq!(cell.source, "echo restarting \"$SERVICE\"\n");
    assert_eq!((cell.timeout, cell.env["FORCE"].as_str()), (Some(Duration::from_secs(30)), "1"));
    let approval = purge.approval.as_ref().unwrap();
    assert_eq!(approval.approvers, [entity("group:default/payments"), entity("user:default/jo")]);
    assert_eq!((approval.needed, approval.reason.as_deref()), (1, Some("it loses data")));
    assert!(purge.repeatable && !cell.repeatable);
}

#[test]
fn the_folder_knows_its_commit() {
    assert_eq!(good().graph.revision.map(|revision| revision.len()), Some(40));
}

#[test]
fn config_profiles_have_a_content_for_each_environment() {
    let profiles = good().graph.config_profiles;
    let flags = &profiles["checkout-flags"];
    let [beta, production] = flags.environments.as_slice() else { panic!("two environments") };
    assert_eq!((flags.kind, flags.component.to_string().as_str()), (ProfileKind::Flags, "component:default/orders"));
    assert_eq!(beta.content.file.as_deref(), Some("flags/beta.yaml"));
    assert_eq!(beta.content.flags.as_ref().map(|set| set.format().name()), Some("flagd"));
    assert_eq!((beta.alarms.len(), beta.strategy.as_ref().map(|strategy| strategy.name.as_str())), (0, Some("AllAtOnce")));
    assert_eq!(production.content.flags.as_ref().map(|set| set.flags().len()), Some(1));
    assert_eq!((production.alarms.as_slice(), production.bake), (["OrdersFailing".to_owned()].as_slice(), Some(Duration::from_secs(600))));
    assert_eq!((production.content.content_type.as_str(), production.content.version.len()), ("application/json", 32));
    let limits = &profiles["limits"];
    let served = |name: &str| limits.environment(name).map(|environment| String::from_utf8_lossy(&environment.content.bytes).into_owned());
    assert_eq!((served("beta").as_deref(), served("production").as_deref()), (Some(r#"{"perDay":20}"#), Some(r#"{"perDay": 5}"#)));
    assert_eq!(limits.validators.len(), 2);
}

#[test]
fn a_profile_in_an_environment_is_a_deployment_of_its_own() {
    let graph = good().graph;
    let rollout = |name: &str| graph.deployment(name).unwrap_or_else(|| panic!("{name}"));
    let flags = rollout("checkout-flags/production");
    let [production] = flags.environments.as_slice() else { panic!("one environment") };
    assert_eq!((flags.name.as_str(), production.name.as_str()), ("checkout-flags/production", "production"));
    let steps: Vec<_> = production.strategy.steps.iter().map(|step| (step.weight.as_percent(), step.hold.as_secs())).collect();
    assert_eq!(steps, [(50.0, 30), (100.0, 600)], "the profile's bake time instead of the strategy's");
    assert_eq!(production.alarms, ["OrdersFailing"]);
    let limits = rollout("limits/beta");
    let [hook] = limits.environments[0].hooks.before_allow_traffic.as_slice() else { panic!("one hook") };
    let HookCheck::Command(check) = &hook.check else { panic!("a command") };
    assert_eq!((check.command.join(" ").as_str(), &*check.input), ("./check-limits --strict", br#"{"perDay":20}"#.as_slice()));
    assert_ne!(limits.digest, rollout("limits/production").digest);
    assert!(graph.deployment("limits/gamma").is_none() && graph.deployment("orders-rollout").is_some());
}
