//! Which rules an event goes back to, so that no rule feeds itself.
//!
//! An event that a rule appended names the rule as its actor and the matching event as its cause; what
//! a run tells goes back to the event that requested the run. A rule is not followed twice in one
//! chain, and no chain is longer than [`LENGTH_MAX`].

use std::collections::{HashMap, VecDeque};

use kernel::{EventId, RunId};
use ledger::{Event, types};

/// Rules in one chain.
const LENGTH_MAX: usize = 5;
/// Events remembered; a cause further back counts as none.
const REMEMBERED_MAX: usize = 20_000;

#[derive(Debug, Default)]
pub struct Chains {
    of_event: HashMap<EventId, Vec<String>>,
    of_run: HashMap<RunId, Vec<String>>,
    order: VecDeque<(EventId, Option<RunId>)>,
}

impl Chains {
    /// The rules that led to the event, the latest last. Events come in the order of the ledger.
    pub fn observe(&mut self, event: &Event) -> Vec<String> {
        let by_cause = event.cause.as_ref().and_then(|cause| self.of_event.get(cause));
        let by_run = event.run.as_ref().and_then(|run| self.of_run.get(run));
        let longer = by_cause.into_iter().chain(by_run).max_by_key(|chain| chain.len());
        let mut chain = longer.cloned().unwrap_or_default();
        if let Some(rule) = event.actor.0.strip_prefix("rule:")
            && chain.last().is_none_or(|last| last != rule)
        {
            chain.push(rule.to_owned());
        }
        if !chain.is_empty() {
            self.remember(event, &chain);
        }
        chain
    }

    fn remember(&mut self, event: &Event, chain: &[String]) {
        self.of_event.insert(event.id.clone(), chain.to_vec());
        let run = event.run.clone().filter(|_| event.kind == types::RUN_REQUESTED);
        if let Some(run) = &run {
            self.of_run.insert(run.clone(), chain.to_vec());
        }
        self.order.push_back((event.id.clone(), run));
        if self.order.len() > REMEMBERED_MAX
            && let Some((event, run)) = self.order.pop_front()
        {
            self.of_event.remove(&event);
            run.map(|run| self.of_run.remove(&run));
        }
    }
}

/// May the rule act on an event with this chain?
pub fn may_act(rule: &str, chain: &[String]) -> bool {
    chain.len() < LENGTH_MAX && !chain.iter().any(|earlier| earlier == rule)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Timestamp;
    use ledger::{Actor, Position};

    fn event(kind: &str, actor: &str, cause: Option<&Event>, run: Option<&RunId>) -> Event {
        Event {
            specversion: "1.0".to_owned(),
            id: EventId::random(),
            source: "/test".to_owned(),
            kind: kind.to_owned(),
            subject: None,
            time: Timestamp::UNIX_EPOCH,
            position: Position(1),
            actor: Actor(actor.to_owned()),
            incident: None,
            run: run.cloned(),
            cause: cause.map(|event| event.id.clone()),
            data: serde_json::Value::Null,
        }
    }

    #[test]
    fn chains_go_through_causes_and_runs() {
        let mut chains = Chains::default();
        let run = RunId::random();
        let alarm = event(types::ALARM_FIRING, "system", None, None);
        let requested = event(types::RUN_REQUESTED, "rule:diagnose", Some(&alarm), Some(&run));
        let failed = event(types::RUN_FAILED, "system", None, Some(&run));
        let notified = event(types::NOTIFICATION_REQUESTED, "rule:tell", Some(&failed), None);
        assert!(chains.observe(&alarm).is_empty());
        assert_eq!(chains.observe(&requested), ["diagnose"]);
        let chain = chains.observe(&failed);
        assert_eq!(chain, ["diagnose"]);
        assert!(!may_act("diagnose", &chain) && may_act("tell", &chain));
        assert_eq!(chains.observe(&notified), ["diagnose", "tell"]);
    }
}
