//! Bad documents, each folder of `tests/bad` with the message that people see in `NAME.expected`.
//!
//! `UPDATE_EXPECTED=1 cargo test -p mainstay-documents --test bad` writes the messages anew; read them before keeping them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use mainstay_documents::{codes, load, report, schema};

/// The codes that need more than a file to show; see the tests beside them.
const SHOWN_ELSEWHERE: [&str; 1] = [codes::UNREADABLE];

fn cases() -> Vec<PathBuf> {
    let entries = fs::read_dir("tests/bad").unwrap().map(|entry| entry.unwrap().path());
    let mut cases: Vec<_> = entries.filter(|path| path.is_dir()).collect();
    cases.sort();
    cases
}

#[test]
fn every_bad_folder_has_its_expected_messages() {
    for case in cases() {
        let twin = case.with_extension("expected");
        let shown = report::text(&load(&case), false);
        if std::env::var_os("UPDATE_EXPECTED").is_some() {
            fs::write(&twin, &shown).unwrap();
        }
        let expected = fs::read_to_string(&twin).unwrap_or_default();
        assert!(shown == expected, "{} differs; it now reads:\n{shown}", twin.display());
    }
}

#[test]
fn every_code_has_a_bad_twin() {
    let shown: BTreeSet<&str> =
        cases().iter().flat_map(|case| load(case).diagnostics).map(|diagnostic| diagnostic.code).chain(SHOWN_ELSEWHERE).collect();
    let all: BTreeSet<&str> = codes::ALL.iter().map(|code| code.code).collect();
    assert_eq!(shown, all);
}

#[test]
fn every_kind_has_a_bad_twin() {
    for schema in schema::ALL {
        let folder = match schema.name {
            "entity" => "catalog",
            name => name,
        };
        assert!(Path::new("tests/bad").join(folder).is_dir(), "{}", schema.name);
    }
}

#[test]
fn a_folder_that_is_not_there_is_a_diagnostic() {
    let loaded = load(Path::new("tests/no-such-folder"));
    assert_eq!((loaded.diagnostics[0].code, loaded.files), (codes::UNREADABLE, 0));
}

#[test]
fn a_document_past_the_size_limit_is_a_diagnostic() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("apiVersion: mainstay.dev/v1\nkind: Workload\nmetadata: {{ name: x }}\n#{}", "x".repeat(1024 * 1024));
    fs::write(folder.path().join("big.yaml"), text).unwrap();
    fs::write(folder.path().join("data.json"), format!("[\"{}\"]", "backstage.io/".repeat(100_000))).unwrap();
    let codes: Vec<_> = load(folder.path()).diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
    assert_eq!(codes, [codes::TOO_LARGE]);
}

#[test]
fn what_is_broken_is_left_out_and_the_rest_works() {
    let graph = load(Path::new("tests/bad/rules")).graph;
    let names: Vec<_> = graph.rule_groups.iter().map(|group| group.name.as_str()).collect();
    assert_eq!(names, [""; 0], "the group's own interval is wrong");
    let graph = load(Path::new("tests/bad/duplicate-name")).graph;
    assert_eq!((graph.entities.len(), graph.runbooks.len(), graph.rule_groups.len()), (1, 1, 2), "the first stays");
}

#[test]
fn the_documentation_lists_exactly_the_codes_there_are() {
    let text = fs::read_to_string("../../docs/diagnostics.md").unwrap();
    let mut sections = text.split("\n## ").skip(1);
    for code in codes::ALL {
        let section = sections.next().unwrap_or_default();
        assert_eq!(section.lines().next(), Some(code.code));
        assert!(section.contains(code.meaning) && section.contains("**Mend.** "), "{}", code.code);
    }
    assert_eq!(sections.next(), None);
}
