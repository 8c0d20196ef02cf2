//! What a game day comes to, from the events around it; when it is announced; what was tried.

use std::time::Duration;

use documents::Graph;
use documents::game_day::GameDay;
use jiff::SignedDuration;
use kernel::{EventId, IncidentId, RunId, Timestamp};
use ledger::{
    Actor, AlarmRecord, AlarmState, Event, GameDayOutcome, GameDayResult, HypothesisVerdict, Mark, Position, Run, RunKind, RunStatus, Trial, types,
};
use serde_json::{Value, json};

use super::coverage;
use super::modes::Mode;
use super::state::{self, Facts, TrialFacts};

const OPS: [(&str, &str); 4] = [
    (
        "catalog.yaml",
        "apiVersion: backstage.io/v1alpha1\nkind: User\nmetadata: { name: jo }\nspec: { memberOf: [] }\n---\n\
         apiVersion: backstage.io/v1alpha1\nkind: User\nmetadata: { name: kim }\nspec: { memberOf: [] }\n---\n\
         apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: { name: shop }\nspec: { type: service, lifecycle: production, owner: user:jo }\n---\n\
         apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: { name: queue }\nspec: { type: service, lifecycle: production, owner: user:jo }\n---\n\
         groups:\n  - name: shop\n    rules:\n      - { alert: ShopLost, expr: up == 0, labels: { component: shop, severity: page } }\n",
    ),
    (
        "slow.yaml",
        "title: A slow database\ndescription: It is slow.\ntags: [queue]\nmethod:\n  - { type: action, name: slow, provider: { type: mainstay, fault: { fault: proxy, proxy: db, toxics: [{ type: latency, attributes: { latency: 9 } }] } } }\n",
    ),
    ("lost.yaml", "title: A lost process\ndescription: It is lost.\nmethod:\n  - { type: action, name: kill, provider: { type: mainstay, fault: { fault: kill, process: { pid: 1 } } } }\n"),
    (
        "day.yaml",
        "apiVersion: mainstay.dev/v1\nkind: GameDay\nmetadata: { name: day }\nspec:\n  goal: We learn\n  components: [shop]\n  hypotheses:\n    - It holds\n\
         \x20   - { text: Soon seen, experiment: slow, detectWithin: 1m }\n    - { text: Soon mended, experiment: lost, mitigateWithin: 1m }\n\
         \x20 experiments: [slow, lost]\n  participants: [{ user: jo, role: commander }, { user: kim, role: scribe }]\n  abortWhen: [ShopLost]\n\
         \x20 schedule: { start: \"2026-11-21T12:00:00Z\", duration: 1h }\n",
    ),
];

fn graph() -> Graph {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in OPS {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let loaded = documents::load(folder.path());
    assert_eq!((loaded.graph.game_days.len(), loaded.graph.experiments.len()), (1, 2), "{:?}", loaded.diagnostics);
    loaded.graph
}

fn day() -> GameDay {
    graph().game_days["day"].clone()
}

/// So many seconds after the day began.
fn at(second: i64) -> Timestamp {
    "2026-11-21T12:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(second)
}

const JO: &str = "user:default/jo";

fn event(second: i64, kind: &str, actor: &str, run: Option<&RunId>, data: Value) -> Event {
    Event {
        specversion: "1.0".to_owned(),
        id: EventId::random(),
        source: "/test".to_owned(),
        kind: kind.to_owned(),
        subject: None,
        time: at(second),
        position: Position(second),
        actor: Actor(actor.to_owned()),
        incident: Some(IncidentId::from_number(1)),
        run: run.cloned(),
        cause: None,
        data,
    }
}

fn alarm(second: i64, kind: &str, component: &str) -> Event {
    let data = json!({ "id": "shop/ShopSlow", "alert": "ShopSlow", "component": format!("component:default/{component}") });
    event(second, kind, "system", None, data)
}

fn run(document: &str, status: RunStatus, ended: i64) -> Run {
    Run {
        id: RunId::random(),
        kind: RunKind::Experiment,
        document: document.to_owned(),
        title: document.to_owned(),
        document_digest: String::new(),
        status,
        initiator: Actor(JO.to_owned()),
        incident: None,
        component: None,
        parameters: Default::default(),
        outputs: Default::default(),
        requested_at: at(0),
        started_at: Some(at(0)),
        finished_at: Some(at(ended)),
        deadline: None,
        error: (status == RunStatus::Failed).then(|| "it did not hold".to_owned()),
        cancel_requested: false,
        revision: 1,
    }
}

/// A fault from one second to another, with a look at the steady state just before its end.
fn journal(began: i64, rolled_back: i64, met: bool) -> Value {
    let row = |kind: &str, second: i64| json!({ "activity": { "type": kind }, "start": at(second), "end": at(second), "output": null, "status": "succeeded" });
    json!({
        "status": "completed",
        "steady_states": { "before": null, "during": [], "after": { "steady_state_met": met, "probes": [row("probe", rolled_back - 1)] } },
        "run": [row("probe", began - 1), row("action", began)],
        "rollbacks": [row("action", rolled_back)],
    })
}

fn trial(name: &str, status: RunStatus, ended: i64, journal: Value) -> TrialFacts {
    TrialFacts { name: name.to_owned(), title: name.to_owned(), modes: Vec::new(), run: Some(run(name, status, ended)), journal: Some(journal) }
}

fn outcome(trials: Vec<TrialFacts>, events: &[Event]) -> GameDayOutcome {
    let run = RunId::random();
    state::outcome(&Facts { day: &day(), run, incident: IncidentId::from_number(1), began_at: at(0), ended_at: at(600), aborted: None, trials, events })
}

fn seconds(mark: &Option<Mark>) -> Option<f64> {
    mark.as_ref().map(|mark| mark.after_s)
}

#[test]
fn people_and_automation_are_told_apart() {
    let heal = RunId::random();
    let events = [
        event(5, types::INCIDENT_NOTE, JO, None, json!({ "text": "before the fault" })),
        alarm(15, types::ALARM_FIRING, "queue"),
        alarm(22, types::ALARM_FIRING, "shop"),
        event(23, types::INCIDENT_ATTACHED, "rule:page", None, json!({})),
        event(24, types::RUN_REQUESTED, "rule:page", Some(&heal), json!({ "document": "heal" })),
        event(30, types::INCIDENT_UPDATED, JO, None, json!({ "changes": { "status": { "to": "acknowledged" } } })),
        event(40, types::INCIDENT_NOTE, JO, None, json!({ "text": "it is slow" })),
        alarm(45, types::ALARM_RESOLVED, "shop"),
    ];
    let outcome = outcome(vec![trial("slow", RunStatus::Succeeded, 62, journal(10, 60, true))], &events);
    let measures = &outcome.experiments[0].measures;
    assert_eq!((seconds(&measures.detect.automation), seconds(&measures.detect.people)), (Some(12.0), Some(30.0)), "another component's alarm is another story");
    assert_eq!((seconds(&measures.acknowledge.automation), seconds(&measures.acknowledge.people)), (Some(13.0), Some(20.0)));
    assert_eq!(measures.mitigate.automation.as_ref().map(|mark| (mark.after_s, mark.who.as_str())), Some((35.0, "rule:page")));
    assert_eq!((&measures.mitigate.people, &measures.undone), (&None, &None));
    assert_eq!(outcome.notes.iter().map(|note| note.text.as_str()).collect::<Vec<_>>(), ["before the fault", "it is slow"]);
    assert_eq!(outcome.participants.iter().map(|one| one.took_part).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn what_a_person_did_last_before_it_was_well_is_theirs() {
    let restart = RunId::random();
    let events = [alarm(12, types::ALARM_FIRING, "shop"), event(20, types::RUN_REQUESTED, JO, Some(&restart), json!({ "document": "restart" })), alarm(50, types::ALARM_RESOLVED, "shop")];
    let outcome = outcome(vec![trial("slow", RunStatus::Succeeded, 100, journal(10, 90, false))], &events);
    let mitigated = outcome.experiments[0].measures.mitigate.people.as_ref().unwrap();
    assert_eq!((mitigated.after_s, mitigated.who.as_str(), mitigated.what.as_str()), (40.0, JO, "the alarms had resolved, after the run restart"));
}

#[test]
fn the_experiment_s_own_undoing_is_nobody_s_merit() {
    let events = [alarm(12, types::ALARM_FIRING, "shop"), event(20, types::INCIDENT_NOTE, JO, None, json!({ "text": "hm" })), alarm(70, types::ALARM_RESOLVED, "shop")];
    let outcome = outcome(vec![trial("slow", RunStatus::Failed, 62, journal(10, 60, false))], &events);
    let measures = &outcome.experiments[0].measures;
    assert_eq!((&measures.mitigate.people, &measures.mitigate.automation, seconds(&measures.undone)), (&None, &None, Some(60.0)));
    assert!(outcome.findings.iter().any(|finding| finding.contains("only when the experiment took its fault away")), "{:?}", outcome.findings);
}

#[test]
fn each_fault_is_measured_until_the_next_begins() {
    let events = [alarm(130, types::ALARM_FIRING, "shop"), alarm(140, types::ALARM_RESOLVED, "shop")];
    let trials = vec![trial("slow", RunStatus::Failed, 62, journal(10, 60, false)), trial("lost", RunStatus::Succeeded, 200, journal(120, 190, true))];
    let outcome = outcome(trials, &events);
    assert_eq!(outcome.experiments[0].measures.detect.automation, None);
    assert_eq!(seconds(&outcome.experiments[1].measures.detect.automation), Some(10.0));
    let itself = outcome.experiments[1].measures.mitigate.automation.as_ref().unwrap();
    assert_eq!((itself.after_s, itself.who.as_str()), (20.0, "the system"), "well again without help");
    assert!(outcome.findings.contains(&"slow: no alarm fired.".to_owned()), "{:?}", outcome.findings);
}

#[test]
fn hypotheses_are_judged_by_experiments_by_times_and_by_people() {
    let verdicts = |outcome: &GameDayOutcome| outcome.hypotheses.iter().map(|one| one.verdict).collect::<Vec<_>>();
    use HypothesisVerdict::{Broken, Held, Unclear};
    let fine = || trial("slow", RunStatus::Succeeded, 62, journal(10, 60, true));
    let lost = || trial("lost", RunStatus::Succeeded, 200, journal(120, 190, true));
    let fired = alarm(12, types::ALARM_FIRING, "shop");
    assert_eq!(verdicts(&outcome(vec![fine(), lost()], std::slice::from_ref(&fired))), [Held, Held, Broken], "nothing was ever mitigated");
    let late = alarm(100, types::ALARM_FIRING, "shop");
    assert_eq!(verdicts(&outcome(vec![fine(), lost()], &[late])), [Held, Broken, Broken]);
    let unplayed = || TrialFacts { run: None, journal: None, ..lost() };
    let early = outcome(vec![fine(), unplayed()], std::slice::from_ref(&fired));
    assert_eq!((verdicts(&early), early.experiments[1].trial), (vec![Unclear, Held, Unclear], Trial::Skipped));
    let cut = TrialFacts { journal: Some(json!({ "status": "interrupted" })), run: Some(run("lost", RunStatus::Failed, 130)), ..lost() };
    assert_eq!(outcome(vec![fine(), cut], &[]).experiments[1].trial, Trial::Aborted);
    let said = |second, verdict: &str| event(second, types::GAME_DAY_JUDGED, JO, None, json!({ "index": 2, "verdict": verdict, "because": "Kim saw it" }));
    let judged = outcome(vec![fine(), lost()], &[fired, said(300, "broken"), said(301, "held")]);
    assert_eq!(verdicts(&judged), [Held, Held, Held], "the last word counts");
    assert_eq!((judged.hypotheses[2].because.as_str(), judged.hypotheses[2].judged_by.is_some()), ("Kim saw it", true));
    assert_eq!(judged.result, GameDayResult::Played);
}

#[test]
fn an_appointment_is_announced_while_it_is_ahead() {
    let day = day();
    let announced = |second| state::announcement(&day, at(second)).map(|ahead| ahead.as_secs());
    let hour = 3600;
    assert_eq!(announced(-25 * hour), None);
    assert_eq!(announced(-24 * hour), Some(24 * 3600));
    assert_eq!(announced(-16 * 60), Some(24 * 3600), "a document that came late is announced late");
    assert_eq!(announced(-15 * 60), Some(15 * 60));
    assert_eq!((announced(0), announced(60)), (None, None));
    assert_eq!(state::next_due(&day, at(-25 * hour)), Some(at(-24 * hour)));
    assert_eq!(state::next_due(&day, at(-60)), Some(at(0)));
    assert_eq!(state::next_due(&day, at(0)), None);
    assert!(!state::starts_itself(&day, at(10)), "people start it");
    let automatic = GameDay { schedule: day.schedule.map(|schedule| documents::game_day::Appointment { automatic: true, ..schedule }), ..day };
    let starts = |second| state::starts_itself(&automatic, at(second));
    assert_eq!((starts(-1), starts(0), starts(3599), starts(3600)), (false, true, true, false));
}

#[test]
fn only_an_alarm_that_it_names_aborts_it() {
    let firing = |name: &str, state| AlarmRecord {
        id: format!("shop/{name}"),
        group: "shop".to_owned(),
        name: name.to_owned(),
        state,
        since: at(0),
        component: None,
        expression: String::new(),
        instances: Vec::new(),
        error: None,
        verdict: None,
        severity: None,
        runbook: None,
    };
    let day = day();
    assert_eq!(state::abort_reason(&day, &[firing("Other", AlarmState::Firing), firing("ShopLost", AlarmState::Pending)]), None);
    assert_eq!(state::abort_reason(&day, &[firing("ShopLost", AlarmState::Firing)]).as_deref(), Some("the alarm ShopLost fires"));
}

#[test]
fn the_matrix_shows_what_was_tried_and_what_never_was() {
    let graph = graph();
    let runs = [run("slow", RunStatus::Failed, 50), run("slow", RunStatus::Succeeded, 90), run("slow", RunStatus::Cancelled, 10)];
    let matrix = coverage::matrix(&graph, &runs);
    assert_eq!(matrix.len(), 2 * Mode::ALL.len());
    let cell = |component: &str, mode: Mode| matrix.iter().find(|cell| cell.component.name() == component && cell.mode == mode).unwrap();
    let tried = |component, mode| cell(component, mode).last.as_ref().map(|last| (last.trial, last.at));
    assert_eq!(tried("shop", Mode::Latency), Some((Trial::Held, at(90))), "by the game day that plays it");
    assert_eq!(tried("queue", Mode::Latency), Some((Trial::Held, at(90))), "by its tag");
    assert_eq!((cell("shop", Mode::Process).experiments.clone(), tried("shop", Mode::Process)), (vec!["lost".to_owned()], None));
    assert_eq!((cell("shop", Mode::Disk).experiments.clone(), tried("queue", Mode::Process)), (vec![], None));
}

#[test]
fn lengths_of_time_are_short() {
    assert_eq!([0.04, 9.96, 21.4, 190.0].map(state::short), ["0.0s", "10.0s", "21s", "3m10s"]);
    assert_eq!(Duration::from_secs(900), state::AHEAD[1]);
}
