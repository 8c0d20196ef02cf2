//! What is wrong with a definition, for its author.

use crate::source::Place;

/// One mistake in a definition, at its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}:{}: {message}", place.line, place.column)]
pub struct Fault {
    pub place: Place,
    pub message: String,
    /// What to do about it.
    pub mend: Option<String>,
}

impl Fault {
    pub(crate) fn new(place: Place, message: impl Into<String>, mend: impl Into<Option<String>>) -> Self {
        Self { place, message: message.into(), mend: mend.into() }
    }
}

/// Collects the faults of a definition, so that its author sees all of them at once.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    pub found: Vec<Fault>,
    /// Right, but likely not meant so.
    pub doubts: Vec<Fault>,
}

/// A definition of nothing but mistakes is not worth more than this.
const FAULTS_MAX: usize = 100;

impl Faults {
    pub fn add(&mut self, place: Place, message: impl Into<String>, mend: impl Into<Option<String>>) {
        keep(&mut self.found, Fault::new(place, message, mend));
    }

    pub fn doubt(&mut self, place: Place, message: impl Into<String>, mend: impl Into<Option<String>>) {
        keep(&mut self.doubts, Fault::new(place, message, mend));
    }
}

/// A shared rule is written out at every use, and its fault told once.
fn keep(faults: &mut Vec<Fault>, fault: Fault) {
    if faults.len() < FAULTS_MAX && !faults.contains(&fault) {
        faults.push(fault);
    }
}

/// "did you mean `split`?", else the words there are.
pub(crate) fn meant(wrong: &str, known: &[&str]) -> String {
    const WORD_MAX: usize = 64;
    let similar = |name: &&&str| strsim::damerau_levenshtein(wrong, name);
    let near = known.iter().filter(|_| wrong.len() <= WORD_MAX).min_by_key(similar);
    match near {
        Some(near) if strsim::damerau_levenshtein(wrong, near) <= (wrong.chars().count() + 1) / 3 => format!("did you mean `{near}`?"),
        _ if known.is_empty() => "there are none".to_owned(),
        _ => format!("there are {}", known.join(", ")),
    }
}
