//! One cell: its script in a process, or its query over the signals.

mod interpreter;
mod outputs;
mod process;
mod query;
mod script;
mod substitute;

pub use process::Process;
pub use query::run_query;
pub use script::{Surroundings, prepare, result};

/// The variable that names the file into which a cell writes its outputs.
pub const OUTPUT_VARIABLE: &str = "MAINSTAY_OUTPUT";

/// Whether a language is asked of the lake rather than given to an interpreter.
pub fn is_query(language: &str) -> bool {
    matches!(language, "sql" | "promql")
}
