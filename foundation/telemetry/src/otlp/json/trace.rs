use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};

use super::node::{JsonError, Node};
use super::{key_value, resource, scope};

pub(super) fn request(node: &Node) -> Result<ExportTraceServiceRequest, JsonError> {
    Ok(ExportTraceServiceRequest { resource_spans: node.list("resourceSpans", resource_spans)? })
}

fn resource_spans(node: &Node) -> Result<ResourceSpans, JsonError> {
    Ok(ResourceSpans {
        resource: node.message("resource", resource)?,
        scope_spans: node.list("scopeSpans", scope_spans)?,
        schema_url: node.string("schemaUrl")?,
    })
}

fn scope_spans(node: &Node) -> Result<ScopeSpans, JsonError> {
    Ok(ScopeSpans {
        scope: node.message("scope", scope)?,
        spans: node.list("spans", span)?,
        schema_url: node.string("schemaUrl")?,
    })
}

fn span(node: &Node) -> Result<Span, JsonError> {
    Ok(Span {
        trace_id: node.hex("traceId")?,
        span_id: node.hex("spanId")?,
        trace_state: node.string("traceState")?,
        parent_span_id: node.hex("parentSpanId")?,
        flags: node.u32("flags")?,
        name: node.string("name")?,
        kind: node.i32("kind")?,
        start_time_unix_nano: node.u64("startTimeUnixNano")?,
        end_time_unix_nano: node.u64("endTimeUnixNano")?,
        attributes: node.list("attributes", key_value)?,
        dropped_attributes_count: node.u32("droppedAttributesCount")?,
        events: node.list("events", event)?,
        dropped_events_count: node.u32("droppedEventsCount")?,
        links: node.list("links", link)?,
        dropped_links_count: node.u32("droppedLinksCount")?,
        status: node.message("status", status)?,
    })
}

fn event(node: &Node) -> Result<Event, JsonError> {
    Ok(Event {
        time_unix_nano: node.u64("timeUnixNano")?,
        name: node.string("name")?,
        attributes: node.list("attributes", key_value)?,
        dropped_attributes_count: node.u32("droppedAttributesCount")?,
    })
}

fn link(node: &Node) -> Result<Link, JsonError> {
    Ok(Link {
        trace_id: node.hex("traceId")?,
        span_id: node.hex("spanId")?,
        trace_state: node.string("traceState")?,
        attributes: node.list("attributes", key_value)?,
        dropped_attributes_count: node.u32("droppedAttributesCount")?,
        flags: node.u32("flags")?,
    })
}

fn status(node: &Node) -> Result<Status, JsonError> {
    Ok(Status { message: node.string("message")?, code: node.i32("code")? })
}
