//! How documents are read here: PromQL is checked by the engine that will evaluate it.

use std::sync::Arc;

use documents::Options;
use documents::promql::PromqlFault;

pub fn options() -> Options {
    Options { promql: Arc::new(|expression| telemetry::promql::check(expression).map_err(|fault| PromqlFault::Wrong(fault.to_string()))), ..Options::default() }
}
