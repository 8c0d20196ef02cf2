//! Keeps secrets out of whatever is shown or stored.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::program::Program;

/// What stands for a secret.
pub const HIDDEN: &str = "•••";

/// Knows the secrets of one run, in every form.
#[derive(Clone, Default)]
pub struct Redactor {
    secrets: Vec<String>,
}

const NAMES: [&str; 7] = ["token", "passw", "secret", "key", "auth", "credential", "cookie"];
/// A shorter one would be found in half of all texts.
const SECRET_CHARS_MIN: usize = 4;
/// A line of a longer secret.
const LINE_BYTES_MIN: usize = 8;
/// What ends a text that was shortened.
pub(crate) const CUT: &str = " …";
/// Fewer bytes of the beginning of a secret say nothing of it.
const REST_BYTES_MIN: usize = 4;
/// An encoded form.
const FORM_BYTES_MIN: usize = 6;

/// Whether what is called so should not be seen.
pub fn looks_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    NAMES.iter().any(|part| name.contains(part))
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor").finish_non_exhaustive()
    }
}

impl Redactor {
    /// Knows what the script was given as secrets, and the environment variables whose names look secret, as far as the
    /// script could have read them.
    pub fn new(program: &Program) -> Self {
        let mut redactor = Self::default();
        program.secrets().for_each(|secret| redactor.learn(secret));
        program.process().filter(|(name, _)| looks_secret(name)).for_each(|(_, value)| redactor.learn(value));
        redactor
    }

    /// Of a secret of several lines, each line is one, too.
    pub fn learn(&mut self, secret: &str) {
        let lines = secret.lines().filter(|line| secret.contains('\n') && line.len() >= LINE_BYTES_MIN && !line.starts_with("-----"));
        for part in [secret].into_iter().chain(lines) {
            if part.chars().count() >= SECRET_CHARS_MIN {
                for form in forms(part) {
                    if !self.secrets.contains(&form) {
                        self.secrets.push(form);
                    }
                }
            }
        }
        // Of two secrets the longer may hold the shorter.
        self.secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    }

    pub fn knows_nothing(&self) -> bool {
        self.secrets.is_empty()
    }

    /// The text without secrets, also where they are escaped or encoded in one of the usual ways.
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.secrets.iter().any(|secret| text.contains(secret.as_str())) { Cow::Owned(self.redact_part(text, true).0) } else { Cow::Borrowed(text) }
    }

    pub fn redacted(&self, text: &str) -> String {
        self.redact(text).into_owned()
    }

    /// As [`redacted`](Self::redacted), of a text that may have been cut off within a secret.
    pub fn redacted_cut(&self, text: &str) -> String {
        let (whole, cut) = text.strip_suffix(CUT).map_or((text, ""), |whole| (whole, CUT));
        let (mut shown, taken) = self.redact_part(whole, false);
        let rest = &whole[taken..];
        shown.push_str(if rest.len() >= REST_BYTES_MIN { HIDDEN } else { rest });
        shown + cut
    }

    /// The beginning of a text that goes on, without secrets, and how many of its bytes that is: what may be the
    /// beginning of a secret waits for more, unless the text ends here.
    pub fn redact_part(&self, text: &str, ends: bool) -> (String, usize) {
        let mut shown = String::with_capacity(text.len());
        let mut at = 0;
        while let Some(next) = text[at..].chars().next() {
            let rest = &text[at..];
            if !ends && self.secrets.iter().any(|secret| secret.len() > rest.len() && secret.starts_with(rest)) {
                break;
            }
            match self.secrets.iter().find(|secret| rest.starts_with(secret.as_str())) {
                Some(secret) => {
                    shown.push_str(HIDDEN);
                    at += secret.len();
                }
                None => {
                    shown.push(next);
                    at += next.len_utf8();
                }
            }
        }
        (shown, at)
    }
}

/// As it is, and as it comes out of what programs usually do to text.
fn forms(secret: &str) -> Vec<String> {
    let json = serde_json::to_string(secret).unwrap_or_default();
    let percent = |unescaped: &str| -> String {
        let escape = |byte: u8| match byte.is_ascii_alphanumeric() || unescaped.as_bytes().contains(&byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        };
        secret.bytes().map(escape).collect()
    };
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let markup = secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    let mut forms = vec![
        secret.to_owned(),
        json.trim_matches('"').to_owned(),
        url::form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
        // JavaScript's encodeURIComponent, RFC 3986, and Python's quote.
        percent("-_.!~*'()"),
        percent("-_.~"),
        percent("-_.~/"),
        hex.to_uppercase(),
        hex,
        markup.replace('\'', "&#39;"),
        markup.replace('\'', "&apos;"),
        markup,
        // Within quotes of a shell, as it traces its commands.
        secret.replace('\'', "'\\''"),
    ];
    for shift in 0..3 {
        let encoded = base64_within(secret.as_bytes(), shift);
        forms.push(encoded.replace('+', "-").replace('/', "_"));
        forms.push(encoded);
    }
    forms.retain(|form| form == secret || form.len() >= FORM_BYTES_MIN);
    forms
}

/// The part of its Base64 that does not depend on what stands around it, behind `shift` other bytes.
fn base64_within(secret: &[u8], shift: usize) -> String {
    let bytes = [&[0; 3][..shift], secret].concat();
    let whole = bytes.len() * 8 / 6;
    let skipped = (shift * 8).div_ceil(6);
    STANDARD_NO_PAD.encode(&bytes).chars().take(whole).skip(skipped).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_tell_what_is_secret() {
        assert!(["API_TOKEN", "DbPassword", "AWS_SECRET_ACCESS_KEY", "Authorization"].iter().all(|name| looks_secret(name)));
        assert!(!["HOME", "HOST", "user"].iter().any(|name| looks_secret(name)));
    }

    #[test]
    fn a_secret_is_hidden_wherever_it_stands() {
        let mut redactor = Redactor::default();
        redactor.learn("s3cr/t");
        redactor.learn("abc");
        assert_eq!(redactor.redact("http://x/?k=s3cr%2Ft&t=s3cr/t&u=abc"), "http://x/?k=•••&t=•••&u=abc");
    }

    #[test]
    fn a_secret_is_hidden_in_every_usual_form() {
        let secret = "p/w \"it's\" <1&2> \u{e9}+";
        let mut redactor = Redactor::default();
        redactor.learn(secret);
        let python_quote = "p/w%20%22it%27s%22%20%3C1%262%3E%20%C3%A9%2B";
        let before_and_after = |before: &str| STANDARD_NO_PAD.encode(format!("{before}{secret}:more"));
        for text in [
            secret.to_owned(),
            serde_json::json!({ "a": secret }).to_string(),
            python_quote.to_owned(),
            "p%2Fw%20%22it's%22%20%3C1%262%3E%20%C3%A9%2B".to_owned(),
            before_and_after(""),
            before_and_after("u"),
            before_and_after("me"),
            before_and_after("jo:"),
            secret.bytes().map(|byte| format!("{byte:02x}")).collect(),
        ] {
            let shown = redactor.redacted(&text);
            assert!(shown.contains(HIDDEN) && shown.len() < text.len() + HIDDEN.len(), "{text} became {shown}");
            assert!(shown.chars().filter(|c| c.is_alphanumeric()).count() < 16, "{text} became {shown}");
        }
    }

    #[test]
    fn a_text_that_was_cut_within_a_secret_shows_nothing_of_it() {
        let mut redactor = Redactor::default();
        redactor.learn("correct horse battery");
        assert_eq!(redactor.redacted_cut("it is correct hor …"), "it is ••• …");
        assert_eq!(redactor.redacted_cut("it is correct hor"), "it is •••");
        assert_eq!(redactor.redacted_cut("a correct horse battery, c"), "a •••, c");
    }

    #[test]
    fn a_line_of_a_longer_secret_is_one_too() {
        let mut redactor = Redactor::default();
        redactor.learn("-----BEGIN KEY-----\nAAAABBBBCCCC\nab\n-----END KEY-----\n");
        assert_eq!(redactor.redact("x AAAABBBBCCCC ab -----BEGIN KEY-----"), "x ••• ab -----BEGIN KEY-----");
    }

    proptest! {
        #[test]
        fn a_text_in_pieces_never_shows_it(pieces in proptest::collection::vec("[ab]{0,5}|ababb|abba", 0..12)) {
            let mut redactor = Redactor::default();
            redactor.secrets = vec!["ababb".to_owned(), "abba".to_owned()];
            let (mut held, mut shown) = (String::new(), String::new());
            for piece in &pieces {
                held.push_str(piece);
                let (part, taken) = redactor.redact_part(&held, false);
                shown.push_str(&part);
                held.drain(..taken);
            }
            shown.push_str(&redactor.redact_part(&held, true).0);
            prop_assert_eq!(shown, redactor.redact_part(&pieces.concat(), true).0);
        }
    }
}
