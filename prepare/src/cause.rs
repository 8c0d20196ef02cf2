//! Why something failed, in as few words as possible.

use std::error::Error;

/// The innermost reason; the outer ones repeat what was asked.
pub fn cause(error: &(dyn Error + 'static)) -> String {
    let mut innermost: &dyn Error = error;
    while let Some(inner) = innermost.source() {
        innermost = inner;
    }
    innermost.to_string()
}
