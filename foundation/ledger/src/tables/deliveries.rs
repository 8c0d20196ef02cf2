//! `ops.deliveries`.

use kernel::table::ColumnType::{Float, Integer, Json, Text, Timestamp};

use super::field::{Sheet, field, integer, label, optional_text, seconds, text, time};
use crate::Delivery;

pub(super) const DELIVERIES: Sheet<Delivery> = Sheet {
    name: "ops.deliveries",
    description: "Messages to the outside, newest first; the newest 100,000. Headers are left out: they may hold secrets.",
    fields: &[
        field("id", Text, "The delivery's id", |d| text(&d.id)),
        field("channel", Text, "webhook or slack", |d| label(&d.channel)),
        field("rule", Text, "The event rule that asked for it", |d| text(&d.rule)),
        field("target", Text, "Where to, without what may be secret: a setting's name, or a URL's host", |d| {
            text(without_secret(&d.target))
        }),
        field("status", Text, "pending, delivered or dead", |d| label(&d.status)),
        field("attempts", Integer, "How often it was tried", |d| integer(d.attempts)),
        field("created_at", Timestamp, "When it was asked for", |d| time(d.created_at)),
        field("next_attempt_at", Timestamp, "When it is tried next", |d| time(d.next_attempt_at)),
        field("delivered_at", Timestamp, "When it arrived", |d| time(d.delivered_at)),
        field("time_to_deliver_s", Float, "From the request to the arrival, in seconds", |d| {
            seconds(d.created_at, d.delivered_at)
        }),
        field("last_error", Text, "Why the last attempt failed", |d| optional_text(d.last_error.as_ref())),
        field("cause", Text, "The id of the event that led to it", |d| text(&d.cause)),
        field("incident", Text, "The incident it belongs to, for example INC-12", |d| optional_text(d.incident.as_ref())),
        field("body", Json, "What is sent", |d| kernel::table::Cell::Json(d.body.clone())),
    ],
};

/// A webhook's path and query are often its password: `https://hooks.slack.com/…`.
fn without_secret(target: &str) -> String {
    let Some((scheme, rest)) = target.split_once("://") else { return target.to_owned() };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let host = authority.rsplit('@').next().unwrap_or(authority);
    if host.len() == rest.len() { target.to_owned() } else { format!("{scheme}://{host}/…") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_shown_without_its_secret() {
        assert_eq!(without_secret("env:SLACK_URL"), "env:SLACK_URL");
        assert_eq!(without_secret("https://hooks.slack.com/services/T0/B0/x"), "https://hooks.slack.com/…");
        assert_eq!(without_secret("https://jo:pw@example.com?token=x"), "https://example.com/…");
        assert_eq!(without_secret("http://127.0.0.1:9000"), "http://127.0.0.1:9000");
    }
}
