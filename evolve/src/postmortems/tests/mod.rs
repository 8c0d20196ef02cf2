//! Post-mortems from outside: an incident in the ledger, doubles of the lake, files in a folder.

mod doubles;

use std::fs;
use std::sync::Arc;

use documents::Loaded;
use kernel::task::Task;
use kernel::{EntityRef, IncidentId, ManualClock, RunId, Severity, Timestamp};
use ledger::{Action, ActionStatus, Actor, Batch, Event, EventFilter, Incident, IncidentStatus, Ledger, NewEvent, Run, RunKind, RunStatus, types};
use serde_json::json;
use telemetry::promql::Engine;
use tokio::sync::watch;

use super::{PostmortemError, Postmortems};
use doubles::Lake;

const CATALOGUE: &str = "
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: { name: orders, title: Orders }
spec: { type: service, lifecycle: production, owner: group:default/shop }
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: { name: shop }
spec: { type: team, children: [], members: [jo] }
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: { name: jo }
spec: { memberOf: [shop], profile: { displayName: Jo Doe } }
";

struct World {
    folder: tempfile::TempDir,
    ledger: Ledger,
    clock: ManualClock,
    postmortems: Postmortems,
}

impl World {
    /// `INC-1`, half an hour of failing orders, resolved five minutes ago.
    async fn after_an_incident() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ops = folder.path().join("ops");
        fs::create_dir(&ops).unwrap();
        fs::write(ops.join("catalogue.yaml"), CATALOGUE).unwrap();
        let loaded = documents::load(&ops);
        assert_eq!(loaded.graph.entities.len(), 3, "{:?}", loaded.diagnostics);
        let clock = ManualClock::at(at("12:35:00"));
        let ledger = Ledger::open("sqlite::memory:", Arc::new(clock.clone())).await.unwrap();
        tell_the_story(&ledger).await;
        let graph: watch::Receiver<Arc<Loaded>> = watch::Sender::new(Arc::new(loaded)).subscribe();
        let lake = Arc::new(Lake::default());
        let root = folder.path().to_owned();
        let engine = Engine::new(lake.clone());
        let postmortems = Postmortems::new(ledger.clone(), graph, engine, lake, Arc::new(clock.clone()), root);
        Self { folder, ledger, clock, postmortems }
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.folder.path().join(path)).unwrap()
    }

    fn append(&self, path: &str, text: &str) {
        fs::write(self.folder.path().join(path), self.read(path) + text).unwrap();
    }

    async fn actions(&self) -> Vec<Action> {
        let mut actions = self.ledger.actions(Some(incident())).await.unwrap();
        actions.sort_by(|a, b| a.title.cmp(&b.title));
        actions
    }

    async fn events(&self, kind: &str) -> Vec<Event> {
        self.ledger.events(&EventFilter { kinds: vec![kind.to_owned()], ..EventFilter::default() }).await.unwrap()
    }
}

fn at(time: &str) -> Timestamp {
    format!("2026-11-21T{time}Z").parse().unwrap()
}

fn incident() -> IncidentId {
    IncidentId::from_number(1)
}

fn jo() -> Actor {
    Actor("user:default/jo".to_owned())
}

fn orders() -> EntityRef {
    "component:default/orders".parse().unwrap()
}

async fn tell_the_story(ledger: &Ledger) {
    let record = Incident {
        id: incident(),
        title: "Orders: errors | many".to_owned(),
        summary: "More than 5 % of the requests to orders fail.".to_owned(),
        severity: Severity::Sev2,
        status: IncidentStatus::Resolved,
        commander: jo().0.parse().ok(),
        roles: Default::default(),
        components: vec![orders()],
        practice: false,
        fingerprint: None,
        opened_at: at("12:02:00"),
        acknowledged_at: Some(at("12:03:30")),
        mitigated_at: None,
        resolved_at: Some(at("12:30:00")),
        revision: 0,
    };
    let run = Run {
        id: "01jd3v5z0k8m4x2q7c9r1t6y0a".parse::<RunId>().unwrap(),
        kind: RunKind::Runbook,
        document: "take-fault-away".to_owned(),
        title: "Take the fault away".to_owned(),
        document_digest: String::new(),
        status: RunStatus::Succeeded,
        initiator: Actor::rule("heal"),
        incident: Some(incident()),
        component: Some(orders()),
        parameters: Default::default(),
        outputs: Default::default(),
        requested_at: at("12:05:00"),
        started_at: Some(at("12:05:01")),
        finished_at: Some(at("12:28:00")),
        deadline: None,
        error: None,
        cancel_requested: false,
        revision: 0,
    };
    let alarm = json!({
        "id": "shop/OrdersFailing", "alert": "OrdersFailing", "component": orders(), "active_at": at("12:00:30"),
        "evidence": { "language": "promql", "query": "up{job=\"orders\"}", "start": at("11:57:00"), "end": at("12:02:00"), "result": [] },
    });
    let event = |time: &str, kind: &str, data: serde_json::Value| {
        let mut event = NewEvent::new("/test", kind, data);
        event.time = Some(at(time));
        event
    };
    let of_incident = |event: NewEvent| event.incident(incident());
    let of_run = |event: NewEvent| event.incident(incident()).run(run.id.clone());
    let title = json!({ "title": run.title, "step": 1, "name": "apply" });
    let batch = Batch::new()
        .event(event("12:01:00", types::ALARM_PENDING, alarm.clone()))
        .event(event("12:02:00", types::ALARM_FIRING, alarm.clone()))
        .event(event("09:00:00", types::ALARM_FIRING, alarm.clone()))
        .event(of_incident(event("12:02:00", types::INCIDENT_OPENED, json!({}))).actor(Actor::rule("open-incident")))
        .event(of_incident(event("12:03:30", types::INCIDENT_UPDATED, json!({ "changes": { "status": { "from": "open", "to": "acknowledged" } } }))).actor(jo()))
        .event(of_run(event("12:05:01", types::RUN_STARTED, title.clone())))
        .event(of_run(event("12:05:02", types::STEP_FINISHED, title.clone())))
        .event(of_run(event("12:05:02", types::RUN_WAITING, title.clone())))
        .event(of_run(event("12:27:00", types::RUN_APPROVED, title.clone())).actor(jo()))
        .event(of_run(event("12:28:00", types::RUN_SUCCEEDED, title.clone())))
        .event(of_incident(event("12:29:00", types::INCIDENT_NOTE, json!({ "text": "Looks <b>well</b> | again" }))).actor(jo()))
        .event(event("12:29:30", types::ALARM_RESOLVED, alarm))
        .event(of_incident(event("12:30:00", types::INCIDENT_RESOLVED, json!({}))).actor(jo()))
        .incident(record)
        .run(run.clone());
    ledger.commit(batch).await.unwrap();
}

#[tokio::test]
async fn a_draft_tells_what_is_known_and_asks_for_the_rest() {
    let world = World::after_an_incident().await;
    world.postmortems.add_action(incident(), "Limit the\nretries", Some("user:default/jo".parse().unwrap()), &jo()).await.unwrap();
    let postmortem = world.postmortems.draft(incident(), &jo()).await.unwrap();
    assert_eq!(postmortem.path, "ops/postmortems/2026-11-21-inc-1-orders-errors-many.md");
    insta::with_settings!({ filters => vec![("action [0-9a-z]{26}", "action [id]")] }, {
        insta::assert_snapshot!("draft", world.read(&postmortem.path));
    });
    let document = world.postmortems.document(incident()).await.unwrap();
    let names: Vec<&str> = document.charts.iter().map(|chart| chart.name.rsplit_once("many.").unwrap().1).collect();
    assert_eq!(names, ["failures.svg", "requests.svg", "latency.svg", "alarm-1.svg"]);
    insta::assert_snapshot!("failures", document.charts[0].svg);
    let told = &world.events(types::POSTMORTEM_DRAFTED).await[0];
    assert_eq!((told.actor.clone(), told.incident), (jo(), Some(incident())));
    // It is a document of the repository, and must not trouble the others.
    let loaded = documents::load(&world.folder.path().join("ops"));
    assert!(loaded.diagnostics.iter().all(|found| !found.origin.path.contains("postmortems")), "{:?}", loaded.diagnostics);
}

#[tokio::test]
async fn nobody_s_words_are_written_over() {
    let world = World::after_an_incident().await;
    let first = world.postmortems.draft(incident(), &jo()).await.unwrap();
    world.clock.advance(std::time::Duration::from_secs(60));
    let second = world.postmortems.draft(incident(), &jo()).await.unwrap();
    assert_eq!(second.path, first.path);
    assert!(world.read(&first.path).contains("drafted: 2026-11-21T12:36:00Z"), "an untouched draft is replaced");

    world.append(&first.path, "We forgot the limit.\n");
    let error = world.postmortems.draft(incident(), &jo()).await.unwrap_err();
    assert!(matches!(error, PostmortemError::Edited { .. }), "{error}");
    assert!(world.read(&first.path).ends_with("We forgot the limit.\n"));

    fs::rename(world.folder.path().join(&first.path), world.folder.path().join("kept.md")).unwrap();
    world.postmortems.draft(incident(), &jo()).await.unwrap();
    assert!(!world.read(&first.path).contains("We forgot"));
}

#[tokio::test]
async fn a_draft_without_the_lake_says_so() {
    let world = World::after_an_incident().await;
    let broken = Arc::new(Lake { broken: true });
    let postmortems = Postmortems { sql: broken, ..world.postmortems.clone() };
    let postmortem = postmortems.draft(incident(), &jo()).await.unwrap();
    assert!(world.read(&postmortem.path).contains("The numbers could not be read: there is no table named spans"));
}

#[tokio::test]
async fn an_unknown_incident_is_not_found() {
    let world = World::after_an_incident().await;
    let error = world.postmortems.draft(IncidentId::from_number(9), &jo()).await.unwrap_err();
    assert_eq!(kernel::Classified::kind(&error), kernel::Kind::NotFound);
}

#[tokio::test]
async fn actions_in_the_file_flow_back() {
    let world = World::after_an_incident().await;
    let kept = world.postmortems.add_action(incident(), "Limit retries", None, &jo()).await.unwrap();
    let path = world.postmortems.draft(incident(), &jo()).await.unwrap().path;
    let task = world.postmortems.actions_task();
    task.pass().await.unwrap();
    assert_eq!(world.actions().await.len(), 1);

    let ticked = world.read(&path).replace("- [ ] Limit retries", "- [x] Limit retries");
    fs::write(world.folder.path().join(&path), ticked + "- [ ] Alert on queue age (owner: user:jo)\n").unwrap();
    task.pass().await.unwrap();
    let actions = world.actions().await;
    assert_eq!((actions[0].title.as_str(), actions[0].status), ("Alert on queue age", ActionStatus::Open));
    assert_eq!(actions[0].owner.as_ref().map(ToString::to_string).as_deref(), Some("user:default/jo"));
    assert_eq!((actions[1].id.clone(), actions[1].status, actions[1].done_at), (kept.id.clone(), ActionStatus::Done, Some(at("12:35:00"))));

    // Opened again on the page: the tick that is still in the file does not overrule it, not even after a restart.
    world.postmortems.set_action(&kept.id, ActionStatus::Open, &jo()).await.unwrap();
    world.postmortems.actions_task().pass().await.unwrap();
    assert_eq!(world.actions().await[1].status, ActionStatus::Open);
    assert_eq!(world.events(types::ACTION_ADDED).await.len(), 2);
    assert_eq!(world.events(types::ACTION_DONE).await.len(), 1);
}

#[tokio::test]
async fn an_action_is_done_once() {
    let world = World::after_an_incident().await;
    let action = world.postmortems.add_action(incident(), "Limit retries", None, &jo()).await.unwrap();
    for _ in 0..2 {
        let done = world.postmortems.set_action(&action.id, ActionStatus::Done, &jo()).await.unwrap();
        assert_eq!(done.done_at, Some(at("12:35:00")));
    }
    assert_eq!(world.events(types::ACTION_DONE).await.len(), 1);
    let empty = world.postmortems.add_action(incident(), "  ", None, &jo()).await.unwrap_err();
    assert_eq!(empty.to_string(), "an action needs a title of at most 500 bytes");
}
