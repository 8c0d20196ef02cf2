//! Which documents a text holds. By content: a file's name only helps to word a problem.

use super::front_matter::{self, Split};
use super::node::{Content, Node, Span};
use super::yaml::{self, Yaml};
use crate::codes;
use crate::findings::Findings;
use crate::script::recognize as script;

/// What a file holds, before its documents are read.
#[derive(Debug)]
pub enum Recognized<'a> {
    /// Nothing of ours.
    Nothing,
    /// YAML or JSON documents.
    Trees(Vec<Node>),
    /// A Markdown file with front matter of ours.
    Markdown(Node, Split<'a>),
}

pub const API_VERSION: &str = "mainstay.dev/v1";
const API_GROUP: &str = "mainstay.dev/";
const BACKSTAGE_GROUP: &str = "backstage.io/";
pub const MARKDOWN_KINDS: [&str; 2] = ["Runbook", "Playbook"];

/// What a tree says it is.
#[derive(Debug, PartialEq, Eq)]
pub enum Claim<'a> {
    /// An entity of Backstage's catalogue.
    Entity,
    /// Prometheus rule groups.
    Rules,
    /// A scenario script of Artillery.
    Script,
    /// An experiment of Chaos Toolkit.
    Experiment,
    /// One of our own, with what it gives as version and kind.
    Own { version: &'a str, kind: Option<&'a str> },
    Nothing,
}

pub fn claim(tree: &Node) -> Claim<'_> {
    match tree.get("apiVersion").and_then(Node::text) {
        Some(version) if version.starts_with(API_GROUP) => {
            Claim::Own { version, kind: tree.get("kind").and_then(Node::text) }
        }
        Some(version) if version.starts_with(BACKSTAGE_GROUP) => Claim::Entity,
        None if has_rule_groups(tree) => Claim::Rules,
        None if script::is_script(tree) => Claim::Script,
        None if is_experiment(tree) => Claim::Experiment,
        _ => Claim::Nothing,
    }
}

/// Reports malformed text only if it was meant as a document.
pub fn recognize<'a>(text: &'a str, findings: &mut Findings) -> Recognized<'a> {
    if !is_candidate(text) {
        return Recognized::Nothing;
    }
    if let Some(markdown) = markdown(text, findings) {
        return markdown;
    }
    let read = yaml::parse(text, 0);
    let claims = read.roots.iter().any(|root| claim(root) != Claim::Nothing);
    let meant = claims || (read.fault.is_some() && looks_meant(text));
    if !meant {
        return Recognized::Nothing;
    }
    report(&read, findings);
    Recognized::Trees(read.roots)
}

/// The trees of a text that is known to be a document; nothing if it has none, which is reported.
pub fn parse(text: &str, findings: &mut Findings) -> Vec<Node> {
    let read = yaml::parse(text, 0);
    report(&read, findings);
    if read.roots.is_empty() && read.fault.is_none() {
        findings.error(codes::SYNTAX, Span::at(1, 1, 1), "the file is empty", None);
    }
    read.roots
}

/// Whether a text is worth parsing: most files of a repository are not.
pub fn is_candidate(text: &str) -> bool {
    text.contains(API_GROUP)
        || text.contains(BACKSTAGE_GROUP)
        || (text.starts_with("---") && text.contains("runme"))
        || (text.contains("groups") && text.contains("rules"))
        || script::may_be_script(text)
        || looks_like_experiment(text)
}

/// Whether lines of a text, malformed or too large, say that it is a document. Templates of other tools
/// (Helm, Cookiecutter) look like documents and are not YAML yet.
pub fn looks_meant(text: &str) -> bool {
    let mut lines = text.lines();
    let versioned = lines.any(|line| {
        let line = line.trim_start_matches(['{', ' ', '\t', '"', '\'']);
        line.strip_prefix("apiVersion").is_some_and(|rest| {
            let value = rest.trim_start_matches(['"', '\'', ':', ' ', '\t']);
            value.starts_with(API_GROUP) || value.starts_with(BACKSTAGE_GROUP)
        })
    });
    let alarms = text.lines().any(|line| line.starts_with("groups:")) && (text.contains("alert:") || text.contains("record:"));
    let experiment = text.contains("steady-state-hypothesis") && text.contains("method") && text.contains("title");
    let template = text.lines().any(|line| line.trim_start().starts_with("{{"));
    (versioned || alarms || experiment || script::looks_meant(text)) && !template
}

fn markdown<'a>(text: &'a str, findings: &mut Findings) -> Option<Recognized<'a>> {
    let is_markdown = [".md", ".markdown", ".mdx"].iter().any(|ending| findings.path().to_lowercase().ends_with(ending));
    let Some(split) = front_matter::split(text) else {
        if is_markdown && text.starts_with("---") && looks_meant(text) {
            let mend = "close it with a line of ---".to_owned();
            findings.error(codes::SYNTAX, Span::at(1, 1, 3), "the front matter has no end", mend);
        }
        return is_markdown.then_some(Recognized::Nothing);
    };
    let mut read = yaml::parse(split.front, 1);
    let ours = read.roots.first().is_some_and(|front| is_front_matter(front, is_markdown));
    if ours || (is_markdown && read.fault.is_some() && looks_meant(split.front)) {
        report(&read, findings);
        let front = if read.roots.is_empty() { empty() } else { read.roots.remove(0) };
        return Some(Recognized::Markdown(front, split));
    }
    is_markdown.then_some(Recognized::Nothing)
}

fn is_front_matter(front: &Node, is_markdown: bool) -> bool {
    if front.entry("runme").is_some() {
        return true;
    }
    match claim(front) {
        Claim::Own { kind, .. } => is_markdown || kind.is_some_and(|kind| MARKDOWN_KINDS.contains(&kind)),
        _ => false,
    }
}

/// `groups` with `rules`, as Prometheus writes them. Grafana's provisioning files look alike but carry an
/// `apiVersion`, so they do not come here.
fn has_rule_groups(tree: &Node) -> bool {
    tree.get("groups").is_some_and(|groups| groups.items().iter().any(|group| group.entry("rules").is_some()))
}

fn looks_like_experiment(text: &str) -> bool {
    text.contains("title") && (text.contains("steady-state-hypothesis") || (text.contains("method") && (text.contains("provider") || text.contains("ref"))))
}

/// A hypothesis, or a method of activities, under a title; the rest may be missing by mistake.
fn is_experiment(tree: &Node) -> bool {
    let titled = ["title", "description"].iter().any(|field| tree.get(field).and_then(Node::text).is_some());
    let hypothesis = tree.get("steady-state-hypothesis").is_some_and(|hypothesis| !hypothesis.entries().is_empty());
    let activity = |step: &Node| {
        let kind = step.get("type").and_then(Node::text);
        let carried_out = step.get("provider").is_some_and(|provider| provider.get("type").is_some());
        carried_out || (matches!(kind, Some("action" | "probe")) && step.get("name").is_some())
    };
    let method = tree.get("method").map(Node::items).unwrap_or_default();
    titled && (hypothesis || method.iter().any(activity))
}

fn report(read: &Yaml, findings: &mut Findings) {
    for (key, first, second) in &read.duplicates {
        let message = |other: &Span| format!("`{key}` stands twice in this mapping, here and on line {}", other.start.line);
        let mend = || "keep one of the two".to_owned();
        findings.error(codes::DUPLICATE_KEY, *first, message(second), mend());
        findings.error(codes::DUPLICATE_KEY, *second, message(first), mend());
    }
    if let Some(fault) = &read.fault {
        let code = if fault.limit { codes::TOO_LARGE } else { codes::SYNTAX };
        findings.error(code, fault.span, fault.message.clone(), None);
    }
}

fn empty() -> Node {
    Node { span: Span::at(1, 1, 3), content: Content::Mapping(Vec::new()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(path: &str, text: &str) -> (usize, usize) {
        let mut findings = Findings::of(path);
        let count = match recognize(text, &mut findings) {
            Recognized::Nothing => 0,
            Recognized::Trees(trees) => trees.iter().filter(|tree| claim(tree) != Claim::Nothing).count(),
            Recognized::Markdown(..) => 1,
        };
        (count, findings.diagnostics.len())
    }

    #[test]
    fn content_decides_and_not_the_name() {
        assert_eq!(claims("a.txt", "apiVersion: mainstay.dev/v1\nkind: Workload\n"), (1, 0));
        assert_eq!(claims("a", "{\"apiVersion\": \"backstage.io/v1alpha1\"}"), (1, 0));
        assert_eq!(claims("a.yaml", "groups:\n- name: x\n  rules: []\n"), (1, 0));
        assert_eq!(claims("a.txt", "---\napiVersion: mainstay.dev/v1\nkind: Runbook\n---\n# Hi\n"), (1, 0));
        assert_eq!(claims("a.md", "---\nrunme: {id: x}\n---\n# Hi\n"), (1, 0));
    }

    #[test]
    fn other_files_are_silently_none_of_ours() {
        for text in [
            "",
            "groups: [a, b]\nrules: no",
            "apiVersion: 1\ngroups:\n- rules: []\n",
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {labels: {a: backstage.io/x}}\n",
            "{{ if x }}\napiVersion: backstage.io/v1alpha1\n: [",
            "This text mentions backstage.io/v1alpha1: [",
        ] {
            assert_eq!(claims("a.yaml", text), (0, 0), "{text}");
        }
    }

    #[test]
    fn broken_text_that_was_meant_is_reported() {
        assert_eq!(claims("a.yaml", "apiVersion: mainstay.dev/v1\nkind: [\n").1, 1);
        assert_eq!(claims("a.md", "---\napiVersion: mainstay.dev/v1\nkind: Runbook\n").1, 1);
    }
}
