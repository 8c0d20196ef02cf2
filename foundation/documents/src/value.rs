//! References to values that are kept elsewhere: `{{resolve:SERVICE:KEY}}` within a text.
//!
//! The notation is that of CloudFormation's dynamic references, so that templates and documents say the same:
//!
//! | reference | value |
//! | --- | --- |
//! | `{{resolve:mainstay:/path}}`, `:/path:3`, `:/path:label` | a parameter of Mainstay: the newest version, a version, where a label stands |
//! | `{{resolve:mainstay-secret:/path}}`, `:/path:pending`, `:/path:3` | a secret of Mainstay: the current version, a stage's, a version |
//! | `{{resolve:ssm:NAME}}`, `:NAME:3`, `:NAME:label` | a parameter of AWS Systems Manager |
//! | `{{resolve:ssm-secure:NAME}}` | one of its secure strings |
//! | `{{resolve:secretsmanager:ID:SecretString:JSON-KEY:STAGE:VERSION}}` | a secret of AWS Secrets Manager; all after the id may be left out |
//! | `{{resolve:env:NAME}}` | a variable of the environment |
//!
//! Source: AWS CloudFormation User Guide, "Using dynamic references to specify template values".

use std::fmt;

use serde_json::Value;

/// A text with references in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    pub pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    Text(String),
    Reference(Reference),
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reference {
    Parameter { path: String, at: ParameterAt },
    Secret { path: String, at: SecretAt },
    /// `at` is a version or a label.
    Ssm { name: String, at: Option<String>, secure: bool },
    SecretsManager { id: String, json_key: Option<String>, stage: Option<String>, version: Option<String> },
    Environment { name: String },
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ParameterAt {
    Latest,
    Version(i64),
    Label(String),
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecretAt {
    Current,
    Pending,
    Previous,
    Version(i64),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    #[error("`{{{{resolve:…` is not closed by `}}}}`")]
    Open,
    #[error("there is no service `{0}` to resolve from; write mainstay, mainstay-secret, ssm, ssm-secure, secretsmanager or env")]
    Service(String),
    #[error("`{{{{resolve:{0}:…}}}}` names nothing")]
    Nothing(String),
    #[error(transparent)]
    Path(#[from] PathError),
    #[error("`{0}` is neither a version nor a label of a parameter; a label has letters, digits, ., - and _ and does not begin with a digit")]
    Label(String),
    #[error("`{0}` is neither a version of a secret nor one of its stages: current, pending, previous")]
    Stage(String),
    #[error("of a secret of Secrets Manager, only SecretString can be resolved, not `{0}`")]
    Binary(String),
    #[error("`{0}` cannot be the name of an environment variable")]
    Variable(String),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a path: write /a/b/c, at most {LEVELS_MAX} levels of letters, digits, ., - and _")]
pub struct PathError(pub String);

/// As in Parameter Store.
const LEVELS_MAX: usize = 15;
const PATH_BYTES_MAX: usize = 512;
const LABEL_BYTES_MAX: usize = 100;
const OPENING: &str = "{{resolve:";

/// Refuses what is no path of a parameter or a secret.
pub fn check_path(path: &str) -> Result<(), PathError> {
    let refused = || PathError(path.chars().take(80).collect());
    let levels = path.strip_prefix('/').ok_or_else(refused)?;
    let is_level = |level: &str| !level.is_empty() && level.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)) && level != "." && level != "..";
    let fits = path.len() <= PATH_BYTES_MAX && levels.split('/').count() <= LEVELS_MAX;
    if fits && levels.split('/').all(is_level) { Ok(()) } else { Err(refused()) }
}

/// Whether a label of a parameter may be called so.
pub fn is_label(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    !text.is_empty()
        && text.len() <= LABEL_BYTES_MAX
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && !lower.starts_with("aws")
        && !lower.starts_with("ssm")
}

impl Template {
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find(OPENING) {
            if start > 0 {
                pieces.push(Piece::Text(rest[..start].to_owned()));
            }
            let inside = &rest[start + OPENING.len()..];
            let end = inside.find("}}").ok_or(ReferenceError::Open)?;
            pieces.push(Piece::Reference(inside[..end].trim().parse()?));
            rest = &inside[end + 2..];
        }
        if !rest.is_empty() || pieces.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Self { pieces })
    }

    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Reference(reference) => Some(reference),
            Piece::Text(_) => None,
        })
    }
}

/// Whether a text, or any text within a value, holds a reference, be it well-formed or not.
pub fn holds_reference(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains(OPENING),
        Value::Array(items) => items.iter().any(holds_reference),
        Value::Object(fields) => fields.values().any(holds_reference),
        _ => false,
    }
}

impl std::str::FromStr for Reference {
    type Err = ReferenceError;

    /// What stands within the braces after `resolve:`, for example `mainstay-secret:/shop/token:pending`.
    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let (service, key) = text.split_once(':').unwrap_or((text, ""));
        let known = ["mainstay", "mainstay-secret", "ssm", "ssm-secure", "secretsmanager", "env"];
        if !known.contains(&service) {
            return Err(ReferenceError::Service(service.chars().take(40).collect()));
        }
        if key.split(':').next().is_none_or(str::is_empty) {
            return Err(ReferenceError::Nothing(service.to_owned()));
        }
        match service {
            "mainstay" => parameter(key),
            "mainstay-secret" => secret(key),
            "ssm" | "ssm-secure" => Ok(ssm(key, service == "ssm-secure")),
            "secretsmanager" => secrets_manager(key),
            _ => environment(key),
        }
    }
}

fn parameter(key: &str) -> Result<Reference, ReferenceError> {
    let (path, at) = key.split_once(':').unwrap_or((key, ""));
    check_path(path)?;
    let at = match at {
        "" => ParameterAt::Latest,
        number if number.bytes().all(|byte| byte.is_ascii_digit()) => ParameterAt::Version(version(number).ok_or_else(|| ReferenceError::Label(at.to_owned()))?),
        label if is_label(label) => ParameterAt::Label(label.to_owned()),
        other => return Err(ReferenceError::Label(other.to_owned())),
    };
    Ok(Reference::Parameter { path: path.to_owned(), at })
}

fn secret(key: &str) -> Result<Reference, ReferenceError> {
    let (path, at) = key.split_once(':').unwrap_or((key, ""));
    check_path(path)?;
    let at = match at {
        "" | "current" | "AWSCURRENT" => SecretAt::Current,
        "pending" | "AWSPENDING" => SecretAt::Pending,
        "previous" | "AWSPREVIOUS" => SecretAt::Previous,
        number => SecretAt::Version(version(number).ok_or_else(|| ReferenceError::Stage(number.to_owned()))?),
    };
    Ok(Reference::Secret { path: path.to_owned(), at })
}

fn version(text: &str) -> Option<i64> {
    text.parse().ok().filter(|version| *version > 0)
}

/// A name may be an ARN, which has colons of its own.
fn ssm(key: &str, secure: bool) -> Reference {
    let (name, at) = split_after_arn(key);
    Reference::Ssm { name: name.to_owned(), at: at.split(':').next().filter(|at| !at.is_empty()).map(str::to_owned), secure }
}

fn secrets_manager(key: &str) -> Result<Reference, ReferenceError> {
    let (id, rest) = split_after_arn(key);
    let mut parts = rest.split(':').map(|part| (!part.is_empty()).then(|| part.to_owned()));
    let mut next = || parts.next().flatten();
    match next() {
        Some(kind) if kind != "SecretString" => return Err(ReferenceError::Binary(kind)),
        _ => {}
    }
    Ok(Reference::SecretsManager { id: id.to_owned(), json_key: next(), stage: next(), version: next() })
}

/// An ARN ends with its seventh part in Secrets Manager, with its sixth in Systems Manager.
fn split_after_arn(key: &str) -> (&str, &str) {
    let parts = match key {
        arn if arn.starts_with("arn:") && arn.contains(":secretsmanager:") => 7,
        arn if arn.starts_with("arn:") => 6,
        _ => 1,
    };
    match key.match_indices(':').nth(parts - 1) {
        Some((end, _)) => (&key[..end], &key[end + 1..]),
        None => (key, ""),
    }
}

fn environment(name: &str) -> Result<Reference, ReferenceError> {
    let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !name.starts_with(|c: char| c.is_ascii_digit());
    if is_name { Ok(Reference::Environment { name: name.to_owned() }) } else { Err(ReferenceError::Variable(name.to_owned())) }
}

/// As it stands within the braces after `resolve:`.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let optional = |part: &Option<String>| part.clone().unwrap_or_default();
        match self {
            Self::Parameter { path, at } => write!(f, "mainstay:{path}{at}"),
            Self::Secret { path, at } => write!(f, "mainstay-secret:{path}{at}"),
            Self::Ssm { name, at, secure } => {
                let at = at.as_ref().map(|at| format!(":{at}")).unwrap_or_default();
                write!(f, "ssm{}:{name}{at}", if *secure { "-secure" } else { "" })
            }
            Self::SecretsManager { id, json_key: None, stage: None, version: None } => write!(f, "secretsmanager:{id}"),
            Self::SecretsManager { id, json_key, stage, version } => {
                write!(f, "secretsmanager:{id}:SecretString:{}:{}:{}", optional(json_key), optional(stage), optional(version))
            }
            Self::Environment { name } => write!(f, "env:{name}"),
        }
    }
}

impl fmt::Display for ParameterAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest => Ok(()),
            Self::Version(version) => write!(f, ":{version}"),
            Self::Label(label) => write!(f, ":{label}"),
        }
    }
}

impl fmt::Display for SecretAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Current => Ok(()),
            Self::Pending => f.write_str(":pending"),
            Self::Previous => f.write_str(":previous"),
            Self::Version(version) => write!(f, ":{version}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn only(text: &str) -> Reference {
        match &Template::parse(text).unwrap().pieces[..] {
            [Piece::Reference(reference)] => reference.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_service_is_read() {
        let arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbC";
        for (text, shown) in [
            ("{{resolve:mainstay:/shop/timeout}}", "mainstay:/shop/timeout".to_owned()),
            ("{{resolve:mainstay:/shop/timeout:3}}", "mainstay:/shop/timeout:3".to_owned()),
            ("{{resolve:mainstay:/shop/timeout:prod}}", "mainstay:/shop/timeout:prod".to_owned()),
            ("{{resolve:mainstay-secret:/shop/token:AWSPENDING}}", "mainstay-secret:/shop/token:pending".to_owned()),
            ("{{resolve:mainstay-secret:/shop/token:2}}", "mainstay-secret:/shop/token:2".to_owned()),
            ("{{resolve:ssm:/shop/x:7}}", "ssm:/shop/x:7".to_owned()),
            ("{{resolve:ssm-secure:x}}", "ssm-secure:x".to_owned()),
            ("{{resolve:secretsmanager:db}}", "secretsmanager:db".to_owned()),
            ("{{resolve:secretsmanager:db::::}}", "secretsmanager:db".to_owned()),
            ("{{resolve:secretsmanager:db:SecretString:password:AWSPREVIOUS}}", "secretsmanager:db:SecretString:password:AWSPREVIOUS:".to_owned()),
            (&format!("{{{{resolve:secretsmanager:{arn}:SecretString:user}}}}"), format!("secretsmanager:{arn}:SecretString:user::")),
            ("{{resolve:env:HOME}}", "env:HOME".to_owned()),
        ] {
            assert_eq!(only(text).to_string(), shown, "{text}");
        }
    }

    #[test]
    fn references_stand_within_text() {
        let template = Template::parse("postgres://app:{{resolve:mainstay-secret:/db}}@{{resolve:env:HOST}}/shop").unwrap();
        assert_eq!(template.pieces.len(), 5);
        assert_eq!(template.references().count(), 2);
        for text in ["", "plain", "{{ other }}", "{{resolved}}"] {
            assert_eq!(Template::parse(text).unwrap().pieces, [Piece::Text(text.to_owned())]);
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (text, expected) in [
            ("{{resolve:mainstay:/x", "`{{resolve:…` is not closed by `}}`"),
            ("{{resolve:vault:/x}}", "there is no service `vault`"),
            ("{{resolve:env:}}", "`{{resolve:env:…}}` names nothing"),
            ("{{resolve:ssm::7}}", "`{{resolve:ssm:…}}` names nothing"),
            ("{{resolve:env:A-B}}", "cannot be the name of an environment variable"),
            ("{{resolve:mainstay:x}}", "`x` is not a path"),
            ("{{resolve:mainstay:/a//b}}", "`/a//b` is not a path"),
            ("{{resolve:mainstay:/a/../b}}", "`/a/../b` is not a path"),
            ("{{resolve:mainstay:/a:aws-x}}", "neither a version nor a label"),
            ("{{resolve:mainstay-secret:/a:next}}", "one of its stages: current, pending, previous"),
            ("{{resolve:secretsmanager:a:SecretBinary}}", "only SecretString"),
        ] {
            let error = Template::parse(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back(text in "(mainstay|mainstay-secret|ssm|ssm-secure|secretsmanager|env):[/a-z0-9:._-]{0,20}") {
            if let Ok(reference) = text.parse::<Reference>() {
                prop_assert_eq!(reference.to_string().parse::<Reference>(), Ok(reference));
            }
        }

        #[test]
        fn nothing_panics(text in "(\\{\\{resolve:)?[a-z{}:/0-9 é-]{0,60}") {
            let _ = Template::parse(&text);
        }
    }
}
