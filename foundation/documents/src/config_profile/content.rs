//! The bytes of a configuration: found, checked, and compiled if they are flags.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use flags::{FlagSet, Format};
use jsonschema::Validator;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{ProfileKind, json_schema};
use crate::codes;
use crate::diagnostic::{Diagnostic, Level, Origin};
use crate::kinds::Reading;
use crate::source::walk::{self, Text};
use crate::source::yaml;
use crate::source::{Node, Shape, Span};

/// One version of a configuration. Two are the same if their bytes are.
#[derive(Debug, Clone, Serialize)]
pub struct ConfigContent {
    /// The first half of the SHA-256 of its bytes, in hexadecimal.
    pub version: String,
    pub content_type: String,
    /// Below the folder of documents; none if it stands in the document.
    pub file: Option<String>,
    #[serde(skip)]
    pub bytes: Arc<[u8]>,
    #[serde(skip)]
    pub flags: Option<Arc<FlagSet>>,
}

impl PartialEq for ConfigContent {
    fn eq(&self, other: &Self) -> bool {
        (&self.bytes, &self.content_type, &self.file) == (&other.bytes, &other.content_type, &other.file)
    }
}

/// What the profile says of all its contents.
pub struct Given {
    pub kind: ProfileKind,
    pub format: Option<Format>,
    pub content_type: Option<String>,
    pub schemas: Vec<Validator>,
}

impl ConfigContent {
    /// As it was when its version was read, from what was kept of it. The error says why its flags do not compile.
    pub fn restored(version: &str, content_type: &str, file: Option<&str>, text: &str, flags: Option<Format>) -> Result<Self, String> {
        let told = |faults: Vec<flags::Fault>| faults.first().map_or_else(String::new, ToString::to_string);
        let flags = flags.map(|format| FlagSet::compile(text.as_bytes(), Some(format)).map(Arc::new).map_err(told)).transpose()?;
        Ok(Self {
            version: version.to_owned(),
            content_type: content_type.to_owned(),
            file: file.map(str::to_owned),
            bytes: text.as_bytes().into(),
            flags,
        })
    }
}

/// A text, and where what is wrong with it is to be told.
struct Written {
    text: String,
    place: Where,
}

enum Where {
    /// A file, below the folder of documents.
    File(String),
    /// A mapping in the document: JSON, whose places are not those of the document.
    Inside(Span),
}

/// `spec` holds `file` or `content`; `span` is where the lack of both is told.
pub fn read(spec: &Node, span: Span, given: &Given, reading: &mut Reading<'_>) -> Option<ConfigContent> {
    let written = match (spec.get("file"), spec.get("content")) {
        (Some(file), None) => from_file(file, reading)?,
        (None, Some(content)) => inside(content),
        (Some(_), Some(content)) => {
            let message = "the content stands in `file` and in `content`";
            reading.findings.error(codes::WRONG_VALUE, content.span, message, "keep one of the two".to_owned());
            return None;
        }
        (None, None) => {
            let mend = "add `file` or `content`, here or for the whole profile".to_owned();
            reading.findings.error(codes::MISSING_FIELD, span, "the environment has no content", mend);
            return None;
        }
    };
    let content_type = given.content_type.clone().unwrap_or_else(|| guessed(&written, given.kind).to_owned());
    let flags = match given.kind {
        ProfileKind::Flags => Some(compiled(&written, given.format, reading)?),
        ProfileKind::Freeform => {
            freeform(&written, &content_type, &given.schemas, reading)?;
            None
        }
    };
    let file = match written.place {
        Where::File(path) => Some(path),
        Where::Inside(_) => None,
    };
    Some(ConfigContent { version: version(written.text.as_bytes()), content_type, file, bytes: written.text.into_bytes().into(), flags })
}

fn from_file(node: &Node, reading: &mut Reading<'_>) -> Option<Written> {
    let name = node.text()?;
    let text = text_of(node, name, reading)?;
    Some(Written { text, place: Where::File(below(reading.findings.path(), name)) })
}

/// The text of a file that a document names; what is wrong is told where it is named.
pub fn text_of(node: &Node, name: &str, reading: &mut Reading<'_>) -> Option<String> {
    let file = reading.folder.join(name);
    let (code, message, mend) = match walk::read(&file) {
        Ok(Text::Whole(text)) => return Some(text),
        Ok(Text::Beginning(_)) => (codes::TOO_LARGE, format!("{} is larger than {} bytes", file.display(), walk::FILE_BYTES_MAX), None),
        Ok(Text::Binary) => (codes::UNREADABLE, format!("{} is not text", file.display()), None),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let mend = "paths are relative to this document".to_owned();
            (codes::MISSING_FILE, format!("the file is not there: {}", file.display()), Some(mend))
        }
        Err(error) => (codes::UNREADABLE, format!("{}: {error}", file.display()), None),
    };
    reading.findings.error(code, node.span, message, mend);
    None
}

fn inside(node: &Node) -> Written {
    let text = match node.shape() {
        Shape::Object | Shape::Array => node.to_json().to_string(),
        _ => node.text().unwrap_or_default().to_owned(),
    };
    Written { text, place: Where::Inside(node.span) }
}

fn guessed(written: &Written, kind: ProfileKind) -> &'static str {
    match &written.place {
        _ if kind == ProfileKind::Flags => "application/json",
        Where::File(path) if path.ends_with(".json") => "application/json",
        Where::File(path) if path.ends_with(".yaml") || path.ends_with(".yml") => "application/x-yaml",
        Where::Inside(_) if written.text.starts_with(['{', '[']) => "application/json",
        _ => "text/plain",
    }
}

fn compiled(written: &Written, format: Option<Format>, reading: &mut Reading<'_>) -> Option<Arc<FlagSet>> {
    match FlagSet::compile(written.text.as_bytes(), format) {
        Ok(set) => {
            for doubt in set.doubts() {
                written.tell(Level::Warning, codes::FLAGS_DOUBT, place(doubt.place), doubt.message.clone(), doubt.mend.clone(), reading);
            }
            Some(Arc::new(set))
        }
        Err(faults) => {
            for fault in faults {
                written.tell(Level::Error, codes::FLAGS, place(fault.place), fault.message, fault.mend, reading);
            }
            None
        }
    }
}

/// What says that it is JSON or YAML must be so, and fit its schemas.
fn freeform(written: &Written, content_type: &str, schemas: &[Validator], reading: &mut Reading<'_>) -> Option<()> {
    let tree = match content_type.split(';').next().unwrap_or_default().trim() {
        "application/json" => json(written, reading)?,
        "application/x-yaml" | "application/yaml" => yaml(written, reading)?,
        _ => return Some(()),
    };
    let mut fits = true;
    for schema in schemas {
        for wrong in json_schema::check(schema, &tree) {
            fits = false;
            written.tell(Level::Error, codes::CONTENT, wrong.span, wrong.message, None, reading);
        }
    }
    fits.then_some(())
}

fn json(written: &Written, reading: &mut Reading<'_>) -> Option<Node> {
    match serde_json::from_str::<Value>(&written.text) {
        // The tree with its places is YAML's, which reads JSON too.
        Ok(_) => yaml(written, reading),
        Err(error) => {
            let span = Span::at(error.line() as u32, error.column().max(1) as u32, 1);
            written.tell(Level::Error, codes::SYNTAX, span, format!("not JSON: {error}"), None, reading);
            None
        }
    }
}

fn yaml(written: &Written, reading: &mut Reading<'_>) -> Option<Node> {
    let read = yaml::parse(&written.text, 0);
    if let Some(fault) = read.fault {
        written.tell(Level::Error, codes::SYNTAX, fault.span, fault.message, None, reading);
        return None;
    }
    read.roots.into_iter().next()
}

impl Written {
    fn tell(&self, level: Level, code: &'static str, span: Span, message: String, mend: Option<String>, reading: &mut Reading<'_>) {
        match &self.place {
            Where::Inside(span) => reading.findings.report(level, code, *span, message, mend),
            Where::File(path) => {
                let origin = Origin { path: path.clone(), line: span.start.line, column: span.start.column };
                // Several environments may have the same file.
                let diagnostic = Diagnostic { code, level, origin, length: span.length, message, mend };
                if !reading.findings.diagnostics.contains(&diagnostic) {
                    reading.findings.diagnostics.push(diagnostic);
                }
            }
        }
    }
}

fn place(place: flags::Place) -> Span {
    Span::at(place.line, place.column, 1)
}

fn version(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// A path beside a document, below the folder of documents.
fn below(document: &str, name: &str) -> String {
    let mut path = PathBuf::new();
    for part in Path::new(document).parent().unwrap_or(Path::new("")).join(name).components() {
        match part {
            Component::ParentDir if path.file_name().is_some() => {
                path.pop();
            }
            Component::CurDir => {}
            part => path.push(part),
        }
    }
    path.to_string_lossy().replace('\\', "/")
}
