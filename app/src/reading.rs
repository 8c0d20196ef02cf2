//! How documents are read here: PromQL is checked by the engine that will evaluate it.

use std::collections::BTreeMap;
use std::sync::Arc;

use documents::Options;
use documents::promql::PromqlFault;
use documents::script::Given;

/// With more variables than this process's environment has, for scripts that refer to them.
pub fn options_with(environment: BTreeMap<String, String>) -> Options {
    let process = Arc::new(move |name: &str| environment.get(name).cloned().or_else(|| std::env::var(name).ok()));
    Options { given: Given { process, ..Given::default() }, ..options() }
}

pub fn options() -> Options {
    Options { promql: Arc::new(|expression| telemetry::promql::check(expression).map_err(|fault| PromqlFault::Wrong(fault.to_string()))), ..Options::default() }
}
