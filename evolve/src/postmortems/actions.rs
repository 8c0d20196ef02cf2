//! Actions: their changes in the ledger, and the list of them in a post-mortem's Markdown.

use kernel::{ActionId, EntityRef, IncidentId, Timestamp};
use ledger::{Action, ActionStatus, Actor, Batch, types};
use serde_json::json;
use sha2::{Digest, Sha256};

pub const MAX_TITLE_BYTES: usize = 500;
/// The heading of the list in the file.
pub const HEADING: &str = "## Actions";
const OWNER: &str = "(owner: ";
const ID: &str = "<!-- action ";

/// One line of the list: `- [ ] Alert on queue age (owner: user:jo) <!-- action 01jd… -->`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub title: String,
    pub owner: Option<EntityRef>,
    pub done: bool,
    /// Absent on lines that people wrote.
    pub id: Option<ActionId>,
}

impl Item {
    /// A line that people wrote keeps its id as long as its title stays.
    pub fn id(&self, incident: IncidentId) -> ActionId {
        if let Some(id) = &self.id {
            return id.clone();
        }
        let hash = Sha256::digest(format!("{incident}\n{}", self.title));
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash[..16]);
        let text = ulid::Ulid::from_bytes(bytes).to_string();
        text.parse().expect("a ULID's own text is an action id")
    }
}

pub fn line(action: &Action) -> String {
    let tick = if action.status == ActionStatus::Done { 'x' } else { ' ' };
    let owner = action.owner.as_ref().map(|owner| format!(" {OWNER}{owner})")).unwrap_or_default();
    format!("- [{tick}] {}{owner} {ID}{} -->", one_line(&action.title), action.id)
}

/// The items of the list under [`HEADING`].
pub fn parse(markdown: &str) -> Vec<Item> {
    let section = markdown.lines().skip_while(|line| line.trim_end() != HEADING).skip(1);
    section.take_while(|line| !line.starts_with("## ")).filter_map(item).collect()
}

fn item(line: &str) -> Option<Item> {
    let line = line.trim_start();
    let rest = ["- ", "* ", "+ "].iter().find_map(|bullet| line.strip_prefix(bullet))?;
    let (done, rest) = match (rest.strip_prefix("[ ] "), rest.strip_prefix("[x] ").or(rest.strip_prefix("[X] "))) {
        (Some(rest), _) => (false, rest),
        (_, Some(rest)) => (true, rest),
        _ => return None,
    };
    let (rest, id) = match rest.split_once(ID) {
        Some((rest, id)) => (rest, id.split_whitespace().next().and_then(|id| id.parse().ok())),
        None => (rest, None),
    };
    let (title, owner) = match rest.split_once(OWNER) {
        Some((title, owner)) => (title, owner.split(')').next().and_then(|owner| EntityRef::parse_with_default_kind(owner.trim(), "user").ok())),
        None => (rest, None),
    };
    let title = title.trim();
    (!title.is_empty() && title.len() <= MAX_TITLE_BYTES).then(|| Item { title: title.to_owned(), owner, done, id })
}

pub fn new(id: ActionId, incident: IncidentId, title: &str, owner: Option<EntityRef>, now: Timestamp) -> Action {
    Action { id, incident, title: title.to_owned(), owner, status: ActionStatus::Open, created_at: now, done_at: None }
}

pub fn added(action: &Action, actor: &Actor) -> Batch {
    let event = super::event(types::ACTION_ADDED, action.incident, actor, data(action)).key(format!("action-added:{}", action.id));
    Batch::new().event(event).action(action.clone())
}

pub fn changed(action: &Action, actor: &Actor) -> Batch {
    let kind = if action.status == ActionStatus::Done { types::ACTION_DONE } else { types::ACTION_REOPENED };
    Batch::new().event(super::event(kind, action.incident, actor, data(action))).action(action.clone())
}

/// A tick in the file counts once; whoever opens the action again is not overruled by it.
pub fn ticked(action: &Action, actor: &Actor) -> Batch {
    let event = super::event(types::ACTION_DONE, action.incident, actor, data(action)).key(format!("action-ticked:{}", action.id));
    Batch::new().event(event).action(action.clone())
}

fn data(action: &Action) -> serde_json::Value {
    json!({ "action": action.id, "title": action.title, "owner": action.owner, "status": action.status })
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        let text = "## Actions\n\nText.\n\n- [ ] Alert on queue age (owner: user:jo)\n* [x] Add a limit\n- [ ] \n- no box\n- [ ] By a team (owner: group:default/oncall) and more\n## Next\n- [ ] not here\n";
        let items = parse(text);
        let short = |item: &Item| (item.title.clone(), item.owner.as_ref().map(ToString::to_string), item.done);
        assert_eq!(
            items.iter().map(short).collect::<Vec<_>>(),
            [
                ("Alert on queue age".to_owned(), Some("user:default/jo".to_owned()), false),
                ("Add a limit".to_owned(), None, true),
                ("By a team".to_owned(), Some("group:default/oncall".to_owned()), false),
            ]
        );
    }

    #[test]
    fn reads_what_it_writes() {
        let owner = "user:default/jo".parse().ok();
        let action = new(ActionId::random(), IncidentId::from_number(1), "Alert on\nqueue age", owner.clone(), Timestamp::UNIX_EPOCH);
        let items = parse(&format!("{HEADING}\n{}\n", line(&action)));
        assert_eq!(items, [Item { title: "Alert on queue age".to_owned(), owner, done: false, id: Some(action.id) }]);
    }

    #[test]
    fn a_line_without_an_id_has_one_of_its_own() {
        let item = Item { title: "Add a limit".to_owned(), owner: None, done: false, id: None };
        let (first, second) = (IncidentId::from_number(1), IncidentId::from_number(2));
        assert_eq!(item.id(first), item.id(first));
        assert_ne!(item.id(first), item.id(second));
    }
}
