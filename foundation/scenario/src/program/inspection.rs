//! What is done with an answer, of whatever protocol.

use documents::script;

use super::compile::Compiler;
use crate::value::{Capture, Expectation, Match};

#[derive(Debug, Clone, Default)]
pub(crate) struct Inspection {
    pub captures: Box<[Capture]>,
    pub matches: Box<[Match]>,
    pub expectations: Box<[Expectation]>,
}

impl Inspection {
    /// What has faults, which are told, is left out.
    pub(super) fn compile<'a>(
        compiler: &mut Compiler<'_>,
        captures: &[script::Capture],
        matches: &[script::Match],
        expectations: impl IntoIterator<Item = &'a script::Expectation>,
    ) -> Self {
        Self {
            captures: captures.iter().filter_map(|written| compiler.take_value(Capture::compile(written))).collect(),
            matches: matches.iter().filter_map(|written| compiler.take_value(Match::compile(written))).collect(),
            expectations: expectations
                .into_iter()
                .filter_map(|written| compiler.take_value(Expectation::compile(written)))
                .collect(),
        }
    }

    /// Whether anybody looks at the answer.
    pub fn is_empty(&self) -> bool {
        self.captures.is_empty() && self.matches.is_empty() && self.expectations.is_empty()
    }
}
