use std::collections::BTreeMap;

use kernel::RunId;
use ledger::{Actor, Approval, RunKind, RunStatus};

use super::*;
use crate::runs::plan::{CellPlan, Gate};

fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

fn run() -> Run {
    Run {
        id: "01jd3v5z0k8m4x2q7c9r1t6y0a".parse().unwrap(),
        kind: RunKind::Runbook,
        document: "restart".to_owned(),
        title: "Restart".to_owned(),
        document_digest: String::new(),
        status: RunStatus::Running,
        initiator: Actor::system(),
        incident: None,
        component: None,
        parameters: BTreeMap::new(),
        outputs: BTreeMap::new(),
        requested_at: now(),
        started_at: None,
        finished_at: None,
        deadline: None,
        error: None,
        cancel_requested: false,
        revision: 1,
    }
}

fn steps(statuses: &[StepStatus]) -> Vec<Step> {
    let run: RunId = run().id;
    let step = |(index, status): (u32, &StepStatus)| Step {
        run: run.clone(),
        index,
        name: format!("cell-{}", index + 1),
        language: "bash".to_owned(),
        source: "true".to_owned(),
        status: *status,
        attempt: 0,
        started_at: None,
        finished_at: None,
        exit_code: None,
        error: None,
        approval: None,
    };
    (0..).zip(statuses).map(step).collect()
}

fn plan(cells: usize, change: impl FnOnce(&mut [CellPlan])) -> Plan {
    let mut plan = Plan { cells: vec![CellPlan::default(); cells], ..Plan::default() };
    change(&mut plan.cells);
    plan
}

use StepStatus::{Failed, Interrupted, Pending, Running, Skipped, Succeeded, Waiting};

fn decide(run: &Run, statuses: &[StepStatus], plan: &Plan) -> Next {
    next(run, &steps(statuses), plan, &BTreeSet::new(), now())
}

#[test]
fn steps_go_in_order_to_the_end() {
    let plan = plan(3, |cells| cells[1].excluded = true);
    assert_eq!(decide(&run(), &[Pending, Pending, Pending], &plan), Next::Begin(0));
    assert_eq!(decide(&run(), &[Succeeded, Pending, Pending], &plan), Next::Skip(1));
    assert_eq!(decide(&run(), &[Succeeded, Skipped, Pending], &plan), Next::Begin(2));
    assert_eq!(decide(&run(), &[Succeeded, Skipped, Succeeded], &plan), Next::Finish(Outcome::Succeeded));
    let failed = Next::Finish(Outcome::Failed { reason: "the step \"cell-1\" failed".to_owned() });
    assert_eq!(decide(&run(), &[Failed, Pending, Pending], &plan), failed);
    assert_eq!(decide(&Run { status: RunStatus::Succeeded, ..run() }, &[Pending], &plan), Next::Nothing);
}

#[test]
fn a_lost_step_is_begun_again_only_if_it_may_be() {
    let plan = plan(2, |cells| cells[0].repeatable = true);
    assert_eq!(decide(&run(), &[Running, Pending], &plan), Next::Repeat(0));
    assert_eq!(decide(&run(), &[Succeeded, Running], &plan), Next::Interrupt(1));
    assert_eq!(decide(&run(), &[Succeeded, Interrupted], &plan), Next::Wait { until: None });
    let alive = BTreeSet::from([0]);
    assert_eq!(next(&run(), &steps(&[Running, Pending]), &plan, &alive, now()), Next::Begin(1));
}

#[test]
fn cancelling_and_the_deadline_come_before_everything() {
    let plan = plan(2, |_| {});
    let cancelled = Run { cancel_requested: true, error: Some("cancelled by jo".to_owned()), ..run() };
    let reason = |reason: &str| Next::Finish(Outcome::Cancelled { reason: reason.to_owned() });
    assert_eq!(decide(&cancelled, &[Running, Pending], &plan), reason("cancelled by jo"));
    let late = Run { deadline: Some(now()), ..run() };
    assert_eq!(decide(&late, &[Interrupted, Pending], &plan), reason("the time that the runbook allows is over"));
}

#[test]
fn a_gate_is_bound_to_what_was_shown() {
    let plan = plan(1, |cells| cells[0].gate = Some(Gate { needed: 1, ..Gate::default() }));
    assert_eq!(decide(&run(), &[Pending], &plan), Next::Ask(0));
    let mut asked = steps(&[Waiting]);
    let expires_at = Some(now() + std::time::Duration::from_secs(1));
    let shown = digest(&asked[0], &plan.cells[0], &run().parameters);
    asked[0].approval = Some(Approval { needed: 1, expires_at, digest: shown, ..Approval::default() });
    let decide = |run: &Run, steps: &[Step]| next(run, steps, &plan, &BTreeSet::new(), now());
    assert_eq!(decide(&run(), &asked), Next::Wait { until: expires_at });

    let mut approved = asked.clone();
    approved[0].approval.as_mut().unwrap().approved_by.push(Actor("user:default/ann".to_owned()));
    assert_eq!(decide(&run(), &approved), Next::Begin(0));
    let other_parameters = Run { parameters: [("level".to_owned(), "high".to_owned())].into(), ..run() };
    assert_eq!(decide(&other_parameters, &approved), Next::Ask(0), "the approval was for other parameters");
    let mut other_source = approved;
    other_source[0].source = "rm -r /".to_owned();
    assert_eq!(decide(&run(), &other_source), Next::Ask(0), "the approval was for another script");
}
