//! How documents are read here: PromQL is checked by the engine that will evaluate it. And how values are.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{IsTerminal, Read};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use documents::Options;
use documents::promql::PromqlFault;
use documents::script::Given;
use zeroize::Zeroizing;

/// With more variables than this process's environment has, for scripts that refer to them.
pub fn options_with(environment: BTreeMap<String, String>) -> Options {
    let process = Arc::new(move |name: &str| environment.get(name).cloned().or_else(|| std::env::var(name).ok()));
    Options { given: Given { process, ..Given::default() }, ..options() }
}

pub fn options() -> Options {
    Options { promql: Arc::new(|expression| telemetry::promql::check(expression).map_err(|fault| PromqlFault::Wrong(fault.to_string()))), ..Options::default() }
}

/// Of a value that is given by a file or standard input.
const VALUE_BYTES_MAX: u64 = 1 << 20;

/// A value from a file, or from standard input if none is named; without its last newline, which editors and `echo`
/// add. Values are never taken from the arguments: those can be seen by everybody on the machine.
pub fn value(file: Option<&Path>) -> anyhow::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    let read = match file.filter(|file| *file != Path::new("-")) {
        Some(file) => File::open(file).with_context(|| format!("{} cannot be read", file.display()))?.take(VALUE_BYTES_MAX).read_to_string(&mut text),
        None => {
            if std::io::stdin().is_terminal() {
                eprintln!("type the value, then Enter and Ctrl-D");
            }
            std::io::stdin().take(VALUE_BYTES_MAX).read_to_string(&mut text)
        }
    };
    // The error itself could hold what was read.
    read.map_err(|_| anyhow::anyhow!("the value cannot be read, or is no text"))?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
}
