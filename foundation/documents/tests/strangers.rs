//! Whatever a stranger puts into a repository is read without a panic, and in bounded time.

use std::fs;
use std::path::Path;

use mainstay_documents::{load, report};
use proptest::prelude::*;

/// Every document of the good and the bad folders.
fn seeds() -> Vec<String> {
    let mut seeds = Vec::new();
    let mut folders = vec![Path::new("tests/good").to_owned(), Path::new("tests/bad").to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                seeds.push(fs::read_to_string(path).unwrap());
            }
        }
    }
    seeds.sort();
    seeds
}

fn survives(name: &str, bytes: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(name), bytes).unwrap();
    let loaded = load(folder.path());
    report::text(&loaded, true);
    report::sarif(&loaded, "0.0.0");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn truncated_documents_are_read(seed in any::<prop::sample::Index>(), cut in any::<prop::sample::Index>(), markdown in any::<bool>()) {
        let seeds = seeds();
        let seed = seed.get(&seeds);
        let name = if markdown { "a.md" } else { "a.yaml" };
        survives(name, &seed.as_bytes()[..cut.index(seed.len())]);
    }

    #[test]
    fn mutated_documents_are_read(
        seed in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(PIECES)), 1..6),
        markdown in any::<bool>(),
    ) {
        let seeds = seeds();
        let mut text: Vec<char> = seed.get(&seeds).chars().collect();
        for (place, piece) in edits {
            let place = place.index(text.len());
            text.splice(place..(place + 1).min(text.len()), piece.chars());
        }
        survives(if markdown { "a.md" } else { "a.yaml" }, text.into_iter().collect::<String>().as_bytes());
    }

    #[test]
    fn bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut document = b"apiVersion: mainstay.dev/v1\nkind: Workload\n".to_vec();
        document.extend(bytes);
        survives("a.yaml", &document);
    }
}

/// What trips parsers up.
const PIECES: &[&str] = &[
    "", "\n", "\t", "\r", ":", "- ", "[", "]", "{", "}", "{{", "}}", "\"", "'", "&a ", "*a", "<<: ", "? ", "| ", "> ", "!!", "%", "@",
    "---\n", "...\n", "```", "~~~", "#", "\u{feff}", "é", "🦀", "null", "9999999999999999999999", "1e999", "-", "\\", "\u{85}", "\u{2028}",
];
