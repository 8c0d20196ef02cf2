use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};

use super::node::{JsonError, Node};
use super::{any_value, key_value, resource, scope};

pub(super) fn request(node: &Node) -> Result<ExportLogsServiceRequest, JsonError> {
    Ok(ExportLogsServiceRequest { resource_logs: node.list("resourceLogs", resource_logs)? })
}

fn resource_logs(node: &Node) -> Result<ResourceLogs, JsonError> {
    Ok(ResourceLogs {
        resource: node.message("resource", resource)?,
        scope_logs: node.list("scopeLogs", scope_logs)?,
        schema_url: node.string("schemaUrl")?,
    })
}

fn scope_logs(node: &Node) -> Result<ScopeLogs, JsonError> {
    Ok(ScopeLogs {
        scope: node.message("scope", scope)?,
        log_records: node.list("logRecords", log_record)?,
        schema_url: node.string("schemaUrl")?,
    })
}

fn log_record(node: &Node) -> Result<LogRecord, JsonError> {
    Ok(LogRecord {
        time_unix_nano: node.u64("timeUnixNano")?,
        observed_time_unix_nano: node.u64("observedTimeUnixNano")?,
        severity_number: node.i32("severityNumber")?,
        severity_text: node.string("severityText")?,
        body: node.message("body", any_value)?,
        attributes: node.list("attributes", key_value)?,
        dropped_attributes_count: node.u32("droppedAttributesCount")?,
        flags: node.u32("flags")?,
        trace_id: node.hex("traceId")?,
        span_id: node.hex("spanId")?,
        event_name: node.string("eventName")?,
    })
}
