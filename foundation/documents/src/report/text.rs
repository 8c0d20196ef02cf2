//! For people, in a terminal: each problem with its line, and a count at the end.

use std::collections::HashMap;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Element, Level as Mark, Origin as Place, Renderer, Snippet, normalize_untrusted_str};

use super::{Counts, shown};
use crate::diagnostic::{Diagnostic, Level};
use crate::graph::Loaded;

/// Reads the files again to show their lines; a file that changed meanwhile shows no line.
pub fn text(loaded: &Loaded, color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let mut files: HashMap<&str, Vec<String>> = HashMap::new();
    let mut report = String::new();
    for diagnostic in &loaded.diagnostics {
        let path = diagnostic.origin.path.as_str();
        let lines = files.entry(path).or_insert_with(|| {
            let text = std::fs::read_to_string(loaded.graph.root.join(path)).unwrap_or_default();
            text.trim_start_matches('\u{feff}').lines().map(str::to_owned).collect()
        });
        let line = lines.get(diagnostic.origin.line.saturating_sub(1) as usize).map(String::as_str);
        report.push_str(&one(&renderer, diagnostic, &shown(&loaded.graph.root, path), line));
        report.push_str("\n\n");
    }
    report.push_str(&summary(loaded));
    report.push('\n');
    report
}

fn one(renderer: &Renderer, diagnostic: &Diagnostic, path: &str, line: Option<&str>) -> String {
    let mark = match diagnostic.level {
        Level::Error => Mark::ERROR,
        Level::Warning => Mark::WARNING,
        Level::Note => Mark::NOTE,
    };
    // Documents are strangers' text: no control sequences of theirs reach the terminal.
    let title = mark.primary_title(normalize_untrusted_str(&diagnostic.message)).id(diagnostic.code);
    let number = diagnostic.origin.line as usize;
    let place: Element<'_> = match line {
        Some(line) => Snippet::source(line)
            .line_start(number)
            .path(path)
            .annotation(AnnotationKind::Primary.span(bytes(line, diagnostic)))
            .into(),
        None => Place::path(path).line(number).char_column(diagnostic.origin.column as usize).into(),
    };
    let mut group = title.element(place);
    if let Some(mend) = &diagnostic.mend {
        group = group.element(Mark::HELP.message(normalize_untrusted_str(mend)));
    }
    renderer.render(&[group])
}

/// Characters → bytes of the line.
fn bytes(line: &str, diagnostic: &Diagnostic) -> Range<usize> {
    let first = diagnostic.origin.column.saturating_sub(1) as usize;
    let byte_of = |character: usize| line.char_indices().nth(character).map_or(line.len(), |(byte, _)| byte);
    let start = byte_of(first);
    start..byte_of(first.saturating_add(diagnostic.length as usize)).max(start)
}

fn summary(loaded: &Loaded) -> String {
    let counts = Counts::of(&loaded.diagnostics);
    let files = many(loaded.files, "file with documents", "files with documents");
    if counts == Counts::default() {
        return format!("{files}: no problems");
    }
    let parts = [
        (counts.errors, "error", "errors"),
        (counts.warnings, "warning", "warnings"),
        (counts.notes, "note", "notes"),
    ];
    let parts: Vec<String> =
        parts.into_iter().filter(|(count, ..)| *count > 0).map(|(count, one, more)| many(count, one, more)).collect();
    format!("{files}: {}", parts.join(", "))
}

fn many(count: usize, one: &str, more: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { more })
}
