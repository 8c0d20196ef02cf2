//! `kind: Workload`: the settings of the whole folder. At most one; all fields have defaults.

use std::time::Duration;

use kernel::EntityRef;
use serde::Serialize;

use crate::Origin;
use crate::diagnostic::Level;
use crate::findings::Space;
use crate::kinds::{Document, Reading};
use crate::schema;
use crate::source::{Home, Node};

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Workload {
    pub name: String,
    pub title: Option<String>,
    pub description: Option<String>,
    /// How often rule groups that do not say otherwise are evaluated.
    pub evaluation_interval: Duration,
    /// Where post-mortems are written, below the repository's root.
    pub postmortems: String,
    /// How long signals are kept.
    pub retention: Duration,
    /// An event tells when a scale point will be reached sooner than this.
    pub runway: Duration,
    /// Who may read which secrets.
    pub secrets: Vec<SecretPolicy>,
    pub origin: Option<Origin>,
}

/// Who may read the secret at a path, and those below it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct SecretPolicy {
    pub path: String,
    /// Its owners may read, and so may runs of its runbooks.
    pub component: Option<EntityRef>,
    /// Users and groups.
    pub readers: Vec<EntityRef>,
    /// The names of documents whose runs may read.
    pub documents: Vec<String>,
}

impl Default for Workload {
    fn default() -> Self {
        Self {
            name: "workload".to_owned(),
            title: None,
            description: None,
            evaluation_interval: Duration::from_secs(60),
            postmortems: "ops/postmortems".to_owned(),
            retention: Duration::from_secs(15 * 24 * 3600),
            runway: Duration::from_secs(90 * 24 * 3600),
            secrets: Vec::new(),
            origin: None,
        }
    }
}

pub(crate) fn read(tree: &Node, reading: &mut Reading<'_>) {
    schema::WORKLOAD.check(tree, &mut reading.findings, reading.promql);
    reading.findings.declare(Space::Workload, "", "the folder's settings", tree.span_of(&["kind".to_owned()]));
    for name in policies(tree).iter().filter_map(|policy| policy.get("documents")).flat_map(Node::items) {
        if let Some(text) = name.text() {
            reading.findings.refer(Level::Error, Space::Played, text, name.span);
        }
    }
    let document = decode(tree, reading);
    reading.keep(tree, document.map(Document::Workload));
}

fn decode(tree: &Node, reading: &Reading<'_>) -> Option<Workload> {
    let metadata = tree.get("metadata")?;
    let default = Workload::default();
    let spec = |field: &str| tree.at(&["spec", field]).and_then(Node::text);
    let duration = |field: &str| spec(field).and_then(|text| kernel::parse_duration(text).ok());
    Some(Workload {
        name: metadata.owned("name")?,
        title: metadata.owned("title"),
        description: metadata.owned("description"),
        evaluation_interval: duration("evaluationInterval").unwrap_or(default.evaluation_interval),
        postmortems: spec("postmortems").map_or(default.postmortems, str::to_owned),
        retention: duration("retention").unwrap_or(default.retention),
        runway: duration("runway").unwrap_or(default.runway),
        secrets: policies(tree).iter().filter_map(policy).collect(),
        origin: Some(reading.findings.origin(tree.span)),
    })
}

fn policies(tree: &Node) -> &[Node] {
    tree.at(&["spec", "secrets"]).map(Node::items).unwrap_or_default()
}

fn policy(node: &Node) -> Option<SecretPolicy> {
    let resolved = |text: &str, kind| Home::default().resolve(text, Some(kind)).ok();
    Some(SecretPolicy {
        path: node.owned("path")?,
        component: node.get("component").and_then(Node::text).and_then(|text| resolved(text, "component")),
        readers: node.texts("readers").iter().filter_map(|text| resolved(text, "group")).collect(),
        documents: node.texts("documents"),
    })
}
