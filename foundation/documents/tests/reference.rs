//! The documents that users copy from have no problem, not even a small one.

use std::path::Path;

use mainstay_documents::load;

#[test]
fn the_shops_documents_are_fine() {
    let loaded = load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/shop/ops"));
    assert_eq!(loaded.diagnostics, []);
    assert_eq!((loaded.graph.rule_groups.len(), loaded.graph.event_rules.len(), loaded.graph.runbooks.len()), (5, 4, 5));
}
