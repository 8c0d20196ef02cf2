//! Keeps secrets out of whatever is shown or stored.

use std::borrow::Cow;

use crate::program::Program;

/// What stands for a secret.
pub const HIDDEN: &str = "•••";

/// Knows the secrets of one run.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    secrets: Vec<String>,
}

const NAMES: [&str; 7] = ["token", "passw", "secret", "key", "auth", "credential", "cookie"];
/// A shorter one would be found in half of all texts.
const SECRET_CHARS_MIN: usize = 4;

/// Whether what is called so should not be seen.
pub fn looks_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    NAMES.iter().any(|part| name.contains(part))
}

impl Redactor {
    /// Knows the environment variables whose names look secret, as far as the script could have read them.
    pub fn new(program: &Program) -> Self {
        let mut redactor = Self::default();
        program.process().filter(|(name, _)| looks_secret(name)).for_each(|(_, value)| redactor.learn(value));
        redactor
    }

    pub fn learn(&mut self, secret: &str) {
        if secret.chars().count() >= SECRET_CHARS_MIN && !self.secrets.iter().any(|known| known == secret) {
            self.secrets.push(secret.to_owned());
            // Of two secrets the longer may hold the shorter.
            self.secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        }
    }

    /// The text without secrets, also where they are escaped as in a URL or in JSON.
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut shown = Cow::Borrowed(text);
        for secret in &self.secrets {
            if shown.contains(secret.as_str()) {
                shown = Cow::Owned(shown.replace(secret.as_str(), HIDDEN));
            }
            let escaped: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            if escaped != *secret && shown.contains(&escaped) {
                shown = Cow::Owned(shown.replace(&escaped, HIDDEN));
            }
        }
        shown
    }

    pub fn redacted(&self, text: &str) -> String {
        self.redact(text).into_owned()
    }
}

#[cfg(test)]
mod tests {
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
}
