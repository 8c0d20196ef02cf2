//! Steps of engine browser, which is our own. Most take one text, or a mapping of fields.

use std::time::Duration;

use crate::codes;
use crate::source::{Node, Span};

use super::duration_of;
use super::model::BrowserAction;
use super::reader::Reader;

pub const STEPS: [&str; 7] = ["goto", "click", "fill", "press", "wait", "expect", "screenshot"];
const PATIENCE: Duration = Duration::from_secs(10);

/// Nothing if a field is missing, which is reported.
pub fn read(name: &str, span: Span, node: &Node, reader: &mut Reader<'_>) -> Option<BrowserAction> {
    let either = |field: &str| node.text().map(str::to_owned).or_else(|| node.owned(field));
    Some(match name {
        "goto" => BrowserAction::Goto { url: either("url")? },
        "click" => BrowserAction::Click { selector: either("selector")? },
        "fill" => BrowserAction::Fill { selector: node.owned("selector")?, value: node.get("value")?.to_json() },
        "press" => BrowserAction::Press { key: either("key")? },
        "screenshot" => BrowserAction::Screenshot { name: either("name")? },
        "wait" => wait(node, reader),
        _ => {
            reader.check_part("browserExpect", node, "expect");
            let field = |name: &str| node.owned(name);
            if ["selector", "text", "url", "title", "status"].iter().all(|name| node.get(name).is_none()) && reader.knows_all("browserExpect", node) {
                let mend = "add `selector`, `text`, `url`, `title` or `status`".to_owned();
                reader.error(codes::MISSING_FIELD, span, "`expect` does not say what the page must show", mend);
            }
            let [selector, text, url, title] = ["selector", "text", "url", "title"].map(field);
            let status = reader.number_from(node, "status", 100.0, true).map(|status| status as u16);
            BrowserAction::Expect { selector, text, url, title, status }
        }
    })
}

/// `wait: 2s` is a time, `wait: "#done"` an element.
fn wait(node: &Node, reader: &mut Reader<'_>) -> BrowserAction {
    reader.check_part("browserWait", node, "wait");
    let Some(text) = node.text() else {
        let timeout = reader.time(node, "timeout").unwrap_or(PATIENCE);
        return BrowserAction::Wait { selector: node.owned("selector"), text: node.owned("text"), timeout };
    };
    match duration_of(text) {
        Some(timeout) => BrowserAction::Wait { selector: None, text: None, timeout },
        None => BrowserAction::Wait { selector: Some(text.to_owned()), text: None, timeout: PATIENCE },
    }
}
