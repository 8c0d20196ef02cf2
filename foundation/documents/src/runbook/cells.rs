//! Markdown → cells.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use kernel::EntityRef;
use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::attributes::{self, Attribute, Info};
use super::{ApprovalPolicy, Display, RunbookCell};
use crate::codes;
use crate::diagnostic::Level;
use crate::findings::{Findings, Space};
use crate::source::{Home, Span};
use crate::suggest;
use crate::value::Template;

/// What the text below the front matter holds.
#[derive(Debug, Default)]
pub struct Body {
    pub heading: Option<String>,
    pub cells: Vec<RunbookCell>,
}

/// Fences of these languages are cells even without a name.
const RUNNABLE: [&str; 20] = [
    "bash", "sh", "shell", "zsh", "fish", "ksh", "powershell", "pwsh", "python", "python3", "py", "node", "javascript",
    "js", "ruby", "perl", "php", "lua", "sql", "promql",
];

/// Of Runme and of ours. `env.NAME` besides.
const ATTRIBUTES: [&str; 20] = [
    "id", "name", "interactive", "background", "cwd", "interpreter", "promptEnv", "excludeFromRunAll", "tag", "category",
    "terminalRows", "mimeType", "ignore", "timeout", "repeatable", "display", "approval", "approvals", "approvalReason",
    "approvalExpires",
];

/// `line` is the number of lines before the text in its file.
pub fn read(text: &str, line: u32, findings: &mut Findings) -> Body {
    let mut body = Body::default();
    let mut names: HashMap<String, u32> = HashMap::new();
    let mut lines = LineCounter { text, offset: 0, line: line + 1 };
    let mut open: Option<(Info, Span)> = None;
    let mut source = String::new();
    let mut heading: Option<String> = None;
    for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
        match event {
            Event::Start(Tag::Heading { level: HeadingLevel::H1, .. }) if body.heading.is_none() => heading = Some(String::new()),
            Event::End(TagEnd::Heading(HeadingLevel::H1)) => body.heading = body.heading.take().or(heading.take()),
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                let span = fence_span(text, range.start, lines.at(range.start));
                open = cell_info(&info, span, findings).map(|info| (info, span));
                source.clear();
            }
            Event::End(TagEnd::CodeBlock) => {
                if let Some((info, span)) = open.take() {
                    let cell = cell(&info, std::mem::take(&mut source), body.cells.len(), span, findings);
                    check_name(&cell, span, &mut names, findings);
                    body.cells.push(cell);
                }
            }
            Event::Text(part) | Event::Code(part) => {
                if open.is_some() {
                    source.push_str(&part);
                } else if let Some(heading) = &mut heading {
                    heading.push_str(&part);
                }
            }
            _ => {}
        }
    }
    body
}

/// `None` if the fence is prose.
fn cell_info(info: &str, span: Span, findings: &mut Findings) -> Option<Info> {
    let (parsed, fault) = attributes::parse(info);
    let runnable = RUNNABLE.contains(&parsed.language.as_str());
    if let Some(fault) = fault {
        // Other tools write braces of their own after a language that does not run.
        if runnable {
            let mend = "write { name=value other=\"two words\" } or a JSON object".to_owned();
            findings.error(codes::CELL_ATTRIBUTE, span, fault, mend);
        }
        return None;
    }
    if parsed.get("ignore") == Some("true") {
        return None;
    }
    let wanted = runnable || parsed.get("name").is_some() || parsed.get("interpreter").is_some();
    wanted.then_some(parsed)
}

fn cell(info: &Info, source: String, index: usize, span: Span, findings: &mut Findings) -> RunbookCell {
    check_attributes(info, span, findings);
    let text = |name: &str| info.get(name).map(str::to_owned);
    let mut read = Values { info, span, findings };
    RunbookCell {
        name: text("name").unwrap_or_else(|| format!("cell-{}", index + 1)),
        language: info.language.clone(),
        interpreter: text("interpreter"),
        source,
        cwd: text("cwd"),
        env: environment(&info.attributes),
        timeout: read.duration("timeout"),
        background: read.flag("background"),
        interactive: read.flag("interactive"),
        exclude_from_run_all: read.flag("excludeFromRunAll"),
        repeatable: read.flag("repeatable"),
        display: read.display(),
        tags: tags(info),
        approval: read.approval(),
        line: span.start.line,
    }
}

fn check_attributes(info: &Info, span: Span, findings: &mut Findings) {
    for Attribute { name, value } in &info.attributes {
        if let Some(fault) = name.strip_prefix("env.").and_then(|_| Template::parse(value).err()) {
            findings.error(codes::VALUE_REFERENCE, span, format!("`{name}`: {fault}"), None);
        }
        if !ATTRIBUTES.contains(&name.as_str()) && !name.starts_with("env.") {
            let mend = suggest::nearest(name, ATTRIBUTES).map(|name| format!("did you mean `{name}`?"));
            let message = format!("the attribute `{name}` means nothing to Mainstay");
            findings.report(Level::Note, codes::CELL_ATTRIBUTE, span, message, mend);
        }
    }
}

fn check_name(cell: &RunbookCell, span: Span, names: &mut HashMap<String, u32>, findings: &mut Findings) {
    if let Some(first) = names.insert(cell.name.clone(), span.start.line) {
        let message = format!("the cell `{}` has the name of the one on line {first}", cell.name);
        findings.error(codes::DUPLICATE_NAME, span, message, "give it a name of its own".to_owned());
    }
}

fn environment(attributes: &[Attribute]) -> BTreeMap<String, String> {
    attributes
        .iter()
        .filter_map(|attribute| Some((attribute.name.strip_prefix("env.")?.to_owned(), attribute.value.clone())))
        .collect()
}

fn tags(info: &Info) -> Vec<String> {
    let text = info.get("tag").or_else(|| info.get("category")).unwrap_or_default();
    text.split(',').map(|tag| tag.trim().to_owned()).filter(|tag| !tag.is_empty()).collect()
}

/// Attributes that are more than text.
struct Values<'a> {
    info: &'a Info,
    span: Span,
    findings: &'a mut Findings,
}

impl Values<'_> {
    fn flag(&mut self, name: &str) -> bool {
        match self.info.get(name) {
            None | Some("false") => false,
            Some("true") => true,
            Some(other) => {
                self.wrong(format!("`{name}` is true or false, not `{other}`"));
                false
            }
        }
    }

    fn duration(&mut self, name: &str) -> Option<Duration> {
        let parsed = kernel::parse_duration(self.info.get(name)?);
        parsed.map_err(|error| self.findings.error(codes::WRONG_DURATION, self.span, format!("`{name}`: {error}"), None)).ok()
    }

    fn display(&mut self) -> Display {
        match self.info.get("display") {
            None | Some("table") => Display::Table,
            Some("chart") => Display::Chart,
            Some(other) => {
                self.wrong(format!("`display` is table or chart, not `{other}`"));
                Display::Table
            }
        }
    }

    /// `approval=true` lets anyone but the initiator agree; else it lists users and groups.
    fn approval(&mut self) -> Option<ApprovalPolicy> {
        let needed = self.info.get("approvals");
        let listed = self.info.get("approval").filter(|text| *text != "false");
        if listed.is_none() && needed.is_none() {
            return None;
        }
        let needed = match needed.map(str::parse::<u32>) {
            None => 1,
            Some(Ok(needed)) if needed >= 1 => needed,
            Some(_) => {
                self.wrong("`approvals` is how many must agree, at least 1".to_owned());
                1
            }
        };
        let approvers = self.approvers(listed.filter(|text| *text != "true").unwrap_or_default());
        let only_users = approvers.iter().all(|approver| approver.kind() == "user");
        if !approvers.is_empty() && only_users && (approvers.len() as u64) < u64::from(needed) {
            self.wrong(format!("{needed} must agree, but only {} may", approvers.len()));
        }
        Some(ApprovalPolicy {
            approvers,
            needed,
            reason: self.info.get("approvalReason").map(str::to_owned),
            expires_after: self.duration("approvalExpires"),
        })
    }

    fn approvers(&mut self, text: &str) -> Vec<EntityRef> {
        let mut approvers = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            match Home::default().resolve(part, Some("group")) {
                Ok(approver) => {
                    self.findings.refer(Level::Error, Space::Entity, approver.to_string(), self.span);
                    approvers.push(approver);
                }
                Err(error) => self.findings.error(codes::WRONG_REFERENCE, self.span, error.to_string(), None),
            }
        }
        approvers
    }

    fn wrong(&mut self, message: String) {
        self.findings.error(codes::CELL_ATTRIBUTE, self.span, message, None);
    }
}

/// The fence's first line.
fn fence_span(text: &str, start: usize, line: u32) -> Span {
    let before = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let column = text[before..start].chars().count() as u32 + 1;
    let length = text[start..].lines().next().unwrap_or_default().trim_end().chars().count() as u32;
    Span::at(line, column, length)
}

/// Turns growing offsets into lines without counting from the top each time.
struct LineCounter<'a> {
    text: &'a str,
    offset: usize,
    line: u32,
}

impl LineCounter<'_> {
    fn at(&mut self, offset: usize) -> u32 {
        if let Some(passed) = self.text.get(self.offset..offset) {
            self.line += passed.bytes().filter(|byte| *byte == b'\n').count() as u32;
            self.offset = offset;
        }
        self.line
    }
}
