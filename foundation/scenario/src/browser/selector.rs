//! How a script names an element: by CSS, or by the text that a person reads on it.

use serde_json::{Value, json};

/// `text=buy` is any text with these letters in it, in whatever case; `text="Buy"` is the whole text exactly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Selector<'a> {
    Css(&'a str),
    Text(&'a str),
    Exact(&'a str),
}

impl<'a> Selector<'a> {
    pub fn parse(written: &'a str) -> Self {
        let written = written.trim();
        let Some(text) = written.strip_prefix("text=") else {
            return Self::Css(written.strip_prefix("css=").unwrap_or(written));
        };
        let text = text.trim();
        let quoted = |mark: char| text.strip_prefix(mark).and_then(|text| text.strip_suffix(mark));
        quoted('"').or_else(|| quoted('\'')).map_or(Self::Text(text), Self::Exact)
    }

    pub fn to_json(&self) -> Value {
        match self {
            Self::Css(css) => json!({ "css": css }),
            Self::Text(text) => json!({ "text": text }),
            Self::Exact(text) => json!({ "exact": text }),
        }
    }

    /// The one of these that was probably meant.
    pub fn nearest(&self, candidates: &[String]) -> Option<String> {
        const NEAR: f64 = 0.6;
        let wanted = match self {
            Self::Css(css) => (*css).to_owned(),
            Self::Text(text) | Self::Exact(text) => format!("text={text}"),
        };
        let near = candidates.iter().map(|candidate| {
            let alike = strsim::normalized_damerau_levenshtein(&wanted.to_lowercase(), &candidate.to_lowercase());
            (alike, candidate)
        });
        let best = near.filter(|(alike, _)| *alike >= NEAR).max_by(|one, other| one.0.total_cmp(&other.0));
        best.map(|(_, candidate)| candidate.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_goes_by_css_or_by_its_text() {
        assert_eq!(Selector::parse("#buy > a"), Selector::Css("#buy > a"));
        assert_eq!(Selector::parse("text=Buy now "), Selector::Text("Buy now"));
        assert_eq!(Selector::parse("text=\"Buy\""), Selector::Exact("Buy"));
    }

    #[test]
    fn the_nearest_is_of_the_same_kind() {
        let candidates = ["#buy", ".buy", "text=Buy now", "#basket"].map(str::to_owned);
        assert_eq!(Selector::parse("#byu").nearest(&candidates).as_deref(), Some("#buy"));
        assert_eq!(Selector::parse("text=buy nwo").nearest(&candidates).as_deref(), Some("text=Buy now"));
        assert_eq!(Selector::parse("#payment").nearest(&candidates), None);
    }
}
