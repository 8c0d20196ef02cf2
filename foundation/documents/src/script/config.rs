//! `config`: the settings, without an environment and with each.

use std::collections::BTreeMap;

use crate::codes;
use crate::source::node::Content;
use crate::source::Node;

use super::model::{BrowserSettings, Config, GrpcSettings, HttpSettings, HttpVersion, TlsSettings, Unset, WsSettings};
use super::reader::Reader;
use super::{overlay, payload, phase, plugins};

/// Each environment is a whole configuration of its own, so that a file full of them would fill the memory.
const ENVIRONMENTS_MAX: usize = 64;

/// `unset` are the variables that the script lacks outside its settings.
pub fn read(node: Option<&Node>, unset: &[Unset], reader: &mut Reader<'_>) -> (Config, BTreeMap<String, Config>) {
    let Some(node) = node else {
        return (Config { unset: unset.to_vec(), ..Config::default() }, BTreeMap::new());
    };
    let alone = without(node, "environments");
    let own = config(&alone, unset, reader);
    let mut environments = BTreeMap::new();
    let written = node.get("environments").map(Node::entries).unwrap_or_default();
    if let Some((name, _)) = written.get(ENVIRONMENTS_MAX) {
        let message = format!("a script has at most {ENVIRONMENTS_MAX} environments");
        reader.error(codes::TOO_LARGE, name.span, message, "split it into several scripts".to_owned());
    }
    for (name, settings) in written.iter().take(ENVIRONMENTS_MAX) {
        let Some(name) = name.text() else { continue };
        reader.environment = Some(name.to_owned());
        let merged = overlay::lay(&alone, settings, reader);
        environments.insert(name.to_owned(), config(&merged, unset, reader));
    }
    reader.environment = None;
    (own, environments)
}

fn without(node: &Node, field: &str) -> Node {
    let entries = node.entries().iter().filter(|(key, _)| key.text() != Some(field)).cloned().collect();
    Node { span: node.span, content: Content::Mapping(entries) }
}

fn config(node: &Node, unset: &[Unset], reader: &mut Reader<'_>) -> Config {
    let mut config = Config {
        target: node.owned("target").filter(|target| !target.is_empty()),
        phases: phase::read(node, reader),
        variables: variables(node),
        payloads: payload::read(node, reader),
        http: http(node, reader),
        tls: tls(node, reader),
        ws: ws(node, reader),
        grpc: grpc(node, reader),
        browser: browser(node, reader),
        processor: node.get("processor").and_then(|path| reader.file(path, "the file of functions")),
        plugins: plugins::read(node, reader),
        ensure: plugins::ensure(node, reader),
        apdex: plugins::apdex(node, reader),
        unset: unset.to_vec(),
    };
    for missing in reader.unset() {
        if !config.unset.contains(&missing) {
            config.unset.push(missing);
        }
    }
    config
}

fn variables(node: &Node) -> BTreeMap<String, serde_json::Value> {
    let entries = node.get("variables").map(Node::entries).unwrap_or_default();
    entries.iter().filter_map(|(name, value)| Some((name.text()?.to_owned(), value.to_json()))).collect()
}

/// `defaults` and `timeout` once stood in `config` itself.
fn http(node: &Node, reader: &mut Reader<'_>) -> HttpSettings {
    let usual = HttpSettings::default();
    let nothing = nothing(node);
    let http = node.get("http").unwrap_or(&nothing);
    let defaults = http.get("defaults").or(node.get("defaults")).unwrap_or(&nothing);
    HttpSettings {
        timeout: reader.time(node, "timeout").or(reader.time(http, "timeout")).unwrap_or(usual.timeout),
        pool: count(http, "pool", reader),
        max_sockets: count(http, "maxSockets", reader),
        extended_metrics: reader.flag(http, "extendedMetrics").unwrap_or(false),
        distributed_tracing: tracing(http, reader),
        version: version(http, reader),
        follow_redirect: reader.flag(http, "followRedirect").unwrap_or(usual.follow_redirect),
        max_redirects: whole(http, "maxRedirects", 0.0, reader).unwrap_or(usual.max_redirects),
        headers: defaults.text_map("headers"),
        cookies: defaults.text_map("cookie"),
        strict_capture: reader.flag(defaults, "strictCapture").unwrap_or(usual.strict_capture),
        think_jitter: defaults.get("think").and_then(|think| reader.jitter(think)),
    }
}

/// True, false, or a mapping that is true unless it says otherwise.
fn tracing(http: &Node, reader: &mut Reader<'_>) -> bool {
    match http.get("distributedTracing") {
        Some(settings) if settings.text().is_none() => reader.flag(settings, "enabled").unwrap_or(true),
        _ => reader.flag(http, "distributedTracing").unwrap_or(false),
    }
}

fn version(http: &Node, reader: &mut Reader<'_>) -> HttpVersion {
    match reader.number(http, "version") {
        Some(2.0) => HttpVersion::Http2,
        Some(1.0 | 1.1) | None => HttpVersion::Http1,
        Some(other) => {
            let span = http.get("version").map_or(http.span, |version| version.span);
            reader.error(codes::WRONG_VALUE, span, format!("HTTP {other} is not one that Mainstay speaks"), "write 1 or 2".to_owned());
            HttpVersion::Http1
        }
    }
}

fn tls(node: &Node, reader: &mut Reader<'_>) -> TlsSettings {
    let nothing = nothing(node);
    let (tls, ws) = (node.get("tls").unwrap_or(&nothing), node.get("ws").unwrap_or(&nothing));
    let own = reader.flag(tls, "rejectUnauthorized");
    let mut file = |field: &str, what: &str| tls.get(field).and_then(|path| reader.file(path, what));
    TlsSettings {
        ca: file("ca", "the authority's certificate"),
        cert: file("cert", "the client's certificate"),
        key: file("key", "the client's key"),
        server_name: tls.owned("serverName").or(tls.owned("servername")),
        reject_unauthorized: own.or(reader.flag(ws, "rejectUnauthorized")).unwrap_or(true),
    }
}

fn ws(node: &Node, reader: &mut Reader<'_>) -> WsSettings {
    let Some(ws) = node.get("ws") else { return WsSettings::default() };
    if let Some((key, _)) = ws.entry("proxy") {
        no_proxy(key, reader);
    }
    WsSettings {
        subprotocols: ws.texts("subprotocols"),
        headers: ws.text_map("headers"),
        timeout: reader.time(ws, "timeout").unwrap_or(WsSettings::default().timeout),
        max_payload: reader.number_from(ws, "maxPayload", 1.0, true).map(|bytes| bytes as u64),
    }
}

pub fn no_proxy(key: &Node, reader: &mut Reader<'_>) {
    let mend = "take it away, or play the script where the target can be reached directly".to_owned();
    reader.error(codes::UNSUPPORTED, key.span, "a proxy for WebSockets is not supported", mend);
}

fn grpc(node: &Node, reader: &mut Reader<'_>) -> GrpcSettings {
    let Some(grpc) = node.get("grpc") else { return GrpcSettings::default() };
    GrpcSettings {
        protos: reader.files(grpc, "protos", "the .proto file"),
        includes: reader.files(grpc, "includes", "the folder of .proto files"),
        metadata: grpc.text_map("metadata"),
        deadline: reader.time(grpc, "deadline"),
    }
}

fn browser(node: &Node, reader: &mut Reader<'_>) -> BrowserSettings {
    let Some(browser) = node.get("browser") else { return BrowserSettings::default() };
    BrowserSettings {
        headless: reader.flag(browser, "headless"),
        width: count(browser, "width", reader),
        height: count(browser, "height", reader),
    }
}

fn count(node: &Node, key: &str, reader: &mut Reader<'_>) -> Option<u32> {
    whole(node, key, 1.0, reader)
}

fn whole(node: &Node, key: &str, least: f64, reader: &mut Reader<'_>) -> Option<u32> {
    reader.number_from(node, key, least, true).map(|number| number as u32)
}

fn nothing(node: &Node) -> Node {
    Node { span: node.span, content: Content::Mapping(Vec::new()) }
}
