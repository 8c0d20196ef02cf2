//! For code review: SARIF 2.1.0, as GitHub and others show it beside the changed lines.
//!
//! Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0".

use serde_json::{Value, json};

use super::shown;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::graph::Loaded;

pub fn sarif(loaded: &Loaded, version: &str) -> Value {
    let rules: Vec<Value> = codes::ALL
        .iter()
        .map(|code| json!({ "id": code.code, "shortDescription": { "text": code.meaning } }))
        .collect();
    let results: Vec<Value> = loaded.diagnostics.iter().map(|diagnostic| result(loaded, diagnostic)).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "mainstay check", "semanticVersion": version, "rules": rules } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn result(loaded: &Loaded, diagnostic: &Diagnostic) -> Value {
    let text = match &diagnostic.mend {
        Some(mend) => format!("{} ({mend})", diagnostic.message),
        None => diagnostic.message.clone(),
    };
    let origin = &diagnostic.origin;
    json!({
        "ruleId": diagnostic.code,
        "ruleIndex": codes::ALL.iter().position(|code| code.code == diagnostic.code),
        "level": diagnostic.level.name(),
        "message": { "text": text },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": { "uri": uri(&shown(&loaded.graph.root, &origin.path)) },
                "region": {
                    "startLine": origin.line,
                    "startColumn": origin.column,
                    "endColumn": origin.column.saturating_add(diagnostic.length),
                },
            },
        }],
    })
}

/// A relative URI reference: whatever is not plain in a path is percent-encoded.
fn uri(path: &str) -> String {
    let mut uri = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}
