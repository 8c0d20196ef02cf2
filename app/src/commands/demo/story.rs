//! What happens, step by step. Each step waits for a condition of the API and tells what it found.

use std::time::Duration;

use anyhow::{Context, bail};
use kernel::{RunId, Timestamp};
use ledger::{AlarmRecord, AlarmState, Event, Incident, IncidentStatus, Postmortem, Run, RunStatus, StepStatus, types};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;
use wire::incidents::IncidentDetail;
use wire::runs::{Approve, RequestRun, RunDetail};

use super::narrator::Narrator;
use super::shop::{FIRST_RELEASE, NEXT_RELEASE, Running, Shop};
use crate::client::Client;

/// The documents of the shop that the story follows.
const ALARM: &str = "OrdersErrors";
const PLAYBOOK: &str = "diagnose-errors";
const REMEDIATION: &str = "restore-payments";
const SCENARIO: &str = "checkout";
const GAME_DAY: &str = "slow-payments-day";
const DEPLOYMENT: &str = "orders-rollout";
const FLAGS: &str = "web-flags";
const ROLLOUT: &str = "web-flags/production";

/// No step of the story takes longer, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(200);

pub struct Story<'a> {
    client: &'a Client,
    narrator: &'a Narrator,
    shop: &'a Shop<Running>,
    /// Long enough that a person sees normal traffic first.
    calm: Duration,
    /// How long the search for the limit stays at one rate.
    trial: &'static str,
}

/// What a change cost.
struct Harm {
    requests: f64,
    failed: f64,
    /// From the first failed request on.
    lasted_s: f64,
}

impl Harm {
    /// In percent of the requests.
    fn share(&self) -> f64 {
        self.failed / self.requests.max(1.0) * 100.0
    }
}

/// The part of the overview that the story reads.
#[derive(Debug, Deserialize)]
struct Overview {
    components: Vec<Component>,
}

#[derive(Debug, Deserialize)]
struct Component {
    title: String,
    rate: Option<f64>,
    error_ratio: Option<f64>,
    p95_ms: Option<f64>,
}

impl<'a> Story<'a> {
    pub fn new(client: &'a Client, narrator: &'a Narrator, shop: &'a Shop<Running>, fast: bool) -> Self {
        let calm = Duration::from_secs(if fast { 2 } else { 20 });
        Self { client, narrator, shop, calm, trial: if fast { "2s" } else { "4s" } }
    }

    pub async fn tell(&self) -> anyhow::Result<()> {
        self.normal_traffic().await?;
        self.shop.break_orders("errors", &json!({"rate": 0.6})).await?;
        self.narrator.note("now the payment provider of orders begins to fail");
        self.alarm_fires().await?;
        let incident = self.incident_opens().await?;
        self.diagnosis_finds_the_cause(&incident).await?;
        self.remediation_is_approved(&incident).await?;
        self.incident_ends(&incident).await?;
        self.postmortem_is_drafted(&incident).await?;
        self.game_day_finds_a_weakness().await?;
        self.limit_is_found().await?;
        self.bad_release_is_taken_back().await?;
        self.bad_flag_is_taken_back().await
    }

    async fn normal_traffic(&self) -> anyhow::Result<()> {
        let step = self.narrator.step("waiting for the first signals");
        let overview = self
            .wait("signals of every service", async || {
                let overview: Overview = self.client.get("api/overview", &[]).await?;
                let heard = !overview.components.is_empty() && overview.components.iter().all(|c| c.rate.is_some_and(|rate| rate > 0.0));
                let judged = self.alarm().await?.is_some_and(|alarm| alarm.state == AlarmState::Inactive);
                Ok((heard && judged).then_some(overview))
            })
            .await?;
        let figure = |c: &Component| {
            let (rate, errors, p95) = (c.rate.unwrap_or_default(), c.error_ratio.unwrap_or_default(), c.p95_ms.unwrap_or_default());
            format!("{} {rate:.1}/s, {:.0} % errors, p95 {p95:.0} ms", c.title, errors * 100.0)
        };
        let figures: Vec<String> = overview.components.iter().map(figure).collect();
        step.done(&format!("normal traffic: {}", figures.join("; ")));
        self.narrator.note(&format!("the service map: {}", self.page("organize/map")));
        let step = self.narrator.step("business as usual");
        tokio::time::sleep(self.calm).await;
        drop(step);
        Ok(())
    }

    async fn alarm_fires(&self) -> anyhow::Result<()> {
        let step = self.narrator.step("waiting for the alarm");
        self.alarm_in(&[AlarmState::Pending, AlarmState::Firing]).await?;
        step.done(&format!("the alarm {ALARM} is pending: {}", self.page("operate/alarms")));
        let step = self.narrator.step("pending: the condition must hold for a while");
        let alarm = self.alarm_in(&[AlarmState::Firing]).await?;
        let value = alarm.instances.iter().map(|instance| instance.value).fold(0.0, f64::max);
        step.done(&format!("the alarm {ALARM} fires at {value:.2}: {}", alarm.expression));
        Ok(())
    }

    async fn incident_opens(&self) -> anyhow::Result<Incident> {
        let step = self.narrator.step("waiting for the event rule");
        let incident = self
            .wait("an incident", async || {
                let incidents: Vec<Incident> = self.client.get("api/incidents", &[]).await?;
                Ok(incidents.into_iter().next())
            })
            .await?;
        let commander = incident.commander.as_ref().map_or("nobody".to_owned(), ToString::to_string);
        step.done(&format!("{} is open, {}, led by {commander}: {}", incident.id, incident.severity.as_str(), incident.title));
        self.narrator.note(&self.page(&format!("operate/incidents/{}", incident.id)));
        Ok(incident)
    }

    async fn diagnosis_finds_the_cause(&self, incident: &Incident) -> anyhow::Result<()> {
        let step = self.narrator.step("the diagnosis playbook asks the lake");
        let run = self.run_in(incident, PLAYBOOK, RunStatus::Succeeded).await?.run;
        let found: Vec<String> = run.outputs.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        step.done(&format!("the playbook found: {}", found.join(", ")));
        self.narrator.note(&self.page(&format!("prepare/runs/{}", run.id)));
        Ok(())
    }

    async fn remediation_is_approved(&self, incident: &Incident) -> anyhow::Result<()> {
        let step = self.narrator.step("the remediation comes to its approval");
        let waiting = self.run_in(incident, REMEDIATION, RunStatus::Waiting).await?;
        step.done(&format!("the runbook {REMEDIATION} waits for approval: {}", self.page(&format!("prepare/runs/{}", waiting.run.id))));
        let gate = waiting.steps.iter().find(|step| step.status == StepStatus::Waiting).context("a waiting run has a waiting step")?;
        let digest = gate.approval.as_ref().context("a waiting step says what it waits for")?.digest.clone();
        let approve = Approve { step: gate.index, digest };
        let _: Run = self.client.post(&format!("api/runs/{}/approve", waiting.run.id), &approve).await?;
        let step = self.narrator.step("approved; the runbook goes on");
        let run = self.run_in(incident, REMEDIATION, RunStatus::Succeeded).await?.run;
        step.done(&format!("approved and done: the fault is gone ({})", run.document));
        Ok(())
    }

    async fn incident_ends(&self, incident: &Incident) -> anyhow::Result<()> {
        let step = self.narrator.step("waiting for the alarm to resolve");
        self.alarm_in(&[AlarmState::Resolved, AlarmState::Inactive]).await?;
        step.done(&format!("the alarm {ALARM} is resolved"));
        let step = self.narrator.step("waiting for the incident to end");
        let resolved = self
            .wait("the end of the incident", async || {
                let detail: IncidentDetail = self.client.get(&format!("api/incidents/{}", incident.id), &[]).await?;
                Ok((detail.incident.status == IncidentStatus::Resolved).then_some(detail.incident))
            })
            .await?;
        let lasted_s = resolved.resolved_at.map_or(0.0, |end| end.duration_since(resolved.opened_at).as_secs_f64());
        step.done(&format!("{} is resolved after {lasted_s:.0} s", resolved.id));
        Ok(())
    }

    async fn postmortem_is_drafted(&self, incident: &Incident) -> anyhow::Result<()> {
        let step = self.narrator.step("drafting the post-mortem");
        let postmortem: Postmortem = self.client.post(&format!("api/incidents/{}/postmortem", incident.id), &json!({})).await?;
        step.done(&format!("the post-mortem is drafted: {}", postmortem.path));
        self.narrator.note(&self.page(&format!("evolve/postmortems/{}", incident.id)));
        Ok(())
    }

    /// The shop's web waits for orders without a time limit. Nobody knew.
    async fn game_day_finds_a_weakness(&self) -> anyhow::Result<()> {
        let step = self.narrator.step("a game day: what if the payment provider is slow?");
        self.play(GAME_DAY, &[]).await?;
        let played: Value = self.client.get(&format!("api/game-days/{GAME_DAY}"), &[]).await?;
        let outcome = &played["last_outcome"];
        let text = |hypothesis: &Value| format!("“{}” is {}", hypothesis["text"].as_str().unwrap_or_default(), hypothesis["verdict"].as_str().unwrap_or("unclear"));
        let judged: Vec<String> = outcome["hypotheses"].as_array().into_iter().flatten().map(text).collect();
        step.done(&format!("the game day is over: {}", judged.join("; ")));
        self.narrator.note(&format!("its report: {}", outcome["report"].as_str().unwrap_or("there is none")));
        self.narrator.note(&self.page(&format!("evolve/game-days/{GAME_DAY}")));
        Ok(())
    }

    async fn limit_is_found(&self) -> anyhow::Result<()> {
        let step = self.narrator.step("the same scenario at a rising rate: how much can the shop take?");
        let run = self.play(SCENARIO, &[("mode", "limit"), ("trial", self.trial)]).await?;
        let output = |name: &str| run.outputs.get(name).map_or("unknown", String::as_str);
        if run.outputs.contains_key(evolve::scale_points::HELD) {
            let (held, broke) = (output(evolve::scale_points::HELD), output(evolve::scale_points::BROKE));
            step.done(&format!("the scale point: {held} visitors a second hold, {broke} do not; {} saturates first", output(evolve::scale_points::SATURATED)));
        } else {
            step.done("no limit was found within reach of this machine");
        }
        self.narrator.note(&self.page("evolve/scale-points"));
        Ok(())
    }

    /// Its mistake shows only in fuller baskets than that of the hook, so the traffic itself must tell.
    async fn bad_release_is_taken_back(&self) -> anyhow::Result<()> {
        let step = self.narrator.step("release 2 of orders passes its hook and goes out to a tenth of the people");
        let next = self.shop.start_next_orders().await?;
        let run = self.play(DEPLOYMENT, &[("version", NEXT_RELEASE), ("from", FIRST_RELEASE)]).await?;
        step.done(&format!("release {NEXT_RELEASE} is taken back: {}", run.error.as_deref().unwrap_or("it was not, and has all the traffic")));
        let step = self.narrator.step("counting who was harmed");
        let harm = self.wait("the spans of the failed orders", async || self.harm(&run, "orders").await).await?;
        drop(next);
        step.done(&format!("{} of {} orders failed, {:.1} %; from the first to the old release's return: {:.1} s", harm.failed, harm.requests, harm.share(), harm.lasted_s));
        self.narrator.note(&self.page(&format!("prepare/runs/{}", run.id)));
        Ok(())
    }

    /// Nobody starts this one: the server sees what the folder says now, and has it go out.
    async fn bad_flag_is_taken_back(&self) -> anyhow::Result<()> {
        let step = self.narrator.step("the flag gift-wrap is switched on in web.json, and goes out to a tenth of the people");
        self.shop.switch_gift_wrap_on()?;
        let run = self.wait("the flag's rollout", async || self.rollout().await).await?;
        let run = self.run_ends(&run, ROLLOUT).await?;
        step.done(&format!("the flag is taken back: {}", run.error.as_deref().unwrap_or("it was not, and everybody has it")));
        let step = self.narrator.step("counting who was harmed");
        let harm = self.wait("the spans of the failed checkouts", async || self.harm(&run, "web").await).await?;
        step.done(&format!("{} of {} requests to web failed, {:.1} %; from the first to the flag's return: {:.1} s", harm.failed, harm.requests, harm.share(), harm.lasted_s));
        self.narrator.note(&self.page(&format!("prepare/configuration/{FLAGS}")));
        Ok(())
    }

    /// The run that takes the flags out, once there is one.
    async fn rollout(&self) -> anyhow::Result<Option<RunId>> {
        let runs: Vec<Run> = self.client.get("api/runs", &[("document", ROLLOUT.to_owned())]).await?;
        Ok(runs.into_iter().next().map(|run| run.id))
    }

    /// What the deployment cost, from its beginning to the return of the traffic. None while the lake knows no harm.
    async fn harm(&self, run: &Run, service: &str) -> anyhow::Result<Option<Harm>> {
        let query = [("run", run.id.to_string()), ("type", "dev.mainstay.deployment.".to_owned())];
        let events: Vec<Event> = self.client.get("api/events", &query).await?;
        let at = |kind: &str| events.iter().find(|event| event.kind == kind).map(|event| event.time);
        let (began, back) = (at(types::DEPLOYMENT_BEGAN).context("it began")?, at(types::DEPLOYMENT_ROLLED_BACK).context("it was taken back")?);
        let sql = format!(
            "SELECT count(*), count(*) FILTER (WHERE status = 'error'), min(start_time) FILTER (WHERE status = 'error') \
             FROM spans WHERE service = '{service}' AND kind = 'server' AND start_time >= '{began}' AND start_time <= '{back}'"
        );
        let answer: Value = self.client.post("api/query", &json!({ "sql": sql })).await?;
        let row: (f64, f64, Option<Timestamp>) = serde_json::from_value(answer["rows"][0].clone()).context("counts of requests")?;
        Ok(row.2.map(|first| Harm { requests: row.0, failed: row.1, lasted_s: back.duration_since(first).as_secs_f64() }))
    }

    /// Requests a run and waits for its end.
    async fn play(&self, document: &str, parameters: &[(&str, &str)]) -> anyhow::Result<Run> {
        let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let request = RequestRun { document: document.to_owned(), parameters, incident: None, component: None, key: None };
        let requested: Run = self.client.post("api/runs", &request).await?;
        self.run_ends(&requested.id, document).await
    }

    async fn run_ends(&self, run: &RunId, document: &str) -> anyhow::Result<Run> {
        self.wait(&format!("the end of the run of {document}"), async || {
            let detail: RunDetail = self.client.get(&format!("api/runs/{run}"), &[]).await?;
            Ok(detail.run.status.is_final().then_some(detail.run))
        })
        .await
    }

    async fn alarm(&self) -> anyhow::Result<Option<AlarmRecord>> {
        let alarms: Vec<AlarmRecord> = self.client.get("api/alarms", &[]).await?;
        Ok(alarms.into_iter().find(|alarm| alarm.name == ALARM))
    }

    async fn alarm_in(&self, states: &[AlarmState]) -> anyhow::Result<AlarmRecord> {
        let what = format!("the alarm {ALARM} {states:?}");
        self.wait(&what, async || Ok(self.alarm().await?.filter(|alarm| states.contains(&alarm.state)))).await
    }

    /// The incident's run of a document, once it is in this state.
    async fn run_in(&self, incident: &Incident, document: &str, status: RunStatus) -> anyhow::Result<RunDetail> {
        let query = [("incident", incident.id.to_string()), ("document", document.to_owned())];
        self.wait(&format!("a run of {document} {status:?}"), async || {
            let runs: Vec<Run> = self.client.get("api/runs", &query).await?;
            let Some(run) = runs.first() else { return Ok(None) };
            if run.status.is_final() && run.status != status {
                bail!("the run of {document} ended as {:?}: {}", run.status, run.error.as_deref().unwrap_or_default());
            }
            if run.status != status {
                return Ok(None);
            }
            Ok(Some(self.client.get(&format!("api/runs/{}", run.id), &[]).await?))
        })
        .await
    }

    async fn wait<T>(&self, what: &str, mut ask: impl AsyncFnMut() -> anyhow::Result<Option<T>>) -> anyhow::Result<T> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = ask().await? {
                return Ok(found);
            }
            if Instant::now() >= deadline {
                bail!("{what} did not come within {PATIENCE:?}");
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn page(&self, path: &str) -> String {
        format!("{}/{path}", self.client.base())
    }
}
