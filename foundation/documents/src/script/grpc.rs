//! The step of engine grpc, which is our own: `call`.

use crate::source::Node;

use super::model::GrpcCall;
use super::reader::{Reader, pairs};
use super::{capture, expect};

/// Nothing if a field is missing, which the schema reports.
pub fn read(node: &Node, reader: &mut Reader<'_>) -> Option<GrpcCall> {
    let (capture, expect) = (capture::read(node, reader), expect::read(node, reader));
    Some(GrpcCall {
        service: node.owned("service")?,
        method: node.owned("method")?,
        name: node.owned("name"),
        message: node.get("message").map_or_else(|| serde_json::json!({}), Node::to_json),
        metadata: pairs(node, "metadata"),
        deadline: reader.time(node, "deadline"),
        capture,
        expect,
    })
}
