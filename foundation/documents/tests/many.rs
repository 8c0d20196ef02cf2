//! A large company's folder, as the bench writes it: without a fault, and read quickly.

#[path = "../../../bench/src/bench/generate.rs"]
mod generate;

use std::time::Instant;

use mainstay_documents::load;

#[test]
fn ten_thousand_documents_are_read_without_a_fault() {
    let folder = tempfile::tempdir().unwrap();
    generate::generate(folder.path(), 10_000).unwrap();
    let timer = Instant::now();
    let loaded = load(folder.path());
    let elapsed_ms = timer.elapsed().as_millis();
    assert_eq!(loaded.diagnostics, []);
    let graph = &loaded.graph;
    let documents = 1 + graph.entities.len() + graph.rule_groups.len() + graph.event_rules.len() + graph.runbooks.len();
    assert_eq!(documents, 10_000);
    // The bench measures in an idle moment; this only keeps it from growing worse than linear unseen.
    println!("10,000 documents in {elapsed_ms} ms");
    assert!(elapsed_ms < 20_000, "{elapsed_ms} ms");
}
