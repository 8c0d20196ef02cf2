//! What is sent: the event itself, or a text.

use ledger::{Channel, Event};
use serde_json::{Value, json};

use crate::incidents::timeline;

/// Slack refuses longer texts in a block.
const SLACK_TEXT_MAX: usize = 3000;

/// A text stays a JSON text: it is sent as plain text. Slack always gets `text`, which its clients show
/// in notifications, and `blocks`.
pub fn body(channel: Channel, text: Option<String>, event: &Event, json: &Value) -> Value {
    match (channel, text) {
        (Channel::Webhook, Some(text)) => Value::String(text),
        (Channel::Webhook, None) => json.clone(),
        (Channel::Slack, text) => slack(&text.unwrap_or_else(|| timeline::line(event)), event),
    }
}

fn slack(text: &str, event: &Event) -> Value {
    let shown: String = text.chars().take(SLACK_TEXT_MAX).collect();
    let mut facts = vec![format!("`{}`", event.kind)];
    facts.extend(event.incident.map(|incident| incident.to_string()));
    for (name, key) in [("component", "component"), ("severity", "severity")] {
        if let Some(value) = event.data.get(key).and_then(Value::as_str) {
            facts.push(format!("{name} {value}"));
        }
    }
    facts.push(event.time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string());
    json!({
        "text": shown,
        "blocks": [
            { "type": "section", "text": { "type": "mrkdwn", "text": shown } },
            { "type": "context", "elements": [{ "type": "mrkdwn", "text": facts.join("  ·  ") }] },
        ],
    })
}
