//! Post-mortems: Markdown in the workload's repository, drafted from what the ledger and the lake know.
//!
//! A draft holds what can be known (impact in numbers, key times, timeline, charts, responses) and asks
//! for what only people know. Once written, the file is theirs: a second draft replaces it only while
//! nobody has changed it. Actions live in the ledger; those that people write into the file's list, or
//! tick there, are brought into the ledger by [`ActionsTask`]. Git is left to people.

pub(crate) mod actions;
mod chart;
mod error;
pub(crate) mod facts;
mod files;
mod impact;
pub(crate) mod markdown;
mod task;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use documents::Loaded;
use kernel::{ActionId, EntityRef, IncidentId, SharedClock};
use ledger::{Action, ActionStatus, Actor, Batch, EventFilter, Ledger, LedgerError, NewEvent, Postmortem, types};
use serde_json::json;
use telemetry::SqlSource;
use telemetry::promql::Engine;
use tokio::sync::watch;

pub use chart::{Chart, Line, Mark};
pub use error::PostmortemError;
pub use task::ActionsTask;

use crate::game_days;
use facts::Facts;
use files::Repository;

/// The `source` of the events that this room appends.
const SOURCE: &str = "/evolve/postmortems";

/// Cheap to clone.
#[derive(Clone)]
pub struct Postmortems {
    ledger: Ledger,
    graph: watch::Receiver<Arc<Loaded>>,
    engine: Engine,
    sql: Arc<dyn SqlSource>,
    clock: SharedClock,
    repository: Repository,
}

impl std::fmt::Debug for Postmortems {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Postmortems").field("repository", &self.repository).finish_non_exhaustive()
    }
}

/// A draft as it stands in the repository now.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    pub postmortem: Postmortem,
    pub markdown: String,
    /// By the name that the Markdown uses.
    pub charts: Vec<FrozenChart>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrozenChart {
    pub name: String,
    pub svg: String,
}

impl Postmortems {
    pub fn new(
        ledger: Ledger,
        graph: watch::Receiver<Arc<Loaded>>,
        engine: Engine,
        sql: Arc<dyn SqlSource>,
        clock: SharedClock,
        repository_root: PathBuf,
    ) -> Self {
        Self { ledger, graph, engine, sql, clock, repository: Repository::new(repository_root) }
    }

    /// Writes the draft of an incident and its charts into the workload's folder of post-mortems. What a game day
    /// came to is told in its report.
    pub async fn draft(&self, incident: IncidentId, actor: &Actor) -> Result<Postmortem, PostmortemError> {
        match game_days::of_incident(&self.ledger, incident).await? {
            Some(outcome) => self.draft_as(incident, actor, |facts, stem| game_days::report(&outcome, facts, stem)).await,
            None => self.draft_as(incident, actor, markdown::render).await,
        }
    }

    /// As [`draft`](Self::draft), in other words.
    pub(crate) async fn draft_as(
        &self,
        incident: IncidentId,
        actor: &Actor,
        render: impl FnOnce(&Facts, &str) -> String,
    ) -> Result<Postmortem, PostmortemError> {
        let incident = self.ledger.incident(incident).await?;
        let loaded = self.graph.borrow().clone();
        let facts = Facts::gather(&self.ledger, &loaded.graph, &self.engine, &*self.sql, incident, self.clock.now()).await?;
        let earlier = self.earlier(facts.incident.id).await?;
        let stem = match &earlier {
            Some(earlier) => files::stem_of(&earlier.path),
            None => files::stem(&facts.incident),
        };
        let folder = match &earlier {
            Some(earlier) => files::folder_of(&earlier.path),
            None => loaded.graph.workload.postmortems.clone(),
        };
        let charts: Vec<(String, String)> =
            facts.charts.iter().map(|chart| (format!("{stem}.{}.svg", chart.name), chart.svg())).collect();
        let markdown = render(&facts, &stem);
        let path = files::join(&folder, &format!("{stem}.md"));
        self.repository.check_replaceable(&path, self.digest_of_last_draft(facts.incident.id).await?.as_deref())?;
        for (name, svg) in &charts {
            self.repository.write(&files::join(&folder, name), svg)?;
        }
        self.repository.write(&path, &markdown)?;

        let postmortem = Postmortem { incident: facts.incident.id, title: facts.incident.title.clone(), path, drafted_at: facts.now };
        let names: Vec<&String> = charts.iter().map(|(name, _)| name).collect();
        let data = json!({ "path": postmortem.path, "title": postmortem.title, "digest": files::digest(&markdown), "charts": names });
        let event = event(types::POSTMORTEM_DRAFTED, postmortem.incident, actor, data);
        self.ledger.commit(Batch::new().event(event).postmortem(postmortem.clone())).await?;
        Ok(postmortem)
    }

    /// The file as it stands now, with its charts.
    pub async fn document(&self, incident: IncidentId) -> Result<Document, PostmortemError> {
        let postmortem = self.ledger.postmortem(incident).await?;
        let markdown = self.repository.read(&postmortem.path)?;
        let folder = files::folder_of(&postmortem.path);
        let read = |name: String| Some(FrozenChart { svg: self.repository.read(&files::join(&folder, &name)).ok()?, name });
        let charts = markdown::chart_names(&markdown).into_iter().filter_map(read).collect();
        Ok(Document { postmortem, markdown, charts })
    }

    pub async fn add_action(&self, incident: IncidentId, title: &str, owner: Option<EntityRef>, actor: &Actor) -> Result<Action, PostmortemError> {
        self.ledger.incident(incident).await?;
        let title = title.trim();
        if title.is_empty() || title.len() > actions::MAX_TITLE_BYTES {
            return Err(PostmortemError::Title { limit: actions::MAX_TITLE_BYTES });
        }
        let action = actions::new(ActionId::random(), incident, title, owner, self.clock.now());
        self.ledger.commit(actions::added(&action, actor)).await?;
        Ok(action)
    }

    /// Marks an action as done, or as open again. Saying what is so already changes nothing.
    pub async fn set_action(&self, id: &ActionId, status: ActionStatus, actor: &Actor) -> Result<Action, PostmortemError> {
        let before = self.ledger.action(id).await?;
        if before.status == status {
            return Ok(before);
        }
        let done_at = (status == ActionStatus::Done).then(|| self.clock.now());
        let action = Action { status, done_at, ..before };
        self.ledger.commit(actions::changed(&action, actor)).await?;
        Ok(action)
    }

    /// Brings what people write into the files' lists of actions into the ledger.
    pub fn actions_task(&self) -> ActionsTask {
        ActionsTask::new(self.ledger.clone(), self.clock.clone(), self.repository.clone())
    }

    async fn earlier(&self, incident: IncidentId) -> Result<Option<Postmortem>, LedgerError> {
        match self.ledger.postmortem(incident).await {
            Ok(postmortem) => Ok(Some(postmortem)),
            Err(LedgerError::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn digest_of_last_draft(&self, incident: IncidentId) -> Result<Option<String>, LedgerError> {
        let filter = EventFilter {
            kinds: vec![types::POSTMORTEM_DRAFTED.to_owned()],
            incident: Some(incident),
            newest_first: true,
            limit: Some(1),
            ..EventFilter::default()
        };
        let events = self.ledger.events(&filter).await?;
        Ok(events.first().and_then(|event| event.data["digest"].as_str()).map(str::to_owned))
    }
}

fn event(kind: &str, incident: IncidentId, actor: &Actor, data: serde_json::Value) -> NewEvent {
    NewEvent::new(SOURCE, kind, data).subject(incident.to_string()).incident(incident).actor(actor.clone())
}
