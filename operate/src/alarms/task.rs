//! The reconciler: every rule group of the documents is evaluated at its instants, by one server.
//!
//! Groups run beside each other; a pass starts those that are due and waits for them until the next
//! one is. A query that takes long delays its own group and no other: the pass ends without it, and a
//! later pass takes its group back.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use documents::Loaded;
use jiff::SignedDuration;
use kernel::task::{Pass, Task, TaskError};
use kernel::{SharedClock, Timestamp};
use ledger::{AlarmRecord, Batch, Event, EventFilter, Lease, Ledger, LedgerError, types};
use telemetry::MetricSource;
use telemetry::promql::Engine;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;

use super::evaluate::{AlertMemory, Context, commit};
use super::group::{self, Memory};
use super::plan::{self, GroupPlan, RulePlan};
use super::record;
use super::schedule::{latest_slot, slot_after};
use super::status::{GroupStatus, Rules};
use crate::leadership::Leadership;

const LEASE: &str = "operate/alarms";
const INTERVAL: Duration = Duration::from_secs(4);
/// The reader of incidents that alarms were attached to.
const READER: &str = "operate/alarms";
const PAGE: u32 = 200;

pub struct AlarmTask {
    ledger: Ledger,
    graph: watch::Receiver<Arc<Loaded>>,
    engine: Engine,
    metrics: Arc<dyn MetricSource>,
    clock: SharedClock,
    external_url: String,
    rules: Rules,
    work: Mutex<Work>,
}

struct Work {
    leadership: Leadership,
    lead: Option<Lead>,
}

/// What the server holds that evaluates the rules.
struct Lead {
    context: Arc<Context>,
    loaded: Option<Arc<Loaded>>,
    groups: Vec<Runner>,
    running: JoinSet<Done>,
}

struct Runner {
    plan: Arc<GroupPlan>,
    /// Absent while the group is being evaluated.
    memory: Option<Memory>,
    due: Timestamp,
    status: GroupStatus,
}

/// A finished evaluation.
struct Done {
    key: String,
    memory: Memory,
    outcome: Result<(), LedgerError>,
}

impl AlarmTask {
    pub fn new(
        ledger: Ledger,
        graph: watch::Receiver<Arc<Loaded>>,
        engine: Engine,
        metrics: Arc<dyn MetricSource>,
        clock: SharedClock,
    ) -> Self {
        let work = Work { leadership: Leadership::new(ledger.clone(), LEASE), lead: None };
        Self { ledger, graph, engine, metrics, clock, external_url: String::new(), rules: Rules::default(), work: Mutex::new(work) }
    }

    /// This server's name among those that share the ledger. A server that starts again under its name
    /// goes on at once; one without a name waits until its former lease has expired.
    pub fn held_by(self, holder: &str) -> Self {
        let leadership = Leadership::new(self.ledger.clone(), LEASE).held_by(holder);
        Self { work: Mutex::new(Work { leadership, lead: None }), ..self }
    }

    /// Where people reach the page; what `externalURL` says in templates.
    pub fn reached_at(self, url: &str) -> Self {
        Self { external_url: url.to_owned(), ..self }
    }

    /// How the rules stand; changes with each pass.
    pub fn rules(&self) -> Rules {
        self.rules.clone()
    }

    fn begin(&self, lease: Lease) -> Lead {
        let context = Context {
            ledger: self.ledger.clone(),
            engine: self.engine.clone(),
            metrics: self.metrics.clone(),
            clock: self.clock.clone(),
            external_url: self.external_url.clone(),
            lease: (lease.name, lease.token),
        };
        Lead { context: Arc::new(context), loaded: None, groups: Vec::new(), running: JoinSet::new() }
    }

    /// The rules as the ledger has them, for a server that does not evaluate them itself.
    async fn follow(&self, loaded: &Loaded) -> Result<Pass, TaskError> {
        let records = by_id(self.ledger.alarms().await?);
        let plans = plan::plans(&loaded.graph);
        self.rules.publish(plans.iter().map(|plan| group::status(plan, Some(&restored(plan, &records)))).collect());
        Ok(Pass { summary: "another server evaluates the rules".to_owned(), next: None })
    }
}

#[async_trait]
impl Task for AlarmTask {
    fn name(&self) -> &'static str {
        "alarms"
    }

    fn interval(&self) -> Duration {
        INTERVAL
    }

    async fn pass(&self) -> Result<Pass, TaskError> {
        let loaded = self.graph.borrow().clone();
        if loaded.graph.root.as_os_str().is_empty() {
            return Ok(Pass { summary: "the documents are not read yet".to_owned(), next: None });
        }
        let mut work = self.work.lock().await;
        let Some(lease) = work.leadership.hold(self.clock.now()).await? else {
            work.lead = None;
            return self.follow(&loaded).await;
        };
        // What was known under an earlier lease may have changed since.
        let mut lead = match work.lead.take() {
            Some(lead) if lead.context.lease.1 == lease.token => lead,
            _ => self.begin(lease),
        };
        let outcome = lead.pass(loaded).await;
        self.rules.publish(lead.groups.iter().map(|runner| runner.status.clone()).collect());
        // Whoever does not know how far it came starts again from the ledger.
        let pass = outcome?;
        work.lead = Some(lead);
        Ok(pass)
    }
}

impl Lead {
    async fn pass(&mut self, loaded: Arc<Loaded>) -> Result<Pass, LedgerError> {
        while let Some(done) = self.running.try_join_next() {
            self.take_back(done).await?;
        }
        if self.loaded.as_ref().is_none_or(|known| !Arc::ptr_eq(known, &loaded)) {
            self.adopt(&loaded).await?;
            self.loaded = Some(loaded);
        }
        self.attach_incidents().await?;
        let started = self.start_due();
        self.wait().await?;
        let next = self.groups.iter().map(|runner| runner.due).min();
        Ok(Pass { summary: self.summary(started), next })
    }

    /// Makes the groups those of the documents. What both have keeps its memory.
    async fn adopt(&mut self, loaded: &Loaded) -> Result<(), LedgerError> {
        let now = self.context.clock.now();
        let records = by_id(self.context.ledger.alarms().await?);
        let mut known: HashMap<String, Runner> = self.groups.drain(..).map(|runner| (runner.plan.key.clone(), runner)).collect();
        for plan in plan::plans(&loaded.graph) {
            let runner = match known.remove(&plan.key) {
                Some(runner) => Runner { plan: Arc::new(plan), ..runner },
                None => {
                    let memory = restored(&plan, &records);
                    let status = group::status(&plan, Some(&memory));
                    Runner { due: first_slot(&plan, now), memory: Some(memory), status, plan: Arc::new(plan) }
                }
            };
            let due = if runner.due > slot_after(now, runner.plan.interval) { first_slot(&runner.plan, now) } else { runner.due };
            self.groups.push(Runner { due, ..runner });
        }
        for memory in known.into_values().filter_map(|runner| runner.memory) {
            group::end_all(&self.context, memory, now.as_millisecond()).await;
        }
        let ids: HashSet<&str> = self.groups.iter().flat_map(|runner| runner.plan.rules.iter()).filter_map(alarm_id).collect();
        for record in records.values().filter(|record| !ids.contains(record.id.as_str())) {
            commit(&self.context, record::removal(record, now)).await?;
        }
        Ok(())
    }

    /// Starts every group that is due and not under way. Instants that were missed are left out.
    fn start_due(&mut self) -> usize {
        let now = self.context.clock.now();
        let mut started = 0;
        for runner in self.groups.iter_mut().filter(|runner| runner.due <= now) {
            let slot = latest_slot(&runner.plan.key, runner.plan.interval, now).max(runner.due);
            runner.due = slot_after(slot, runner.plan.interval);
            if let Some(mut memory) = runner.memory.take() {
                let (context, plan) = (self.context.clone(), runner.plan.clone());
                self.running.spawn(async move {
                    let outcome = group::evaluate(&context, &plan, &mut memory, slot).await;
                    Done { key: plan.key.clone(), memory, outcome }
                });
                started += 1;
            }
        }
        started
    }

    /// Until everything is evaluated, or the next group is due, or the lease wants to be renewed.
    async fn wait(&mut self) -> Result<(), LedgerError> {
        let clock = self.context.clock.clone();
        let pause = SignedDuration::try_from(INTERVAL).unwrap_or(SignedDuration::ZERO);
        let latest = clock.now().saturating_add(pause).unwrap_or(Timestamp::MAX);
        let due = self.groups.iter().map(|runner| runner.due).min().unwrap_or(latest).min(latest);
        while !self.running.is_empty() {
            tokio::select! {
                Some(done) = self.running.join_next() => self.take_back(done).await?,
                () = clock.sleep_until(due) => break,
            }
        }
        Ok(())
    }

    async fn take_back(&mut self, done: Result<Done, tokio::task::JoinError>) -> Result<(), LedgerError> {
        let done = match done {
            Ok(done) => done,
            // A panic took the group's memory with it.
            Err(error) => {
                tracing::error!(%error, "the evaluation of a rule group broke off");
                return Err(LedgerError::Conflict("the state of a rule group".to_owned()));
            }
        };
        match self.groups.iter_mut().find(|runner| runner.plan.key == done.key) {
            Some(runner) => {
                runner.status = group::status(&runner.plan, Some(&done.memory));
                runner.memory = Some(done.memory);
            }
            // The group was removed meanwhile.
            None => group::end_all(&self.context, done.memory, self.context.clock.now().as_millisecond()).await,
        }
        done.outcome
    }

    /// Notes which incident an alarm belongs to, as the event rules and people decided.
    async fn attach_incidents(&mut self) -> Result<(), LedgerError> {
        loop {
            let after = self.context.ledger.cursor(READER).await?;
            let kinds = vec![types::INCIDENT_OPENED.to_owned(), types::INCIDENT_ATTACHED.to_owned()];
            let filter = EventFilter { after, kinds, limit: Some(PAGE), ..EventFilter::default() };
            let events = self.context.ledger.events(&filter).await?;
            for event in &events {
                if !self.attach(event).await? {
                    return Ok(());
                }
                commit(&self.context, Batch::new().cursor(READER, event.position)).await?;
            }
            if events.len() < PAGE as usize {
                return Ok(());
            }
        }
    }

    /// False if the alarm is being evaluated: then a later pass does it.
    async fn attach(&mut self, event: &Event) -> Result<bool, LedgerError> {
        let (Some(incident), Some((id, labels))) = (event.incident, attached_alarm(event)) else { return Ok(true) };
        let has = |runner: &&mut Runner| runner.plan.rules.iter().any(|rule| alarm_id(rule) == Some(&id));
        let Some(runner) = self.groups.iter_mut().find(has) else { return Ok(true) };
        let Some(memory) = &mut runner.memory else { return Ok(false) };
        if let Some(alert) = memory.alerts.get_mut(&id) {
            group::attach(&self.context, alert, &labels, incident).await?;
            runner.status = group::status(&runner.plan, runner.memory.as_ref());
        }
        Ok(true)
    }

    fn summary(&self, started: usize) -> String {
        let late = self.running.len();
        let firing = self
            .groups
            .iter()
            .flat_map(|runner| &runner.status.rules)
            .filter_map(|rule| rule.alerting.as_ref())
            .filter(|alarm| alarm.state == ledger::AlarmState::Firing)
            .count();
        let late = if late == 0 { String::new() } else { format!(", {late} under way") };
        format!("{started} of {} groups evaluated{late}, {firing} alarms firing", self.groups.len())
    }
}

/// The alarm that an incident's event tells of: its id and the labels of the instance.
pub fn attached_alarm(event: &Event) -> Option<(String, BTreeMap<String, String>)> {
    let alarm = event.data.get("alarm")?;
    let labels = serde_json::from_value(alarm.get("labels")?.clone()).ok()?;
    Some((alarm.get("id")?.as_str()?.to_owned(), labels))
}

fn by_id(records: Vec<AlarmRecord>) -> HashMap<String, AlarmRecord> {
    records.into_iter().map(|record| (record.id.clone(), record)).collect()
}

fn restored(plan: &GroupPlan, records: &HashMap<String, AlarmRecord>) -> Memory {
    let records = plan.rules.iter().filter_map(alarm_id).filter_map(|id| records.get(id));
    let mut memory = Memory::default();
    memory.alerts.extend(records.map(|record| (record.id.clone(), AlertMemory::restored(record.clone()))));
    memory
}

fn alarm_id(rule: &RulePlan) -> Option<&str> {
    match rule {
        RulePlan::Alerting(alert) => Some(&alert.id),
        RulePlan::Recording(_) => None,
    }
}

fn first_slot(plan: &GroupPlan, now: Timestamp) -> Timestamp {
    let latest = latest_slot(&plan.key, plan.interval, now);
    if latest == now { now } else { slot_after(latest, plan.interval) }
}
